"""A snapshot holds what was known by its time, each row once, the same bytes every time."""

import hashlib
from dataclasses import replace
from datetime import timedelta

import pyarrow.parquet as pq
import pytest
from django.utils import timezone

from monitoring.gateways import snapshots
from monitoring.gateways.snapshots import Question
from monitoring.models import Batch
from tests.monitoring import world
from tests.monitoring.world import START

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture
def question(robot, version):
    """Twenty days of rows; outcomes come five hours later, those of day 3 forty days later."""
    found = world.rows(2_000, start=START, hours=24 * 20, seed=4)
    world.send(robot, version, found)
    late = [row for row in found if START + 3 * DAY <= row["at"] < START + 4 * DAY]
    soon = [row for row in found if row not in late]
    world.send_outcomes(robot, version.model, soon)
    world.send_outcomes(robot, version.model, late, after=24 * 40)
    Batch.objects.update(received_at=timezone.now())
    rows = Batch.objects.order_by("pk").values_list("kind", "path", "received_at")
    return Question(
        predictions=[path for kind, path, _ in rows if kind == "predictions"],
        outcomes=[(path, at) for kind, path, at in rows if kind == "outcomes"],
        id_column="flight",
        at_column="at",
        columns=["flight", "at", "temperature", "origin"],
        outcome_column="was_late",
        start=START,
        mature=START + 18 * DAY,
        up_to=START + 25 * DAY,
        hold_out_percent=20,
        latest_from=START + 15 * DAY,
    )


def test_an_outcome_that_came_later_is_not_known_yet(question, tmp_path):
    found = snapshots.write_snapshot(question, tmp_path / "a.parquet")
    rows = pq.read_table(tmp_path / "a.parquet").to_pylist()
    assert found.without_outcome == 100
    assert not [row for row in rows if START + 3 * DAY <= row["at"] < START + 4 * DAY]
    later = replace(question, up_to=START + 60 * DAY)
    assert snapshots.write_snapshot(later, tmp_path / "b.parquet").without_outcome == 0


def test_only_rows_whose_outcomes_were_all_due_are_in_it(question, tmp_path):
    found = snapshots.write_snapshot(question, tmp_path / "a.parquet")
    rows = pq.read_table(tmp_path / "a.parquet").to_pylist()
    assert sum(found.rows.values()) == len(rows) == 1_700
    assert max(row["at"] for row in rows) < question.mature
    assert [row["at"] for row in rows] == sorted(row["at"] for row in rows)
    latest = [row for row in rows if row["part"] == "latest"]
    assert min(row["at"] for row in latest) >= question.latest_from
    assert len(latest) == found.rows["latest"] == 300
    assert 0.1 < found.rows["hold_out"] / (found.rows["hold_out"] + found.rows["train"]) < 0.3


def test_the_same_question_gives_the_same_bytes_and_each_row_once(question, tmp_path):
    twice = replace(
        question,
        predictions=[*question.predictions, *question.predictions],
        outcomes=[*question.outcomes, *question.outcomes],
    )
    digests = set()
    for name, asked in (("a", question), ("b", question), ("c", twice)):
        path = tmp_path / f"{name}.parquet"
        snapshots.write_snapshot(asked, path)
        digests.add(hashlib.sha256(path.read_bytes()).hexdigest())
    assert len(digests) == 1
