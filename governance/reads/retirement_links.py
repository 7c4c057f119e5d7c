"""Where a reader sees what a rule of retirement looked at."""

from collections.abc import Callable, Mapping
from typing import Any

from django.urls import reverse

from governance.models import Retirement

Evidence = Mapping[str, Any]


def linked_rules(row: Retirement) -> tuple[dict[str, Any], ...]:
    """What the rules found, each with the page of what it was read from."""
    return tuple({**rule, "url": page_of(row, rule)} for rule in row.rules)


def page_of(row: Retirement, rule: Mapping[str, Any]) -> str:
    """The page of a rule's ground; the version's own where it names nothing else."""
    find = PAGES.get(str(rule.get("rule")), _version)
    return find(row, rule.get("evidence") or {})


def _version(row: Retirement, evidence: Evidence) -> str:
    number = evidence.get("successor", row.version.number)
    return reverse("version", args=[row.model.slug, number])


def _monitoring(row: Retirement, _: Evidence) -> str:
    return reverse("monitoring-model", args=[row.model.slug])


def _run(row: Retirement, evidence: Evidence) -> str:
    run = evidence.get("run")
    return reverse("run", args=[run]) if run else _monitoring(row, evidence)


def _attestation(row: Retirement, evidence: Evidence) -> str:
    key = evidence.get("attestation")
    if key:
        return reverse("attestation", args=[key])
    return reverse("model-risk", args=[row.model.slug])


def _life(row: Retirement, _: Evidence) -> str:
    return reverse("model-life", args=[row.model.slug])


PAGES: dict[str, Callable[[Retirement, Evidence], str]] = {
    "age": _version,
    "superseded": _version,
    "idle": _monitoring,
    "breaching": _run,
    "attestation": _attestation,
    "legal_basis": _life,
    "vendor_support": _life,
}
