"""Lists as CSV: the same rows as JSON, bounded, and nothing in them that a spreadsheet computes."""

import csv
import io

import pytest

from accounts.services.tokens import create_token, revoke_token
from audit.api import spreadsheets
from audit.models import Event

EVENTS = "/api/v1/audit/events"

pytestmark = pytest.mark.django_db


def table(answer):
    assert answer.status_code == 200, answer.content
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert answer["Content-Disposition"].startswith("attachment")
    return list(csv.DictReader(io.StringIO(answer.content.decode(), newline="")))


def test_the_trail_as_csv_has_the_rows_and_columns_of_the_json(signed_in, olga, adam):
    for name in ("one", "two"):
        create_token(actor=olga, owner=olga, name=name, scopes=["read"], days=1)
    client = signed_in(adam)
    told = client.get(EVENTS).json()["results"]
    rows = table(client.get(EVENTS, {"format": "csv"}))
    assert [int(row["sequence"]) for row in rows] == [event["sequence"] for event in told]
    assert list(rows[0]) == list(told[0])
    assert rows[0]["digest"] == told[0]["digest"]


@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "\t", "\r", "＝"])  # noqa: RUF001 - wide
def test_text_that_begins_like_a_formula_is_made_harmless(sign, signed_in, olga, adam):
    olga.name = f"{sign}HYPERLINK(1)"
    olga.save()
    create_token(actor=olga, owner=olga, name="t", scopes=["read"], days=1)
    (row,) = table(signed_in(adam).get(EVENTS, {"format": "csv"}))
    assert row["actor_name"] == f"'{sign}HYPERLINK(1)"


def test_numbers_stay_numbers_and_parts_are_json():
    assert [spreadsheets.cell(value) for value in (-1.5, 0, None, True)] == [-1.5, 0, "", True]
    assert spreadsheets.cell({"a": [-1]}) == '{"a": [-1]}'
    assert spreadsheets.cell("x=1, or -1") == "x=1, or -1"


def test_filters_hold_and_a_list_without_rows_still_has_its_header(signed_in, olga, adam):
    made = create_token(actor=olga, owner=olga, name="t", scopes=["read"], days=1)
    revoke_token(actor=olga, token_id=made.token.pk)
    client = signed_in(adam)
    rows = table(client.get(EVENTS, {"format": "csv", "event": "accounts.token.revoked"}))
    assert [row["event"] for row in rows] == ["accounts.token.revoked"]
    none = client.get(EVENTS, {"format": "csv", "event": "nothing"})
    assert none.content.decode().splitlines() == [",".join(rows[0])]


def test_a_file_is_bounded_and_names_the_address_of_the_rest(signed_in, olga, adam, monkeypatch):
    monkeypatch.setattr(spreadsheets, "MOST_ROWS", 2)
    for name in "abc":
        create_token(actor=olga, owner=olga, name=name, scopes=["read"], days=1)
    client = signed_in(adam)
    first = client.get(EVENTS, {"format": "csv", "page_size": 100})
    assert len(table(first)) == 2
    rest = client.get(first["Link"].partition("<")[2].partition(">")[0])
    assert len(table(rest)) == 1
    assert "Link" not in rest
    assert Event.objects.count() == 3


def test_the_page_of_the_trail_offers_the_file_with_its_filters(signed_in, olga, adam):
    text = signed_in(adam).get("/audit", {"event": "accounts.token.created"}).content.decode()
    assert f'href="{EVENTS}?format=csv&amp;event=accounts.token.created"' in text
