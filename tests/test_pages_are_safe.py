"""Every name is escaped on every page and in every export; every page has a strict CSP."""

import re

import pytest
from django.test import Client

from accounts.models import ApiToken, Team, User
from audit.models import Event
from governance.models import CardRevision, GuidelineAnswers, GuidelineEdition
from monitoring.models import Measurement
from registry.models import Schema
from tests.conftest import person
from tests.marked import mark, person_client, readable, unguarded
from tests.world import FIELDS, world_of

# Closes an attribute or a tag, wherever it stands, and would run.
EVIL = "\"'><img src=zqx onerror=alert(1)><script>zqx</script>"
RAW = re.compile(r"<img[^>]*zqx|<script>zqx|[\"']><img src=zqx")
HTML = ("text/html", "application/xhtml+xml", "image/svg+xml")
DIRECTIVES = {
    "default-src": "'self'",
    "object-src": "'none'",
    "base-uri": "'self'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
}


@pytest.fixture
def world(team, olga, vera, rita, other_team):
    found = world_of(team, olga)
    marked = mark(EVIL, shared=True)
    assert len(marked) > 40, marked
    Team.objects.filter(pk=team.pk).update(name=EVIL)
    User.objects.filter(pk__in=[olga.pk, vera.pk, rita.pk]).update(name=EVIL)
    ApiToken.objects.update(name=EVIL)
    with unguarded():
        name_inside(found)
    assert Event.objects.exists()
    return found


def name_inside(found):
    """Features, sections of cards, questions and answers: names that lie inside of JSON."""
    field = {"name": EVIL, "dtype": "number", "role": "feature"}
    Schema.objects.update(fields=[*FIELDS[:2], field, FIELDS[3]])
    Measurement.objects.update(field=EVIL)
    CardRevision.objects.update(sections={"overview": EVIL, "intended_use": f"[x]({EVIL})"})
    question = {"id": "harmed", "title": EVIL, "text": EVIL, "kind": "text", "options": []}
    GuidelineEdition.objects.update(questions=[question])
    GuidelineAnswers.objects.update(answers={"harmed": {"text": EVIL}})


def body_of(answer):
    raw = b"".join(answer.streaming_content) if answer.streaming else answer.content
    return raw.decode("utf-8", "replace")


def walked(client, addresses):
    for address in addresses:
        answer = client.get(address)
        assert answer.status_code < 500, address
        yield address, answer, body_of(answer)


INLINE = re.compile(
    r"<script(?![^>]*\bsrc=)(?![^>]*application/json)[^>]*>|<style|\sstyle=|\son\w+="
)


@pytest.mark.parametrize("who", ["adam", "anna", "olga", "rita", "rosa"])
def test_no_name_runs_on_any_page(world, request, who):
    """Nor does a page need what the policy forbids, nor is a file read as one."""
    found = Problems()
    for address, answer, body in walked(
        person_client(request.getfixturevalue(who)), readable(world)
    ):
        found.policy(address, answer)
        if answer["Content-Type"].startswith(HTML):
            found.page(address, answer, body)
        elif "zqx" in body:
            found.files += 1
            assert answer["X-Content-Type-Options"] == "nosniff", address
    assert (found.unescaped, found.lax, found.inline) == ([], [], [])
    assert found.named > 25
    assert found.files > 10
    assert found.policies > 100


@pytest.mark.parametrize("who", ["nobody", "sam"])
def test_what_strangers_get_has_a_strict_policy_too(world, request, who):
    client = Client() if who == "nobody" else person_client(request.getfixturevalue(who))
    found = Problems()
    for address, answer, _ in walked(client, readable(world)):
        found.policy(address, answer)
    assert found.lax == []
    assert found.policies > 100


class Problems:
    """What a walk through all addresses found, and how much it looked at."""

    def __init__(self):
        self.unescaped, self.lax, self.inline = [], [], []
        self.named = self.files = self.policies = 0

    def policy(self, address, answer):
        if address == "/api/docs":
            return  # has its own test below
        said = answer.headers.get("Content-Security-Policy", "")
        rules = dict(one.strip().partition(" ")[::2] for one in said.split(";"))
        self.policies += 1
        if "unsafe" in said or any(rules.get(name) != value for name, value in DIRECTIVES.items()):
            self.lax.append((address, said))

    def page(self, address, answer, body):
        self.named += "zqx" in body
        self.unescaped += [address] if RAW.search(body) else []
        if answer["Content-Type"].startswith("text/html") and answer.status_code == 200:
            clean = body.replace("onerror=alert", "")
            self.inline += [(address, one) for one in INLINE.findall(clean)]


def test_the_api_s_documentation_has_the_policy_as_well(adam):
    answer = person_client(adam).get("/api/docs")
    assert "unsafe-inline" not in answer["Content-Security-Policy"]
    assert "unsafe-eval" not in answer["Content-Security-Policy"]


def test_an_error_page_keeps_the_policy_and_escapes(client, adam):
    answer = person_client(adam).get('/no/"><img src=zqx>')
    assert answer.status_code == 404
    assert "unsafe" not in answer["Content-Security-Policy"]
    assert not RAW.search(body_of(answer))


def test_no_template_is_made_of_what_people_wrote(world, adam):
    """What looks like a template stays text: nobody's words are rendered as one."""
    mark("{{ 6|add:1 }}{% now 'Y' %}")
    shown = 0
    for _, answer, body in walked(person_client(adam), readable(world)):
        if answer["Content-Type"].startswith("text/html"):
            shown += "{{ 6|add:1 }}" in body
    assert shown > 15


def test_a_person_s_name_is_escaped_in_messages(anna, team, signed_in):
    evil = person("evil")
    User.objects.filter(pk=evil.pk).update(name=EVIL)
    desk = signed_in(anna)
    sent = {"role": "reviewer", "team": str(team.pk), "reason": EVIL}
    told = desk.post(f"/people/{evil.pk}/roles", sent, follow=True).content.decode()
    assert "zqx" in told
    assert not RAW.search(told)


SHOWN = [
    "/models/flight-delay",
    "/models/flight-delay/1",
    "/models/flight-delay/1/card",
    "/models/flight-delay/1/guidelines/ethics",
    "/findings",
    "/incidents",
    "/people",
    "/teams",
]


@pytest.mark.parametrize("address", SHOWN)
def test_the_name_is_there_as_text(world, anna, address):
    shown = body_of(person_client(anna).get(address))
    assert "&lt;img src=zqx" in shown
    assert not RAW.search(shown)


def test_the_feature_s_name_is_there_as_text(world, adam):
    version = body_of(person_client(adam).get("/models/flight-delay/1"))
    assert version.count("&lt;script&gt;zqx") > 1
