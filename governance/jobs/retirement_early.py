"""The last one who was told has answered: the next round looks at once and not in an hour."""

from governance.jobs.retirements import KIND
from governance.models import Retirement
from governance.reads.retirement_silence import nobody_is_waited_for
from ledger import claims


def look_at_once(row: Retirement) -> bool:
    """Ask for a round if nobody is waited for any more; the caller holds the model's lock."""
    if not nobody_is_waited_for(row):
        return False
    claims.again(kind=KIND, key=f"retirement {row.pk}", subject_id=0)
    return True
