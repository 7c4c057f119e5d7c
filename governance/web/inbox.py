"""What waits for a person, what they asked for, what was decided; and every request."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.sessions import person_of
from governance.models import ChangeRequest
from governance.reads.discussion import asked_of_builders
from governance.reads.findings import (
    attestations_waiting_for,
    findings_of,
    waivers_waiting_for,
)
from governance.reads.guidelines import answers_waiting_for, editions_waiting_for
from governance.reads.notices import notices_for
from governance.reads.recommendations import to_consider
from governance.reads.requests import escalated_to, inbox_lines, lines_of, request_lines
from governance.reads.retirement_policies import registrations_to_update
from governance.reads.retirements import notices_for_desk
from governance.reads.revalidations import revalidations_for_desk
from governance.states import RequestState

SHOWN = 20
DECIDED = (
    RequestState.EXECUTED,
    RequestState.APPROVED,
    RequestState.REJECTED,
    RequestState.FAILED,
    RequestState.WITHDRAWN,
)


@require_safe
def inbox(request: HttpRequest) -> HttpResponse:
    """A person's desk: oldest first where somebody waits, newest first where all is said."""
    person = person_of(request)
    visible = ChangeRequest.objects.visible_to(person)
    mine = visible.filter(requested_by=person).order_by("-pk")
    decided = visible.filter(state__in=DECIDED).order_by("-pk")
    context = {
        "waiting": inbox_lines(person),
        "attestations": attestations_waiting_for(person),
        "waivers": waivers_waiting_for(person),
        "findings": findings_of(person),
        "editions": editions_waiting_for(person),
        "answers": answers_waiting_for(person),
        "anew": revalidations_for_desk(person),
        "recommended": to_consider(person)[:SHOWN],
        "retirements": notices_for_desk(person),
        "registrations": registrations_to_update(person),
        "notices": notices_for(person),
        "today": timezone.now().date(),
        "escalated": escalated_to(person),
        "to_answer": lines_of(asked_of_builders(person, visible)),
        "mine": lines_of(mine[:SHOWN]),
        "decided": lines_of(decided[:SHOWN]),
    }
    return render(request, "governance/inbox.html", context)


@require_safe
def all_requests(request: HttpRequest) -> HttpResponse:
    """Every change request of the person's teams, filtered."""
    state, model = request.GET.get("state", ""), request.GET.get("model", "")
    known = state if state in list(RequestState) else ""
    context = {
        "lines": request_lines(person_of(request), state=known, model=model.replace("\0", "")),
        "filtered": bool(state or model),
        "fields": [
            {
                "name": "state",
                "label": "State",
                "value": known,
                "options": [("", "Any state"), *[(one.value, one.value) for one in RequestState]],
            },
            {"name": "model", "label": "Model", "value": model, "placeholder": "flight-delay"},
        ],
    }
    return render(request, "governance/change_requests.html", context)
