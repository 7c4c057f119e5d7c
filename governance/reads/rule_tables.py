"""The table of rules as it is shown: in force, before, proposed, tried on the past."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.http import Http404
from django.shortcuts import get_object_or_404

from governance.models import (
    Recommendation,
    RuleTable,
    RuleTableChange,
)
from governance.policies import (
    can_propose_policy,
)
from governance.policy_differences import Difference
from governance.reads.afterwards import Agreement
from governance.reads.proposal_signatures import Signing, signing_of
from governance.reads.recommendations import recommendations_page
from governance.recommendation_files import table_differences
from governance.recommendation_rules import condition_words

MOST = 100


@dataclass(frozen=True)
class RuleSaid:
    """One rule in words, with how often it was met and followed."""

    id: str
    recommend: str
    conditions: tuple[str, ...]
    sentence: str
    why: str
    followed: Agreement | None = None

    @property
    def words(self) -> str:
        return self.recommend.replace("_", " ")


@dataclass(frozen=True)
class TablePage:
    """A table for one person; `table` may be an earlier one."""

    table: RuleTable
    rules: tuple[RuleSaid, ...]
    earlier: tuple[RuleTable, ...]
    changes: tuple[RuleTableChange, ...]
    can_propose: bool

    @property
    def waiting(self) -> RuleTableChange | None:
        return next((one for one in self.changes if one.is_open), None)


@dataclass(frozen=True)
class TableChangePage:
    """A proposed table for one person."""

    change: RuleTableChange
    rules: tuple[RuleSaid, ...]
    differences: tuple[Difference, ...]
    signing: Signing
    trial: Mapping[str, Any] | None


def table_page(user: Any, number: int | None = None) -> TablePage:
    """The table in force, or the one of a number, with how often each rule was followed.

    Raises:
        Http404: there is none.
    """
    tables = list(RuleTable.objects.order_by("-number")[:MOST])
    found = [one for one in tables if (one.current if number is None else one.number == number)]
    if not found:
        raise Http404("There is no such table.")
    followed = {one.name: one for one in recommendations_page(user, {}).by_rule}
    changes = RuleTableChange.objects.select_related("proposed_by", "table", "base")
    return TablePage(
        table=found[0],
        rules=rules_said(found[0].rules, followed),
        earlier=tuple(one for one in tables if one.pk != found[0].pk),
        changes=tuple(changes[:MOST]),
        can_propose=can_propose_policy(user),
    )


def rules_said(
    rules: Sequence[Mapping[str, Any]], followed: Mapping[str, Agreement] | None = None
) -> tuple[RuleSaid, ...]:
    return tuple(
        RuleSaid(
            id=rule["id"],
            recommend=rule["recommend"],
            conditions=tuple(condition_words(one) for one in rule["when"]),
            sentence=rule["sentence"],
            why=rule["why"],
            followed=(followed or {}).get(rule["id"]),
        )
        for rule in rules
    )


def table_change_page(user: Any, change_id: int) -> TableChangePage:
    """A proposed table, as everybody who signs in may read it.

    Raises:
        Http404: there is none.
    """
    rows = RuleTableChange.objects.select_related("base", "table", "proposed_by", "trial")
    change = get_object_or_404(rows.prefetch_related("signatures"), pk=change_id)
    return TableChangePage(
        change=change,
        rules=rules_said(change.rules),
        differences=tuple(table_differences(change.base.rules, change.rules)),
        signing=signing_of(user, change),
        trial=_trial(user, change),
    )


def _trial(user: Any, change: RuleTableChange) -> Mapping[str, Any] | None:
    """What came out, with the rows that the person may see; None until it was tried."""
    trial = getattr(change, "trial", None)
    if trial is None:
        return None
    keys = [row["recommendation"] for row in trial.result["rows"]]
    rows = Recommendation.objects.visible_to(user).filter(pk__in=keys)
    seen = set(rows.values_list("pk", flat=True))
    shown = [row for row in trial.result["rows"] if row["recommendation"] in seen]
    return {**trial.result, "rows": shown, "made_at": trial.made_at, "digest": trial.inputs_digest}
