from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any, Self

from django.apps import apps
from django.contrib.postgres.aggregates import StringAgg
from django.db import models
from django.db.models import (
    BooleanField,
    CharField,
    Count,
    Exists,
    ExpressionWrapper,
    F,
    Func,
    IntegerField,
    OuterRef,
    Q,
    Subquery,
    TextField,
    Value,
)
from django.db.models.fields.json import KT
from django.db.models.functions import Cast, Coalesce, Concat
from django.db.models.lookups import Exact

from accounts.models import Membership
from accounts.policies import is_auditor
from accounts.querysets import of_teams
from accounts.roles import Role
from governance.states import APPROVING, BESIDE_CHAMPION, FindingState, WaiverState
from registry.models import Contribution, Deployment, Reference, Schema
from registry.states import DeploymentRole

if TYPE_CHECKING:
    from governance.models import (
        Assessment,
        AttachedEvidence,
        Attestation,
        Card,
        ChangeRequest,
        ControlStatus,
        Finding,
        Framework,
        Guideline,
        GuidelineAnswers,
        GuidelineEdition,
        Recommendation,
        Revalidation,
        StatusRow,
        Waiver,
    )


# Who works with a team's models, and which findings only a risk officer waives.
TEAM = (Role.DEVELOPER, Role.VALIDATOR, Role.REVIEWER, Role.RISK_OFFICER)
GRAVE = frozenset({"high", "critical"})


class CardQuerySet(models.QuerySet["Card"]):
    def visible_to(self, user: Any) -> Self:
        return self.filter(of_teams(user, "version__model__team_id"))


class ChangeRequestQuerySet(models.QuerySet["ChangeRequest"]):
    def visible_to(self, user: Any) -> Self:
        return self.filter(of_teams(user, "model__team_id"))

    def signable_by(self, user: Any, roles: Iterable[str]) -> Self:
        """Open requests that still need a signature of one of the user's `roles`, and may have
        theirs: not asked for by them, no hand in the version, not signed yet."""
        hand = Contribution.objects.filter(version=OuterRef("version"), person=user.pk)
        given = Q(person=user.pk) | Q(on_behalf_of=user.pk)
        mine = _signatures().filter(given, signed_digest=OuterRef("digest"))
        wanted = Q(pk__in=[])
        for role in roles:
            teams = [team for team, held in user.held if held == role]
            needs = Q(**{f"missing_{role}__gt": 0})
            wanted |= needs & (Q() if None in teams else Q(model__team_id__in=teams))
        for team, role, giver in user.lent:
            place = Q() if team is None else Q(model__team_id=team)
            wanted |= place & _lent(role, giver)
        return (
            self.filter(state="open")
            .exclude(requested_by=user.pk)
            .annotate(**{f"missing_{role}": _missing(role) for role in roles})
            .filter(wanted, ~Exists(hand), ~Exists(mine))
        )

    def with_stale(self) -> Self:
        """Adds `stale`: whether `reads.evidence.what_changed` would name something, in one query
        for any number of requests."""
        return self.annotate(
            stale=ExpressionWrapper(
                Q(state="open")
                & ~(
                    _same_version()
                    & _same_policy()
                    & _same_champion()
                    & _same_purpose()
                    & _same_guidelines()
                ),
                output_field=BooleanField(),
            )
        )


def _same_version() -> Q:
    """Artifact, card, schema and reference have the digests that were frozen."""
    revisions = apps.get_model("governance", "CardRevision").objects.order_by("-number")
    mine = {"version": OuterRef("version")}
    return (
        _as_frozen("artifact__digest", F("version__artifact_digest"))
        & _as_frozen("card__digest", _first(revisions.filter(card__version=OuterRef("version"))))
        & _as_frozen("schema__digest", _first(Schema.objects.filter(**mine)))
        & _as_frozen("reference__digest", _first(Reference.objects.filter(**mine)))
    )


def _same_policy() -> Q:
    policies = apps.get_model("governance", "ApprovalPolicy").objects.filter(
        kind=OuterRef("kind"), risk_tier=OuterRef("model__risk_tier"), current=True
    )
    return Q(Exists(policies.filter(pk=OuterRef("policy"))))


def _same_champion() -> Q:
    champions = Deployment.objects.filter(
        model=OuterRef("model"),
        environment=OuterRef("environment"),
        role=DeploymentRole.CHAMPION,
        ended_at__isnull=True,
    )
    number = Cast(_first(champions, "version__number"), CharField())
    return ~Q(kind__in=BESIDE_CHAMPION) | _as_frozen("champion__version", number)


def _same_purpose() -> Q:
    """What the model is for; requests that were submitted before it was frozen lack it."""
    said = {part: Cast(F(f"model__{part}"), TextField()) for part in ("kpis", "requirements")}
    same = _as_frozen("model__purpose", F("model__purpose"))
    for part, now in said.items():
        same &= _as_frozen(f"model__{part}", now)
    return ~Q(evidence__has_key="model") | same


def _same_guidelines() -> Q:
    """The guidelines in force and what was signed for them, as `reads.guidelines` stamps them."""
    answers = apps.get_model("governance", "GuidelineAnswers").objects.filter(
        guideline=OuterRef("guideline"),
        version=OuterRef(OuterRef("version")),
        state="signed",
    )
    stamp = Concat(
        "guideline__slug",
        Value(":"),
        Cast("number", TextField()),
        Value(":"),
        Coalesce(Subquery(answers.values("digest")[:1]), Value("")),
        output_field=TextField(),
    )
    asked = apps.get_model("governance", "GuidelineEdition").objects.filter(
        guideline__team=OuterRef("model__team"),
        state="in_force",
        tiers__contains=OuterRef("model__risk_tier"),
        changes__contains=OuterRef("kind"),
    )
    joined = (
        asked.order_by()
        .values("guideline__team")
        .annotate(stamp=StringAgg(stamp, delimiter=" ", order_by="guideline__slug"))
    )
    same = _as_frozen("guidelines__stamp", Subquery(joined.values("stamp")[:1]))
    return ~Q(evidence__has_key="guidelines") | same


def _first(rows: Any, field: str = "digest") -> Subquery:
    return Subquery(rows.values(field)[:1])


def _as_frozen(path: str, now: Any) -> Q:
    """What the evidence says at a path is what is so now; nothing equals nothing."""
    frozen = Coalesce(KT(f"evidence__{path}"), Value(""), output_field=CharField())
    return Q(Exact(frozen, Coalesce(now, Value(""), output_field=CharField())))


def _lent(role: str, giver: int) -> Q:
    """The open round needs a role that was lent, and who lent it could give it and has not."""
    hand = Contribution.objects.filter(version=OuterRef("version"), person=giver)
    signed = _signatures().filter(
        Q(person=giver) | Q(on_behalf_of=giver), signed_digest=OuterRef("digest")
    )
    needs = Q(**{f"missing_{role}__gt": 0})
    return needs & ~Q(requested_by=giver) & ~Exists(hand) & ~Exists(signed)


def _signatures() -> Any:
    return apps.get_model("governance", "SignOff").objects.filter(request=OuterRef("pk"))


def _missing(role: str) -> Any:
    """How many signatures of `role` over the current digest the open round still asks for."""
    signed = (
        _signatures()
        .filter(role=role, decision="approve", signed_digest=OuterRef("digest"))
        .filter(round=OuterRef("round"))
        .order_by()
        .values("request")
        .annotate(signatures=Count("pk"))
        .values("signatures")
    )
    at = Cast(F("round") - 1, TextField())
    path = (Value("quorum"), Value(role))
    asked = Func(F("rounds"), at, *path, function="jsonb_extract_path_text")
    return Coalesce(Cast(asked, IntegerField()), 0) - Coalesce(Subquery(signed), 0)


class StatusRowQuerySet(models.QuerySet["StatusRow"]):
    def visible_to(self, user: Any) -> Self:
        """Visible rows, found without asking for the user's roles first: one query in all."""
        of_team = Q(team_id=OuterRef("model__team_id")) | Q(team_id__isnull=True)
        return self.filter(Exists(Membership.objects.filter(of_team, user=user.pk)))

    def latest_rows(self) -> Self:
        """The answer in force of every model and environment."""
        return self.order_by("model_id", "environment", "-valid_from", "-pk").distinct(
            "model_id", "environment"
        )

    def at(self, moment: datetime) -> Self:
        return self.filter(valid_from__lte=moment)


class FrameworkQuerySet(models.QuerySet["Framework"]):
    def visible_to(self, user: Any) -> Self:
        """The shipped ones, and those of the user's teams."""
        theirs = Q(team__isnull=True) | Q(team__in=user.team_ids)
        return self.all() if user.reads_everything else self.filter(theirs)


class ControlStatusQuerySet(models.QuerySet["ControlStatus"]):
    def visible_to(self, user: Any) -> Self:
        return self.filter(of_teams(user, "model__team_id"))


class AttachedEvidenceQuerySet(models.QuerySet["AttachedEvidence"]):
    def visible_to(self, user: Any) -> Self:
        return self.filter(of_teams(user, "model__team_id"))


class AssessmentQuerySet(models.QuerySet["Assessment"]):
    def visible_to(self, user: Any) -> Self:
        return self.filter(of_teams(user, "model__team_id"))


class FindingQuerySet(models.QuerySet["Finding"]):
    def visible_to(self, user: Any) -> Self:
        return self.filter(of_teams(user, "model__team_id"))

    def unclosed(self) -> Self:
        return self.exclude(state=FindingState.CLOSED)

    def unwaived(self) -> Self:
        """Without a waiver in force."""
        waivers = apps.get_model("governance", "Waiver").objects
        return self.exclude(pk__in=waivers.filter(state=WaiverState.GRANTED).values("finding"))


class WaiverQuerySet(models.QuerySet["Waiver"]):
    def visible_to(self, user: Any) -> Self:
        return self.filter(of_teams(user, "model__team_id"))

    def decidable_by(self, user: Any) -> Self:
        """Asked for by somebody else, about nothing that the user owns, and theirs to decide: what
        `policies.can_decide_waiver` says of one row."""
        if not _signs(user):
            return self.none()
        light = Q(finding__isnull=True) | ~Q(finding__severity__in=sorted(GRAVE))
        mine = _held(user, Role.RISK_OFFICER) | (_held(user, Role.REVIEWER) & light)
        theirs = self.filter(mine, state=WaiverState.ASKED).exclude(asked_by=user.pk)
        return theirs.filter(Q(finding__isnull=True) | ~Q(finding__owner=user.pk))


class AttestationQuerySet(models.QuerySet["Attestation"]):
    def visible_to(self, user: Any) -> Self:
        return self.filter(of_teams(user, "model__team_id"))

    def waiting(self) -> Self:
        return self.filter(signed_at__isnull=True)

    def signable_by(self, user: Any) -> Self:
        """Open, and the user's to sign: what `policies.can_attest` says of one row."""
        if not _signs(user):
            return self.none()
        mine = Q(model__owner=user.pk) & _held(user, *TEAM)
        return self.waiting().filter(mine | _held(user, Role.RISK_OFFICER))


class GuidelineQuerySet(models.QuerySet["Guideline"]):
    def visible_to(self, user: Any) -> Self:
        return self.filter(of_teams(user, "team_id"))


class GuidelineEditionQuerySet(models.QuerySet["GuidelineEdition"]):
    def signable_by(self, user: Any) -> Self:
        """Drafts of somebody else, and the user's to put in force: what
        `policies.can_sign_guideline` says of one row."""
        if not _signs(user):
            return self.none()
        mine = _held(user, Role.REVIEWER, Role.RISK_OFFICER, path="guideline")
        return self.filter(mine, state="draft").exclude(drafted_by=user.pk)


class GuidelineAnswersQuerySet(models.QuerySet["GuidelineAnswers"]):
    def visible_to(self, user: Any) -> Self:
        return self.filter(of_teams(user, "version__model__team_id"))

    def signable_by(self, user: Any) -> Self:
        """Drafts of somebody else, for versions in which the user had no hand: what
        `policies.can_sign_answers` says of one row."""
        if not _signs(user):
            return self.none()
        hand = Contribution.objects.filter(version=OuterRef("version"), person=user.pk)
        judges = (Role.VALIDATOR, Role.REVIEWER, Role.RISK_OFFICER)
        mine = self.filter(_held(user, *judges, path="version__model"), ~Exists(hand))
        waiting = mine.filter(state="draft", edition__state="in_force")
        return waiting.exclude(drafted_by=user.pk)


class RevalidationQuerySet(models.QuerySet["Revalidation"]):
    def visible_to(self, user: Any) -> Self:
        return self.filter(of_teams(user, "model__team_id"))

    def waiting(self) -> Self:
        return self.filter(settled_at__isnull=True)

    def of_desk(self, user: Any) -> Self:
        """Open, nothing asked for yet, and the user's to see to: the owner's of the model."""
        if not _signs(user):
            return self.none()
        pending = apps.get_model("governance", "ChangeRequest").objects.filter(
            version=OuterRef("version"),
            environment=OuterRef("environment"),
            kind__in=APPROVING,
            state__in=["open", "approved"],
        )
        return self.waiting().filter(~Exists(pending), model__owner=user.pk)


def _signs(user: Any) -> bool:
    """A person, who is no auditor."""
    return user.kind == "person" and not is_auditor(user)


def _held(user: Any, *roles: str, path: str = "model") -> Q:
    """Rows of models in whose team the user holds one of the roles."""
    teams = {team for team, role in user.held if role in roles}
    everywhere = Q(**{f"{path}__isnull": False})
    return everywhere if None in teams else Q(**{f"{path}__team_id__in": teams})


class RecommendationQuerySet(models.QuerySet["Recommendation"]):
    def visible_to(self, user: Any) -> Self:
        return self.filter(of_teams(user, "version__model__team_id"))

    def latest_rows(self) -> Self:
        """The newest of each version and environment."""
        ordered = self.order_by("version_id", "environment", "-at", "-pk")
        return ordered.distinct("version_id", "environment")

    def at(self, moment: datetime) -> Self:
        """What had been said at that moment."""
        return self.filter(at__lte=moment)
