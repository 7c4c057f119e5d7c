"""Libraries of controls: their ids and counts, their editions, and what a file may not say."""

import contextlib
import time

import pytest
import yaml
from django.core.management import call_command
from hypothesis import given
from hypothesis import strategies as st

from accounts.policies import Refused
from audit.models import Event
from governance.card_fields import BY_ID
from governance.framework_files import (
    CONTROL_KEYS,
    FRAMEWORK_KEYS,
    LARGEST,
    MONITORS,
    RULES,
    BadFramework,
    parse,
)
from governance.models import Control, Edition, Framework, RuleChange
from governance.refusals import BadFile, NameTaken
from governance.services.frameworks import FOLDER, add_framework, load_shipped
from ledger.models import Job
from monitoring.models import MonitorKind
from tests.governance.conftest import Unchanged

OURS = b"""
id: house-rules
title: Our own rules
publisher: Flight operations
source: https://rules.example.org/2026
read_on: 2026-11-20
controls:
  - id: H.1
    line: Somebody answers at night
    evidence:
      - {kind: card, section: contact}
  - id: H.2
    line: The model is watched for drift
    applies: {tiers: [high, medium]}
    evidence: [{kind: monitor, monitor: drift}, {kind: document, within_days: 30}]
"""
ISO = [
    "A.2.2",
    "A.2.3",
    "A.2.4",
    "A.3.2",
    "A.3.3",
    "A.4.2",
    "A.4.3",
    "A.4.4",
    "A.4.5",
    "A.4.6",
    "A.5.2",
    "A.5.3",
    "A.5.4",
    "A.5.5",
    "A.6.1.2",
    "A.6.1.3",
    "A.6.2.2",
    "A.6.2.3",
    "A.6.2.4",
    "A.6.2.5",
    "A.6.2.6",
    "A.6.2.7",
    "A.6.2.8",
    "A.7.2",
    "A.7.3",
    "A.7.4",
    "A.7.5",
    "A.7.6",
    "A.8.2",
    "A.8.3",
    "A.8.4",
    "A.8.5",
    "A.9.2",
    "A.9.3",
    "A.9.4",
    "A.10.2",
    "A.10.3",
    "A.10.4",
]
NIST = {
    "GOVERN": (7, 3, 2, 3, 2, 2),
    "MAP": (6, 3, 5, 2, 2),
    "MEASURE": (3, 13, 3, 3),
    "MANAGE": (4, 4, 2, 3),
}
WORDS = sorted({*FRAMEWORK_KEYS, *CONTROL_KEYS, "kind", "monitor", "verdicts", "within_days"})
SHIPPED = {
    "eu-ai-act": 40,
    "four-fifths": 1,
    "iso-42001": 38,
    "nist-ai-rmf": 72,
    "nyc-ll144": 9,
    "sr-11-7": 8,
    "sr-26-2": 8,
}


def library(name):
    return parse((FOLDER / f"{name}.yaml").read_bytes())


def ids(name):
    return [control.id for control in library(name).controls]


def test_every_library_is_there_with_its_count_source_and_dates():
    found = {path.stem: library(path.stem) for path in FOLDER.glob("*.yaml")}
    assert {name: len(file.controls) for name, file in found.items()} == SHIPPED
    for name, file in found.items():
        assert file.id == name
        assert file.source.startswith("https://")
        assert str(file.read_on) == "2026-11-22"
        assert file.valid_from is not None
        assert all(control.evidence for control in file.controls), name


def test_nist_has_all_72_subcategories_by_id():
    wanted = [
        f"{function} {category}.{number}"
        for function, counts in NIST.items()
        for category, count in enumerate(counts, 1)
        for number in range(1, count + 1)
    ]
    assert len(wanted) == 72
    assert ids("nist-ai-rmf") == wanted


def test_iso_42001_has_the_38_titles_of_annex_a():
    assert ids("iso-42001") == ISO
    assert len(ISO) == 38


def test_the_eu_ai_act_has_annex_iv_whole_and_its_later_dates():
    file = library("eu-ai-act")
    named = {control.id: control for control in file.controls}
    assert [name for name in named if name.startswith("AnnexIV")] == [
        f"AnnexIV.{number}" for number in range(1, 10)
    ]
    assert str(named["Art9.5"].valid_from) == "2027-12-02"
    assert str(named["Art50.1"].valid_from) == "2026-08-02"
    articles = {name.partition(".")[0] for name in named}
    wanted = (9, 10, 11, 12, 13, 14, 15, 17, 18, 19, 20, 26, 27, 49, 50, 72, 73)
    assert articles >= {f"Art{number}" for number in wanted}


def test_sr_11_7_ended_when_sr_26_2_began_and_each_points_to_the_other():
    old, new = library("sr-11-7"), library("sr-26-2")
    assert str(old.valid_to) == str(new.valid_from) == "2026-04-17"
    targets = {target for control in old.controls for target in control.crosswalk}
    assert {target.partition(":")[2] for target in targets} <= {one.id for one in new.controls}
    assert all(control.crosswalk for control in old.controls)
    back = {t.partition(":")[2] for control in new.controls for t in control.crosswalk}
    assert back == {one.id for one in old.controls}


def test_every_crosswalk_leads_to_a_control_that_is_there():
    there = {f"{name}:{one}" for name in SHIPPED for one in ids(name)}
    files = [library(name) for name in SHIPPED]
    targets = [t for file in files for control in file.controls for t in control.crosswalk]
    assert len(targets) > 15
    assert [target for target in targets if target not in there] == []


def test_rules_speak_of_monitors_and_sections_that_exist():
    assert set(MONITORS) == set(MonitorKind.values)
    rules = [r for name in SHIPPED for c in library(name).controls for r in c.evidence]
    assert {rule["section"] for rule in rules if rule["kind"] == "card"} <= set(BY_ID)
    assert len(rules) > 150


@pytest.mark.parametrize(
    ("change", "where", "said"),
    [
        ((b"line: Somebody answers at night", b"line: ''"), "controls[0].line", "a text of"),
        ((b"id: H.2", b"id: H.1"), "controls[1].id", "twice"),
        ((b"kind: card", b"kind: charm"), "controls[0].evidence[0].kind", "one of measurement"),
        ((b"section: contact", b"section: cellar"), "controls[0].evidence[0].section", "one of"),
        ((b"tiers: [high", b"tiers: [huge"), "controls[1].applies.tiers", "no tier"),
        ((b"within_days: 30", b"within_days: -1"), "controls[1].evidence[1].within_days", "days"),
        ((b"read_on: 2026-11-20\n", b""), "read_on", "missing"),
        ((b"read_on: 2026-11-20", b"read_on: soon"), "read_on", "a day"),
        ((b"https://rules", b"javascript://rules"), "source", "not an address"),
        ((b"id: house-rules", b"id: House Rules"), "id", "is not small letters"),
        ((b"title: Our", b"colour: red\ntitle: Our"), "colour", "no such key"),
        ((b"monitor: drift}", b"monitor: weather}"), "controls[1].evidence[0].monitor", "one of"),
    ],
)
def test_a_wrong_place_is_named_by_its_line(change, where, said):
    raw = OURS.replace(*change)
    assert raw != OURS
    with pytest.raises(BadFramework) as caught:
        parse(raw)
    problems = {problem.path: problem for problem in caught.value.problems}
    assert said in problems[where].message
    needle = change[1].partition(b":")[0].split(b"\n")[0]
    if needle and b"read_on" not in change[0]:
        assert needle in raw.splitlines()[problems[where].line - 1]


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"- 1",
        b"\xff\xfe",
        b"a: [",
        b"a: &x 1\nb: *x",
        b"a: 1\na: 2",
        b"!!python/object/apply:os.system ['true']",
        b"controls: " + b"[" * 5000,
        b"? [a, b]\n: 1",
        b"x" * (LARGEST + 1),
        b"id: " + b"1" * 5000,
        b"controls: 3",
    ],
)
def test_what_is_no_framework_is_refused_quickly_and_with_words(raw):
    began = time.monotonic()
    with pytest.raises(BadFramework) as caught:
        parse(raw)
    assert caught.value.problems[0].message
    assert time.monotonic() - began < 2


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.dates()
    | st.datetimes()
    | st.binary(max_size=5)
    | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(WORDS) | st.text(max_size=5), inner, max_size=4)
    ),
    max_leaves=20,
)


@given(st.binary(max_size=300) | VALUES.map(lambda value: yaml.safe_dump(value).encode()))
def test_whatever_is_sent_is_read_or_refused_and_never_breaks(raw):
    with contextlib.suppress(BadFramework):
        parse(raw)


@given(st.sampled_from(WORDS), VALUES)
def test_a_spoilt_framework_is_read_or_refused_and_never_breaks(key, value):
    tree = yaml.safe_load(OURS)
    holder = tree if key in FRAMEWORK_KEYS else tree["controls"][0]
    holder[key] = value
    if key in RULES["measurement"] or key == "kind":
        tree["controls"][0]["evidence"][0][key] = value
    with contextlib.suppress(BadFramework):
        parse(yaml.safe_dump(tree).encode())


def test_loading_twice_is_loading_once(db):
    assert len(load_shipped()) == len(SHIPPED)
    events = Event.objects.count()
    assert load_shipped() == []
    assert Event.objects.count() == events
    assert Control.objects.count() == sum(SHIPPED.values())


def test_the_command_loads_them_and_says_so(db, capsys):
    call_command("load_frameworks")
    assert "nist-ai-rmf: edition 1, 72 controls" in capsys.readouterr().out
    call_command("load_frameworks")
    assert "Every framework is as it was." in capsys.readouterr().out


def test_a_changed_file_is_a_new_edition_and_says_what_changed(flights, tmp_path):
    path = tmp_path / "house-rules.yaml"
    path.write_bytes(OURS)
    load_shipped(folder=tmp_path)
    changed = OURS.replace(b"answers at night", b"answers within an hour")
    path.write_bytes(changed.replace(b"id: H.2", b"id: H.3"))
    (second,) = load_shipped(folder=tmp_path)
    assert (second.number, second.current) == (2, True)
    assert Edition.objects.filter(current=True).count() == 1
    change = RuleChange.objects.get()
    assert change.controls == {"added": ["H.3"], "changed": ["H.1"], "removed": ["H.2"]}
    assert Job.objects.get(kind="governance.controls").subject_id == flights.pk
    told = Event.objects.filter(event="governance.framework.loaded").first()
    assert told.data["changes"]["changed"] == ["H.1"]


def test_a_risk_officer_adds_the_teams_own_framework_and_strangers_do_not_see_it(
    team, rosa, sam, adam
):
    edition = add_framework(actor=rosa, team_id=team.pk, raw=OURS)
    assert edition.framework.team == team
    assert list(Framework.objects.visible_to(rosa)) == [edition.framework]
    assert list(Framework.objects.visible_to(sam)) == []
    assert list(Framework.objects.visible_to(adam)) == [edition.framework]


@pytest.mark.parametrize("name", ["olga", "rita", "adam", "sam", "robot"])
def test_others_add_none(name, team, request):
    person = request.getfixturevalue(name)
    with Unchanged(), pytest.raises(Refused, match="Only validators"):
        add_framework(actor=person, team_id=team.pk, raw=OURS)
    assert Framework.objects.count() == 0


def test_a_name_that_is_taken_is_refused(team, other_team, rosa, vera):
    load_shipped()
    with pytest.raises(NameTaken):
        add_framework(actor=rosa, team_id=team.pk, raw=OURS.replace(b"house-rules", b"eu-ai-act"))
    add_framework(actor=rosa, team_id=team.pk, raw=OURS)
    with pytest.raises(NameTaken, match="says the same"):
        add_framework(actor=vera, team_id=team.pk, raw=OURS)
    with pytest.raises(BadFile) as caught:
        add_framework(actor=rosa, team_id=team.pk, raw=OURS.replace(b"H.2", b"H.1"))
    assert caught.value.details()["errors"][0]["line"] == 12
