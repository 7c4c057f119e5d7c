"""Pages of frameworks, controls, findings, waivers and risk: who sees what, and what forms do."""

from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from governance.jobs.controls import rebuild_controls
from governance.models import (
    Assessment,
    AttachedEvidence,
    Attestation,
    Finding,
    Framework,
    RiskAssessment,
    Waiver,
)
from governance.services.frameworks import load_shipped
from tests.conftest import PASSWORD
from tests.governance.conftest import Unchanged
from tests.governance.test_controls import control
from tests.governance.test_findings import asked, raised
from tests.governance.test_frameworks import OURS

H1 = "/models/flight-delay/controls/house-rules/H.1"


@pytest.fixture
def ruled(flights, one, tmp_path):
    folder = tmp_path / "rules"
    folder.mkdir()
    (folder / "house-rules.yaml").write_bytes(OURS)
    load_shipped(folder=folder)
    rebuild_controls(model_ids=[flights.pk])
    return flights


def test_a_proposal_is_confirmed_on_the_page_of_the_control(ruled, page, post, vera, olga):
    text = page(vera, H1)
    assert "Proposed by rule: met" in text
    assert "Card section “Contact” is written." in text
    sent = {"result": "met", "reason": "Read it", "digest": control().digest}
    assert post(vera, H1, sent).status_code == 302
    assert "Read it" in page(vera, H1)
    assert "Your assessment" not in page(olga, H1)
    with Unchanged():
        assert post(olga, H1, sent).status_code == 403
    assert Assessment.objects.count() == 1


def test_a_control_that_changed_meanwhile_is_not_assessed(ruled, post, vera):
    with Unchanged():
        answer = post(vera, H1, {"result": "met", "reason": "Read it", "digest": "0" * 64})
    assert answer.status_code == 409
    assert "changed while you read it" in answer.content.decode()


def test_what_is_missing_is_said_with_the_place_to_mend_it(ruled, page, vera):
    text = page(vera, "/models/flight-delay/controls/house-rules/H.2")
    assert "A document is missing." in text
    assert "Attach a document below" in text
    assert "A document is missing." in page(vera, "/models/flight-delay/compliance")


def test_a_document_is_uploaded_shown_by_its_hash_and_comes_back_as_it_was(
    ruled, post, page, olga, sam, client
):
    file = SimpleUploadedFile("../../<b>x</b>.pdf", b"%PDF-1.7 report", "text/html")
    answer = post(olga, f"{H1}/evidence", {"title": "<i>Report</i>", "file": file})
    assert answer.status_code == 302
    row = AttachedEvidence.objects.get()
    text = page(olga, H1)
    assert "&lt;i&gt;Report&lt;/i&gt;" in text
    assert row.sha256 in text
    back = client.get(f"/api/v1/evidence/{row.pk}")
    assert back.content == b"%PDF-1.7 report"
    assert back["Content-Disposition"] == f'attachment; filename="evidence-{row.pk}.pdf"'
    assert back["Content-Type"] == "application/octet-stream"
    client.force_login(sam, "allauth.account.auth_backends.AuthenticationBackend")
    assert client.get(f"/api/v1/evidence/{row.pk}").status_code == 404


def test_bytes_of_an_unknown_kind_are_refused_in_words(ruled, post, olga):
    file = SimpleUploadedFile("report.pdf", b"MZ\x90\x00")
    answer = post(olga, f"{H1}/evidence", {"title": "Report", "file": file}, follow=True)
    assert "these bytes are something else" in answer.content.decode()
    assert AttachedEvidence.objects.count() == 0


def test_the_matrix_speaks_words_and_leads_to_the_control(ruled, page, vera, sam):
    text = page(vera, "/controls?framework=house-rules")
    assert "Flight delay, H.1: proposed" in text
    assert H1 in text
    assert "Flight delay" not in page(sam, "/controls?framework=house-rules")


def test_a_framework_with_wrong_places_is_refused_by_line(team, page, post, rosa, olga):
    assert page(olga, "/frameworks/new", 403)
    raw = OURS.replace(b"kind: card", b"kind: charm").decode()
    with Unchanged():
        answer = post(rosa, "/frameworks/new", {"team": team.pk, "text": raw})
    assert answer.status_code == 422
    assert "line 11, controls[0].evidence[0].kind" in answer.content.decode()
    fine = post(rosa, "/frameworks/new", {"team": team.pk, "text": OURS.decode()})
    assert fine.status_code == 302
    assert Framework.objects.get().team == team


def test_a_team_is_not_given_a_framework_by_somebody_else(other_team, post, rosa):
    with Unchanged():
        answer = post(rosa, "/frameworks/new", {"team": other_team.pk, "text": OURS.decode()})
    assert answer.status_code == 422


def test_a_finding_is_raised_and_closed_by_another_on_its_page(flights, page, post, vera, olga):
    sent = {
        "model": "flight-delay",
        "kind": "validation",
        "severity": "high",
        "title": "Night flights <script>",
        "text": "None in the reference",
    }
    assert post(vera, "/findings/new", sent).status_code == 302
    finding = Finding.objects.get()
    here = f"/findings/{finding.pk}"
    assert "Night flights &lt;script&gt;" in page(olga, here)
    for verb in ("start", "propose"):
        post(olga, f"{here}/move", {"verb": verb, "text": "Done"})
    assert "Somebody else closes it" in page(olga, here)
    with Unchanged():
        assert post(olga, f"{here}/move", {"verb": "close", "text": "x"}).status_code == 403
    assert post(vera, f"{here}/move", {"verb": "close", "text": "Seen"}).status_code == 302
    finding.refresh_from_db()
    assert (finding.state, finding.closed_by) == ("closed", vera)


def test_the_models_page_and_the_inbox_show_open_findings(flights, page, vera, olga):
    raised(vera, flights)
    assert "Night flights are missing" in page(olga, "/models/flight-delay")
    assert "Findings that you own" in page(olga, "/inbox")


def test_a_waiver_is_asked_for_decided_and_shown(flights, page, post, vera, rosa):
    finding = raised(vera, flights)
    soon = timezone.now().date() + timedelta(days=20)
    address = f"/models/flight-delay/waiver?finding={finding.pk}"
    assert "Night flights" in page(vera, address)
    assert post(vera, address, {"reason": "Winter", "expires_on": soon}).status_code == 302
    waiver = Waiver.objects.get()
    assert "Waivers for you to decide" in page(rosa, "/inbox")
    sent = {"decision": "grant", "reason": "Until spring", "password": "guess"}
    wrong = post(rosa, f"/waivers/{waiver.pk}", sent)
    assert (wrong.status_code, "guess" in wrong.content.decode()) == (403, False)
    assert post(rosa, f"/waivers/{waiver.pk}", {**sent, "password": PASSWORD}).status_code == 302
    assert "Signed by Rosa" in page(vera, f"/waivers/{waiver.pk}")


def test_a_waiver_is_withdrawn_on_its_page(flights, post, vera):
    waiver = asked(vera, flights, raised(vera, flights))
    assert post(vera, f"/waivers/{waiver.pk}", {"withdraw": "1", "reason": "x"}).status_code == 302
    waiver.refresh_from_db()
    assert waiver.state == "withdrawn"


def test_risk_is_signed_on_its_page(flights, page, post, rosa, vera):
    answers = {
        "materiality": "severe",
        "autonomy": "advice",
        "people": "none",
        "reversibility": "at_once",
        "reason": "Weighed",
    }
    assert "Risk questionnaire" not in page(vera, "/models/flight-delay/risk")
    wrong = post(rosa, "/models/flight-delay/risk", {**answers, "password": "guess"})
    assert wrong.status_code == 403
    right = post(rosa, "/models/flight-delay/risk", {**answers, "password": PASSWORD})
    assert right.status_code == 302
    assert RiskAssessment.objects.get().tier == "high"
    assert "Materiality alone asks for at least high" in page(vera, "/models/flight-delay/risk")


def test_an_attestation_is_signed_from_the_inbox(flights, page, post, olga, vera):
    today = timezone.now().date()
    row = Attestation.objects.create(model=flights, tier="medium", due_on=today)
    assert f"/attestations/{row.pk}" in page(olga, "/inbox")
    assert f"/attestations/{row.pk}" not in page(vera, "/inbox")
    sent = {"result": "fit", "statement": "Looked at it", "password": PASSWORD}
    assert post(olga, f"/attestations/{row.pk}", sent).status_code == 302
    assert "fit for its purpose" in page(vera, f"/attestations/{row.pk}")


@pytest.mark.parametrize(
    ("address", "most"),
    [
        ("/frameworks", 6),
        ("/frameworks/house-rules", 7),
        ("/frameworks/house-rules/changes", 8),
        ("/controls", 11),
        ("/controls?framework=house-rules", 11),
        ("/models/flight-delay/compliance", 11),
        (H1, 13),
        ("/findings", 6),
        ("/waivers", 5),
        ("/models/flight-delay/risk", 11),
    ],
)
def test_a_page_asks_a_bounded_number_of_queries(address, most, ruled, page, vera, client):
    for number in range(5):
        raised(vera, ruled, title=f"Finding {number}")
    page(vera, address)
    with CaptureQueriesContext(connection) as asked_for:
        client.get(address)
    assert len(asked_for) <= most
