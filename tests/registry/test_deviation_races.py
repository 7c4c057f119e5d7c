"""Our own changes are never taken for somebody else's, whatever runs at the same time."""

from collections.abc import Callable
from typing import Any

import pytest

from ledger import claims
from ledger.models import Job
from registry.gateways import mlflow
from registry.gateways.mlflow import MlflowRefused
from registry.gateways.mlflow_http import call
from registry.jobs import mlflow as pushes
from registry.jobs.looking import look
from registry.jobs.mlflow import note, push_model
from registry.jobs.reconcile import reconcile
from registry.jobs.rehash import rehash_due
from registry.models import Deviation, Model, Version
from registry.services.versions import register_version
from tests.registry.conftest import serve, work
from tests.registry.test_deviations import FILES, waited


@pytest.fixture
def pair(olga: Any, flights: Model, in_mlflow: Callable[..., int]) -> tuple[Version, Version]:
    """Version 1 is champion, and MLflow says so; version 2 is registered and hashed."""
    made = []
    for _ in range(2):
        number = in_mlflow(FILES)
        made.append(register_version(actor=olga, model_id=flights.pk, mlflow_version=number))
        work("registry.inspect")
    serve(made[0])
    work("registry.push")
    return made[0], made[1]


def found() -> list[str]:
    return list(Deviation.objects.values_list("message", flat=True))


def claimed() -> claims.Claim:
    job = Job.objects.get(kind="registry.push")
    Job.objects.filter(pk=job.pk).update(due_at=job.created_at)
    claim = claims.claim(job_id=job.pk)
    assert claim is not None
    return claim


def test_a_look_that_a_push_has_overtaken_says_nothing(
    pair: tuple[Version, Version], flights: Model
) -> None:
    serve(pair[1])
    old = look(model_id=flights.pk, name=flights.mlflow_name or "")
    work("registry.push")
    note(model_id=flights.pk, seen=old)
    assert found() == []
    flights.refresh_from_db()
    assert flights.mlflow_seen["aliases"] == {"champion": 2}, "what was seen later stays"


def test_what_a_fenced_push_has_set_is_ours(pair: tuple[Version, Version], flights: Model) -> None:
    serve(pair[1])
    claim = claimed()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pushes, "_keep", lambda *_: serve(pair[0]))
        push_model(claim)
    assert dict(mlflow.get_model(flights.mlflow_name or "").aliases) == {"champion": 2}  # type: ignore[union-attr]
    reconcile()
    assert found() == []
    work("registry.push")
    assert dict(mlflow.get_model(flights.mlflow_name or "").aliases) == {"champion": 1}  # type: ignore[union-attr]
    reconcile()
    assert found() == []


@pytest.mark.parametrize("status", [401, 403])
def test_bytes_that_may_not_be_read_are_not_other_bytes(
    pair: tuple[Version, Version], monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    def refused(_location: str) -> tuple[()]:
        raise MlflowRefused(status, "Not with these credentials.")

    monkeypatch.setattr("registry.jobs.inspection.mlflow_runs.list_at", refused)
    waited(pair[0], minutes=16)
    rehash_due()
    work("registry.rehash")
    assert found() == []


def test_a_list_with_a_hole_is_not_a_deleted_version(
    pair: tuple[Version, Version], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = mlflow.search_versions
    monkeypatch.setattr(
        mlflow, "search_versions", lambda name: [v for v in whole(name) if v.version != 1]
    )
    reconcile()
    assert found() == []


def test_a_model_made_anew_under_the_same_name_is_found(
    pair: tuple[Version, Version], flights: Model, in_mlflow: Callable[..., int]
) -> None:
    told = mlflow.get_version(flights.mlflow_name or "", 1)
    assert told is not None
    call("DELETE", "/mlflow/registered-models/delete", body={"name": flights.mlflow_name})
    assert in_mlflow({"MLmodel": b"flavors: {}\n"}) == 1
    assert in_mlflow({"MLmodel": b"flavors: {}\n"}) == 2
    mlflow.set_alias(flights.mlflow_name or "", "champion", 1)
    for key, value in told.tags.items():
        mlflow.set_version_tag(flights.mlflow_name or "", 1, key, value)
    reconcile()
    rows = Deviation.objects.lasting().filter(kind="made_anew")
    assert [row.version for row in rows.order_by("what")] == list(pair)
    assert rows.earliest("pk").message.startswith("Version 1 in MLflow is another one than was")
