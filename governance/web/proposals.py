"""A proposal's page, its signing and its taking back, whatever is changed by approval."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse

from accounts.policies import require
from accounts.sessions import person_of
from governance.models import ProposalState
from governance.policies import can_sign_policy
from governance.reads.proposal_signatures import Signing
from governance.refusals import Unable
from governance.services.proofs import about
from governance.services.proposals import ONLY_OTHERS, ONLY_PROPOSER
from governance.web.answers import blame
from governance.web.forms import ReasonForm
from governance.web.policy_forms import PolicySignatureForm
from governance.web.proving import ask, proved


class Page(Protocol):
    """What the page of any proposal shows."""

    @property
    def change(self) -> Any: ...

    @property
    def signing(self) -> Signing: ...


@dataclass(frozen=True)
class Skin:
    """How one kind of proposal is read, drawn, signed and taken back."""

    noun: str
    asks_less: str
    route: str
    sign_route: str
    withdraw_route: str
    template: Callable[[Any], str]
    read: Callable[[Any, int], Page]
    sign: Callable[..., Any]
    withdraw: Callable[..., Any]


def show(request: HttpRequest, skin: Skin, change_id: int) -> HttpResponse:
    """What would be different, why, and who has signed."""
    return _page(request, skin, skin.read(person_of(request), change_id))


def sign(request: HttpRequest, skin: Skin, change_id: int) -> HttpResponse:
    """Sign for or against it."""
    person = person_of(request)
    page = skin.read(person, change_id)
    require(can_sign_policy(person, page.change), ONLY_OTHERS)
    form = _sign_form(request, skin, page, request.POST)
    if not form.is_valid():
        return _page(request, skin, page, sign_form=form, status=422)
    try:
        signed = skin.sign(actor=person, change_id=change_id, **proved(request, form))
    except Unable as error:
        return _page(request, skin, page, sign_form=form, status=blame(form, error))
    messages.success(request, _said(skin, ProposalState(signed.change.state)))
    return redirect(skin.route, change_id)


def withdraw(request: HttpRequest, skin: Skin, change_id: int) -> HttpResponse:
    """Take it back, with the reason."""
    person = person_of(request)
    page = skin.read(person, change_id)
    require(page.signing.can_withdraw or not page.change.is_open, ONLY_PROPOSER)
    form = ReasonForm(request.POST, auto_id="withdraw_%s")
    if not form.is_valid():
        return _page(request, skin, page, back=form, status=422)
    try:
        skin.withdraw(actor=person, change_id=change_id, reason=form.cleaned_data["reason"])
    except Unable as error:
        return _page(request, skin, page, back=form, status=blame(form, error))
    said = f"{page.change.name} is taken back. The {skin.noun} stays as it is."
    messages.success(request, said)
    return redirect(skin.route, change_id)


def _said(skin: Skin, state: ProposalState) -> str:
    ended: Mapping[ProposalState, str] = {
        ProposalState.IN_FORCE: f"You signed. The {skin.noun} is in force from now on.",
        ProposalState.REJECTED: f"You signed against it. The {skin.noun} stays as it is.",
    }
    return ended.get(state, "You signed. Other signatures are needed.")


def _sign_form(
    request: HttpRequest, skin: Skin, page: Page, data: QueryDict | None = None
) -> PolicySignatureForm:
    form = PolicySignatureForm(data, initial={"digest": page.change.digest})
    back = reverse(skin.route, args=[page.change.pk])
    ask(form, request, about(page.change, page.change.digest), back)
    return form


def _page(
    request: HttpRequest,
    skin: Skin,
    page: Page,
    *,
    sign_form: PolicySignatureForm | None = None,
    back: ReasonForm | None = None,
    status: int = 200,
) -> HttpResponse:
    context = {
        "page": page,
        "change": page.change,
        "signing": page.signing,
        "asks_less": skin.asks_less,
        "sign_url": reverse(skin.sign_route, args=[page.change.pk]),
        "withdraw_url": reverse(skin.withdraw_route, args=[page.change.pk]),
        "sign_form": sign_form or _sign_form(request, skin, page),
        "withdraw_form": back or ReasonForm(auto_id="withdraw_%s"),
        "withdrawing": back is not None,
    }
    return render(request, skin.template(page.change), context, status=status)
