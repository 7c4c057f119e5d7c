"""A foreign card through its pages and by API: seen first, then taken."""

import json
import re

from django.core.files.uploadedfile import SimpleUploadedFile

from governance.models import CardImport, CardRevision
from governance.reads.cards import card_of
from tests.governance.conftest import Unchanged
from tests.governance.test_card_imports import README

PAGE = "/models/flight-delay/2/card/import"
API = "/api/v1/models/flight-delay/versions/2/card/import"


def upload(text=README, name="README.md"):
    return SimpleUploadedFile(name, text.encode())


def hidden(text, name):
    return re.search(rf'name="{name}"\s+value="([^"]*)"', text)[1]


def test_the_preview_comes_first_and_the_card_afterwards(two, olga, post, page):
    assert "Show what would be taken" in page(olga, PAGE)
    with Unchanged():
        text = post(olga, PAGE, {"file": upload()}).content.decode()
    assert "replaces what is written there" in text
    assert "No section of a card here answers this heading." in text
    assert "&lt;script&gt;" in text
    given = {name: hidden(text, name) for name in ("content", "expected_revision")}
    answer = post(olga, PAGE, {**given, "take": ["licence", "number-0"]}, follow=True)
    shown = answer.content.decode()
    assert "The card is imported as revision 2" in shown
    assert "stated by the imported card, not measured here" in shown
    assert card_of(two.pk).written["licence"] == "Licence: apache-2.0"


def test_a_bad_file_says_where_and_how_to_mend_it(two, olga, post):
    with Unchanged():
        answer = post(olga, PAGE, {"file": upload("---\na: &a 1\nb: *a\n---\n# x")})
    assert answer.status_code == 422
    assert "nothing was changed" in answer.content.decode()
    assert "No anchors or aliases" in answer.content.decode()
    assert post(olga, PAGE, {}).status_code == 422
    broken = {"content": "!", "expected_revision": "1"}
    assert post(olga, PAGE, broken).status_code == 422
    assert CardRevision.objects.filter(card__version=two).count() == 1


def test_a_card_changed_meanwhile_shows_the_preview_again(two, olga, post):
    text = post(olga, PAGE, {"file": upload()}).content.decode()
    post(olga, "/models/flight-delay/2/card/edit", {"risks": "Ice", "expected_revision": "1"})
    given = {"content": hidden(text, "content"), "expected_revision": "1", "take": "licence"}
    with Unchanged():
        answer = post(olga, PAGE, given)
    assert answer.status_code == 412
    assert "Somebody changed the card meanwhile" in answer.content.decode()


def test_the_api_previews_and_writes_on_confirm(two, olga, client):
    client.force_login(olga)
    seen = client.post(API, {"file": upload()})
    assert seen.status_code == 200, seen.content
    assert (seen.json()["written"], CardImport.objects.count()) == (False, 0)
    assert {"field": "language", "why": "There is no such field in a card here."} in seen.json()[
        "lost"
    ]
    without = client.post(API, {"file": upload(), "confirm": "true"})
    assert without.status_code == 428
    done = client.post(API, {"file": upload(), "confirm": "true"}, headers={"If-Match": '"1"'})
    assert (done.status_code, done.json()["written"], done.json()["revision"]) == (200, True, 2)
    late = client.post(API, {"file": upload(), "confirm": "true"}, headers={"If-Match": '"1"'})
    assert late.status_code == 412


def test_the_api_refuses_a_bad_file_as_a_problem(two, olga, client):
    client.force_login(olga)
    with Unchanged():
        answer = client.post(API, {"file": upload(json.dumps({"model_details": 3}), "c.json")})
    assert (answer.status_code, answer.json()["code"]) == (422, "card_not_importable")
    assert answer.json()["errors"][0]["field"] == "model_details"
