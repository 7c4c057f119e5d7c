"""Champion and challenger, at a desk and on a phone without JavaScript."""

import os
from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from monitoring.jobs.experiments import schedule_looks
from monitoring.jobs.rollouts import schedule_rollouts
from monitoring.models import Experiment, Measurement, Monitor, Run
from monitoring.services.experiments import Design, declare_experiment
from monitoring.services.rollouts import start_rollout
from registry.models import Deployment
from registry.states import Stage
from tests import browsers
from tests.conftest import PASSWORD
from tests.monitoring import world
from tests.monitoring.world import START, rows

DAY = timedelta(days=1)
STEPS = [{"share": "0.2", "hours": 24, "rows": 100}, {"share": "0.5", "hours": 9, "rows": 9}]
GUARDS = [{"metric": "error_rate", "margin": 0.05}, {"metric": "latency_p95", "margin": 500.0}]


@pytest.fixture
def experiment(transactional_db, monkeypatch, team, olga, robot):
    monkeypatch.setattr("ledger.claims.wake", lambda *_: None)
    model = world.make_model(team, olga)
    both = [world.make_version(model, number=number) for number in (1, 2)]
    roles = (("champion", Decimal(1)), ("challenger", Decimal("0.5")))
    for version, (role, share) in zip(both, roles, strict=True):
        version.stage = Stage.SERVING
        version.lineage = {"run": {"parameters": {"trees": str(100 * version.number)}}}
        version.save()
        Deployment.objects.create(
            version=version, model=model, role=role, traffic_share=share, started_at=START - DAY
        )
    design = Design(
        name="Newer trees",
        kind="split",
        champion=1,
        challenger=2,
        endpoint="error_rate",
        starts_at=timezone.now() - 200 * DAY,
        ends_at=timezone.now() + 90 * DAY,
        planned_rows=6_000,
        challenger_share=0.5,
    )
    made = declare_experiment(actor=olga, model_id=model.pk, design=design)
    Experiment.objects.update(starts_at=START)
    rollout = start_rollout(actor=olga, experiment_id=made.pk, steps=STEPS, guards=GUARDS)
    rollout.periods.update(began_at=START)
    _sent(robot, both)
    _measured(model, both)
    schedule_looks()
    schedule_rollouts()
    world.work("monitoring.")
    return made


def _sent(robot, both):
    for version, n, seed in zip(both, (1_600, 400), (1, 2), strict=True):
        found = rows(n, hours=72, seed=seed, prefix=f"v{seed}-")
        for row in found:
            row["at"] = row["at"].replace(hour=12)
        world.send(robot, version, found)
        world.send_outcomes(robot, version.model, found)
        world.work("monitoring.")


def _measured(model, both):
    for kind, metric in (("calibration", "ece"), ("operations", "latency_p95")):
        monitor = Monitor.objects.create(model=model, name=kind, kind=kind, metric=metric)
        for version in both:
            run = Run.objects.create(
                monitor=monitor,
                version=version,
                window_start=START,
                window_end=START + DAY,
                verdict="ok",
                latest=True,
            )
            Measurement.objects.create(
                run=run,
                monitor=monitor,
                version=version,
                window_end=run.window_end,
                metric=metric,
                value=0.1 * version.number,
                low=0.05,
                high=0.3,
                n=400,
                verdict="ok",
            )


@pytest.mark.parametrize(("width", "script"), [(1440, True), (390, False)])
def test_the_page_fits_and_says_what_a_reviewer_needs(experiment, live_server, olga, width, script):
    with browsers.started() as browser:
        page = browser.new_page(
            viewport={"width": width, "height": 900}, java_script_enabled=script
        )
        page.goto(live_server.url)
        page.fill("[name=login]", olga.email)
        page.fill("[name=password]", PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        page.goto(f"{live_server.url}/challengers/{experiment.pk}")
        for words in ("Guard-rails", "Which version answers a unit", "How they were made"):
            expect(page.get_by_role("heading", name=words)).to_be_visible()
        expect(page.get_by_role("link", name="Request promotion")).to_be_visible()
        if folder := os.environ.get("OMBUD_PICTURES"):
            page.screenshot(path=f"{folder}/challenger-{width}.png", full_page=True)
        if script:
            wide = page.evaluate("document.documentElement.scrollWidth")
            assert wide <= width
