"""The named facts that rules of recommendation may ask about. Pure.

A fact is a verdict, a choice of words or a number; None where it cannot be told. Verdicts and
choices say by their own words that nobody looks (`not_watched`) or that there is too little data.
"""

from dataclasses import dataclass

VERDICTS = ("ok", "warning", "breach", "insufficient_data", "not_watched")
# What a verdict is when it says nothing: no condition about it is met or refuted.
SILENT = frozenset({"insufficient_data", "not_watched"})
YES_NO = ("yes", "no")
# A recorded day on which something ends; that nobody recorded one is known, and says so.
SOON_DAYS = 90
ENDINGS = ("over", "soon", "later", "not_recorded")


@dataclass(frozen=True)
class FactKind:
    """One fact: its name in the table, in words, and what it may be (`choices` empty: a number)."""

    name: str
    title: str
    choices: tuple[str, ...] = ()
    unit: str = ""

    @property
    def is_verdict(self) -> bool:
        return self.choices == VERDICTS


def _verdict(name: str, title: str) -> FactKind:
    return FactKind(name, title, VERDICTS)


FACTS: tuple[FactKind, ...] = (
    _verdict("quality", "data quality"),
    _verdict("drift", "drift"),
    _verdict("novelty", "novelty"),
    _verdict("performance", "performance"),
    _verdict("discrimination", "how well cases are told apart"),
    _verdict("estimate", "estimated performance"),
    _verdict("calibration", "calibration"),
    _verdict("concept", "concept drift"),
    _verdict("fairness", "fairness"),
    _verdict("operations", "service"),
    _verdict("business", "business figures"),
    _verdict("explanation", "what answers rest on"),
    FactKind("new_outcomes", "outcomes received for this version", unit="outcomes"),
    FactKind("silent_days", "time without a prediction", unit="days"),
    FactKind("unmeasured_days", "time since the last window that was measured", unit="days"),
    FactKind("open_incidents", "open incidents", unit="incidents"),
    FactKind("critical_incidents", "open critical incidents", unit="incidents"),
    FactKind(
        "incident_cause",
        "likeliest cause of the open incidents",
        ("data_quality", "feature", "segment", "not_found", "none"),
    ),
    FactKind("grave_findings", "open findings of high or critical severity", unit="findings"),
    FactKind("overdue_findings", "findings past their date", unit="findings"),
    FactKind("lapsed_conditions", "conditions of the approval that lapsed", unit="conditions"),
    FactKind("attestation", "attestation", ("fit", "conditions", "unfit", "overdue", "none")),
    FactKind("legal_basis", f"end of the legal basis (soon: within {SOON_DAYS} days)", ENDINGS),
    FactKind(
        "vendor_support", f"end of the vendor's support (soon: within {SOON_DAYS} days)", ENDINGS
    ),
    FactKind("serving_days", "time in service", unit="days"),
    FactKind("age_days", "time since it was registered", unit="days"),
    FactKind("superseded", "superseded by a newer champion", YES_NO),
    FactKind(
        "challenger",
        "challenger's result",
        ("better", "worse", "different", "undecided", "invalid", "none"),
    ),
    FactKind("guard_rails", "challenger's other endpoints", ("held", "broken", "none")),
)
BY_NAME = {fact.name: fact for fact in FACTS}
VERDICT_FACTS = tuple(fact.name for fact in FACTS if fact.is_verdict)
