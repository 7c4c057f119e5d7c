"""Who was told of a retirement and has not answered: as long as there is one, the notice runs."""

from django.db.models import QuerySet

from governance.models import NoObjection, NoticeKind, Retirement, RetirementNotice
from governance.retirement_rules import EARLY

# What is told when nothing is asked any more.
AFTERWARDS = (NoticeKind.LIFTED, NoticeKind.UPHELD, NoticeKind.RETIRED)


def standing(row: Retirement) -> QuerySet[NoObjection]:
    """Answers that were not taken back by an objection."""
    return row.no_objections.filter(withdrawn_at__isnull=True)


def told(row: Retirement) -> list[RetirementNotice]:
    """Everybody who was told while the notice ran, each once; without closed accounts. One query.

    A contact of an API client who has no account is among them, and has no way to answer.
    """
    rows = row.notices.exclude(kind__in=AFTERWARDS).exclude(person__is_active=False)
    return list({one.address: one for one in rows.order_by("-pk")}.values())[::-1]


def silent(row: Retirement) -> tuple[str, ...]:
    """Names of those who were told and have not said that they do not object. Two queries."""
    answered = set(standing(row).values_list("person", flat=True))
    return tuple(
        one.name for one in told(row) if one.person_id is None or one.person_id not in answered
    )


def was_told(row: Retirement, person_id: int) -> bool:
    return row.notices.filter(person=person_id).exists()


def nobody_is_waited_for(row: Retirement) -> bool:
    """Whether the notice may end early: the policy says so, and everybody told does not object."""
    if row.policy is None or not row.policy.terms.get(EARLY):
        return False
    if row.objections.filter(answer="").exists():
        return False
    return bool(told(row)) and not silent(row)
