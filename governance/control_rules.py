"""Which controls concern a model, and what evidence there is by rule: facts in, findings out. Pure.

A rule only proposes; a person assesses.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from governance.card_fields import BY_ID

MET, PARTLY, NOT_MET, NOT_APPLICABLE = "met", "partly", "not", "not_applicable"
RESULTS = (MET, PARTLY, NOT_MET, NOT_APPLICABLE)
# Within how many days evidence counts where the rule does not say.
FRESH_DAYS = 30


@dataclass(frozen=True)
class Happened:
    """Something that was done or measured: where it is, what it is called, when."""

    kind: str
    id: int
    label: str
    at: datetime
    verdict: str = ""


@dataclass(frozen=True)
class Evidence:
    """What is there about a model, gathered by reads/control_facts."""

    now: datetime
    version: int | None
    sections: frozenset[str] = frozenset()
    monitors: Mapping[str, int] = field(default_factory=dict)
    runs: Mapping[str, Happened] = field(default_factory=dict)
    verified: Happened | None = None
    drilled: Happened | None = None
    approvals: Mapping[str, Happened] = field(default_factory=dict)
    documents: Mapping[tuple[str, str], Happened] = field(default_factory=dict)
    risk: Happened | None = None
    attestation: Happened | None = None


@dataclass(frozen=True)
class Scope:
    """Where and what for a model is used."""

    tier: str
    jurisdictions: frozenset[str] = frozenset()
    purposes: frozenset[str] = frozenset()


@dataclass(frozen=True)
class RuleResult:
    """The answer of one rule; a message that says how to mend what is missing."""

    kind: str
    passed: bool
    message: str
    mend: str = ""
    reference: dict[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "passed": self.passed,
            "message": self.message,
            "mend": self.mend,
            "reference": self.reference,
        }


def concerns(applies: Mapping[str, Sequence[str]], scope: Scope) -> bool:
    """Whether a control concerns a model: tier, place and purpose; nothing said means every one.

    A place lies in itself and in what it is a part of: US-NYC lies in US.
    """
    tiers, places = applies.get("tiers", ()), applies.get("jurisdictions", ())
    purposes = applies.get("purposes", ())
    here = {part for place in scope.jurisdictions for part in (place, place.partition("-")[0])}
    return (
        (not tiers or scope.tier in tiers)
        and (not places or bool(here & set(places)))
        and (not purposes or bool(scope.purposes & set(purposes)))
    )


def in_force(valid_from: date | None, valid_to: date | None, day: date) -> bool:
    """Whether a rule is valid on that day; its last day is the day before `valid_to`."""
    return (valid_from is None or valid_from <= day) and (valid_to is None or day < valid_to)


def ask(rule: Mapping[str, Any], facts: Evidence, framework: str, control: str) -> RuleResult:
    """What one evidence rule finds.

    Raises:
        KeyError: a kind of rule that does not exist.
    """
    kind = str(rule["kind"])
    if kind == "document":
        return _document(rule, facts, facts.documents.get((framework, control)))
    return _KINDS[kind](rule, facts)


def propose(results: Sequence[RuleResult]) -> str:
    """What the rules together propose; nothing where there are none."""
    if not results:
        return ""
    passed = sum(1 for one in results if one.passed)
    return MET if passed == len(results) else PARTLY if passed else NOT_MET


def _result(kind: str, message: str, mend: str, found: Happened | None = None) -> RuleResult:
    if found is None:
        return RuleResult(kind, passed=False, message=message, mend=mend)
    reference = {"kind": found.kind, "id": found.id, "label": found.label}
    reference["at"] = found.at.isoformat()
    return RuleResult(kind, passed=True, message=message, reference=reference)


def _fresh(found: Happened | None, rule: Mapping[str, Any], facts: Evidence, default: int) -> bool:
    days = int(rule.get("within_days", default))
    return found is not None and (not days or found.at >= facts.now - timedelta(days=days))


def _dated(
    kind: str,
    found: Happened | None,
    rule: Mapping[str, Any],
    facts: Evidence,
    words: tuple[str, str],
) -> RuleResult:
    """Evidence that is there and fresh enough; a rule without days takes any age."""
    what, mend = words
    if found is None:
        return _result(kind, f"{what} is missing.", mend)
    if not _fresh(found, rule, facts, 0):
        said = f"{found.label} of {found.at:%Y-%m-%d} is older than {rule['within_days']} days."
        return _result(kind, said, mend)
    return _result(kind, f"{found.label}, {found.at:%Y-%m-%d}.", "", found)


def _measurement(rule: Mapping[str, Any], facts: Evidence) -> RuleResult:
    monitor, wanted = str(rule["monitor"]), tuple(rule.get("verdicts", ("ok",)))
    run = facts.runs.get(monitor)
    if run is None:
        return _result("measurement", f"No run of a {monitor} monitor.", "monitoring")
    if not _fresh(run, rule, facts, FRESH_DAYS):
        days = rule.get("within_days", FRESH_DAYS)
        said = f"The last {monitor} run is of {run.at:%Y-%m-%d}, older than {days} days."
        return _result("measurement", said, "monitoring")
    verdict = run.verdict.replace("_", " ")
    if run.verdict not in wanted:
        said = f"{run.label} of {run.at:%Y-%m-%d} says {verdict}; wanted: {' or '.join(wanted)}."
        return _result("measurement", said, "monitoring")
    return _result("measurement", f"{run.label}: {verdict}, {run.at:%Y-%m-%d}.", "", run)


def _monitor(rule: Mapping[str, Any], facts: Evidence) -> RuleResult:
    kind = str(rule["monitor"])
    count = facts.monitors.get(kind, 0)
    if not count:
        return _result("monitor", f"No {kind} monitor is enabled.", "monitoring")
    said = f"{count} {kind} monitor{'' if count == 1 else 's'} enabled."
    return _result("monitor", said, "", Happened("monitors", 0, f"{kind} monitors", facts.now))


def _card(rule: Mapping[str, Any], facts: Evidence) -> RuleResult:
    section = str(rule["section"])
    title = BY_ID[section].title if section in BY_ID else section
    if facts.version is None:
        return _result("card", "There is no version, and so no card.", "version")
    if section not in facts.sections:
        return _result("card", f"Card section “{title}” is empty.", "card")
    found = Happened("card", facts.version, f"card of version {facts.version}", facts.now)
    return _result("card", f"Card section “{title}” is written.", "", found)


def _archive(rule: Mapping[str, Any], facts: Evidence) -> RuleResult:
    if rule["check"] == "verified":
        words = ("A verification of a sealed archive", "archives")
        return _dated("archive", facts.verified, rule, facts, words)
    words = ("A restore drill that passed", "archives")
    return _dated("archive", facts.drilled, rule, facts, words)


def _approval(rule: Mapping[str, Any], facts: Evidence) -> RuleResult:
    change = str(rule["change"])
    words = (f"An approved and executed request to {change.replace('_', ' ')}", "request")
    return _dated("approval", facts.approvals.get(change), rule, facts, words)


def _document(rule: Mapping[str, Any], facts: Evidence, found: Happened | None) -> RuleResult:
    return _dated("document", found, rule, facts, ("A document", "document"))


def _risk(rule: Mapping[str, Any], facts: Evidence) -> RuleResult:
    return _dated("risk", facts.risk, rule, facts, ("A signed risk questionnaire", "risk"))


def _attestation(rule: Mapping[str, Any], facts: Evidence) -> RuleResult:
    words = ("A signed attestation", "attestation")
    return _dated("attestation", facts.attestation, rule, facts, words)


_KINDS: dict[str, Callable[[Mapping[str, Any], Evidence], RuleResult]] = {
    "measurement": _measurement,
    "monitor": _monitor,
    "card": _card,
    "archive": _archive,
    "approval": _approval,
    "risk": _risk,
    "attestation": _attestation,
}
