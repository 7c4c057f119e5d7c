"""`python -m benchmarks.dashboards`: a year of hourly windows for 25 fields, as page and as answer.

Fills the database of DATABASE_URL with 8,760 runs of 25 measurements inside one transaction, asks
the pages and the API in this process, prints the milliseconds in the server, and rolls back.
"""

import os
import statistics
import sys
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from django.test import Client

    from accounts.models import User
    from registry.models import Model, Version

HOURS, FIELDS, ROUNDS = 8_760, 25, 15
END = datetime(2026, 1, 1, tzinfo=UTC)
SLUG = "a-year-of-hours"
PAGES = ("", "/drift", "/drift?field=field_07", "/performance", "/operations")
KINDS = ("drift", "drift?columns=200", "drift?columns=400", "performance", "operations")

RUNS = """
INSERT INTO monitoring_run (monitor_id, version_id, window_start, window_end, config_digest,
    revision, latest, verdict, reason, rows, labelled, mature, settings, compared_with,
    data_revision, profile_digest, reference_digest, library_version, milliseconds, measured_at)
SELECT %(monitor)s, %(version)s, %(end)s - h * interval '1 hour',
    %(end)s - (h - 1) * interval '1 hour', repeat('c', 16), 1, true,
    CASE WHEN h %% 500 = 0 THEN 'breach' ELSE 'ok' END, 'Nothing unusual', 1000, 900, true, '{}',
    'training data', 1, repeat('p', 64), repeat('r', 64), '1', 5, now()
FROM generate_series(1, %(hours)s) AS h
"""
MEASUREMENTS = """
INSERT INTO monitoring_measurement (run_id, monitor_id, version_id, window_end, metric, field,
    segment, value, low, high, reference_value, n, reference_n, p_value, warning, breach, verdict,
    reason, parameters, latest)
SELECT run.id, run.monitor_id, run.version_id, run.window_end, %(metric)s,
    CASE WHEN %(fields)s = 1 THEN '' ELSE 'field_' || lpad(f::text, 2, '0') END, '',
    v, v - 0.01, v + 0.01, 0, 1000, 100000, 0.5, 0.1, 0.2,
    CASE WHEN run.verdict = 'breach' AND f = 7 THEN 'breach' ELSE 'ok' END, '',
    jsonb_build_object('effect', v, 'alpha', 0.001, 'adjusted_p', 0.9, 'bins', 10), true
FROM monitoring_run AS run, generate_series(1, %(fields)s) AS f,
    LATERAL (SELECT abs(sin(run.id * f)) / 10 AS v) AS numbers
WHERE run.monitor_id = %(monitor)s
"""


def main() -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    import django

    django.setup()
    from django.conf import settings
    from django.db import transaction

    settings.ALLOWED_HOSTS = ["testserver"]
    with transaction.atomic():
        person, model = fill()
        print_times(person, model)
        transaction.set_rollback(True)
    return 0


def fill() -> "tuple[User, Model]":
    """A person of a team, and the team's model with a year of hours."""
    from accounts.models import Membership, Team, User
    from accounts.roles import Role
    from registry.models import Model, Version

    team = Team.objects.create(name=SLUG, slug=SLUG)
    person = User.objects.create_user(email=f"{SLUG}@example.org", name="Olga", password=None)
    Membership.objects.create(user=person, role=Role.DEVELOPER, team=team)
    model = Model.objects.create(
        slug=SLUG, name="A year of hours", team=team, owner=person, task="binary", risk_tier="low"
    )
    version = Version.objects.create(model=model, number=1)
    fill_monitors(model, version)
    return person, model


def fill_monitors(model: "Model", version: "Version") -> None:
    """One hourly monitor of 25 fields, and two of one number."""
    for name, kind, metric, fields in (
        ("Drift of inputs", "drift", "psi", FIELDS),
        ("ROC AUC", "performance", "roc_auc", 1),
        ("Latency", "operations", "latency_p95", 1),
    ):
        fill_monitor(model, version, name, kind, metric, fields)


def fill_monitor(
    model: "Model", version: "Version", name: str, kind: str, metric: str, fields: int
) -> None:
    from django.db import connection

    from monitoring.models import Monitor

    monitor = Monitor.objects.create(
        model=model,
        name=name,
        kind=kind,
        metric=metric,
        window_hours=1,
        every_hours=1,
        warning=0.1,
        breach=0.2,
    )
    known: dict[str, Any] = {"monitor": monitor.pk, "version": version.pk, "end": END}
    with connection.cursor() as cursor:
        cursor.execute(RUNS, known | {"hours": HOURS})
        cursor.execute(MEASUREMENTS, known | {"metric": metric, "fields": fields})
        cursor.execute("ANALYZE monitoring_run, monitoring_measurement")


def print_times(person: "User", model: "Model") -> None:
    from django.test import Client

    client = Client()
    client.force_login(person, "allauth.account.auth_backends.AuthenticationBackend")
    write = sys.stdout.write
    write(
        f"{HOURS:,} hourly windows × {FIELDS} fields, {os.cpu_count()} cores, {ROUNDS} requests\n"
    )
    write("\n| address | median ms | slowest ms | kB |\n|---|---|---|---|\n")
    addresses = [f"/monitoring/{model.slug}{page}" for page in PAGES]
    addresses += [f"/api/v1/models/{model.slug}/dashboards/{kind}" for kind in KINDS]
    for address in addresses:
        times, size = _timed(client, address)
        write(f"| `{address}` | {statistics.median(times):.0f} | {max(times):.0f} | {size:.0f} |\n")


def _timed(client: "Client", address: str) -> tuple[list[float], float]:
    """Milliseconds of each request after the first, and the answer's size in kB."""
    times = []
    for _ in range(ROUNDS + 1):
        began = time.perf_counter()
        answer = client.get(address)
        times.append((time.perf_counter() - began) * 1000)
        if answer.status_code != 200:
            raise RuntimeError(f"{address} answers {answer.status_code}.")
    return times[1:], len(answer.content) / 1000


if __name__ == "__main__":
    sys.exit(main())
