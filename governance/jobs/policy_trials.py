"""A proposed approval policy over past changes: what it would have blocked, missed, asked for."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from governance.gates import title_of
from governance.models import BackTest
from governance.past_changes import Fate, Verdict, ask, fate_of, lacking, verdict_of
from governance.reads.past_changes import PastChange, past_changes, past_requests
from governance.trials import MOST_REQUESTS, TooMuch, share

FORMAT = "ombud-back-test-policy/1"
CAVEATS = (
    "Requests that gates refused at submission were never stored: a milder policy is not judged.",
    "Who would have signed under another quorum is not known, only which signatures were missing.",
    "In which order they would have signed is not told: signatures of all rounds are counted.",
    "A change that the policy would have blocked might have been mended and asked for again.",
)


def try_policy(row: BackTest, now: datetime) -> tuple[dict[str, Any], dict[str, Any]]:
    """What went in, and what came out.

    Raises:
        TooMuch: more requests than one back-test looks at.
    """
    found = _requests(row)
    changes = past_changes(found, within=timedelta(days=row.within_days))
    looked = [_looked(row, one, row.proposal, now) for one in changes]
    present = [_looked(row, one, row.present, now) for one in changes] if row.present else []
    result = {
        "format": FORMAT,
        "computed_at": now,
        "proposed": _summary(row.proposal, looked),
        "present": _summary(row.present, present) if row.present else None,
        "rows": looked,
        "said": list(CAVEATS),
    }
    return _inputs(row, changes), result


def _requests(row: BackTest) -> list[Any]:
    rows = past_requests(
        kind=row.kind,
        risk_tier=row.risk_tier,
        since=row.since,
        until=row.until,
        team_id=row.team_id,
    )
    found = list(rows.select_related("model", "version").order_by("pk")[: MOST_REQUESTS + 1])
    if len(found) > MOST_REQUESTS:
        raise TooMuch(f"More than {MOST_REQUESTS:,} requests: choose a shorter period.")
    return found


def _inputs(row: BackTest, changes: Sequence[PastChange]) -> dict[str, Any]:
    """What the result follows from, so that its digest says whether the past was the same."""
    return {
        "proposal": row.proposal,
        "present": row.present,
        "since": row.since,
        "until": row.until,
        "within_days": row.within_days,
        "requests": [
            {
                "request": one.request.pk,
                "digest": one.request.digest,
                "signed": one.signed,
                "signs": [sign.as_json() for sign in one.signs],
            }
            for one in changes
        ],
    }


def _looked(
    row: BackTest, one: PastChange, policy: Mapping[str, Any], now: datetime
) -> dict[str, Any]:
    request, asked = one.request, ask(policy["gates"], one.past)
    done = request.executed_at
    until = (done or now) + timedelta(days=row.within_days)
    signatures = lacking(policy["quorum"], one.signed) if done else {}
    return {
        "request": request.pk,
        "model": request.model.slug,
        "model_name": request.model.name,
        "version": request.version.number,
        "environment": request.environment,
        "submitted_at": request.submitted_at,
        "state": request.state,
        "executed_at": done,
        "verdict": str(verdict_of(asked)),
        "fate": str(fate_of(done, one.signs, until, now)),
        "signs": [sign.as_json() for sign in one.signs],
        "gates": [gate.as_json() for gate in asked if gate.passed is not True],
        "passed": [gate.place for gate in asked if gate.passed],
        "lacking": signatures,
    }


def _summary(policy: Mapping[str, Any], looked: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    cells = {
        str(verdict): {str(fate): _count(looked, verdict, fate) for fate in Fate}
        for verdict in Verdict
    }
    executed = [one for one in looked if one["executed_at"]]
    return {
        "requests": len(looked),
        "carried_out": len(executed),
        "cells": cells,
        "shares": _shares(cells),
        "gates": [_gate(place, gate, looked) for place, gate in enumerate(policy["gates"])],
        "lacking": dict(_roles(executed)),
        "short_of_signatures": sum(bool(one["lacking"]) for one in executed),
    }


def _count(looked: Iterable[Mapping[str, Any]], verdict: Verdict, fate: Fate) -> int:
    return sum(one["verdict"] == verdict and one["fate"] == fate for one in looked)


def _shares(cells: Mapping[str, Mapping[str, int]]) -> dict[str, Any]:
    """Of what can be told alone: a request of which it cannot is in neither share."""

    def told(fate: Fate) -> int:
        return sum(cells[one][fate] for one in Verdict if one is not Verdict.UNTOLD)

    blocked = cells[Verdict.BLOCKED]
    return {
        "caught": share(blocked[Fate.BADLY], told(Fate.BADLY)),
        "needless": share(blocked[Fate.WELL], told(Fate.WELL)),
        "right": share(blocked[Fate.BADLY], blocked[Fate.BADLY] + blocked[Fate.WELL]),
    }


def _gate(
    place: int, gate: Mapping[str, Any], looked: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    answers = [one for row in looked for one in row["gates"] if one["place"] == place]
    said = Counter(one["passed"] for one in answers)
    return {
        "gate": gate["gate"],
        "title": title_of(gate),
        "mode": gate["mode"],
        "parameters": gate.get("parameters") or {},
        "passed": sum(place in row["passed"] for row in looked),
        "failed": said[False],
        "untold": said[None],
    }


def _roles(executed: Iterable[Mapping[str, Any]]) -> Counter[str]:
    short: Counter[str] = Counter()
    for one in executed:
        short.update(one["lacking"].keys())
    return short
