"""What was changed outside of approved changes is a finding, and what it concerns is suspended."""

import hashlib

from django.db import transaction
from django.db.models import CharField, Exists, OuterRef, Value
from django.db.models.functions import Cast, Concat

from audit.record import SYSTEM, record
from governance.clearance_tokens import MAY_SERVE
from governance.events import GovernanceEvent
from governance.jobs import clearance
from governance.jobs.findings import Found, add_entry, raise_finding
from governance.jobs.locks import lock_models, locked_version
from governance.jobs.status import rebuild_status
from governance.models import Clearance, Finding, FindingEntry, FindingKind, FindingSeverity
from registry.models import Deployment, Deviation
from registry.states import DeploymentRole, DeviationKind

AT_ONCE = 100
LINK = "deviation"
HOW_TO_MEND = {
    DeviationKind.ALIAS: "If the move is wanted, ask for it by a change request; if not, have it "
    "put back.",
    DeviationKind.TAG: "If the change is wanted, ask for it by a change request; if not, have it "
    "put back.",
    DeviationKind.VERSION_GONE: "MLflow cannot bring it back: restore it from its archive, or "
    "retire it.",
    DeviationKind.MODEL_GONE: "MLflow cannot bring it back: restore its versions from their "
    "archives, or rename the model back.",
    DeviationKind.MADE_ANEW: "What serving systems load under this number is not what was "
    "approved: restore the version from its archive, or register the new one as a version "
    "of its own.",
    DeviationKind.BYTES: "Put the files back from a copy that has the hashed bytes, or restore the "
    "version from its archive; other bytes are another version, which needs an approval.",
}


def follow_deviations() -> int:
    """See that every deviation is in a finding, however short it lasted."""
    key = Concat(
        Value("shadow-"), Cast(OuterRef("pk"), output_field=CharField()), output_field=CharField()
    )
    told = FindingEntry.objects.filter(link_kind=LINK, link_id=OuterRef("pk"))
    # Findings of one deviation each, from before one was kept open for all of a kind.
    alone = Finding.objects.filter(key=key)
    fresh = Deviation.objects.exclude(Exists(told)).exclude(Exists(alone))
    found = list(fresh.order_by("pk")[:AT_ONCE])
    for deviation in found:
        _follow(deviation)
    return len(found)


@transaction.atomic
def _follow(deviation: Deviation) -> None:
    """Finding and suspension together, or neither."""
    lock_models([deviation.model_id])
    if FindingEntry.objects.filter(link_kind=LINK, link_id=deviation.pk).exists():
        return
    finding = _finding(deviation)
    reason = f"{deviation.message} See {finding}."
    for standing in _concerned(deviation):
        clearance.suspend(
            actor=SYSTEM,
            version=locked_version(standing.version_id),
            environment=standing.environment,
            reasons=[reason],
        )
    rebuild_status(model_ids=[deviation.model_id])


def _finding(deviation: Deviation) -> Finding:
    """The open one about the same thing, which is told that it happened again, or a new one."""
    found, link = _found(deviation), {"kind": LINK, "id": deviation.pk}
    there = Finding.objects.unclosed().filter(model=deviation.model, key=found.key).first()
    if there is None:
        return raise_finding(
            actor=SYSTEM, model=deviation.model, version=deviation.version, found=found
        )
    add_entry(there, None, "note", f"Again: {deviation.message}", link)
    record(
        SYSTEM,
        GovernanceEvent.FINDING_NOTED,
        there,
        text=f"Again: {deviation.message}",
        link=link,
    )
    return there


def _key(deviation: Deviation) -> str:
    what = f"{deviation.version_id} {deviation.environment} {deviation.what}"
    return f"shadow-{deviation.kind}-{hashlib.sha256(what.encode()).hexdigest()[:16]}"


def _found(deviation: Deviation) -> Found:
    return Found(
        FindingKind.SHADOW,
        _severity(deviation),
        deviation.message[:200],
        f"{deviation.message} {HOW_TO_MEND[DeviationKind(deviation.kind)]}",
        key=_key(deviation),
        link={"kind": LINK, "id": deviation.pk},
    )


def _severity(deviation: Deviation) -> str:
    """Critical where a champion's standing is in doubt, high where another version serves."""
    serving = Deployment.objects.filter(model=deviation.model_id, ended_at__isnull=True)
    ours = serving.filter(version=deviation.version_id) if deviation.version_id else serving
    roles = set(ours.values_list("role", flat=True))
    if DeploymentRole.CHAMPION in roles:
        return FindingSeverity.CRITICAL
    return FindingSeverity.HIGH if roles else FindingSeverity.MEDIUM


def _concerned(deviation: Deviation) -> list[Clearance]:
    """Of the version; of all of them, where it is the model that is gone."""
    rows = Clearance.objects.filter(
        version__model=deviation.model_id, until__isnull=True, state__in=MAY_SERVE
    )
    if deviation.kind != DeviationKind.MODEL_GONE:
        rows = rows.filter(version=deviation.version_id)
    if deviation.environment:
        rows = rows.filter(environment=deviation.environment)
    return list(rows.order_by("pk"))
