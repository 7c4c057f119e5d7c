"""A small model with a schema, a reference and a log, and what runs its jobs."""

import io
import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from django.conf import settings
from django.utils.module_loading import import_string

from ledger import claims
from ledger.models import Job, JobState
from monitoring.jobs.baselines import count_new_references
from monitoring.services.ingest import accept_outcomes, accept_predictions
from registry.gateways import store
from registry.models import Model, Reference, Schema, Version

START = datetime(2026, 3, 2, tzinfo=UTC)  # a Monday
FIELDS: list[dict[str, Any]] = [
    {"name": "flight", "dtype": "string", "role": "id", "nullable": False},
    {"name": "at", "dtype": "timestamp", "role": "timestamp", "nullable": False},
    {"name": "temperature", "dtype": "number", "role": "feature", "minimum": -60, "maximum": 60},
    {"name": "distance", "dtype": "integer", "role": "feature", "nullable": False},
    {"name": "carrier", "dtype": "string", "role": "feature"},
    {"name": "night", "dtype": "boolean", "role": "feature"},
    {
        "name": "origin",
        "dtype": "string",
        "role": "segment",
        "categories": ["EWR", "JFK", "LGA"],
    },
    {"name": "late", "dtype": "boolean", "role": "prediction", "nullable": False},
    {"name": "score", "dtype": "number", "role": "score", "minimum": 0, "maximum": 1},
    {"name": "was_late", "dtype": "boolean", "role": "outcome"},
]


def rows(
    n: int,
    *,
    start: datetime = START,
    hours: float = 24.0,
    prefix: str = "f",
    warmer: float = 0.0,
    skill: float = 2.0,
    seed: int = 0,
) -> list[dict[str, Any]]:
    """`n` predictions spread over `hours`, with their outcomes under `was_late`."""
    rng = np.random.default_rng(seed)
    truth = rng.random(n) < 0.3
    score = 1 / (1 + np.exp(-(skill * (truth - 0.5) + rng.normal(size=n))))
    return [
        {
            "flight": f"{prefix}{place}",
            "at": start + timedelta(hours=hours * place / n),
            "temperature": float(rng.normal(5 + warmer, 4)),
            "distance": int(rng.integers(100, 3000)),
            "carrier": str(rng.choice(["AA", "UA", "DL"])),
            "night": bool(rng.random() < 0.2),
            "origin": str(rng.choice(["EWR", "JFK", "LGA"])),
            "late": bool(score[place] > 0.5),
            "score": float(score[place]),
            "was_late": bool(truth[place]),
        }
        for place in range(n)
    ]


def predictions(found: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{key: value for key, value in row.items() if key != "was_late"} for row in found]


def outcomes(
    found: Iterable[dict[str, Any]], *, after: float = 5.0, with_time: bool = True
) -> list[dict[str, Any]]:
    return [
        {
            "prediction_id": row["flight"],
            "outcome": row["was_late"],
            **({"prediction_time": row["at"]} if with_time else {}),
            "outcome_time": row["at"] + timedelta(hours=after),
        }
        for row in found
    ]


def plain(row: dict[str, Any]) -> dict[str, Any]:
    return {
        key: value.isoformat() if isinstance(value, datetime) else value
        for key, value in row.items()
    }


def ndjson(found: Iterable[dict[str, Any]]) -> bytes:
    return "\n".join(json.dumps(plain(row)) for row in found).encode()


def parquet(found: Sequence[dict[str, Any]]) -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(list(found)), sink)
    return sink.getvalue()


@cache
def usual_reference() -> bytes:
    return parquet(rows(4000, start=START - timedelta(days=30), hours=24 * 28, seed=99))


def make_model(team: Any, owner: Any, *, slug: str = "flight-delay", task: str = "binary") -> Model:
    return Model.objects.create(
        slug=slug,
        name=slug.replace("-", " ").capitalize(),
        purpose="Warn travellers.",
        team=team,
        owner=owner,
        task=task,
        risk_tier="medium",
        outcome_horizon_hours=168,
    )


def make_version(
    model: Model,
    *,
    number: int = 1,
    fields: list[dict[str, Any]] | None = None,
    reference: Sequence[dict[str, Any]] | None = None,
) -> Version:
    """A version with schema and reference; an empty reference leaves it without one."""
    version = Version.objects.create(model=model, number=number)
    Schema.objects.create(version=version, fields=fields or FIELDS, digest="0" * 64)
    if reference is None or reference:
        path = f"references/{version.pk}/r.parquet"
        content = usual_reference() if reference is None else parquet(reference)
        digest = store.put_bytes(path, content)
        Reference.objects.create(version=version, path=path, digest=digest, rows=4000)
        count_new_references()
    return Version.objects.get(pk=version.pk)


def send(actor: Any, version: Version, found: Iterable[dict[str, Any]], *, key: str = "") -> Any:
    return accept_predictions(
        actor=actor,
        version_id=version.pk,
        key=key,
        body=ndjson(predictions(found)),
        content_type="application/x-ndjson",
    )


def send_outcomes(
    actor: Any, model: Model, found: Iterable[dict[str, Any]], *, key: str = "", **more: Any
) -> Any:
    return accept_outcomes(
        actor=actor,
        model_id=model.pk,
        key=key,
        body=ndjson(outcomes(found, **more)),
        content_type="application/x-ndjson",
    )


def work(kind: str = "") -> int:
    """Do every due job (of a kind) as a worker would; returns how many."""
    done = 0
    while jobs := list(
        Job.objects.filter(state=JobState.DUE, kind__startswith=kind or "monitoring.").order_by(
            "pk"
        )
    ):
        for job in jobs:
            run(job)
            done += 1
    return done


def run(job: Job) -> None:
    claim = claims.claim(job_id=job.pk)
    assert claim is not None
    import_string(settings.LEDGER_KINDS[job.kind].function)(claim)
