"""Cards: facts and claims fill themselves in, people write, nobody overwrites anybody."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.policies import Refused
from governance.card_fields import REQUIRED, SECTIONS, BadSections, clean_sections, completeness
from governance.models import Card, CardRevision
from governance.reads.card_differences import compared
from governance.reads.cards import card_of, exported, rendered
from governance.reads.requests import request_page
from governance.refusals import CardChanged
from governance.services.cards import ensure_card, refresh_card, revise_card
from monitoring.models import Measurement, Monitor, Run
from registry.models import Contribution, Version
from tests.governance.conftest import SECTIONS as TEXTS
from tests.governance.conftest import Unchanged, ask, carry_out, promoted, sign


def measured(version, metric, value, kind="performance", field="", weeks_ago=0, **more):
    monitor = Monitor.objects.get(model=version.model, kind=kind)
    end = timezone.now() - timedelta(weeks=weeks_ago)
    run = Run.objects.create(
        monitor=monitor,
        version=version,
        window_start=end - timedelta(days=7),
        window_end=end,
        config_digest=f"{metric}{field}",
        verdict="ok",
        profile_digest="0",
        library_version="1",
    )
    return Measurement.objects.create(
        run=run,
        monitor=monitor,
        version=version,
        window_end=end,
        metric=metric,
        field=field,
        value=value,
        verdict="ok",
        n=1000,
        **more,
    )


def test_facts_come_from_the_registry(one):
    facts = card_of(one.pk).facts
    assert facts["model"]["name"] == "Flight delay"
    assert facts["artifact"] == {
        "digest": one.artifact_digest,
        "uri": "",
        "files": 1,
        "size": 9,
        "formats": ["skops"],
    }
    assert facts["schema"]["inputs"] == [{"name": "temperature", "dtype": "number"}]
    assert facts["reference"]["rows"] == 5000
    assert facts["lineage"]["run"] == {"params": {"depth": "3"}}


def test_claims_are_bound_to_measurements(one, olga):
    measured(one, "auc", 0.65, weeks_ago=1)
    newest = measured(one, "auc", 0.68, low=0.66, high=0.70)
    measured(one, "psi", 0.3, kind="drift", field="temperature")
    refresh_card(actor=olga, version_id=one.pk)
    page = card_of(one.pk)
    claims = {claim.label: claim for claim in page.claims}
    assert claims["AUC"].measurement_id == newest.pk
    assert (claims["AUC"].value, claims["AUC"].low, claims["AUC"].n) == (0.68, 0.66, 1000)
    assert claims["Worst PSI (temperature)"].value == 0.3
    assert claims["test AUC"].source == "recorded by the training run"
    assert page.revision.number == 2


def test_refreshing_what_has_not_changed_adds_nothing(one, olga):
    with Unchanged():
        refresh_card(actor=olga, version_id=one.pk)
    assert CardRevision.objects.count() == 1


def test_a_revision_keeps_the_other_sections_and_counts_as_a_hand(one, vera):
    revise_card(
        actor=vera, version_id=one.pk, sections={"risks": "Fog"}, note="Fog", expected_revision=1
    )
    page = card_of(one.pk)
    assert page.written == {**TEXTS, "risks": "Fog"}
    assert (page.revision.author, page.revision.note) == ("Vera", "Fog")
    assert Contribution.objects.filter(person=vera, version=one, kind="card").exists()
    (changed,) = compared(one, "1", "2").difference.sections
    assert changed.section.id == "risks"
    assert changed.words == (("-", TEXTS["risks"]), ("+", "Fog"))


def test_a_difference_marks_words_and_not_whole_paragraphs(one, olga):
    words = {"version_id": one.pk, "note": ""}
    revise_card(actor=olga, sections={"risks": "Fog in May"}, expected_revision=1, **words)
    revise_card(actor=olga, sections={"risks": "Snow in May"}, expected_revision=2, **words)
    (changed,) = compared(one, "2", "3").difference.sections
    assert changed.words == (("-", "Fog "), ("+", "Snow "), (" ", "in May"))


def test_two_editors_do_not_overwrite_each_other(one, olga, vera):
    words = {"version_id": one.pk, "note": "", "expected_revision": 1}
    revise_card(actor=olga, sections={"risks": "Fog"}, **words)
    with Unchanged(), pytest.raises(CardChanged, match="revision 2"):
        revise_card(actor=vera, sections={"risks": "Snow"}, **words)
    assert card_of(one.pk).written["risks"] == "Fog"
    assert not Contribution.objects.filter(person=vera).exists()


@pytest.mark.parametrize("name", ["rita", "rosa", "adam", "anna", "sam", "robot"])
def test_others_do_not_write_cards(one, name, request):
    person = request.getfixturevalue(name)
    with Unchanged(), pytest.raises(Refused):
        revise_card(
            actor=person, version_id=one.pk, sections={"risks": "x"}, note="", expected_revision=1
        )
    with Unchanged(), pytest.raises(Refused):
        refresh_card(actor=person, version_id=one.pk)
    bare = Version.objects.create(model=one.model, number=9)
    with Unchanged(), pytest.raises(Refused):
        ensure_card(actor=person, version_id=bare.pk)
    assert Card.objects.count() == 1


def test_a_first_card_has_facts_and_is_empty_otherwise(flights, olga):
    version = Version.objects.create(model=flights, number=9)
    ensure_card(actor=olga, version_id=version.pk)
    ensure_card(actor=olga, version_id=version.pk)
    page = card_of(version.pk)
    assert (page.revision.number, page.completeness.written) == (1, 0)
    assert page.completeness.missing == REQUIRED


@pytest.mark.parametrize(
    "sections", [{"weather": "x"}, {"risks": 3}, {"risks": "x" * 20_001}, {"risks": "a\0"}]
)
def test_sections_that_make_no_sense_are_named(sections):
    with pytest.raises(BadSections) as refused:
        clean_sections(sections)
    assert refused.value.errors.keys() == sections.keys()


def test_completeness_counts_required_sections_only():
    assert completeness({}).share == 0
    assert completeness({section.id: "x" for section in REQUIRED}).share == 1
    half = {section.id: "x" for section in SECTIONS if not section.required}
    assert completeness(half).written == 0


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "[x](javascript:alert(1))",
        "![x](x onerror=alert(1))",
        '<img src=x onerror="alert(1)">',
        "[x](data:text/html;base64,PHNjcmlwdD4=)",
    ],
)
def test_markdown_cannot_run_anything(text):
    html = rendered(text).lower()
    assert "<script" not in html
    assert "<img" not in html or "onerror=" not in html.replace("&quot;", "").split("<img")[1]
    assert 'href="javascript' not in html
    assert 'href="data' not in html


def test_markdown_is_shown_as_people_wrote_it():
    html = rendered("**Fog** and\n\n| a | b |\n|---|---|\n| 1 | 2 |")
    assert "<strong>Fog</strong>" in html
    assert "<td>1</td>" in html


def test_the_card_of_a_served_version_names_who_signed(one, olga, vera, rita):
    promoted(one, olga, vera, rita)
    card = exported(card_of(one.pk))
    assert [sign["name"] for sign in card["facts"]["approvals"]] == ["Vera", "Rita"]
    assert card["facts"]["deployments"][0]["role"] == "champion"
    assert card["revision"]["author"] == "Ombud"


def test_a_request_is_judged_with_todays_facts_in_the_card(one, olga, vera, rita):
    one.files.create(path="MLmodel", size=1, sha256="1" * 64)
    request = ask(olga, one)
    page = card_of(one.pk)
    assert (page.revision.number, page.revision.author) == (2, "Ombud")
    assert page.facts["artifact"]["files"] == 2
    assert request.evidence["card"]["revision"] == 2


def test_the_machine_does_not_make_signatures_stale(one, olga, vera, rita):
    request = ask(olga, one)
    sign(vera, request)
    shadow = ask(olga, one, role="shadow", environment="staging")
    assert request_page(rita, request.pk).changed == ()
    for person in (vera, rita):
        sign(person, shadow)
    carry_out(shadow)
    assert shadow.state == "executed", shadow.error
    sign(rita, request)
    request.refresh_from_db()
    assert request.state == "approved"
