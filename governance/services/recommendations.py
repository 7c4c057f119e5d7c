"""A person says why a recommendation is not followed."""

from django.db import transaction

from accounts.models import User
from accounts.policies import require
from audit.record import record
from governance.events import GovernanceEvent
from governance.models import NotFollowed, Recommendation, RecommendationLook
from governance.policies import can_answer_recommendation
from governance.refusals import NotOpen
from governance.services.proofs import words

ONLY_TEAM = "People of the team say why a recommendation is not followed."
OVERTAKEN = "Something else is recommended by now: answer that instead."


@transaction.atomic
def say_not_followed(*, actor: User, recommendation_id: int, reason: str) -> NotFollowed:
    """Record why; said again, both stay readable.

    Raises:
        Refused: nobody of the team.
        NotOpen: something else is recommended by now, or it serves no longer.
        Incomplete: no reason.
    """
    rows = Recommendation.objects.select_related("version__model")
    row = rows.get(pk=recommendation_id)
    require(can_answer_recommendation(actor, row), ONLY_TEAM)
    said = words("reason", reason)
    look = RecommendationLook.objects.select_for_update(no_key=True, of=("self",)).filter(
        version=row.version, environment=row.environment
    )
    now = look.select_related("latest").first()
    if now is None or (now.latest.recommend, now.latest.rule) != (row.recommend, row.rule):
        raise NotOpen(OVERTAKEN)
    note = NotFollowed.objects.create(
        recommendation=row, person=actor, printed_name=actor.name, reason=said
    )
    record(
        actor,
        GovernanceEvent.RECOMMENDATION_NOT_FOLLOWED,
        note,
        model=row.version.model.slug,
        version=row.version.number,
        recommendation=row.pk,
        recommend=row.recommend,
        rule=row.rule,
        reason=said,
    )
    return note
