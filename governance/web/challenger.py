"""The page of champion and challenger."""

from decimal import Decimal
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from accounts.sessions import person_of
from governance.reads.challenger import ChallengerPage, Measured, challenger_page
from monitoring.models import Experiment, ExperimentKind, Measurement
from monitoring.reads.experiments import RATIO_ALPHA
from monitoring.reads.rollouts import LOOK_AT, Followed
from monitoring.states import ROLLOUT_GOES_ON, RolloutState
from monitoring.stats.experiments.guards import LATENCY
from monitoring.web import experiment_words as words
from monitoring.web.rollouts import RolloutForm, WhyForm
from monitoring.web.units import guard_shown, guard_words, metric_shown, metric_words, unit_of
from monitoring.web.words import chance
from registry.models import Version

VERBS = {
    RolloutState.RUNNING: (("pause", "Pause"), ("stop", "Stop at once")),
    RolloutState.PAUSED: (("resume", "Resume"), ("stop", "Stop at once")),
}


@require_safe
def challenger(request: HttpRequest, experiment_id: int) -> HttpResponse:
    """What the versions are, how they compare, and where the challenger's share stands."""
    page = challenger_page(person_of(request), experiment_id)
    seen, one = page.seen, page.experiment
    unit = unit_of(one)
    split = one.kind == ExperimentKind.SPLIT
    context = {
        "page": page,
        "experiment": one,
        "model": one.model,
        "notice": words.notice_of(seen),
        "facts": _facts(page, unit),
        "periods": [(row, percent(row.share)) for row in page.rollout.periods]
        if page.rollout
        else [],
        "share": percent(page.rollout.share) if page.rollout else "",
        "traffic": _traffic(page.rollout) if page.rollout else "",
        "chart": words.chart_of(seen, unit) if seen.looks else None,
        "arms": words.arms_of(seen, unit),
        "pairs": [] if split else words.pairs_of(seen, unit),
        "disagreements": words.disagreements_of(seen),
        "versions": [_version(page, version) for version in page.versions],
        "measured": [_measured(row, one) for row in page.measured if not row.about],
        "parts": [_measured(row, one) for row in page.measured if row.about],
        "steps": _steps(page.rollout) if page.rollout else [],
        "guards": _guards(page.rollout, one) if page.rollout else [],
        "start": RolloutForm() if _may_start(page) else None,
        "why": WhyForm() if _verbs(page) else None,
        "verbs": _verbs(page),
        "promote": _promote(page),
        "cards": _cards(page),
    }
    return render(request, "governance/challenger.html", context)


def percent(share: Decimal) -> str:
    return f"{float(100 * share):g}\u202f%"


def _facts(page: ChallengerPage, unit: str) -> list[tuple[str, str]]:
    """As declared; where the share is raised in steps, the steps say what the traffic is."""
    told = words.facts_of(page.seen, unit)
    return [row for row in told if row[0] != "Traffic"] if page.rollout else told


def _traffic(followed: Followed) -> str:
    """Whether the rows are split as the steps declare, as the newest look saw it."""
    look = followed.look
    row = look.findings[0] if look else {}
    likely = (row.get("parameters") or {}).get("always_valid_p")
    if likely is None:
        return "No row of both versions has been seen in whole hours yet."
    if likely < RATIO_ALPHA:
        return f"Not split as declared (by chance {chance(likely)}). {LOOK_AT}"
    return f"Split as declared, as far as {row['n']:,} rows can tell."


def _version(page: ChallengerPage, version: Version) -> dict[str, Any]:
    roles = [row for row in page.serving if row.version_id == version.pk]
    state = page.states.get(version.pk)
    slug = page.experiment.model.slug
    return {
        "number": version.number,
        "side": "Champion" if version.pk == page.experiment.champion_id else "Challenger",
        "stage": version.stage,
        "roles": [(row.role, percent(row.traffic_share), row.environment) for row in roles],
        "since": version.stage_since,
        "health": [(kind, cell) for kind, cell in sorted(state.health.items())] if state else [],
        "digest": version.artifact_digest,
        "url": reverse("version", args=[slug, version.number]),
        "card": reverse("card", args=[slug, version.number]),
    }


def _measured(row: Measured, one: Experiment) -> dict[str, str]:
    told = {"aspect": row.aspect, "metric": metric_words(row.metric, row.kind), "about": row.about}
    for side in ("champion", "challenger"):
        found: Measurement | None = getattr(row, side)
        told[side] = metric_shown(row.metric, row.kind, found.value if found else None, one)
        told[f"{side}_interval"] = ""
        if found is not None and found.low is not None and found.high is not None:
            low, high = (
                metric_shown(row.metric, row.kind, end, one) for end in (found.low, found.high)
            )
            told[f"{side}_interval"] = f"{low} to {high}"
    return told


def _steps(followed: Followed) -> list[dict[str, Any]]:
    rollout = followed.rollout
    return [
        {
            "share": percent(Decimal(one["share"])),
            "hours": one["hours"],
            "rows": f"{one['rows']:,}",
            "state": _state(rollout.step, place, going=rollout.state in ROLLOUT_GOES_ON),
        }
        for place, one in enumerate(rollout.steps)
    ]


def _state(step: int, place: int, *, going: bool) -> str:
    if place == step:
        return "now" if going else "reached"
    return "done" if place < step else "to come"


def _guards(followed: Followed, one: Experiment) -> list[dict[str, Any]]:
    """Each guard-rail as the newest look saw it; before the first, as it was declared."""
    look = followed.look
    rows = {row["metric"]: row for row in look.findings} if look else {}
    return [
        _guard(said["metric"], said["margin"], rows.get(said["metric"], {}), one)
        for said in followed.rollout.guards
    ]


def _guard(metric: str, margin: float, row: dict[str, Any], one: Experiment) -> dict[str, Any]:
    value, low, high = (row.get(key) for key in ("value", "low", "high"))
    ends = [guard_shown(metric, end, one) for end in (low, high) if end is not None]
    holds = "holds" if value is not None else "not measured yet"
    return {
        "label": guard_words(metric, one),
        "margin": f"{margin:g}\u00a0ms" if metric == LATENCY else guard_shown(metric, margin, one),
        "value": guard_shown(metric, value, one),
        "interval": " to ".join(ends),
        "n": f"{row.get('n', 0):,}",
        "said": "does harm" if row.get("harm") else holds,
    }


def _may_start(page: ChallengerPage) -> bool:
    one = page.experiment
    over = one.stopped_at or one.concluded_at
    split = one.kind == ExperimentKind.SPLIT
    return bool(page.may_change and page.rollout is None and split and not over)


def _verbs(page: ChallengerPage) -> list[tuple[str, str]]:
    """Where each of the buttons leads, and what it says."""
    if page.rollout is None or not page.may_change:
        return []
    known = VERBS.get(RolloutState(page.rollout.rollout.state), ())
    return [(reverse(f"rollout-{verb}", args=[page.experiment.pk]), label) for verb, label in known]


def _promote(page: ChallengerPage) -> str:
    if not page.may_submit:
        return ""
    one = page.experiment
    there = reverse("request-new", args=[one.model.slug, one.challenger.number])
    return f"{there}?kind=promote&role=champion"


def _cards(page: ChallengerPage) -> str:
    one = page.experiment
    there = reverse("card-revisions", args=[one.model.slug, one.challenger.number])
    return f"{there}?from={one.champion.number}:newest&to={one.challenger.number}:newest"
