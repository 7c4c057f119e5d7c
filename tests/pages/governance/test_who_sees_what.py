"""Every page opens for the people of the team and for auditors, and for nobody else."""

import pytest

VERSION = "/models/flight-delay/2"
OF_THE_MODEL = [
    "/models/flight-delay",
    VERSION,
    f"{VERSION}/card",
    f"{VERSION}/card?revision=1",
    f"{VERSION}/card/revisions",
    f"{VERSION}/card/revisions?from=1&to=2",
    "/models/flight-delay/1",
    "/models/flight-delay/1/card",
    "/change-requests/{asked}",
    "/change-requests/{asked}/sign",
]
OF_EVERYBODY = ["/", "/models", "/inbox", "/change-requests", "/models?q=nothing&team=x&tier=high"]
FORMS = [
    ("olga", f"{VERSION}/card/edit"),
    ("vera", f"{VERSION}/card/edit"),
    ("olga", f"{VERSION}/request"),
    ("olga", f"{VERSION}/request?kind=retire"),
    ("olga", "/models/flight-delay/1/request?kind=roll_back"),
    ("olga", "/change-requests/{asked}/withdraw"),
    ("rita", "/models/flight-delay/1/clearance"),
    ("rosa", "/models/flight-delay/1/clearance?environment=staging"),
]
NOT_THEIRS = [
    ("rita", f"{VERSION}/card/edit", "Only developers and validators of the owning team"),
    ("adam", f"{VERSION}/card/edit", "Only developers and validators of the owning team"),
    ("rita", f"{VERSION}/request", "ask for a change"),
    ("adam", "/change-requests/{asked}/withdraw", "Who asked, or a developer of the team"),
    ("olga", "/models/flight-delay/1/clearance", "Only a reviewer or a risk officer"),
    ("anna", "/models/flight-delay/1/clearance", "Only a reviewer or a risk officer"),
]


@pytest.fixture
def people(olga, vera, rita, rosa, adam, anna, sam):
    return {u.name.lower(): u for u in (olga, vera, rita, rosa, adam, anna, sam)}


def test_the_team_and_the_auditor_read_every_page(asked, people, page):
    for who in ("olga", "vera", "rita", "rosa", "adam", "anna"):
        for address in OF_EVERYBODY + OF_THE_MODEL:
            text = page(people[who], address.format(asked=asked.pk))
            assert "</html>" in text
            assert " style=" not in text
            assert "<script>" not in text


def test_a_stranger_finds_nothing(asked, people, page):
    for address in OF_THE_MODEL + [address for _, address in FORMS]:
        page(people["sam"], address.format(asked=asked.pk), status=404)


def test_a_stranger_sees_no_model_of_others_in_lists(asked, people, page):
    for address in OF_EVERYBODY:
        text = page(people["sam"], address)
        assert "Flight delay" not in text
        assert "flight-delay" not in text.replace('placeholder="flight-delay"', "")


def test_who_is_not_signed_in_is_sent_to_the_door(asked, client):
    for address in OF_EVERYBODY + OF_THE_MODEL + [address for _, address in FORMS]:
        answer = client.get(address.format(asked=asked.pk))
        assert answer.status_code == 302
        assert answer.url.startswith("/accounts/login/")


def test_forms_open_for_those_who_may_send_them(asked, people, page):
    for who, address in FORMS:
        assert "<form" in page(people[who], address.format(asked=asked.pk))


def test_others_are_told_why_not(asked, people, page):
    for who, address, reason in NOT_THEIRS:
        assert reason in page(people[who], address.format(asked=asked.pk), status=403)


NOT_THERE = [
    "/models/no-such-model",
    "/models/flight-delay/99",
    "/models/flight-delay/99/card",
    "/models/flight-delay/2/card?revision=99",
    "/change-requests/999999",
    "/change-requests/999999/sign",
]
ODD = [
    "/models?q=%00&team=%00&tier=%00&page=99999999999",
    "/models?page=-1",
    "/models?page=²",
    "/change-requests?state=nonsense&model=%00",
    "/models/flight-delay/2/card?revision=x",
    "/models/flight-delay/2/card/revisions?from=x&to=99999999999999",
    "/models/flight-delay/2/request?kind=nonsense&role=nonsense",
    "/search?q=%00",
]


def test_what_is_not_there_is_not_found(asked, olga, page):
    for address in NOT_THERE:
        page(olga, address, status=404)


def test_odd_addresses_are_borne(asked, olga, signed_in):
    for address in ODD:
        assert signed_in(olga).get(address).status_code in {200, 302}


def test_a_fresh_installation_says_what_to_do_next(anna, page):
    text = page(anna, "/")
    assert "No models yet" in text
    assert "/api/docs" in text
    assert "make demo" in text
    assert "No models yet" in page(anna, "/models")


def test_search_leads_to_the_list(asked, olga, client):
    client.force_login(olga, backend="allauth.account.auth_backends.AuthenticationBackend")
    found = client.get("/search", {"q": "flight"}, follow=True).content.decode()
    assert "Flight delay" in found
    assert 'value="flight"' in found
    assert "No model matches" in client.get("/models?q=zeppelin").content.decode()
