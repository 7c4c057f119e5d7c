"""A retraining policy that waits for another person: what it says, and the signature."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from accounts.policies import require
from accounts.sessions import person_of
from governance.refusals import Unable
from governance.services.proofs import about
from governance.services.retraining_policies import LONGEST_REASON, sign_retraining_policy
from governance.web.answers import blame
from governance.web.proving import ask, proved
from governance.web.purges import ConfirmForm
from monitoring.models import RetrainingPolicy
from monitoring.policies import can_let_retrain
from monitoring.reads.retrainings import PolicySeen, policy_of
from monitoring.retraining_terms import KIND_WORDS, RetrainingKind
from monitoring.services.retraining_policies import ONLY_APPROVERS
from monitoring.states import PolicyState


class SignRetrainingForm(ConfirmForm):
    """A reason and a proof."""

    field_order = ("digest", "reason", "password")

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        self.fields["reason"].label = "Why it is right"
        self.fields["reason"].max_length = LONGEST_REASON  # type: ignore[attr-defined]  # a CharField


@never_cache
@sensitive_post_parameters("password", "code")
@require_http_methods(["GET", "HEAD", "POST"])
def approve(request: HttpRequest, policy: int) -> HttpResponse:
    """Read a policy that was asked for, and sign it."""
    person = person_of(request)
    seen = policy_of(person, policy)
    if seen is None:
        raise Http404
    require(can_let_retrain(person, seen.policy), ONLY_APPROVERS)
    form = _form(request, seen.policy, request.POST if request.method == "POST" else None)
    if not form.is_bound:
        return _page(request, seen, form)
    if not form.is_valid():
        return _page(request, seen, form, 422)
    try:
        sign_retraining_policy(actor=person, policy_id=policy, **proved(request, form))
    except Unable as error:
        return _page(request, seen, form, blame(form, error))
    messages.success(request, "You signed. The policy is on.")
    return redirect("monitoring-retraining", slug=seen.policy.model.slug)


def _form(request: HttpRequest, policy: RetrainingPolicy, data: Any) -> SignRetrainingForm:
    form = SignRetrainingForm(data, initial={"digest": policy.digest})
    ask(form, request, about(policy, policy.digest))
    return form


def _page(
    request: HttpRequest, seen: PolicySeen, form: SignRetrainingForm, status: int = 200
) -> HttpResponse:
    context = {
        "seen": seen,
        "policy": seen.policy,
        "model": seen.policy.model,
        "lines": _lines(seen),
        "form": form if seen.policy.state == PolicyState.ASKED or form.is_bound else None,
    }
    return render(request, "governance/retraining_policy.html", context, status=status)


def _lines(seen: PolicySeen) -> list[tuple[str, str]]:
    """What the sentence does not say, in words."""
    terms = seen.terms
    said = [(name, str(value)) for name, value in terms.parameters.items()]
    said += [(name, f"one of {values}") for name, values in terms.search.items()]
    return [
        ("Made anew", KIND_WORDS[RetrainingKind(terms.kind)]),
        ("Learns from", f"{terms.window_days:,} days, at least {terms.minimum_rows:,} rows"),
        ("Runner", terms.runner),
        ("Training module or entry point", terms.entry_point),
        ("Parameters", "; ".join(f"{name}: {text}" for name, text in said) or "as they were"),
        ("Watched afterwards", f"{terms.watch_days:,} days"),
    ]
