"""What is recommended stands beside the card, in its papers and on the first page; a retraining
that was begun counts as something that was done."""

import pytest
from django.utils import timezone

from governance.reads.cards import exported, readers_card
from governance.reads.overview import overview
from governance.reads.papers import annex_html, card_html
from governance.reads.recommendations import standing
from governance.reads.recommended_now import with_recommended
from monitoring.models import Profile, Retraining, RetrainingPolicy
from monitoring.retraining_terms import parse
from tests.governance.test_reads import fresh
from tests.governance.test_recommendations import (
    fate_of,
    look,
    measured,
    serving,  # noqa: F401 - used by name
    verdict,
)

BACKEND = "allauth.account.auth_backends.AuthenticationBackend"


@pytest.fixture
def worse(serving, flights):  # noqa: F811 - the fixture
    """Version 1 serves and a run found it worse: its data are to be investigated."""
    measured(serving, "performance", "breach")
    return look(flights)


def test_the_card_shows_it_with_its_reasons(worse, serving, client, olga, sam):  # noqa: F811
    client.force_login(olga, backend=BACKEND)
    page = client.get("/models/flight-delay/1/card").content.decode()
    assert "Recommended now" in page
    assert "ROC AUC 0.61" in page
    client.force_login(sam, backend=BACKEND)
    assert client.get("/models/flight-delay/1/card").status_code == 404


def test_papers_show_it_and_the_cards_digest_does_not_change(worse, serving, olga, sam):  # noqa: F811
    card = exported(readers_card(serving.pk))
    both = with_recommended(olga, serving.pk, serving.model_id, card)
    assert {key: both[key] for key in card} == card
    for make in (card_html, annex_html):
        paper = make(both)
        assert "Recommended on the day of this paper" in paper
        assert "Investigate data, in production" in paper
        assert "ROC AUC 0.61" in paper
        assert "Recommended on the day" not in make(card)
    assert with_recommended(sam, serving.pk, serving.model_id, card)["recommended"] == []


def test_the_pdf_and_the_technical_file_are_made_with_it(worse, client, olga):
    client.force_login(olga, backend=BACKEND)
    place = "/api/v1/models/flight-delay/versions/1/card"
    assert client.get(f"{place}?format=pdf").content.startswith(b"%PDF")
    page = client.get(f"{place}?format=annex-iv").content.decode()
    assert "Recommended on the day of this paper" in page
    assert "recommended" not in client.get(place).json()


def test_the_overview_counts_versions_that_are_not_to_be_kept(worse, flights, client, olga, sam):
    assert overview(fresh(olga)).to_act_on == 1
    assert overview(fresh(sam)).to_act_on == 0
    client.force_login(olga, backend=BACKEND)
    page = client.get("/").content.decode()
    assert "Versions to act on" in page
    assert "/recommendations?now=yes" in page


def test_a_version_that_is_kept_is_not_counted(serving, flights, olga):  # noqa: F811
    assert look(flights).recommend == "keep"
    assert overview(fresh(olga)).to_act_on == 0


def begun(version, olga, *, kind="complete", asked_by=None, state="running"):
    told = {"triggers": [{"on": "schedule", "every_days": 30}], "kind": kind}
    terms = parse(told)
    policy = RetrainingPolicy.objects.create(
        model=version.model,
        number=1,
        terms=terms.as_json(),
        digest=terms.digest,
        reason="Spring.",
        state="off",
        written_by=olga,
    )
    return Retraining.objects.create(
        model=version.model,
        policy=policy,
        parent=version,
        terms=policy.terms,
        reasons=["A month is over."],
        up_to=timezone.now(),
        asked_by=asked_by,
        state=state,
        ended_at=timezone.now() if state == "cancelled" else None,
    )


CASES = [
    ("retrain", "complete", "by hand", "followed", "was begun by Olga"),
    ("retrain", "incremental", "policy", "followed", "was begun by its policy"),
    ("recalibrate", "recalibration", "policy", "followed", "recalibration"),
    ("retrain", "recalibration", "by hand", "open", ""),
    ("recalibrate", "complete", "by hand", "open", ""),
]


@pytest.mark.parametrize("case", range(len(CASES)))
def test_a_retraining_that_was_begun_follows_its_kind(case, serving, flights, olga):  # noqa: F811
    wanted, kind, by, fate, words = CASES[case]
    verdict(serving, "calibration", "breach")
    if wanted == "retrain":
        verdict(serving, "concept", "breach")
        enough_outcomes(serving)
    else:
        measured(serving, "performance", "ok")
    row = look(flights)
    assert row.recommend == wanted
    begun(serving, olga, kind=kind, asked_by=olga if by == "by hand" else None)
    assert fate_of(olga, row) == fate
    (line,) = standing(olga, flights.pk)
    assert words in " ".join(one.label for one in line.acts)


def enough_outcomes(version):
    """As many as a retraining learns from."""
    hour = timezone.now().replace(minute=0, second=0, microsecond=0)
    Profile.objects.create(
        version=version, hour=hour, segment="", rows=5000, labelled=5000, counts=b""
    )


def test_a_cancelled_retraining_is_nothing_that_was_done(serving, flights, olga):  # noqa: F811
    verdict(serving, "calibration", "breach")
    measured(serving, "performance", "ok")
    row = look(flights)
    begun(serving, olga, kind="recalibration", state="cancelled")
    assert fate_of(olga, row) == "open"
