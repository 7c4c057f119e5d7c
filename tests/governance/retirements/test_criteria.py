"""Each of the seven criteria is answered from what is recorded, with a reason and its page."""

from datetime import timedelta

import pytest
from django.utils import timezone

from governance.jobs.follow import follow_verdicts
from governance.jobs.recommendations import recommend_model
from governance.models import Attestation, Recommendation, Retirement, RetirementPolicy
from governance.reads.ending_facts import answer_on
from governance.reads.life_facts import life_facts
from governance.reads.recommendations import standing
from governance.reads.retirement_links import linked_rules
from governance.retirement_rules import RULES, judge
from governance.services.life_facts import record_fact
from ledger import claims
from ledger.models import Job
from monitoring.models import Monitor, Run
from registry.models import Version
from tests.days import today
from tests.governance.retirements.conftest import look, terms
from tests.governance.retirements.test_clean_up import batch

BACKEND = "allauth.account.auth_backends.AuthenticationBackend"


def ago(days):
    return timezone.now() - timedelta(days=days)


def aged(version, _):
    Version.objects.filter(pk=version.pk).update(created_at=ago(500))
    version.refresh_from_db()
    return {"days": 400}, "It was registered 500 days ago", "/models/flight-delay/1"


def superseded(version, _):
    return {"days": 0}, "Version 2 has been champion in its place", "/models/flight-delay/2"


def idle(version, olga):
    batch(version, olga, 120, "old")
    return {"days": 90}, "Its last prediction is 120 days old", "/monitoring/flight-delay"


def breaching(version, _):
    monitor = Monitor.objects.filter(model=version.model, enabled=True).first()
    Run.objects.filter(version=version).delete()
    for window in range(3):
        run = Run.objects.create(
            monitor=monitor,
            version=version,
            window_start=ago(8 + 7 * (2 - window)),
            window_end=ago(1 + 7 * (2 - window)),
            config_digest=f"{window}" * 64,
            verdict="breach",
            profile_digest="2" * 64,
            library_version="1",
        )
    return {"windows": 3}, f"{monitor.name} breached in 3 windows in a row", f"/runs/{run.pk}"


def attestation(version, _):
    row = Attestation.objects.create(
        model=version.model, tier="medium", due_on=today() - timedelta(days=70)
    )
    said = "Its attestation is overdue by 70 days"
    return {"days_overdue": 60}, said, f"/attestations/{row.pk}"


def _ends(version, olga, kind):
    record_fact(
        actor=olga,
        model_id=version.model_id,
        kind=kind,
        ends_on=today() + timedelta(days=20),
        source="Contract 7",
    )
    return {"days_before": 30}, "(Contract 7; recorded by Olga)", "/models/flight-delay/life"


def legal_basis(version, olga):
    return _ends(version, olga, "legal_basis")


def vendor_support(version, olga):
    return _ends(version, olga, "vendor_support")


CRITERIA = [aged, superseded, idle, breaching, attestation, legal_basis, vendor_support]
NAMES = {"aged": "age"}


def test_there_is_a_case_for_each_criterion():
    assert {NAMES.get(one.__name__, one.__name__) for one in CRITERIA} == set(RULES)


@pytest.mark.parametrize("recorded", CRITERIA, ids=[one.__name__ for one in CRITERIA])
def test_a_criterion_holds_from_what_is_recorded_with_reason_and_page(
    recorded, old, olga, team, client
):
    rule = NAMES.get(recorded.__name__, recorded.__name__)
    told, said, page = recorded(old, olga)
    wanted = terms({"rule": rule, "parameters": told})
    (found,) = judge(wanted, life_facts(old, today()))
    assert found.answer.holds, found.answer.said
    assert said in found.answer.said
    RetirementPolicy.objects.create(team=team, terms=wanted)
    row = look(old)
    assert [one["url"] for one in linked_rules(row)] == [page]
    client.force_login(olga, backend=BACKEND)
    assert f'href="{page}"' in client.get(f"/retirements/{row.pk}").content.decode()
    answer = client.get(f"/api/v1/retirements/{row.pk}").json()
    assert answer["rules"][0]["url"] == page
    assert client.get(page).status_code == 200


def test_without_a_record_nothing_ends(old):
    asked = [{"rule": name, "parameters": {"days_before": 3650}} for name in DATED]
    assert [one.answer.holds for one in judge(terms(*asked), life_facts(old, today()))] == [0, 0]
    assert not Retirement.objects.exists()


DATED = ("legal_basis", "vendor_support")


# The same records as facts of recommendations ----------------------------------------------------


def recommended(model):
    follow_verdicts()
    for job in Job.objects.filter(kind="governance.recommend", subject_id=model.pk, state="due"):
        recommend_model(claims.claim(job_id=job.pk))
    return Recommendation.objects.filter(version__model=model, version__number=2).latest("pk")


@pytest.mark.parametrize(
    ("kind", "said"),
    [("legal_basis", "retire"), ("vendor_support", "replace")],
    ids=["legal basis", "vendor support"],
)
def test_a_recorded_end_changes_the_recommendation_and_links_the_record(old, olga, kind, said):
    model = old.model
    before = recommended(model)
    assert before.recommend not in {"retire", "replace"}
    assert before.facts[kind] == "not_recorded"
    day = today() + timedelta(days=400)
    fact = {"actor": olga, "model_id": model.pk, "kind": kind, "source": "Contract 7"}
    record_fact(**fact, ends_on=day)
    assert recommended(model).facts[kind] == "later"
    record_fact(**fact, ends_on=today() + timedelta(days=90))
    row = recommended(model)
    assert (row.recommend, row.facts[kind]) == (said, "soon")
    line = next(one for one in standing(olga, model.pk) if one.row.pk == row.pk)
    (ground,) = line.grounds
    assert "Contract 7" in ground.said
    assert ground.links[0].url == "/models/flight-delay/life"
    record_fact(**fact, ends_on=day, version=2)
    assert recommended(model).facts[kind] == "later"


def test_a_day_is_over_on_the_day_after():
    assert answer_on(today(), today()) == "soon"
    assert answer_on(today() - timedelta(days=1), today()) == "over"
    assert answer_on(today() + timedelta(days=91), today()) == "later"
