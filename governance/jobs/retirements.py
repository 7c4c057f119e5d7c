"""Looks which versions a retirement policy asks for, and takes every retirement one step further.

A version, a policy's number and an episode make a retirement unique, and each look starts from what
is stored, so a round may be killed and done again. The model is always locked first, as everywhere.
"""

from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from audit.record import SYSTEM, record
from governance.events import GovernanceEvent
from governance.jobs import requesting
from governance.jobs.asking import machine
from governance.jobs.locks import lock_models, locked_request, locked_version
from governance.jobs.retirement_end import advance, begin_ending, end_of_life
from governance.jobs.retirement_notices import tell_everybody
from governance.models import ChangeRequest, NoticeKind, Retirement, RetirementPolicy
from governance.reads.evidence import Change, what_changed
from governance.reads.life_facts import life_facts, policy_for
from governance.reads.retirement_silence import nobody_is_waited_for, standing
from governance.refusals import Unable
from governance.retirement_rules import holds, judge, notice_until
from governance.retirement_states import RetirementState, move_retirement
from governance.states import RequestKind, RequestState
from ledger import claims
from monitoring.jobs.ending import old_logs, remove_logs
from registry.models import Version
from registry.states import Stage

KIND = "governance.retirements"
LIVING = (Stage.CANDIDATE, Stage.APPROVED, Stage.SERVING)
SOON = timedelta(days=7)
TAKEN_BACK = (RequestState.REJECTED, RequestState.WITHDRAWN)
REFUSED = (RetirementState.UPHELD, RetirementState.REFUSED)
FROZEN = ("rule", "title", "parameters", "holds", "said", "evidence")


def schedule() -> None:
    """One round for every hour of the calendar; any number of beats is harmless."""
    claims.enqueue(kind=KIND, key=f"{timezone.now():%Y-%m-%dT%H}", subject_id=0)


def look_for_retirements(claim: claims.Claim) -> None:
    """Look at every version that lives or is on its way out, then at logs past their rule."""
    today = timezone.now().date()
    for pk in _to_look_at():
        look_at(version_id=pk, today=today)
        claims.keep(claim=claim)
    forget_logs()
    with transaction.atomic():
        claims.finish(claim=claim)


def advance_endings() -> int:
    """Have the next step done of every retirement that waits for one; how many."""
    rows = Retirement.objects.filter(state=RetirementState.ENDING).order_by("pk")
    return sum(_advance(pk, model) for pk, model in rows.values_list("pk", "model"))


@transaction.atomic
def _advance(retirement_id: int, model_id: int) -> int:
    lock_models([model_id])
    return int(advance(Retirement.objects.get(pk=retirement_id)))


def _to_look_at() -> list[int]:
    running = Retirement.objects.running().values_list("version", flat=True)
    policies = RetirementPolicy.objects.filter(current=True).exists()
    living = Version.objects.filter(stage__in=LIVING) if policies else Version.objects.none()
    return sorted(set(running) | set(living.values_list("pk", flat=True)))


@transaction.atomic
def look_at(*, version_id: int, today: date) -> Retirement | None:
    """One version: notice is given, goes on, is lifted, or becomes a change request."""
    version = locked_version(version_id)
    rows = Retirement.objects.select_for_update(no_key=True, of=("self",)).running()
    row = rows.filter(version=version).select_related("model", "policy", "request").first()
    if row is None:
        return _maybe_notice(version, today)
    row.version = version
    FOLLOW[row.state](row, today)
    return row


def _maybe_notice(version: Version, today: date) -> Retirement | None:
    policy = policy_for(version)
    if policy is None or version.stage not in LIVING or _rests(version, policy, today):
        return None
    findings = judge(policy.terms, life_facts(version, today))
    if not holds(policy.terms, findings):
        return None
    return _give_notice(version, policy, [one.as_json() for one in findings], today)


def _rests(version: Version, policy: RetirementPolicy, today: date) -> bool:
    """After a no people are left in peace for some days, unless the policy has changed since."""
    days = timedelta(days=policy.terms["rest_days"])
    said_no = Retirement.objects.filter(version=version, policy=policy, state__in=REFUSED)
    last = said_no.order_by("-ended_at").first()
    return last is not None and last.ended_at is not None and today < last.ended_at.date() + days


def _give_notice(
    version: Version, policy: RetirementPolicy, rules: list[dict[str, Any]], today: date
) -> Retirement:
    episode = Retirement.objects.filter(version=version, policy=policy).count() + 1
    row = Retirement.objects.create(
        model=version.model,
        version=version,
        policy=policy,
        episode=episode,
        rules=rules,
        found_rules=rules,
        notice_from=today,
        notice_until=notice_until(today, policy.terms),
    )
    until = notice_until(today, policy.terms)
    text = f"{version} is to be retired. {_because(rules)} Object until {_day(until)}."
    told = tell_everybody(row, NoticeKind.GIVEN, text)
    record(
        SYSTEM,
        GovernanceEvent.RETIREMENT_NOTICE_GIVEN,
        row,
        policy=str(policy),
        episode=episode,
        rules=_true(rules),
        notice_until=str(row.notice_until),
        told=told,
    )
    return row


def _follow_notice(row: Retirement, today: date) -> None:
    if row.version.stage not in LIVING:
        _adopt(row)
    elif reason := _no_longer_true(row, today):
        lift(row, reason)
    elif row.notice_until is None or today > row.notice_until:
        _open_request(row)
    elif nobody_is_waited_for(row):
        _end_early(row)
    else:
        _remind(row, today)


def _no_longer_true(row: Retirement, today: date) -> str:
    """Why the policy in force does not ask for it any more; stores what the rules find today."""
    policy = policy_for(row.version)
    if policy is None:
        return "No retirement policy is in force for it any more."
    findings = judge(policy.terms, life_facts(row.version, today))
    row.rules = [one.as_json() for one in findings]
    row.save(update_fields=["rules"])
    if holds(policy.terms, findings):
        return ""
    said = " ".join(one.answer.said for one in findings if not one.answer.holds)
    return f"What the policy asks is no longer true. {said}"


def _remind(row: Retirement, today: date) -> None:
    if row.notice_until is None:
        return
    left = row.notice_until - today
    if not left:
        text = f"Today is the last day to object to the {row}."
        tell_everybody(row, NoticeKind.LAST_DAY, text)
    elif left <= SOON:
        text = f"The notice of the {row} ends on {_day(row.notice_until)}."
        tell_everybody(row, NoticeKind.SOON, text)


def _end_early(row: Retirement) -> None:
    """Everybody who was told does not object. What holds the request up lets the notice run on."""
    row.notice_ended_at = timezone.now()
    _open_request(row)
    if row.request is None:
        row.notice_ended_at = None
        return
    row.save(update_fields=["notice_ended_at"])
    names = list(standing(row).values_list("printed_name", flat=True))
    facts = {"notice_until": str(row.notice_until), "no_objection_of": names}
    record(SYSTEM, GovernanceEvent.NOTICE_ENDED_EARLY, row, **facts)


def _open_request(row: Retirement) -> None:
    """The notice is over: a change request opens by itself, or the page says what it waits for."""
    row.held_up = _missing(row)
    if not row.held_up:
        try:
            with transaction.atomic():
                row.request = _submitted(row)
        except Unable as error:
            row.held_up = str(error)
        else:
            row.state = move_retirement(row.state, "request")
    row.save(update_fields=["held_up", "request", "state"])
    if row.request is not None:
        facts = {"request": row.request.pk, "digest": row.request.digest}
        record(SYSTEM, GovernanceEvent.RETIREMENT_REQUESTED, row, **facts)


def _missing(row: Retirement) -> str:
    waiting = row.objections.filter(answer="").count()
    if waiting:
        return "An objection has no answer yet." if waiting == 1 else f"{waiting} objections wait."
    return "" if row.replaced else "Nobody has said what takes its place, or that nothing does."


def _submitted(row: Retirement) -> ChangeRequest:
    change = Change(
        RequestKind.RETIRE,
        "production",
        "",
        requesting.WHOLE,
        f"The {row.because_of} asks for it. {_because(row.rules)}",
        retirement=frozen(row),
    )
    return requesting.submit_change(actor=machine(), version=row.version, change=change)


def frozen(row: Retirement) -> dict[str, Any]:
    """What signers see and sign beside the evidence of every change."""
    return {
        "id": row.pk,
        "policy": row.because_of,
        "match": row.policy.terms["match"] if row.policy else "",
        "rules": [{name: one[name] for name in FROZEN} for one in row.rules],
        "notice": {"from": str(row.notice_from), "until": str(row.notice_until)} | _early(row),
        "replacement": row.replacement.number if row.replacement else None,
        "no_replacement": row.no_replacement,
        "objections": [
            {
                "by": one.printed_name,
                "reason": one.reason,
                "answer": one.answer,
                "answered_by": one.answered_name,
                "answer_reason": one.answer_reason,
            }
            for one in row.objections.all()
        ],
        "afterwards": "Archived, proved by a restore drill, and then cleaned up at its source.",
    }


def _early(row: Retirement) -> dict[str, Any]:
    """Who does not object, where that ended the notice early."""
    if row.notice_ended_at is None:
        return {}
    said = [{"by": one.printed_name, "at": one.at.isoformat()} for one in standing(row)]
    return {"ended": str(row.notice_ended_at.date()), "no_objections": said}


def _follow_requested(row: Retirement, today: date) -> None:
    request = locked_request(row.request_id or 0)
    if request.state == RequestState.EXECUTED:
        begin_ending(request)
    elif request.state in TAKEN_BACK:
        _refuse(row, f"CR-{request.pk} was {request.state}.")
    elif request.state == RequestState.OPEN:
        if reason := _no_longer_true(row, today):
            requesting.take_back(actor=SYSTEM, request=request, reason=reason)
            lift(row, f"{reason} CR-{request.pk} is withdrawn.")
        elif what_changed(request):
            _refresh(row, request)


def _refresh(row: Retirement, request: ChangeRequest) -> None:
    """Nobody is there to refresh what a policy asked for, so it is done at once."""
    try:
        with transaction.atomic():
            requesting.refresh_locked(actor=SYSTEM, request=request)
    except Unable as error:
        Retirement.objects.filter(pk=row.pk).update(held_up=str(error))


def _refuse(row: Retirement, outcome: str) -> None:
    end_of_life(row, move_retirement(row.state, "refuse"), outcome)
    record(SYSTEM, GovernanceEvent.RETIREMENT_REFUSED, row, outcome=outcome)


def lift(row: Retirement, reason: str) -> None:
    """The notice ends by itself, and everybody who was told hears so."""
    end_of_life(row, move_retirement(row.state, "lift"), reason)
    tell_everybody(row, NoticeKind.LIFTED, f"The {row} is called off. {reason}")
    record(SYSTEM, GovernanceEvent.RETIREMENT_LIFTED, row, reason=reason)


def _adopt(row: Retirement) -> None:
    """Somebody asked for it by hand meanwhile: the clean-up follows all the same."""
    asked = ChangeRequest.objects.filter(
        version=row.version, kind=RequestKind.RETIRE, state=RequestState.EXECUTED
    ).order_by("-executed_at")
    request = asked.first()
    if request is not None:
        begin_ending(request)


FOLLOW: Mapping[str, Callable[[Retirement, date], object]] = {
    RetirementState.NOTICE: _follow_notice,
    RetirementState.REQUESTED: _follow_requested,
    RetirementState.ENDING: lambda row, _: advance(row),
}


def forget_logs() -> int:
    """Logs of closed retirements go when the rule's days are over; how many files went."""
    rows = Retirement.objects.filter(state=RetirementState.CLOSED)
    gone = 0
    for row in rows.select_related("version__model", "policy").order_by("pk"):
        before = kept_since(row)
        if old_logs(row.version_id, before).exists():
            because = f"the retention rule of the {row.because_of}"
            gone += remove_logs(version=row.version, before=before, because=because).files
    return gone


def kept_since(row: Retirement) -> datetime:
    """Rows of the prediction log that are older than this are removed."""
    return timezone.now() - timedelta(days=row.kept_days)


def _true(rules: list[dict[str, Any]]) -> list[str]:
    return [one["rule"] for one in rules if one["holds"]]


def _because(rules: list[dict[str, Any]]) -> str:
    return " ".join(one["said"] for one in rules if one["holds"])


def _day(day: date) -> str:
    return f"{day.day} {day:%b %Y}"
