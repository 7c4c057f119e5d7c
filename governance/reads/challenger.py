"""Champion and challenger side by side: what a reviewer needs before a promotion."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.http import Http404

from governance.models import Finding, WinnerProposal
from governance.policies import can_submit
from governance.reads.beside import FeatureShare, Pair, PairGroup, evidence, made, rest_on
from governance.reads.findings import FindingLine, finding_rows, line_of
from governance.reads.version_lines import VersionState, states_of
from monitoring.models import Experiment, Measurement
from monitoring.policies import can_change_monitors
from monitoring.reads.experiments import Conclusion, Seen, conclusion_of, experiment_of
from monitoring.reads.rollouts import Followed, rollout_of
from registry.models import Version
from registry.reads.deployments import Period, serving_now

MOST = 400
ASPECTS = {
    "performance": "Performance",
    "estimate": "Estimated performance",
    "calibration": "Calibration",
    "fairness": "Fairness",
    "operations": "Latency and operations",
    "business": "Value",
}


@dataclass(frozen=True)
class Measured:
    """One metric of both versions, each from its newest window."""

    kind: str
    aspect: str
    metric: str
    about: str
    champion: Measurement | None
    challenger: Measurement | None


@dataclass(frozen=True)
class ChallengerPage:
    """Everything about one experiment that the signature is about."""

    seen: Seen
    rollout: Followed | None
    versions: tuple[Version, Version]
    states: Mapping[int, VersionState]
    serving: Sequence[Period]
    made: Sequence[PairGroup]
    rest_on: Sequence[FeatureShare]
    evidence: Sequence[Pair]
    measured: Sequence[Measured]
    findings: Sequence[FindingLine]
    conclusion: Conclusion | None
    proposal: WinnerProposal | None
    may_change: bool
    may_submit: bool

    @property
    def experiment(self) -> Experiment:
        return self.seen.experiment


def challenger_page(user: Any, experiment_id: int) -> ChallengerPage:
    """One experiment with both of its versions; a bounded number of queries.

    Raises:
        Http404: there is none that the person may see.
    """
    seen = experiment_of(user, experiment_id)
    if seen is None:
        raise Http404
    one = seen.experiment
    both = (one.champion, one.challenger)
    numbers = [version.pk for version in both]
    proposal = WinnerProposal.objects.select_related("request").filter(experiment=one).first()
    return ChallengerPage(
        seen=seen,
        rollout=rollout_of(one),
        versions=both,
        states=states_of(numbers),
        serving=[row for row in serving_now(one.model_id) if row.version_id in numbers],
        made=made(*both),
        rest_on=rest_on(user, *both),
        evidence=evidence(*both, seen.look),
        measured=_measured(one),
        findings=_findings(user, one),
        conclusion=conclusion_of(seen) if one.concluded_at or one.stopped_at else None,
        proposal=proposal,
        may_change=can_change_monitors(user, one.model),
        may_submit=can_submit(user, one.model),
    )


def _measured(one: Experiment) -> list[Measured]:
    """Metrics by aspect, metric and rows: of each version the newest window that the experiment's
    time has a part in, so that neither is told by weeks that the other has not seen."""
    champion, challenger = one.champion, one.challenger
    found: dict[tuple[str, str, str], dict[int, Measurement]] = {}
    for version in (champion, challenger):
        rows = Measurement.objects.filter(
            version=version,
            latest=True,
            monitor__kind__in=ASPECTS,
            window_end__gt=one.starts_at,
            run__window_start__lt=one.stopped_at or one.ends_at,
        ).exclude(value=None)
        newest = rows.select_related("monitor").order_by("-window_end", "-pk")[:MOST]
        for row in newest:
            about = ", ".join(part for part in (row.field, row.segment) if part)
            found.setdefault((row.monitor.kind, row.metric, about), {}).setdefault(version.pk, row)
    order = list(ASPECTS)
    return [
        Measured(kind, ASPECTS[kind], metric, about, by.get(champion.pk), by.get(challenger.pk))
        for (kind, metric, about), by in sorted(
            found.items(), key=lambda item: (order.index(item[0][0]), *item[0][1:])
        )
    ]


def _findings(user: Any, one: Experiment) -> list[FindingLine]:
    """What is open about either version, or about the model as a whole."""
    rows = finding_rows(user).filter(model=one.model, closed_at__isnull=True)
    mine = rows.filter(version__in=(one.champion_id, one.challenger_id)) | rows.filter(
        version__isnull=True
    )
    return [line_of(row) for row in _first(mine)]


def _first(rows: Any) -> list[Finding]:
    return list(rows.order_by("due_on")[:50])
