"""The rules a change must meet: facts in, findings out. Pure: what is asked when is policy data."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from governance.numbers import (
    MEASURED,
    ON_REFERENCE,
    RECORDED,
    Number,
    base_name,
    compare,
    interval_of,
)
from governance.watch_rules import in_words, terms_of

STAGES: dict[str, frozenset[str]] = {
    "promote": frozenset({"candidate", "approved", "serving"}),
    "roll_back": frozenset({"approved", "serving"}),
    "retire": frozenset({"candidate", "approved", "serving"}),
    "archive": frozenset({"retired"}),
    "restore": frozenset({"archived"}),
    "revalidate": frozenset({"serving"}),
}


@dataclass(frozen=True)
class Facts:
    """What the gates look at, gathered by reads/evidence."""

    kind: str
    environment: str
    role: str
    task: str
    version: int
    stage: str
    artifact_digest: str
    files: tuple[str, ...]
    schema_fields: int
    reference_rows: int
    card_share: float
    card_missing: tuple[str, ...]
    monitors: Mapping[str, int]
    incidents: tuple[str, ...]
    numbers: tuple[Number, ...]
    champion: int | None
    champion_numbers: tuple[Number, ...]
    serves_as: tuple[tuple[str, str], ...] = ()
    was_champion: bool = False
    pickled: tuple[str, ...] = ()
    archive: str = ""
    archive_verified: bool = False
    findings: tuple[tuple[str, str], ...] = ()
    has_groups: bool = False
    conditions: tuple[str, ...] = ()
    # Each guideline in force for the version: its title, state, and the state in words.
    guidelines: tuple[tuple[str, str, str], ...] = ()


@dataclass(frozen=True)
class GateFinding:
    """The answer of one gate; a message that says how to mend what did not pass."""

    gate: str
    title: str
    mode: str
    passed: bool
    message: str
    evidence: dict[str, Any] = field(default_factory=dict)

    @property
    def prevents(self) -> bool:
        return self.mode == "prevent" and not self.passed

    def as_evidence(self) -> dict[str, Any]:
        return {
            "gate": self.gate,
            "title": self.title,
            "mode": self.mode,
            "passed": self.passed,
            "message": self.message,
            "evidence": self.evidence,
        }


Answer = tuple[bool, str, dict[str, Any]]
Rule = Callable[[Facts, Mapping[str, Any]], Answer]


def evaluate(gates: Sequence[Mapping[str, Any]], facts: Facts) -> list[GateFinding]:
    """Ask every gate of a policy.

    Raises:
        KeyError: the policy names a gate that does not exist.
    """
    return [_ask(gate, facts) for gate in gates]


def _ask(gate: Mapping[str, Any], facts: Facts) -> GateFinding:
    rule = GATES[gate["gate"]][1]
    passed, message, evidence = rule(facts, gate.get("parameters", {}))
    return GateFinding(gate["gate"], title_of(gate), gate["mode"], passed, message, evidence)


def title_of(gate: Mapping[str, Any]) -> str:
    """A gate's title; of a limit with its measure, since a policy may have several."""
    title = GATES[gate["gate"]][0]
    metric = gate.get("parameters", {}).get("metric", "")
    return f"{title}: {metric.replace('_', ' ')}" if metric else title


def _stage(facts: Facts, _parameters: Mapping[str, Any]) -> Answer:
    evidence = {"stage": facts.stage}
    verb = facts.kind.replace("_", " ")
    if facts.stage not in STAGES[facts.kind]:
        needed = " or ".join(sorted(STAGES[facts.kind]))
        return False, f"To {verb} it, it must be {needed}; it is {facts.stage}.", evidence
    if facts.kind == "revalidate":
        return _serves(facts)
    if (facts.environment, facts.role) in facts.serves_as:
        return False, f"It is {facts.role} in {facts.environment} already.", evidence
    if facts.kind == "roll_back" and not facts.was_champion:
        message = f"It was never champion in {facts.environment}: promote it instead."
        return False, message, evidence
    return True, f"It is {facts.stage}.", evidence


def _serves(facts: Facts) -> Answer:
    roles = [role for environment, role in facts.serves_as if environment == facts.environment]
    evidence = {"stage": facts.stage, "roles": roles}
    if not roles:
        return False, f"It does not serve in {facts.environment}.", evidence
    return True, f"It is {' and '.join(roles)} in {facts.environment}.", evidence


def _artifact_hashed(facts: Facts, _parameters: Mapping[str, Any]) -> Answer:
    evidence = {"digest": facts.artifact_digest, "files": len(facts.files)}
    if facts.artifact_digest:
        n = len(facts.files)
        return True, "1 file is hashed." if n == 1 else f"{n} files are hashed.", evidence
    return False, "Its files are not hashed yet: wait for the inspection or repeat it.", evidence


def _schema_present(facts: Facts, _parameters: Mapping[str, Any]) -> Answer:
    evidence = {"fields": facts.schema_fields}
    if facts.schema_fields:
        return True, f"The schema has {facts.schema_fields} fields.", evidence
    return False, "It has no schema: declare the fields of its prediction log.", evidence


def _reference_present(facts: Facts, _parameters: Mapping[str, Any]) -> Answer:
    evidence = {"rows": facts.reference_rows}
    if facts.reference_rows:
        return True, f"The reference has {facts.reference_rows:,} rows.", evidence
    return False, "It has no reference: upload the data that normal is judged by.", evidence


def _card_complete(facts: Facts, parameters: Mapping[str, Any]) -> Answer:
    minimum = float(parameters.get("minimum", 1.0))
    evidence = {"share": facts.card_share, "minimum": minimum, "missing": list(facts.card_missing)}
    done = f"{facts.card_share:.0%} of the required sections are written"
    if facts.card_share >= minimum:
        return True, f"{done}.", evidence
    missing = ", ".join(facts.card_missing)
    return False, f"{done}, {minimum:.0%} are needed. Write: {missing}.", evidence


def _monitors_enabled(facts: Facts, parameters: Mapping[str, Any]) -> Answer:
    evidence = {"enabled": dict(facts.monitors)}
    missing = [kind for kind in parameters.get("kinds", []) if not facts.monitors.get(kind)]
    if missing:
        return False, f"No monitor watches {' or '.join(missing)}: set one up.", evidence
    total = sum(facts.monitors.values())
    return total > 0, f"{total} monitors are enabled.", evidence


def _no_critical_incident(facts: Facts, _parameters: Mapping[str, Any]) -> Answer:
    evidence = {"incidents": list(facts.incidents)}
    if not facts.incidents:
        return True, "No critical incident of this version waits for a decision.", evidence
    return False, f"Resolve first: {'; '.join(facts.incidents)}.", evidence


def _not_worse(facts: Facts, parameters: Mapping[str, Any]) -> Answer:
    if facts.champion in (None, facts.version):
        return True, "There is no other champion to compare with.", {"champion": None}
    found = compare(facts.task, facts.numbers, facts.champion_numbers)
    if found is None:
        message = (
            f"There is no number that both it and champion {facts.champion} have from the same "
            "source: run it as shadow, or record the same measure in the training run."
        )
        return False, message, {"champion": facts.champion}
    margin = float(parameters.get("margin", 0.0))
    # A hair more than the margin is how 0.72 - 0.70 is represented.
    passed = found.worse_by <= margin + 1e-9 or found.intervals_overlap
    message = (
        f"{found.proposed.label} {found.proposed.value:.4g} beside {found.champion.value:.4g} of "
        f"champion {facts.champion}, {found.proposed.source}."
    )
    return passed, message, _comparison_evidence(facts, found.proposed, found.champion, margin)


def _comparison_evidence(
    facts: Facts, ours: Number, theirs: Number, margin: float
) -> dict[str, Any]:
    return {
        "champion": facts.champion,
        "margin": margin,
        "proposed_number": ours.as_evidence(),
        "champion_number": theirs.as_evidence(),
    }


def _format_safe(facts: Facts, _parameters: Mapping[str, Any]) -> Answer:
    pickles = list(facts.pickled)
    if not facts.files:
        return False, "Its files are not known yet, so their format is not either.", {}
    if not pickles:
        return True, "No file has a known pattern of a pickle.", {"pickles": []}
    message = (
        f"{', '.join(pickles[:3])} can run code when loaded: prefer skops, ONNX or safetensors."
    )
    return False, message, {"pickles": pickles}


def _replaced(facts: Facts, _parameters: Mapping[str, Any]) -> Answer:
    places = [environment for environment, role in facts.serves_as if role == "champion"]
    evidence = {"champion_in": places, "champion": facts.champion}
    if places:
        message = f"It is still champion in {', '.join(places)}: promote its replacement first."
        return False, message, evidence
    if facts.champion is None:
        return True, f"No version is champion in {facts.environment}.", evidence
    return True, f"Version {facts.champion} is champion in its place.", evidence


def _archive_verified(facts: Facts, _parameters: Mapping[str, Any]) -> Answer:
    evidence = {"archive": facts.archive, "verified": facts.archive_verified}
    if facts.archive == "sealed" and facts.archive_verified:
        return True, "Its archive is sealed and was verified.", evidence
    return False, "Its archive is not sealed and verified: archive it first.", evidence


SEVERITIES = ("low", "medium", "high", "critical")


def _no_open_findings(facts: Facts, parameters: Mapping[str, Any]) -> Answer:
    """Findings that are neither closed nor waived, from a severity on."""
    least = str(parameters.get("severity", "critical"))
    grave = SEVERITIES[SEVERITIES.index(least) :]
    titles = [title for severity, title in facts.findings if severity in grave]
    evidence = {"severity": least, "findings": titles}
    if not titles:
        return True, f"No finding of severity {least} or above is open.", evidence
    named = "; ".join(titles[:3]) + (f" and {len(titles) - 3} more" if len(titles) > 3 else "")
    return False, f"Close, or have waived: {named}.", evidence


def _within_limits(facts: Facts, parameters: Mapping[str, Any]) -> Answer:
    """A number of the version against limits that were set before it was measured.

    Production speaks before the reference, and that before the training run. Where the interval
    reaches beyond the limit, `when_unsure` says what then: `pass`, `condition` (the request has to
    carry a condition on the same number), or `prevent`.
    """
    metric, roles = str(parameters["metric"]), parameters.get("roles", ["champion"])
    words = metric.replace("_", " ")
    held = _roles(facts)
    if not set(held) & set(roles):
        return True, f"It is not asked of a {' and '.join(held) or 'version that ends'}.", {}
    if facts.task not in parameters.get("tasks", [facts.task]):
        return True, f"It is not asked of a model whose task is {facts.task}.", {}
    number = _worst(facts.numbers, metric, lowest="at_least" in parameters)
    if number is None:
        return _unmeasured(facts, words, parameters)
    evidence = {**number.as_evidence(), **_limits_of(parameters)}
    return (*_held(number, facts, words, parameters), evidence)


def _roles(facts: Facts) -> list[str]:
    """The role that is asked for; of a version that goes on serving, those that it has."""
    if facts.kind != "revalidate":
        return [facts.role] if facts.role else []
    return sorted(role for environment, role in facts.serves_as if environment == facts.environment)


def _worst(numbers: Sequence[Number], metric: str, *, lowest: bool) -> Number | None:
    """The number nearest to its limit, of the best source that has any."""
    for source in (MEASURED, ON_REFERENCE, RECORDED):
        found = [n for n in numbers if n.source == source and base_name(n.metric) == metric]
        if found:
            return (min if lowest else max)(found, key=lambda n: n.value)
    return None


def _unmeasured(facts: Facts, words: str, parameters: Mapping[str, Any]) -> Answer:
    if not facts.has_groups and parameters.get("of_groups", False):
        return True, "Its schema names no groups of people, so there is nothing to compare.", {}
    return False, f"Its {words} was never measured: give it a reference that tells it.", {}


def _limits_of(parameters: Mapping[str, Any]) -> dict[str, Any]:
    return {name: parameters[name] for name in ("at_least", "at_most") if name in parameters}


def _held(
    number: Number, facts: Facts, words: str, parameters: Mapping[str, Any]
) -> tuple[bool, str]:
    least = float(parameters.get("at_least", -math.inf))
    most = float(parameters.get("at_most", math.inf))
    needed = " and ".join(
        f"{name.replace('_', ' ')} {limit:.6g}" for name, limit in _limits_of(parameters).items()
    )
    label = number.label[:1].upper() + number.label[1:]
    said = f"{label} {number.value:.3g}, {number.source}; it has to be {needed}."
    if not least <= number.value <= most:
        return False, said
    low, high = interval_of(number)
    if least <= low and high <= most:
        return True, said
    return _unsure(said, f"{low:.3g} to {high:.3g}", facts, words, parameters)


def _unsure(
    said: str, interval: str, facts: Facts, words: str, parameters: Mapping[str, Any]
) -> tuple[bool, str]:
    doubt = f"{said} Its 95 % interval, {interval}, reaches beyond the limit"
    when = parameters.get("when_unsure", "pass")
    if when == "prevent":
        return False, f"{doubt}: more rows would tell."
    if when == "condition" and parameters["metric"] not in facts.conditions:
        return False, f"{doubt}: ask for it under a condition on its {words}."
    return True, f"{doubt}{', so it is a condition' if when == 'condition' else ''}."


def _guidelines_answered(facts: Facts, _parameters: Mapping[str, Any]) -> Answer:
    """Every ethical guideline in force has answers for the version that somebody signed."""
    evidence = {"guidelines": [{"title": t, "state": state} for t, state, _ in facts.guidelines]}
    open_ones = [one for one in facts.guidelines if one[1] != "signed"]
    lacking = [f"{title} ({words})" for title, _, words in open_ones]
    if not facts.guidelines:
        return True, "The team has no guideline in force for this change.", evidence
    if not lacking:
        n = len(facts.guidelines)
        return True, f"{n} guideline{'' if n == 1 else 's'} answered and signed.", evidence
    return False, f"Have answered and signed: {'; '.join(lacking[:3])}.", evidence


def _watched_after(_facts: Facts, parameters: Mapping[str, Any]) -> Answer:
    """Tells who signs what happens after; it never stands in the way."""
    return True, in_words(terms_of(parameters)), dict(parameters)


GATES: dict[str, tuple[str, Rule]] = {
    "stage": ("Stage allows the change", _stage),
    "artifact_hashed": ("Files are hashed", _artifact_hashed),
    "schema_present": ("Schema is declared", _schema_present),
    "reference_present": ("Reference is there", _reference_present),
    "card_complete": ("Card is complete", _card_complete),
    "monitors_enabled": ("Monitors are enabled", _monitors_enabled),
    "no_critical_incident": ("No critical incident is open", _no_critical_incident),
    "not_worse": ("Not worse than the champion", _not_worse),
    "within_limits": ("Number within its limits", _within_limits),
    "format_safe": ("Format is safe to load", _format_safe),
    "replaced": ("A replacement serves", _replaced),
    "no_open_findings": ("No grave finding is open", _no_open_findings),
    "archive_verified": ("Archive is verified", _archive_verified),
    "guidelines_answered": ("Ethical guidelines are answered", _guidelines_answered),
    "watched_after": ("Is watched after it takes over", _watched_after),
}
