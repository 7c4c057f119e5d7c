"""Change requests as pages show them: gates, numbers, signatures, and who may still sign."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.shortcuts import get_object_or_404
from django.utils import timezone

from accounts.models import User
from governance.models import (
    ChangeRequest,
    Decision,
    GateResult,
    Reminder,
    ReminderKind,
    SignOff,
)
from governance.numbers import HIGHER_IS_BETTER, LOWER_IS_BETTER, base_name
from governance.policies import (
    SIGNERS,
    can_set_conditions,
    can_submit,
    can_withdraw,
    had_a_hand,
    seats,
    signing_roles,
)
from governance.reads.conditions import ConditionLine, condition_line
from governance.reads.discussion import Discussion, discussion_of
from governance.reads.evidence import what_changed
from governance.reads.guidelines import Asked, Said, asked_of, said_of
from governance.reads.inbox import requests_waiting_for
from governance.reads.signatures import free_seats, missing, not_now
from governance.reads.waiting_on import able_to_sign
from governance.rounds import Round, rounds_of
from governance.states import APPROVING, RequestState
from monitoring.metrics import METRICS

MEANINGS: dict[str, tuple[str, ...]] = {
    "validator": (
        "I validated this version and stand by the evidence",
        "I reviewed the evidence",
    ),
    "reviewer": ("I reviewed the evidence and approve the change", "I reviewed the evidence"),
    "risk_officer": (
        "I accept the remaining risk on behalf of the organisation",
        "I reviewed the risks",
    ),
}

ORDER = {metric.name: place for place, metric in enumerate(METRICS["performance"])}


@dataclass(frozen=True)
class RequestLine:
    """A change request in a list."""

    id: int
    kind: str
    state: str
    model_slug: str
    model_name: str
    risk_tier: str
    version: int
    environment: str
    role: str
    requested_by: str
    submitted_at: datetime
    decided_at: datetime | None
    signed: int
    needed: int
    round: int
    rounds: tuple[Round, ...]
    due_on: date | None
    reason: str
    stale: bool = False

    @property
    def overdue(self) -> bool:
        return self.due_on is not None and self.due_on < timezone.now().date()

    @property
    def title(self) -> str:
        """What is asked for, in words: promote version 2 to champion."""
        verb = self.kind.replace("_", " ")
        if self.kind == "promote":
            return f"{verb} version {self.version} to {self.role}"
        return (
            f"{verb} to version {self.version}" if self.role else f"{verb} version {self.version}"
        )


@dataclass(frozen=True)
class GateLine:
    """The answer of a gate; `state` is passed, failed, or warning where it does not prevent."""

    gate: str
    title: str
    mode: str
    passed: bool
    detail: str
    evidence: dict[str, Any]

    @property
    def state(self) -> str:
        return "passed" if self.passed else {"prevent": "failed"}.get(self.mode, "warning")

    @property
    def required(self) -> str:
        return {"prevent": "must pass", "warn": "should pass"}.get(self.mode, "for information")


@dataclass(frozen=True)
class NumberCell:
    """A number as it was frozen into the evidence."""

    value: float
    low: float | None
    high: float | None
    n: int | None
    verdict: str
    as_of: str
    measurement_id: int | None


@dataclass(frozen=True)
class NumberRow:
    """The same number of the champion and of the proposed version."""

    metric: str
    label: str
    source: str
    champion: NumberCell | None
    proposed: NumberCell | None

    @property
    def better(self) -> str:
        """Which is better: champion, proposed, or nothing where that cannot be said."""
        name = base_name(self.metric)
        known = name in HIGHER_IS_BETTER or name in LOWER_IS_BETTER
        if not known or self.champion is None or self.proposed is None:
            return ""
        gain = abs(self.proposed.value) - abs(self.champion.value)
        if gain == 0:
            return ""
        return "proposed" if (gain > 0) == (name in HIGHER_IS_BETTER) else "champion"


@dataclass(frozen=True)
class SignatureLine:
    """One signature, complete as 21 CFR 11.50 wants it shown; `counts` for the quorum now."""

    id: int
    name: str
    role: str
    round: int
    decision: str
    meaning: str
    reason: str
    at: datetime
    digest: str
    method: str
    counts: bool
    stale: bool


@dataclass(frozen=True)
class Signer:
    """A person who could still give a missing signature."""

    name: str
    role: str


@dataclass(frozen=True)
class RequestPage:
    """Everything that a reviewer sees before signing."""

    line: RequestLine
    version_id: int
    reason: str
    digest: str
    error: str
    executed_at: datetime | None
    champion: int | None
    gates: tuple[GateLine, ...]
    numbers: tuple[NumberRow, ...]
    evidence: dict[str, Any]
    changed: tuple[str, ...]
    signatures: tuple[SignatureLine, ...]
    missing: dict[str, int]
    signers: tuple[Signer, ...]
    my_role: str
    can_sign: bool
    can_reject: bool
    blocked: str
    can_withdraw: bool
    can_refresh: bool
    can_retry: bool
    meanings: tuple[str, ...]
    guidelines: tuple[tuple[Asked, tuple[Said, ...]], ...]
    conditions: tuple[ConditionLine, ...] = ()
    can_set_conditions: bool = False
    discussion: Discussion | None = None
    can_move_due_date: bool = False


def request_lines(user: Any, *, state: str = "", model: str = "") -> list[RequestLine]:
    """The newest 200 change requests the user may see. Two queries."""
    rows = ChangeRequest.objects.visible_to(user)
    rows = rows.filter(state=state) if state else rows
    rows = rows.filter(model__slug=model) if model else rows
    return lines_of(rows.order_by("-pk")[:200])


def inbox_lines(user: Any) -> list[RequestLine]:
    """What waits for the user's signature, what is due first. Two queries."""
    return lines_of(requests_waiting_for(user).order_by("due_on", "submitted_at"))


def lines_of(rows: Any) -> list[RequestLine]:
    """Requests as lines: two queries for any number."""
    found = rows.select_related("model", "version", "requested_by").prefetch_related("signoffs")
    return [line_of(row, stale=row.stale) for row in found.with_stale()]


def line_of(row: ChangeRequest, *, stale: bool) -> RequestLine:
    return RequestLine(
        id=row.pk,
        kind=row.kind,
        state=row.state,
        model_slug=row.model.slug,
        model_name=row.model.name,
        risk_tier=row.model.risk_tier,
        version=row.version.number,
        environment=row.environment,
        role=row.role,
        requested_by=row.requested_by.name,
        submitted_at=row.submitted_at,
        decided_at=row.decided_at,
        signed=0 if stale else len(_counting(row, row.signoffs.all())),
        needed=sum(row.quorum.values()),
        round=1 if stale else row.round,
        rounds=rounds_of(row.rounds),
        due_on=row.due_on if row.state == RequestState.OPEN else None,
        reason=row.reason,
        stale=stale,
    )


def request_page(user: User, request_id: int) -> RequestPage:
    """One change request for one person. A fixed number of queries.

    Raises:
        Http404: there is none that the user may see.
    """
    rows = (
        ChangeRequest.objects.visible_to(user)
        .select_related("model__team", "version__model", "requested_by", "policy")
        .prefetch_related("gates", "signoffs", "in_force", "entries")
    )
    row = get_object_or_404(rows, pk=request_id)
    signed = list(row.signoffs.all())
    needed = missing(row, _counting(row, signed))
    is_open = row.state == RequestState.OPEN
    changed = tuple(what_changed(row)) if is_open else ()
    talk = discussion_of(user, row)
    cannot_decide = _undecided(user, row, signed)
    blocked = cannot_decide or _unapproved(user, row, needed, changed, talk)
    role = _my_role(user, row, needed)
    builder = can_submit(user, row.model)
    return RequestPage(
        line=line_of(row, stale=bool(changed)),
        version_id=row.version_id,
        reason=row.reason,
        digest=row.digest,
        error=row.error,
        executed_at=row.executed_at,
        champion=(row.evidence.get("champion") or {}).get("version"),
        gates=tuple(_gate(gate) for gate in row.gates.all()),
        numbers=_numbers(row.evidence),
        evidence=row.evidence,
        changed=changed,
        signatures=tuple(_signature(row, signoff, changed) for signoff in signed),
        missing=needed if is_open else {},
        signers=_signers(row, needed) if is_open else (),
        my_role=role,
        can_sign=not blocked,
        can_reject=not cannot_decide,
        blocked=blocked,
        can_withdraw=is_open and can_withdraw(user, row),
        can_refresh=is_open and bool(changed) and builder,
        can_retry=row.state == RequestState.FAILED and builder,
        meanings=MEANINGS.get(role, ()),
        conditions=_conditions(row),
        can_set_conditions=is_open and row.kind in APPROVING and can_set_conditions(user, row),
        guidelines=_guidelines(row),
        discussion=talk,
        can_move_due_date=is_open and can_set_conditions(user, row),
    )


def _guidelines(row: ChangeRequest) -> tuple[tuple[Asked, tuple[Said, ...]], ...]:
    """What the team asked itself, with the signed answers. Two queries."""
    return tuple(
        (one, said_of(one.signed.edition, one.signed.answers) if one.signed else ())
        for one in asked_of(row.version, row.kind)
    )


def _conditions(row: ChangeRequest) -> tuple[ConditionLine, ...]:
    """Those in force once it was carried out; before that, as they were frozen."""
    standing = tuple(condition_line(one) for one in row.in_force.all())
    asked = row.evidence["change"].get("conditions", ())
    return standing or tuple(ConditionLine(one["text"], "asked", None, "") for one in asked)


def _counting(row: ChangeRequest, signed: Iterable[SignOff]) -> list[SignOff]:
    return [s for s in signed if s.decision == Decision.APPROVE and s.signed_digest == row.digest]


def _my_role(user: User, row: ChangeRequest, needed: dict[str, int]) -> str:
    roles = signing_roles(user, row)
    return next((role for role in roles if role in needed), roles[0] if roles else "")


def _undecided(user: User, row: ChangeRequest, signed: Sequence[SignOff]) -> str:
    """Why this person can neither approve nor reject, in a sentence; empty if they can."""
    if row.state != RequestState.OPEN:
        return f"The request is {row.state}."
    if not signing_roles(user, row):
        wanted = " or ".join(role.replace("_", " ") for role in row.quorum)
        return f"A {wanted} of the team signs this."
    if hand := had_a_hand(user, row):
        return f"{hand} Somebody else must sign."
    for one in signed:
        if one.signed_digest == row.digest and one.person_id == user.pk:
            return "You have signed already."
        if one.signed_digest == row.digest and one.on_behalf_of_id == user.pk:
            return f"{one.printed_name} has signed for you already."
    if not free_seats(row, seats(user, row)):
        return "Who lent you the role has signed already, or somebody for them."
    return ""


def _unapproved(
    user: User,
    row: ChangeRequest,
    needed: dict[str, int],
    changed: Sequence[str],
    talk: Discussion,
) -> str:
    """Why somebody who may decide cannot approve now, but only reject."""
    roles = signing_roles(user, row)
    if not set(needed) & set(roles):
        return not_now(row, roles)
    if talk.unsettled:
        asker = talk.unsettled[0].said.entry.printed_name
        return f"{asker} asked for a change that is not settled yet: see the discussion."
    return f"{' '.join(changed)} The evidence must be refreshed first." if changed else ""


def _gate(gate: GateResult) -> GateLine:
    return GateLine(gate.gate, gate.title, gate.mode, gate.passed, gate.message, gate.evidence)


def _numbers(evidence: dict[str, Any]) -> tuple[NumberRow, ...]:
    """Every number of either version, the same measure from the same source in one row."""
    champion = (evidence.get("champion") or {}).get("measurements") or []
    ours = {_key(number): number for number in evidence.get("measurements") or []}
    theirs = {_key(number): number for number in champion}
    return tuple(
        NumberRow(key[1], number["label"], key[0], _cell(theirs.get(key)), _cell(ours.get(key)))
        for key, number in sorted((theirs | ours).items(), key=lambda one: _place(*one[0]))
    )


def _place(source: str, metric: str, label: str) -> tuple[str, bool, int, str, str]:
    """Performance first, in the order of the catalogue; the worst of many drifts last."""
    return source, label == "Worst", ORDER.get(metric, len(ORDER)), metric, label


def _key(number: dict[str, Any]) -> tuple[str, str, str]:
    drift = "Worst" if number["label"].startswith("Worst") else number["label"]
    return (number["source"], number["metric"], drift)


def _cell(number: dict[str, Any] | None) -> NumberCell | None:
    if number is None:
        return None
    return NumberCell(
        value=float(number["value"]),
        low=None if number["low"] is None else float(number["low"]),
        high=None if number["high"] is None else float(number["high"]),
        n=number["n"],
        verdict=number["verdict"],
        as_of=number["as_of"] or "",
        measurement_id=number["measurement"],
    )


def _signature(row: ChangeRequest, signoff: SignOff, changed: Sequence[str]) -> SignatureLine:
    current = signoff.signed_digest == row.digest and not changed
    return SignatureLine(
        id=signoff.pk,
        name=signoff.signed_as,
        role=signoff.role,
        round=signoff.round,
        decision=signoff.decision,
        meaning=signoff.meaning,
        reason=signoff.reason,
        at=signoff.signed_at,
        digest=signoff.signed_digest,
        method=signoff.method,
        counts=current and signoff.decision == Decision.APPROVE,
        stale=not current,
    )


def _signers(row: ChangeRequest, needed: dict[str, int]) -> tuple[Signer, ...]:
    """People with a missing role and no hand in the version. One query."""
    order = [role.value for role in SIGNERS]
    people = [Signer(name, role) for _, name, role in able_to_sign(row, needed)]
    return tuple(sorted(people, key=lambda one: (order.index(one.role), one.name)))


def escalated_to(user: Any) -> list[RequestLine]:
    """Overdue requests that were brought to this person, what is due longest first."""
    told = Reminder.objects.filter(person=user, kind=ReminderKind.OVERDUE).values("request")
    rows = ChangeRequest.objects.visible_to(user).filter(state=RequestState.OPEN, pk__in=told)
    late = rows.filter(due_on__lt=timezone.now().date())
    return lines_of(late.exclude(pk__in=requests_waiting_for(user).values("pk")).order_by("due_on"))
