"""Erasure: the subject's rows go from every file, nothing else does, and nothing is left half."""

import hashlib
import os
import re
import signal
from datetime import date, timedelta
from typing import Any

import pyarrow.parquet as pq
import pytest
from django.conf import settings
from django.utils import timezone

from accounts.policies import Refused
from accounts.roles import Role
from audit.models import Event
from governance.refusals import Incomplete, WrongPassword
from governance.services.erasures import (
    ask_to_erase,
    check_erasure,
    month_after,
    refuse_erasure,
)
from ledger.models import Job, JobState
from monitoring.gateways.refusals import UploadRefused
from monitoring.jobs import erasing, sweep
from monitoring.models import Batch, ErasedFile, ErasedId, Erasure, ParkedOutcome, Profile
from monitoring.services.lookups import find_prediction
from registry.gateways import store
from registry.services.holds import lift_hold, place_hold
from tests.conftest import PASSWORD, person
from tests.monitoring import world
from tests.monitoring.test_sweep import all_files
from tests.monitoring.world import rows
from tests.registry.test_deviations_under_load import killed

pytestmark = pytest.mark.django_db
SUBJECT = ["f3", "f17", "g5"]
F17 = re.compile(r"\bf17\b")  # the id, not a part of somebody's digest


@pytest.fixture
def rolf(team: Any) -> Any:
    """A second risk officer."""
    return person("rolf", (Role.RISK_OFFICER, team))


@pytest.fixture
def log(robot: Any, model: Any, version: Any) -> list[dict[str, Any]]:
    """Two batches of predictions, their outcomes, and one outcome that waits."""
    found = rows(40)
    more = rows(20, prefix="g", seed=2)
    world.send(robot, version, found, key="one")
    world.send(robot, version, more, key="two")
    world.send_outcomes(robot, model, [*found, *more])
    world.work()
    ParkedOutcome.objects.create(
        model=model, batch=Batch.objects.latest("pk"), prediction_id="f3", row={"outcome": True}
    )
    return found


def asked(rosa: Any, model: Any, **more: Any) -> Erasure:
    said = {
        "reference": "Letter 12",
        "basis": "GDPR Art. 17(1)(b): consent withdrawn",
        "received_on": date(2026, 3, 1),
        "values": SUBJECT,
    }
    return ask_to_erase(actor=rosa, model_id=model.pk, **{**said, **more})


def checked(rolf: Any, erasure: Erasure) -> Erasure:
    return check_erasure(
        actor=rolf,
        erasure_id=erasure.pk,
        reason="It is founded.",
        digest=erasure.digest,
        password=PASSWORD,
    )


def ids_in_files() -> set[str]:
    found: set[str] = set()
    for batch in Batch.objects.all():
        table = pq.read_table(store.filesystem()[1](batch.path))
        column = "flight" if batch.kind == "predictions" else "prediction_id"
        found |= set(table.column(column).to_pylist())
        assert (table.num_rows, store.digest(batch.path)) == (batch.rows, batch.file_digest)
    return found


def profiles() -> list[tuple[Any, ...]]:
    return [
        (p.hour, p.segment, bytes(p.counts), bytes(p.outcomes or b""))
        for p in Profile.objects.order_by("hour", "segment")
    ]


def test_the_subjects_rows_go_from_every_file_and_counts_stay(
    log: Any, model: Any, rosa: Any, rolf: Any
) -> None:
    before, counts = ids_in_files(), profiles()
    erasure = checked(rolf, asked(rosa, model))
    world.work("monitoring.erase")
    erasure.refresh_from_db()
    assert erasure.state == "done"
    assert ids_in_files() == before - set(SUBJECT)
    assert profiles() == counts
    assert not ParkedOutcome.objects.exists()
    proof = erasure.proof
    assert (proof["files_looked_at"], proof["files_written_anew"]) == (3, 3)
    assert (proof["predictions"], proof["outcomes"], proof["parked_outcomes"]) == (3, 3, 1)
    for file in ErasedFile.objects.all():
        assert not store.exists(file.old_path)
        assert file.digest_before != file.digest_after
        assert file.batch is not None
        assert store.digest(file.batch.path) == file.digest_after


def test_no_id_is_left_in_the_request_the_proof_or_the_trail(
    log: Any, model: Any, rosa: Any, rolf: Any
) -> None:
    erasure = checked(rolf, asked(rosa, model, values=["f17"]))
    world.work("monitoring.erase")
    erasure.refresh_from_db()
    assert (erasure.selection, erasure.found) == (None, None)
    told = str(list(Event.objects.values_list("data", flat=True))) + str(erasure.proof)
    assert not F17.search(told)
    plain = hashlib.sha256(b"f17").hexdigest()
    assert plain not in told
    assert not ErasedId.objects.filter(hashed=plain).exists()
    assert Event.objects.filter(event="monitoring.rows.erased").count() == 1


def test_the_same_rows_sent_again_do_not_come_back(
    log: Any, model: Any, version: Any, robot: Any, rosa: Any, rolf: Any
) -> None:
    checked(rolf, asked(rosa, model))
    world.work("monitoring.erase")
    again = world.send(robot, version, log, key="one")
    assert again.repeated
    with pytest.raises(UploadRefused) as refused:
        world.send(robot, version, log, key="another")
    assert refused.value.extra["counts"] == {"erased": 2}
    assert not F17.search(str(refused.value.extra))
    with pytest.raises(UploadRefused):
        world.send_outcomes(robot, model, log[:5], key="more")
    world.work()
    assert not ids_in_files() & set(SUBJECT)


def test_rows_are_found_by_the_value_of_a_field(log: Any, model: Any, rosa: Any, rolf: Any) -> None:
    erasure = checked(rolf, asked(rosa, model, by="flight", values=["f8"]))
    world.work("monitoring.erase")
    erasure.refresh_from_db()
    assert (erasure.proof["predictions"], erasure.proof["outcomes"]) == (1, 1)
    with pytest.raises(Incomplete):
        asked(rosa, model, by="temperature", values=["5"])


def test_the_receipt_of_an_erased_prediction_says_so(
    log: Any, model: Any, rosa: Any, rolf: Any
) -> None:
    checked(rolf, asked(rosa, model))
    world.work("monitoring.erase")
    found = find_prediction(actor=rosa, model_id=model.pk, prediction_id="f17")
    assert not found.predictions
    assert found.erased_on is not None
    other = find_prediction(actor=rosa, model_id=model.pk, prediction_id="f18")
    assert other.predictions
    assert other.erased_on is None


def test_who_asked_does_not_check_and_others_may_not(
    log: Any, model: Any, rosa: Any, rolf: Any, olga: Any, rita: Any, sam: Any, adam: Any
) -> None:
    erasure = asked(rosa, model)
    before = ids_in_files()
    for somebody in (rosa, olga, rita, sam, adam):
        with pytest.raises(Refused):
            checked(somebody, erasure)
    for somebody in (olga, rita, sam, adam):
        with pytest.raises(Refused):
            asked(somebody, model)
    with pytest.raises(WrongPassword):
        check_erasure(
            actor=rolf,
            erasure_id=erasure.pk,
            reason="Yes",
            digest=erasure.digest,
            password="wrong",
        )
    world.work("monitoring.erase")
    assert ids_in_files() == before
    assert Erasure.objects.get().state == "asked"


def test_a_refused_request_forgets_the_ids(log: Any, model: Any, rosa: Any, rolf: Any) -> None:
    before = ids_in_files()
    erasure = asked(rosa, model)
    refuse_erasure(actor=rolf, erasure_id=erasure.pk, reason="Not the subject of these rows.")
    erasure.refresh_from_db()
    assert (erasure.state, erasure.selection) == ("refused", None)
    assert ids_in_files() == before


def test_a_legal_hold_makes_it_wait_until_it_is_lifted(
    log: Any, model: Any, rosa: Any, rolf: Any
) -> None:
    before = ids_in_files()
    hold = place_hold(actor=rosa, model_id=model.pk, case="Case 7", reason="Evidence is kept")
    erasure = checked(rolf, asked(rosa, model))
    world.work("monitoring.erase")
    erasure.refresh_from_db()
    assert erasure.state == "waiting"
    (told,) = erasure.holds
    assert told.startswith("Case 7, placed by Rosa on ")
    assert told.endswith(": Evidence is kept")
    assert ids_in_files() == before
    assert erasing.resume_waiting() == 0
    lift_hold(actor=rosa, hold_id=hold.pk, reason="The case is closed")
    assert erasing.resume_waiting() == 1
    world.work("monitoring.erase")
    assert ids_in_files() == before - set(SUBJECT)


def test_a_hold_placed_in_the_middle_keeps_the_rest(
    log: Any, model: Any, rosa: Any, rolf: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = ids_in_files()
    erasure = checked(rolf, asked(rosa, model))
    refusing = erasing._refuse_from_now

    def placed_meanwhile(*told: Any) -> None:
        refusing(*told)
        place_hold(actor=rosa, model_id=model.pk, case="Case 7", reason="Evidence is kept")

    monkeypatch.setattr(erasing, "_refuse_from_now", placed_meanwhile)
    world.work("monitoring.erase")
    erasure.refresh_from_db()
    assert (erasure.state, erasure.proof) == ("waiting", {})
    assert ids_in_files() == before


def test_an_answer_about_rejected_rows_quotes_no_erased_id(
    log: Any, model: Any, rosa: Any, rolf: Any
) -> None:
    reason = {"row": 1, "field": "flight", "code": "conflict", "message": "'f17' was sent before."}
    batch = Batch.objects.first()
    assert batch is not None
    Batch.objects.filter(pk=batch.pk).update(answer={**batch.answer, "reasons": [reason]})
    checked(rolf, asked(rosa, model))
    world.work("monitoring.erase")
    batch.refresh_from_db()
    assert not F17.search(str(batch.answer))


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "where", ["files.without", "store.put_bytes", "shelves.locked_model", "store.delete", "_finish"]
)
def test_a_worker_killed_anywhere_leaves_nothing_half(
    where: str, log: Any, model: Any, rosa: Any, rolf: Any
) -> None:
    before = ids_in_files()
    checked(rolf, asked(rosa, model, by="flight"))
    job = Job.objects.get(kind="monitoring.erase")
    code = (
        "import os, signal\n"
        "from monitoring.jobs import erasing\n"
        "from ledger import claims\n"
        "from django.conf import settings\n"
        f"settings.STORE_URL = {settings.STORE_URL!r}\n"
        f"erasing.{where} = lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL)\n"
        f"erasing.erase(claims.claim(job_id={job.pk}))\n"
    )
    assert killed(code) == -signal.SIGKILL
    ids_in_files()  # every row has its file, with its digest
    Job.objects.filter(pk=job.pk).update(
        lease_until=timezone.now() - timedelta(seconds=1), state=JobState.DUE, due_at=timezone.now()
    )
    world.work("monitoring.erase")
    assert Erasure.objects.get().state == "done"
    assert ids_in_files() == before - set(SUBJECT)
    known = set(Batch.objects.values_list("path", flat=True))
    for path in all_files().values():
        os.utime(path, (0, 0))
    sweep.sweep_orphans()
    logged = {name for name in all_files() if name.split("/")[0] in {"predictions", "outcomes"}}
    assert logged == known


def test_the_month_ends_where_the_next_one_is_shorter() -> None:
    assert month_after(date(2026, 1, 31)) == date(2026, 2, 28)
    assert month_after(date(2026, 12, 5)) == date(2027, 1, 5)


def test_the_certificate_is_a_paper_without_the_ids(
    log: Any, model: Any, rosa: Any, rolf: Any, signed_in: Any
) -> None:
    erasure = checked(rolf, asked(rosa, model))
    client = signed_in(rosa)
    assert client.get(f"/erasures/{erasure.pk}/certificate").status_code == 404
    world.work("monitoring.erase")
    page = client.get(f"/erasures/{erasure.pk}")
    told = client.get(f"/api/v1/erasures/{erasure.pk}/certificate")
    paper = client.get(f"/erasures/{erasure.pk}/certificate")
    assert told.json()["proof"]["predictions"] == 3
    assert len(told.json()["files"]) == 3
    assert paper.content.startswith(b"%PDF")
    for answer in (page, told):
        assert not F17.search(answer.content.decode())
