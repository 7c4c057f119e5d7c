"""A proposed table of rules over the stored past: what it would have recommended instead."""

from collections import Counter
from typing import Any

from django.db import transaction

from audit.chain import plain, sha256_of
from governance.models import Recommendation, RuleTableChange, RuleTableTrial
from governance.recommendation_rules import recommend
from ledger import claims

KIND = "governance.rule_trial"
FORMAT = "ombud-rule-trial/1"
MOST = 5000
MOST_SHOWN = 200
CAVEATS = (
    (
        "Facts were stored when a verdict, a word or the answer changed: "
        "a number that passed a bound in between is not seen."
    ),
    "A recommendation that came earlier might have changed what happened afterwards.",
)


def enqueue_trial(change_id: int) -> None:
    claims.enqueue(kind=KIND, key=f"change-{change_id}", subject_id=change_id)


def try_table(claim: claims.Claim) -> None:
    """Ask the proposed rules about every stored set of facts, the newest first; a job."""
    change = RuleTableChange.objects.get(pk=claim.subject_id)
    rows = list(
        Recommendation.objects.select_related("version__model").order_by("-at", "-pk")[:MOST]
    )
    result = _result(change, rows)
    inputs = {"rules": change.rules, "facts": [[row.pk, row.facts_digest] for row in rows]}
    with transaction.atomic():
        claims.finish(claim=claim)
        RuleTableTrial.objects.get_or_create(
            change=change,
            defaults={"result": plain(result), "inputs_digest": sha256_of(plain(inputs))},
        )


def _result(change: RuleTableChange, rows: list[Recommendation]) -> dict[str, Any]:
    moved: Counter[tuple[str, str]] = Counter()
    different = []
    for row in rows:
        found = recommend(change.rules, row.facts)
        moved[row.recommend, found.recommend] += 1
        if (row.recommend, row.rule) != (found.recommend, found.rule):
            different.append(_line(row, found.recommend, found.rule))
    return {
        "format": FORMAT,
        "looked_at": len(rows),
        "different": len(different),
        "moved": [{"was": a, "would_be": b, "times": n} for (a, b), n in sorted(moved.items())],
        "rows": different[:MOST_SHOWN],
        "said": list(CAVEATS),
    }


def _line(row: Recommendation, would_be: str, rule: str) -> dict[str, Any]:
    return {
        "recommendation": row.pk,
        "model": row.version.model.slug,
        "name": row.version.model.name,
        "version": row.version.number,
        "team": row.version.model.team_id,
        "at": row.at,
        "was": row.recommend,
        "rule": row.rule,
        "would_be": would_be,
        "would_be_rule": rule,
    }
