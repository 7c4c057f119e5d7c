"""The approval policies that Ombud starts with, as data: who signs and which gates are asked. Pure.

Once installed they are rows: a newer number replaces one, and requests keep the one they had.
"""

from dataclasses import dataclass
from typing import Any

from governance.rounds import in_all, one_round
from governance.watch_rules import KINDS

Gate = dict[str, Any]

VALIDATOR, REVIEWER, RISK_OFFICER = "validator", "reviewer", "risk_officer"
ADMINISTRATOR = "administrator"
TIERS = ("high", "medium", "low")


@dataclass(frozen=True)
class PolicyRow:
    """One default policy: a kind of change of a model of one risk tier."""

    kind: str
    risk_tier: str
    rounds: list[dict[str, Any]]
    gates: list[Gate]

    @property
    def quorum(self) -> dict[str, int]:
        return in_all(self.rounds)


def _gate(gate: str, mode: str, **parameters: Any) -> Gate:
    return {"gate": gate, "mode": mode, "parameters": parameters}


QUORUMS: dict[str, dict[str, dict[str, int]]] = {
    "promote": {
        "high": {VALIDATOR: 1, REVIEWER: 1, RISK_OFFICER: 1},
        "medium": {VALIDATOR: 1, REVIEWER: 1},
        "low": {REVIEWER: 1},
    },
    # A version that serves is signed for anew by as many as put it there.
    "revalidate": {
        "high": {VALIDATOR: 1, REVIEWER: 1, RISK_OFFICER: 1},
        "medium": {VALIDATOR: 1, REVIEWER: 1},
        "low": {REVIEWER: 1},
    },
    # Going back to what was approved before must be quick, also for a high-risk model.
    "roll_back": {tier: {REVIEWER: 1} for tier in TIERS},
    **{
        kind: {
            "high": {REVIEWER: 1, RISK_OFFICER: 1},
            "medium": {REVIEWER: 1},
            "low": {REVIEWER: 1},
        }
        for kind in ("retire", "archive", "restore")
    },
}

CARD_SHARE = {"high": 1.0, "medium": 0.8, "low": 0.5}


def _promotion_gates(tier: str) -> list[Gate]:
    strict = "warn" if tier == "low" else "prevent"
    return [
        _gate("stage", "prevent"),
        _gate("artifact_hashed", "prevent"),
        _gate("schema_present", "prevent"),
        _gate("reference_present", strict),
        _gate("card_complete", strict, minimum=CARD_SHARE[tier]),
        _gate("monitors_enabled", strict, kinds=["drift", "performance"]),
        _gate("no_critical_incident", "prevent"),
        _gate("no_open_findings", "prevent", severity="critical"),
        _gate("not_worse", "prevent" if tier == "high" else "warn", margin=0.02),
        _four_fifths("prevent" if tier == "high" else "warn"),
        _gate("format_safe", "warn"),
        _gate("guidelines_answered", "inform"),
        _watched(tier),
    ]


# Hours and predictions of the watch after a deployment.
WATCHED = {"high": (336, 1000), "medium": (168, 500), "low": (72, 0)}


def _watched(tier: str, *, again: bool = True) -> Gate:
    """Only where little is at stake a version is rolled back without a person, and never twice:
    what was rolled back to is watched, but people decide what comes next."""
    hours, rows = WATCHED[tier]
    more: dict[str, Any] = {"rows": rows} if rows else {}
    if again and tier == "low":
        more["automatic"] = True
    return _gate(
        "watched_after",
        "inform",
        hours=hours,
        **more,
        kinds=list(KINDS),
        margin=0.02,
        when_not_possible="keep" if tier == "low" else "suspend",
    )


def _revalidation_gates(tier: str) -> list[Gate]:
    strict = "warn" if tier == "low" else "prevent"
    return [
        _gate("stage", "prevent"),
        _gate("artifact_hashed", "prevent"),
        _gate("card_complete", strict, minimum=CARD_SHARE[tier]),
        _gate("monitors_enabled", strict, kinds=["drift", "performance"]),
        _gate("no_critical_incident", "prevent"),
        _gate("no_open_findings", "prevent", severity="critical"),
        _four_fifths("prevent" if tier == "high" else "warn"),
        _gate("guidelines_answered", "inform"),
    ]


def _four_fifths(mode: str) -> Gate:
    """29 CFR 1607.4(D): a selection rate below four fifths of the highest group's is generally
    regarded as evidence of adverse impact. Small groups leave doubt: then under a condition."""
    return _gate(
        "within_limits",
        mode,
        metric="demographic_parity_ratio",
        at_least=0.8,
        tasks=["binary"],
        of_groups=True,
        when_unsure="condition",
    )


def _gates(kind: str, tier: str) -> list[Gate]:
    if kind == "promote":
        return _promotion_gates(tier)
    if kind == "revalidate":
        return _revalidation_gates(tier)
    stage = _gate("stage", "prevent")
    hashed = _gate("artifact_hashed", "prevent")
    if kind == "roll_back":
        return [
            stage,
            hashed,
            _gate("no_critical_incident", "prevent"),
            _gate("no_open_findings", "prevent", severity="critical"),
            _gate("not_worse", "inform", margin=0.02),
            _watched(tier, again=False),
        ]
    if kind == "retire":
        return [stage, _gate("replaced", "warn" if tier == "low" else "prevent")]
    if kind == "archive":
        return [stage, hashed, _gate("card_complete", "warn", minimum=CARD_SHARE[tier])]
    return [stage, _gate("archive_verified", "prevent"), _gate("format_safe", "warn")]


def _rounds(tier: str, quorum: dict[str, int]) -> list[dict[str, Any]]:
    """Where much is at stake, nobody decides before somebody else has validated."""
    if tier != "high" or VALIDATOR not in quorum:
        return one_round(quorum)
    rest = {role: count for role, count in quorum.items() if role != VALIDATOR}
    return [
        *one_round({VALIDATOR: quorum[VALIDATOR]}, "Validation"),
        *one_round(rest, "Decision"),
    ]


DEFAULTS: tuple[PolicyRow, ...] = tuple(
    PolicyRow(kind, tier, _rounds(tier, tiers[tier]), _gates(kind, tier))
    for kind, tiers in QUORUMS.items()
    for tier in TIERS
)

# Who signs a change of policy, by whether it loosens: asking less needs one signature more.
NEEDED: dict[bool, dict[str, int]] = {
    False: {RISK_OFFICER: 1},
    True: {RISK_OFFICER: 1, ADMINISTRATOR: 1},
}
