"""A data subject's rows go from what retrainings kept, too: together, or not at all."""

import os
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from django.conf import settings

from accounts.roles import Role
from ledger.models import Job
from monitoring.jobs import erasing, sweep
from monitoring.jobs.retraining.work import place
from monitoring.models import Erasure, Retraining
from monitoring.services.retraining_policies import write_suite
from monitoring.services.retrainings import cancel_retraining, retry_retraining
from registry.gateways import store
from tests.conftest import person
from tests.killing import die_at
from tests.monitoring import retraining as scene
from tests.monitoring import test_retraining, world
from tests.monitoring.test_erasing import asked, checked, ids_in_files

pytestmark = pytest.mark.django_db(transaction=True)
champion, server = test_retraining.champion, test_retraining.server
KEPT = {
    "collect": "snapshot.parquet",
    "features": "features.parquet",
    "evaluate": "answers.parquet",
}
PLACE = "monitoring.jobs.retraining.erased_rows"


@pytest.fixture
def rolf(team: Any) -> Any:
    return person("rolf", (Role.RISK_OFFICER, team))


@pytest.fixture
def registered(olga: Any, rita: Any, champion: Any) -> Retraining:
    """A retraining that has registered its version and waits for a change request."""
    made = test_retraining.started(olga, rita, champion)
    scene.work("monitoring.retrain")
    scene.work("registry.inspect")
    scene.wake()
    scene.work("monitoring.retrain")
    assert scene.states(made)["request"] == "waiting", scene.told(made)
    return Retraining.objects.get(pk=made.pk)


def path_of(retraining: Retraining, step: str) -> str:
    row, name = retraining.steps.get(name=step), KEPT[step]
    return place(row, name, row.files[name])


def table_of(retraining: Retraining, step: str) -> pa.Table:
    return pq.read_table(pa.BufferReader(store.read(path_of(retraining, step))))


def one_of_each_part(retraining: Retraining) -> list[str]:
    """Somebody's prediction that it trained on, one that was held out, one of the latest days."""
    rows = table_of(retraining, "collect").select(["flight", "part"]).to_pylist()
    return [
        next(row["flight"] for row in rows if row["part"] == part)
        for part in ("train", "hold_out", "latest")
    ]


def answers_by_flight(retraining: Retraining) -> dict[str, float]:
    flights = table_of(retraining, "collect").column("flight").to_pylist()
    answers = table_of(retraining, "evaluate").to_pylist()
    return {flights[row["place"]]: row["challenger_score"] for row in answers}


def features_by_flight(retraining: Retraining) -> dict[str, Any]:
    flights = table_of(retraining, "collect").column("flight").to_pylist()
    return dict(zip(flights, table_of(retraining, "features").to_pylist(), strict=True))


def erased(rosa: Any, rolf: Any, model: Any, ids: list[str]) -> Erasure:
    erasure = checked(rolf, asked(rosa, model, values=ids))
    world.work("monitoring.erase")
    erasure.refresh_from_db()
    return erasure


def test_rows_go_from_snapshot_features_and_answers_and_the_others_stay_matched(
    registered: Any, champion: Any, rosa: Any, rolf: Any
) -> None:
    subject = one_of_each_part(registered)
    answers, features = answers_by_flight(registered), features_by_flight(registered)
    before = {step: path_of(registered, step) for step in KEPT}
    counted = registered.steps.get(name="collect").numbers["rows"]
    erasure = erased(rosa, rolf, champion.model, subject)
    assert erasure.state == "done"
    for flights in (answers, features):
        for one in subject:
            flights.pop(one, None)
    assert answers_by_flight(registered) == answers
    assert features_by_flight(registered) == features
    assert registered.steps.get(name="collect").numbers["rows"] == {
        part: rows - 1 for part, rows in counted.items()
    }
    assert not any(store.exists(path) for path in before.values())
    rewritten = {
        row.name: row.erased.get() for row in registered.steps.filter(erased__isnull=False)
    }
    assert {step: one.removed for step, one in rewritten.items()} == {
        "collect": 3,
        "features": 3,
        "evaluate": 2,  # what was held out, and the latest days
    }
    for step, file in rewritten.items():
        assert file.old_path == before[step]
        assert file.digest_after == store.digest(path_of(registered, step))


def test_the_certificate_names_the_retraining_and_the_reference_that_stays(
    registered: Any, champion: Any, rosa: Any, rolf: Any, signed_in: Any
) -> None:
    erasure = erased(rosa, rolf, champion.model, one_of_each_part(registered))
    assert erasure.proof["retrainings"] == 1
    assert {"version": 2, "rows": 1} in erasure.proof["references"]
    told = signed_in(rosa).get(f"/api/v1/erasures/{erasure.pk}/certificate").json()
    kinds = [one["kind"] for one in told["files"]]
    assert f"collected rows of retraining {registered.pk}" in kinds
    assert any("1 of the rows in the reference of version 2" in one for one in told["kept"])
    page = signed_in(rosa).get(f"/erasures/{erasure.pk}").content.decode()
    assert f"Answers of retraining {registered.pk}" in page
    assert "reference of version 2" in page


def test_a_retraining_at_work_is_waited_for_and_nothing_goes_before(
    champion: Any, olga: Any, rita: Any, rosa: Any, rolf: Any, signed_in: Any
) -> None:
    made = test_retraining.started(olga, rita, champion)
    scene.work("monitoring.retrain", most=1, stop=True)
    assert scene.states(made)["collect"] == "done"
    subject, before = one_of_each_part(made), ids_in_files()
    erasure = erased(rosa, rolf, champion.model, subject)
    assert erasure.state == "waiting"
    assert ids_in_files() == before
    assert set(subject) <= set(features_of_log(made))
    page = signed_in(rosa).get(f"/erasures/{erasure.pk}").content.decode()
    assert f"Retraining {made.pk} is at work with rows of the log" in page
    assert erasing.resume_waiting() == 0
    cancel_retraining(actor=olga, retraining_id=made.pk, reason="Later.")
    assert erasing.resume_waiting() == 1
    world.work("monitoring.erase")
    erasure.refresh_from_db()
    assert erasure.state == "done"
    assert ids_in_files() == before - set(subject)
    assert not set(subject) & set(features_of_log(made))


def features_of_log(retraining: Retraining) -> list[str]:
    return list(table_of(retraining, "collect").column("flight").to_pylist())


def test_what_the_checks_quoted_goes_and_a_failed_retraining_can_be_tried_again(
    champion: Any, olga: Any, rita: Any, rosa: Any, rolf: Any
) -> None:
    said = {"reason": "Cold only.", "model_id": champion.model_id}
    checks = {"columns": {"flight": {"dtype": "string"}, "temperature": {"dtype": "number"}}}
    checks["columns"]["temperature"]["maximum"] = 12  # type: ignore[assignment]  # a number
    write_suite(actor=olga, checks=checks, **said)
    made = test_retraining.started(olga, rita, champion)
    scene.work("monitoring.retrain")
    step = made.steps.get(name="validate")
    assert step.state == "failed"
    first, second = (row["flight"] for row in step.numbers["shown"][:2])
    for subject in (first, second):
        assert erased(rosa, rolf, champion.model, [subject]).state == "done"
    step.refresh_from_db()
    left = [row["flight"] for row in step.numbers["shown"]]
    assert left
    assert not {first, second} & set(left)
    flights = features_of_log(made)
    assert [flights[int(row["place"])] for row in step.numbers["shown"]] == left
    write_suite(actor=olga, checks={"columns": {"temperature": {"dtype": "number"}}}, **said)
    retry_retraining(actor=olga, retraining_id=made.pk, reason="Too strict.")
    scene.work("monitoring.retrain")
    assert scene.states(made)["evaluate"] == "done", scene.told(made)


def test_killed_before_and_within_the_swap_all_three_change_or_none(
    registered: Any, champion: Any, rosa: Any, rolf: Any
) -> None:
    subject, before = one_of_each_part(registered), answers_by_flight(registered)
    erasure = checked(rolf, asked(rosa, champion.model, values=subject))
    job = die_at(
        [(PLACE, "_swap"), (PLACE, "_forget_quotes"), ("monitoring.jobs.erasing", "_finish")],
        kind="monitoring.erase",
        unchanged="Erasure.objects.get().state == 'checked'"
        " and ErasedFile.objects.filter(step__isnull=False).count() in (0, 3)",
        imports="from monitoring.models import ErasedFile, Erasure",
    )
    scene.do(Job.objects.get(pk=job.pk))
    erasure.refresh_from_db()
    assert (erasure.state, erasure.proof["retrainings"]) == ("done", 1)
    left = {flight: score for flight, score in before.items() if flight not in subject}
    assert answers_by_flight(registered) == left


def test_the_sweep_leaves_what_steps_have_kept(registered: Any) -> None:
    names = {name for name, _ in store.listed(f"retrainings/{registered.pk}")}
    assert {path_of(registered, step) for step in KEPT} <= names
    root = Path(settings.STORE_URL.removeprefix("file://"))
    for name in names:
        os.utime(root / name, (0, 0))
    sweep.sweep_orphans()
    assert {name for name, _ in store.listed(f"retrainings/{registered.pk}")} == names
