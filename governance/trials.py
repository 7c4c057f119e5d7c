"""What back-tests have in common: bounds, what can be tried, shares with intervals. Pure."""

import json
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder

from governance.gate_parameters import BadPolicy, clean_gates
from governance.policy_table import TIERS
from governance.rounds import ROLES
from governance.states import RequestKind
from monitoring.stats.intervals import wilson

MOST_REQUESTS = 500
MOST_WINDOWS = 1_000
LONGEST = timedelta(days=3 * 366)
LONGEST_LOOK = 365
# Rows that a stored result names one by one; counts are of all.
MOST_ROWS = 300


class TooMuch(Exception):
    """More of the past than one back-test looks at; the message says how to ask for less."""


def share(hits: int, of: int) -> dict[str, Any]:
    """So many of so many with Wilson's 95 % interval; of none, no share."""
    low, high = wilson(hits, of)
    return {
        "hits": hits,
        "of": of,
        "value": hits / of if of else None,
        "low": low if of else None,
        "high": high if of else None,
    }


def stored(content: Any) -> Any:
    """As a column of JSON gives it back: numbers stay numbers, times become text."""
    return json.loads(json.dumps(content, cls=DjangoJSONEncoder, allow_nan=False))


def signatures_of(policy: Any) -> dict[str, int]:
    """How many signatures of which role a policy asks for, all together."""
    return dict(policy.quorum)


def what_is_wrong(
    kind: str, tier: str, quorum: Mapping[str, int], gates: Sequence[Mapping[str, Any]]
) -> tuple[str, str] | None:
    """The field and the sentence of what keeps it from being a policy, or None."""
    if kind not in list(RequestKind) or tier not in TIERS:
        return "kind", "A kind of change request and a risk tier."
    counted = all(count in range(1, 10) for count in quorum.values())
    if not quorum or not counted or not set(quorum) <= set(ROLES):
        return "quorum", "One to nine signatures of validators, reviewers, risk officers."
    try:
        clean_gates(gates)
    except BadPolicy as error:
        return error.field, str(error)
    return None
