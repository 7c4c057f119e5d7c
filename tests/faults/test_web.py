"""The web process is killed with -9 in the middle of uploads, or has no broker."""

import logging
import os
import random
import signal
import subprocess
import sys
import threading
import time
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import requests

from accounts.services.tokens import create_token
from deploy.places import PROJECT
from ledger.models import Job
from monitoring.jobs import sweep
from monitoring.models import Batch
from registry.gateways import store
from tests.faults.counting import (
    BATCHES,
    MODELS,
    assert_folded_once,
    held,
    lots,
    states,
    wait_for_all,
)
from tests.faults.processes import until
from tests.monitoring import world

log = logging.getLogger(__name__)

SEED = 20261122
# Between file and row, in the commit, and anywhere.
KILLS = ["one", "one", BATCHES, "one", "one", MODELS, "one", "one", "one", "whole"]
NOBODY = "redis://127.0.0.1:1/0"
ROWS = 20


@pytest.fixture
def sender(house, version, robot):
    token = create_token(actor=robot, owner=robot, name="log", scopes=["ingest"], days=1)
    return Sender(house.address, token.text)


class Sender:
    """A serving system: sends every batch with its key, again and again until it is answered."""

    def __init__(self, address: str, token: str) -> None:
        self.patience = 5.0  # a connection that nobody takes after a kill is given up
        self.address = f"{address}/api/v1/models/flight-delay/versions/1/predictions"
        self.headers = {
            "Authorization": f"Bearer {token}",
            "Content-Type": "application/x-ndjson",
        }
        self.answers: dict[str, dict[str, Any]] = {}
        self.cut: set[str] = set()
        self.replayed: set[str] = set()
        self.odd: list[tuple[int, str]] = []

    def send(self, key, rows):
        """The answer, or None if there was none."""
        try:
            found = requests.post(
                self.address,
                data=world.ndjson(world.predictions(rows)),
                headers={**self.headers, "Idempotency-Key": key},
                timeout=self.patience,
            )
        except requests.exceptions.RequestException as error:
            if "refused" not in str(error):
                self.cut.add(key)
            return None
        if not found.ok:
            self.odd.append((found.status_code, found.text[:200]))
            return None
        if found.headers.get("Idempotent-Replay") == "true":
            self.replayed.add(key)
        return found.json()

    def send_until_answered(self, key, rows):
        self.answers[key] = until(
            lambda: self.send(key, rows), lambda: f"{key} is taken; {self.odd[-3:]}", pause=0.1
        )

    def stream(self, name, ended, sent):
        """Send batch after batch until `ended`."""
        place = 0
        while not ended.is_set():
            key = f"{name}-{place}"
            sent[key] = world.rows(ROWS, prefix=f"{key}-", seed=place)
            self.send_until_answered(key, sent[key])
            place += 1


def serving(house, web, sender):
    """The web server once it answers; started again, as by the supervisor, if it gave up."""
    answered = len(sender.answers)
    running = [web]

    def answers():
        # Granian ends itself when its processes die too often in a short time.
        if running[-1].popen.poll() is not None:
            running.append(house.web())
        return len(sender.answers) > answered + 1

    until(answers, lambda: f"it serves\n{running[-1].tail()}")
    return running[-1]


def kill_at_any_moment(web, dice, *, whole):
    """kill -9 for one of the server's two processes, or for all of it, anywhere in an upload."""
    time.sleep(dice.uniform(0, 0.08))
    children = web.children()
    if whole or not children:
        web.kill()
    else:
        os.kill(dice.choice(children), signal.SIGKILL)


def kill_while_it_waits(web, lock):
    """kill -9 for the whole server while an upload waits for a lock."""
    with held(lock) as waiting:
        until(waiting, lambda: f"an upload waits\n{web.tail()}")
        web.kill()


def test_uploads_under_a_web_server_that_is_killed_are_stored_exactly_once(house, version, sender):
    dice, ended, sent = random.Random(SEED), threading.Event(), {}
    web = house.web()
    streams = [
        threading.Thread(target=sender.stream, args=(name, ended, sent)) for name in ("one", "two")
    ]
    for stream in streams:
        stream.start()
    try:
        for how in KILLS:
            web = serving(house, web, sender)
            if how in (MODELS, BATCHES):
                kill_while_it_waits(web, how)
            else:
                kill_at_any_moment(web, dice, whole=how == "whole")
            if web.popen.poll() is not None:
                web = house.web()
    finally:
        ended.set()
        for stream in streams:
            stream.join(90)
    about = (
        f"{len(KILLS)} kills, {len(sent)} batches: {len(sender.cut)} cut, of which "
        f"{len(sender.replayed)} were stored without an answer; other answers: {sender.odd}"
    )
    log.info(about)
    assert len(sender.cut) >= 4, about
    assert sender.replayed, f"no kill hit between commit and answer; {about}"
    assert sender.answers.keys() == sent.keys(), about
    assert_stored_once(sender, sent, about)
    assert_orphans_are_swept(about)


def assert_stored_once(sender, sent, about):
    batches = {batch.key: batch for batch in Batch.objects.all()}
    assert batches.keys() == sent.keys(), about
    assert Job.objects.filter(kind="monitoring.fold").count() == len(sent), about
    for key, batch in batches.items():
        answer = sender.answers[key]
        assert (answer["batch"], answer["rows"]) == (batch.pk, ROWS), about
        assert answer["digest"] == store.digest(batch.path), about
        table = pq.read_table(pa.BufferReader(store.read(batch.path)))
        assert table.column("flight").to_pylist() == [row["flight"] for row in sent[key]], about
    key = sorted(sent)[0]
    assert sender.send(key, sent[key]) == sender.answers[key], "the same key, the same answer"


def assert_orphans_are_swept(about):
    known = set(Batch.objects.values_list("path", flat=True))
    orphans = {name for name, _ in store.listed("predictions")} - known
    assert orphans, f"no kill hit between file and row; {about}"
    assert sweep.sweep_orphans() == 0, "a young file may still get its row"
    make_old(orphans | known)
    assert sweep.sweep_orphans() == len(orphans), about
    assert {name for name, _ in store.listed("predictions")} == known, about


def make_old(names):
    _, place = store.filesystem()
    long_ago = time.time() - sweep.OLD_ENOUGH - 60
    for name in names:
        os.utime(place(name), (long_ago, long_ago))


KILLED_WHILE_WRITING = """
import os, signal
import django
django.setup()
from registry.gateways import store
os.fsync = lambda _: os.kill(os.getpid(), signal.SIGKILL)
store.put_bytes("predictions/1/2026-03-02/batch.parquet", b"half of it")
"""


def test_what_a_process_killed_while_writing_leaves_is_no_file_and_is_swept(house):
    ended = subprocess.run(
        [sys.executable, "-c", KILLED_WHILE_WRITING], env=house.environment, cwd=PROJECT
    )
    assert ended.returncode == -signal.SIGKILL
    folder = house.folder / "store" / "predictions" / "1" / "2026-03-02"
    (left,) = folder.iterdir()
    assert left.read_bytes() in (b"", b"half of it")
    assert store.listed("predictions") == []
    assert sweep.sweep_orphans() == 0
    assert left.exists(), "it is young: somebody may be writing it"
    long_ago = time.time() - sweep.OLD_ENOUGH - 60
    os.utime(left, (long_ago, long_ago))
    assert sweep.sweep_orphans() == 1
    assert not left.exists()


def test_without_a_broker_the_api_takes_batches_which_are_folded_when_a_worker_comes(
    house, version, sender, broker
):
    house.web(REDIS_URL=NOBODY)
    sender.patience = 60.0
    batches, took = lots(6), []
    for place, batch in enumerate(batches):
        began = time.monotonic()
        assert sender.send(f"batch {place}", batch)["rows"] == len(batch), sender.odd
        took.append(time.monotonic() - began)
    seconds = ", ".join(f"{one:.2f}" for one in took)
    about = f"6 batches without broker, answered in {seconds} s: {states()}"
    log.info(about)
    assert states()["due"] == 6, about
    assert not broker.keys("*"), "nobody was told"
    assert sorted(took)[2] < 1, about  # a process may wait once, then it leaves the broker alone
    house.beat()
    house.worker()
    wait_for_all(house)
    assert_folded_once(version, batches, about)
