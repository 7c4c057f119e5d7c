"""Past changes of one kind and tier: what was frozen, who signed, and what became of them."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q

from governance.models import CardRevision, ChangeRequest, ClaimCheck, Clearance, Decision, SignOff
from governance.past_changes import Past
from governance.states import APPROVING, ClearanceState, RequestKind, RequestState
from monitoring.models import Incident, Resolution, Severity
from registry.models import Reference, Schema

# Brought back within the time looked at: an ending that was not one.
RETURNING = (RequestKind.PROMOTE, RequestKind.ROLL_BACK, RequestKind.RESTORE)
HARMLESS = (Resolution.FALSE_ALARM, Resolution.EXPECTED)


@dataclass(frozen=True)
class Sign:
    """One sign that a change went badly: when, and what it was."""

    at: datetime
    what: str
    text: str

    def as_json(self) -> dict[str, Any]:
        return {"at": self.at, "what": self.what, "text": self.text}


@dataclass(frozen=True)
class PastChange:
    """One past request, ready to be asked again."""

    request: ChangeRequest
    past: Past
    signed: dict[str, int]
    signs: tuple[Sign, ...]


def past_requests(
    *, kind: str, risk_tier: str, since: datetime, until: datetime, team_id: int | None
) -> Any:
    """Requests of a kind, of models that had the tier when they were submitted."""
    rows = ChangeRequest.objects.filter(
        kind=kind,
        evidence__change__risk_tier=risk_tier,
        submitted_at__gte=since,
        submitted_at__lt=until,
    )
    return rows if team_id is None else rows.filter(model__team=team_id)


def past_changes(requests: Sequence[ChangeRequest], *, within: timedelta) -> list[PastChange]:
    """Each request with its past, signatures and aftermath. Nine queries for any number."""
    rebuilt, signed = _pasts(requests), _signed(requests)
    signs = aftermath([one for one in requests if one.executed_at], within)
    return [
        PastChange(one, rebuilt[one.pk], signed[one.pk], tuple(signs[one.pk])) for one in requests
    ]


def _pasts(requests: Sequence[ChangeRequest]) -> dict[int, Past]:
    versions = {one.version_id for one in requests}
    schemas = {
        (version, digest): fields
        for version, digest, fields in Schema.objects.filter(version__in=versions).values_list(
            "version", "digest", "fields"
        )
    }
    references = {
        (version, digest): rows
        for version, digest, rows in Reference.objects.filter(
            version__in=versions, freeze_error=""
        ).values_list("version", "digest", "rows")
    }
    sections = _sections(requests)
    return {
        one.pk: Past(
            evidence=one.evidence,
            task=one.model.task,
            sections=sections.get((one.version_id, one.evidence["card"]["digest"])),
            schema=schemas.get((one.version_id, one.evidence["schema"]["digest"])),
            reference_rows=references.get((one.version_id, one.evidence["reference"]["digest"])),
            pickled=_pickled(one),
        )
        for one in requests
    }


def _pickled(request: ChangeRequest) -> tuple[str, ...] | None:
    """Of the same bytes the same is so; without files nothing is known."""
    frozen, version = request.evidence["artifact"], request.version
    same = frozen["digest"] == version.artifact_digest and frozen["files"]
    return tuple(version.lineage.get("pickled") or ()) if same else None


def _sections(requests: Sequence[ChangeRequest]) -> dict[tuple[int, str], dict[str, str]]:
    """The texts of the card revisions that the evidence names."""
    digests = {one.evidence["card"]["digest"] for one in requests}
    rows = CardRevision.objects.filter(
        card__version__in={one.version_id for one in requests}, digest__in=digests - {None}
    )
    return {
        (version, digest): texts
        for version, digest, texts in rows.values_list("card__version", "digest", "sections")
    }


def _signed(requests: Sequence[ChangeRequest]) -> dict[int, dict[str, int]]:
    """Approvals over the final digest, by role."""
    digests = {one.pk: one.digest for one in requests}
    rows = SignOff.objects.filter(request__in=digests, decision=Decision.APPROVE)
    found: dict[int, Counter[str]] = defaultdict(Counter)
    for request, role, digest in rows.values_list("request", "role", "signed_digest"):
        found[request][role] += digest == digests[request]
    return {pk: dict(found[pk]) for pk in digests}


Source = Callable[[Sequence[ChangeRequest]], Iterable[tuple[tuple[Any, ...], Sign]]]


def aftermath(requests: Sequence[ChangeRequest], within: timedelta) -> dict[int, list[Sign]]:
    """Signs after each request was carried out, in time, oldest first."""
    found: dict[int, list[Sign]] = defaultdict(list)
    for source, keyed in SOURCES:
        by_key = defaultdict(list)
        for key, sign in source(requests):
            by_key[key].append(sign)
        for one in requests:
            done = one.executed_at
            found[one.pk] += [
                sign
                for sign in by_key[keyed(one)]
                if done is not None and done < sign.at <= done + within
            ]
    for signs in found.values():
        signs.sort(key=lambda sign: sign.at)
    return found


def _approving(requests: Sequence[ChangeRequest]) -> set[int]:
    return {one.version_id for one in requests if one.kind in APPROVING}


def _incidents(requests: Sequence[ChangeRequest]) -> Iterable[tuple[tuple[Any, ...], Sign]]:
    """Critical incidents that nobody found harmless, and any that somebody confirmed."""
    rows = Incident.objects.filter(version__in=_approving(requests))
    confirmed = Q(resolution=Resolution.CONFIRMED) & ~Q(severity=Severity.INFO)
    critical = Q(severity=Severity.CRITICAL) & ~Q(resolution__in=HARMLESS)
    for row in rows.filter(confirmed | critical).order_by("opened_at"):
        yield (row.version_id,), Sign(row.opened_at, "incident", f"Incident: {row.title}")


def _suspensions(requests: Sequence[ChangeRequest]) -> Iterable[tuple[tuple[Any, ...], Sign]]:
    rows = Clearance.objects.filter(
        version__in=_approving(requests), state=ClearanceState.SUSPENDED
    )
    for row in rows.order_by("since"):
        reasons = " ".join(str(reason) for reason in row.reasons)
        text = f"Clearance suspended. {reasons}"[:300].strip()
        yield (row.version_id, row.environment), Sign(row.since, "suspended", text)


def _contradictions(requests: Sequence[ChangeRequest]) -> Iterable[tuple[tuple[Any, ...], Sign]]:
    rows = ClaimCheck.objects.filter(
        claim__revision__card__version__in=_approving(requests), state="contradicted"
    )
    told = rows.order_by("at").values_list(
        "claim__revision__card__version", "at", "claim__label", "reason"
    )
    for version, at, label, reason in told:
        yield (version,), Sign(at, "contradicted", f"Claim contradicted: {label}. {reason}")


def _roll_backs(requests: Sequence[ChangeRequest]) -> Iterable[tuple[tuple[Any, ...], Sign]]:
    """Roll-backs that took the version's place; their evidence names the champion they replaced."""
    rows = ChangeRequest.objects.filter(
        model__in={one.model_id for one in requests if one.kind in APPROVING},
        kind=RequestKind.ROLL_BACK,
        state=RequestState.EXECUTED,
    )
    told = rows.order_by("executed_at").values_list(
        "model", "environment", "evidence__champion__version", "executed_at", "version__number"
    )
    for model, environment, champion, at, number in told:
        if at is not None:
            text = f"Rolled back to version {number}"
            yield (model, environment, champion), Sign(at, "rolled_back", text)


def _returns(requests: Sequence[ChangeRequest]) -> Iterable[tuple[tuple[Any, ...], Sign]]:
    """What was ended and came back."""
    ended = {one.version_id for one in requests if one.kind not in APPROVING}
    rows = ChangeRequest.objects.filter(
        version__in=ended, kind__in=RETURNING, state=RequestState.EXECUTED
    ).exclude(pk__in=[one.pk for one in requests])
    told = rows.order_by("executed_at").values_list("version", "executed_at", "kind")
    for version, at, kind in told:
        if at is not None:
            text = f"It came back: {kind.replace('_', ' ')}"
            yield (version, "ended"), Sign(at, "returned", text)


def _version_key(one: ChangeRequest) -> tuple[Any, ...]:
    return (one.version_id,)


def _place_key(one: ChangeRequest) -> tuple[Any, ...]:
    return (one.version_id, one.environment)


def _champion_key(one: ChangeRequest) -> tuple[Any, ...]:
    return (one.model_id, one.environment, one.version.number)


def _ended_key(one: ChangeRequest) -> tuple[Any, ...]:
    return (one.version_id, "ended")


SOURCES: tuple[tuple[Source, Callable[[ChangeRequest], tuple[Any, ...]]], ...] = (
    (_incidents, _version_key),
    (_suspensions, _place_key),
    (_contradictions, _version_key),
    (_roll_backs, _champion_key),
    (_returns, _ended_key),
)
