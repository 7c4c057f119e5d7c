"""Objections to retirements that nobody has answered yet."""

from governance.models import RetirementObjection
from governance.retirement_states import RUNNING
from registry.models import Version


def unanswered(version: Version) -> str:
    """Who objects to the version's retirement and waits for an answer, in words; "" if nobody."""
    waiting = RetirementObjection.objects.filter(
        retirement__version=version, retirement__state__in=RUNNING, answer=""
    )
    found = waiting.select_related("person").first()
    if found is None:
        return ""
    return (
        f"{found.person.name} objects to this version's retirement, and somebody must answer that"
        " first: on the retirement's page, a reviewer or risk officer does."
    )
