"""Rolling back with a real MLflow: files read and compared, MLflow down, alias confirmed later."""

from typing import Any

import pytest
from django.conf import settings
from django.db import transaction

from governance.jobs.rolling_back import Cause, roll_back_to
from governance.jobs.watching import follow_watches
from governance.models import ApprovalPolicy, ChangeRequest, RollBack
from governance.reads.rollbacks import durations, remains
from governance.services.policies import install_default_policies
from registry.gateways import mlflow
from registry.jobs.bytes_now import DIFFER, SAME, UNREAD, read_bytes
from registry.models import Model, Version
from tests.registry.conftest import serve, work
from tests.registry.test_deviation_races import pair

__all__ = ["pair"]

Pair = tuple[Version, Version]


def rolled_back(version: Version, olga: Any) -> RollBack:
    policy = ApprovalPolicy.objects.get(kind="roll_back", risk_tier="high", current=True)
    request = ChangeRequest.objects.create(
        kind="roll_back",
        model=version.model,
        version=version,
        reason="Back",
        requested_by=olga,
        policy=policy,
        rounds=policy.rounds,
        evidence={},
        digest="d" * 64,
    )
    seen = read_bytes(version)
    cause = Cause("CR-9", "Back", policy, request=request)
    with transaction.atomic():
        return roll_back_to(version=version, environment="production", cause=cause, seen=seen)


def test_files_are_read_again_and_compared(pair: Pair) -> None:
    one = Version.objects.get(pk=pair[0].pk)
    found = read_bytes(one)
    assert found.state == SAME, found.said
    assert "3 files read" in found.said
    one.artifact_digest = "0" * 64
    assert read_bytes(one).state == DIFFER


def test_with_mlflow_down_it_is_carried_out_and_the_alias_follows(
    pair: Pair, flights: Model, olga: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    install_default_policies()
    one, two = pair
    serve(two)
    work("registry.push")
    up = settings.MLFLOW_TRACKING_URI
    monkeypatch.setattr(settings, "MLFLOW_TRACKING_URI", "http://127.0.0.1:1")
    row = rolled_back(Version.objects.select_related("model").get(pk=one.pk), olga)
    assert row.bytes_state == UNREAD
    follow_watches()
    row.refresh_from_db()
    assert row.alias_moved_at is None
    assert any("MLflow has not confirmed" in said for said in remains(row))
    monkeypatch.setattr(settings, "MLFLOW_TRACKING_URI", up)
    work("registry.push")
    found = mlflow.get_version_by_alias(flights.mlflow_name or "", "champion")
    assert found is not None
    assert found.version == one.mlflow_version
    follow_watches()
    row = RollBack.objects.select_related("model", "left").get(pk=row.pk)
    assert row.alias_moved_at is not None
    assert durations(row)[-1].seconds is not None
    assert work("registry.rehash").state == "done"
