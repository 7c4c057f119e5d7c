"""Search finds everything that a person may see, and nothing of another team."""

from functools import partial

import pytest
from django.contrib.postgres.search import SearchQuery, SearchVector
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.services.delegations import lend
from governance.jobs.findings import Found, raise_finding
from governance.models import ApprovalPolicy, Waiver
from governance.reads.search import Asked, search
from governance.reads.search_kinds import BY_NAME, KINDS
from governance.rounds import one_round
from governance.services.discussion import say
from governance.services.policy_changes import propose
from registry.models import Model
from tests.governance.conftest import ask, critical_incident, promoted
from tests.world import world_of

# Rules are read by everybody who signs in.
OF_THE_HOUSE = {"control", "policy_change"}


def titles(user, **asked):
    return [hit.title for hit in search(user, Asked(**asked)).hits]


@pytest.fixture
def promotion(one, olga, vera, rita):
    return promoted(one, olga, vera, rita, reason="Night flights are late in winter")


@pytest.fixture
def finding(promotion, olga):
    found = Found("validation", "high", "Too few nights", "Owls are missing from the sample.")
    return raise_finding(actor=olga, model=promotion.model, found=found)


def test_each_kind_of_thing_is_found_by_its_words(promotion, finding, olga):
    critical_incident(promotion)
    waiver = Waiver.objects.create(
        model=promotion.model,
        finding=finding,
        reason="No winter service.",
        expires_on=timezone.now().date(),
        asked_by=olga,
    )
    assert "Flight delay" in titles(olga, words="late")
    assert f"F-{finding.pk} Too few nights" in titles(olga, words="owls")
    assert f"W-{waiver.pk} {waiver}" in titles(olga, words="winter service")
    assert "Temperature drifted" in titles(olga, words="drifted", kind="incident")
    assert titles(olga, words="winter", kind="request") == [
        f"CR-{promotion.change_requests.get().pk} promote Flight delay 1"
    ]
    assert titles(olga, words='"about overview"', kind="card")
    assert len(titles(olga, words="holds", kind="signature")) == 2
    assert titles(olga, words="governance.request.executed", kind="event")


def test_a_number_as_people_write_it_finds_the_thing(promotion, finding, olga):
    request = promotion.change_requests.get()
    assert titles(olga, words=f"cr-{request.pk}", kind="request") == [str(request)]
    assert titles(olga, words=f"F-{finding.pk}", kind="finding") == [str(finding)]


def test_what_was_said_about_a_request_is_found_until_it_is_taken_back(one, olga, rita, sam):
    request = ask(olga, one)
    said = partial(say, actor=rita, request_id=request.pk)
    comment = said(kind="comment", text="The owls sleep in May.")
    said(kind="change_asked", text="Name who wakes the owls.")
    assert set(titles(olga, words="owls", kind="discussion")) == {
        f"Rita commented on CR-{request.pk}",
        f"Rita asked for a change of CR-{request.pk}",
    }
    assert titles(sam, words="owls", kind="discussion") == []
    said(kind="retraction", text="No owls.", about_id=comment.pk)
    assert titles(olga, words="owls", kind="discussion") == [
        f"Rita asked for a change of CR-{request.pk}"
    ]


def test_a_proposed_policy_is_found_by_its_number_and_its_reason(anna, sam):
    change = propose(
        actor=anna,
        kind="promote",
        risk_tier="medium",
        rounds=one_round({"validator": 1, "reviewer": 2}),
        gates=ApprovalPolicy.objects.get(kind="promote", risk_tier="medium", current=True).gates,
        reason="Two pairs of eyes for credit.",
    )
    assert titles(sam, words="credit", kind="policy_change") == [str(change)]
    assert titles(sam, words=f"PC-{change.pk}", kind="policy_change") == [str(change)]


def test_a_lent_role_is_found_by_who_lent_and_who_took_it(rita, vera, sam, adam, team):
    day = timezone.now().date()
    lend(
        actor=rita,
        taker_id=vera.pk,
        role="reviewer",
        team_id=team.pk,
        begins_on=day,
        ends_on=day,
        reason="Rita sits an examination.",
    )
    for reader in (rita, vera, adam):
        found = titles(reader, words="examination", kind="delegation")
        assert found == ["Rita lends Vera reviewer"]
    assert titles(sam, words="examination", kind="delegation") == []


def test_filters_narrow_by_person_team_model_and_dates(promotion, olga, team):
    assert titles(olga, person="vera", kind="signature") == [
        f"Vera: approve, CR-{promotion.change_requests.get().pk}"
    ]
    assert titles(olga, team=team.slug, kind="version")
    assert titles(olga, model="flight-delay", kind="request")
    today = timezone.now().date()
    assert titles(olga, kind="request", since=today, until=today)
    assert titles(olga, kind="request", until=today.replace(year=today.year - 1)) == []


def test_a_stranger_finds_nothing_of_the_team_in_any_kind(team, olga, sam):
    world_of(team, olga)
    for words in ("", "flight", "trees", "delay", "olga", "temperature", "superseded"):
        for kind in KINDS:
            if kind.name not in OF_THE_HOUSE:
                assert titles(sam, words=words, kind=kind.name) == [], (words, kind.name)
        found = search(sam, Asked(words=words or "flight"))
        assert {hit.kind for hit in found.hits} <= OF_THE_HOUSE
        others = [facet for facet in found.facets if facet.kind not in OF_THE_HOUSE]
        assert not any(facet.count for facet in others)


def test_a_stranger_who_names_the_team_or_the_model_learns_nothing(promotion, sam, team):
    assert search(sam, Asked(words="flight", model="flight-delay")).facets == ()
    assert search(sam, Asked(words="flight", team=team.slug)).facets == ()


def test_an_auditor_finds_what_every_team_has(promotion, adam):
    assert "Flight delay" in titles(adam, words="flight")


def test_pages_of_one_kind_follow_each_other_without_gap(team, olga):
    for number in range(60):
        Model.objects.create(
            slug=f"m-{number}",
            name=f"Model {number}",
            purpose="Counts owls.",
            team=team,
            owner=olga,
            task="binary",
            risk_tier="low",
        )
    pages = [search(olga, Asked(words="owls", kind="model", page=page)) for page in (1, 2, 3)]
    assert [len(page.hits) for page in pages] == [25, 25, 10]
    assert len({hit.id for page in pages for hit in page.hits}) == 60
    assert [page.following for page in pages] == [2, 3, None]


def test_the_number_of_queries_does_not_grow_with_what_is_there(promotion, finding, olga):
    def asked():
        with CaptureQueriesContext(connection) as caught:
            search(olga, Asked(words="flight"))
        return len(caught)

    before = asked()
    for number in range(30):
        raise_finding(
            actor=olga,
            model=promotion.model,
            found=Found("validation", "low", f"flight {number}", "x"),
        )
    many = asked()
    assert before <= many <= 2 + 2 * len(KINDS)
    for number in range(30):
        raise_finding(
            actor=olga,
            model=promotion.model,
            found=Found("validation", "low", f"flight {number}", "x"),
        )
    assert asked() == many


@pytest.mark.parametrize("words", ["'", '"', "a & | !", "%_", "(", "\\", "x" * 200, "-", "ä ö"])
def test_any_words_are_words(promotion, olga, words):
    search(olga, Asked(words=words))


@pytest.mark.parametrize(("kind", "index"), [("event", "event_words"), ("card", "card_words")])
def test_long_text_is_found_by_its_index(promotion, adam, kind, index):
    searched = BY_NAME[kind]
    table = searched.rows(adam).model.objects.order_by()
    vector = SearchVector(*searched.words, config=searched.language)
    found = table.annotate(said=vector).filter(said=SearchQuery("owls", config=searched.language))
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
    assert index in found.explain()


def test_the_api_answers_with_kinds_and_pages(promotion, olga, client, signed_in):
    answer = signed_in(olga).get("/api/v1/search?q=winter&kind=request")
    assert answer.status_code == 200
    assert [hit["kind"] for hit in answer.json()["results"]] == ["request"]
    assert {one["kind"] for one in answer.json()["kinds"]} == {kind.name for kind in KINDS}
    wrong = signed_in(olga).get("/api/v1/search?since=yesterday")
    assert wrong.status_code in {400, 422}


def test_the_page_shows_hits_below_their_kinds(promotion, olga, signed_in):
    page = signed_in(olga).get("/search?q=winter").content.decode()
    assert "Change requests" in page
    assert f'/change-requests/{promotion.change_requests.get().pk}"' in page
    assert "Nothing found" in signed_in(olga).get("/search?q=zebra").content.decode()
