"""What back-tests have in common: their bounds, and shares with intervals. Pure."""

import json
from datetime import timedelta
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder

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
