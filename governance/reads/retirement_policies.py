"""Retirement policies as pages and the API show them, and facts on a model's life."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Q
from django.http import Http404
from django.shortcuts import get_object_or_404

from accounts.models import Team
from governance.models import (
    LifeFact,
    ModelClient,
    PolicyChange,
    ProposalState,
    Registration,
    RetirementPolicy,
)
from governance.models.policy_changes import RETIREMENT
from governance.policies import (
    can_keep_registration,
    can_propose_policy,
    can_record_life_fact,
)
from governance.retirement_differences import in_words
from governance.retirement_rules import CLOCKS, EARLY, RULES
from governance.retirement_states import REGISTRATION_MOVES, REGISTRATION_VERBS
from registry.models import Model, RiskTier

MOST = 200


@dataclass(frozen=True)
class RuleSaid:
    title: str
    told: str


@dataclass(frozen=True)
class TermsSaid:
    """A policy's terms in words."""

    match: str
    rules: tuple[RuleSaid, ...]
    clocks: tuple[tuple[str, int], ...]
    early_end: bool


@dataclass(frozen=True)
class RetirementPolicyPage:
    """One place's policy: in force (if there is one), before, and proposed."""

    scope: str
    place: str
    whose: str
    policy: RetirementPolicy | None
    said: TermsSaid | None
    earlier: tuple[RetirementPolicy, ...]
    changes: tuple[PolicyChange, ...]
    can_propose: bool

    @property
    def waiting(self) -> PolicyChange | None:
        return next((one for one in self.changes if one.is_open), None)


def terms_said(terms: Mapping[str, Any]) -> TermsSaid:
    both = {"any": "Any of these is enough", "all": "All of these have to be true"}
    return TermsSaid(
        match=both[terms["match"]],
        rules=tuple(
            RuleSaid(
                RULES[one["rule"]].title,
                in_words(RULES[one["rule"]].parameters, one["parameters"]),
            )
            for one in terms["rules"]
        ),
        clocks=tuple((one.label, terms[one.name]) for one in CLOCKS),
        early_end=bool(terms.get(EARLY)),
    )


def _seen_by(user: Any) -> Q:
    return Q(model__isnull=True) | Q(model__in=Model.objects.visible_to(user))


def visible_policies(user: Any) -> Any:
    """Policies of tiers and teams, and of models that the person may see."""
    rows = RetirementPolicy.objects.filter(_seen_by(user)).select_related("model", "team")
    return rows.order_by("model", "team", "risk_tier", "-number")


def visible_changes(user: Any) -> Any:
    """Proposed policies of every kind, without those of models that the person may not see."""
    return PolicyChange.objects.filter(_seen_by(user))


def current_policies(user: Any) -> list[tuple[RetirementPolicy, TermsSaid]]:
    """Every policy in force, the most particular first."""
    rows = visible_policies(user).filter(current=True)[:MOST]
    order = ["model", "team", "tier"]
    ordered = sorted(rows, key=lambda one: (order.index(one.scope), one.place))
    return [(row, terms_said(row.terms)) for row in ordered]


def proposed_policies(user: Any) -> list[PolicyChange]:
    waiting = visible_changes(user).filter(kind=RETIREMENT, state=ProposalState.OPEN)
    return list(waiting.select_related("model", "team", "proposed_by")[:MOST])


def retirement_policy_page(user: Any, scope: str, place: str) -> RetirementPolicyPage:
    """The policy of one place, also of one that has none yet.

    Raises:
        Http404: there is no such place that the person may see.
    """
    where, whose = _where(user, scope, place)
    rows = list(RetirementPolicy.objects.filter(where).select_related("model", "team")[:MOST])
    policy = next((row for row in rows if row.current), None)
    changes = PolicyChange.objects.filter(where, kind=RETIREMENT)
    return RetirementPolicyPage(
        scope=scope,
        place=place,
        whose=whose,
        policy=policy,
        said=terms_said(policy.terms) if policy else None,
        earlier=tuple(row for row in rows if not row.current),
        changes=tuple(changes.select_related("proposed_by", "retirement_policy")[:MOST]),
        can_propose=can_propose_policy(user),
    )


def _where(user: Any, scope: str, place: str) -> tuple[Q, str]:
    if scope == "model":
        model = get_object_or_404(Model.objects.visible_to(user), slug=place)
        return Q(model=model), model.name
    if scope == "team":
        team = get_object_or_404(Team, slug=place)
        return Q(team=team), f"team {team.name}"
    if scope == "tier" and place in RiskTier.values:
        return Q(model__isnull=True, team__isnull=True, risk_tier=place), f"{place}-risk models"
    raise Http404("There is no such retirement policy.")


def places(user: Any) -> list[tuple[str, str]]:
    """Every place that may have a policy, as scope/place and in words."""
    tiers = [(f"tier/{tier}", f"{tier}-risk models") for tier in RiskTier.values]
    teams = Team.objects.order_by("name")[:MOST]
    models = Model.objects.visible_to(user).order_by("name")[:MOST]
    named = [(f"team/{one.slug}", f"team {one.name}") for one in teams]
    return [*tiers, *named, *((f"model/{one.slug}", f"model {one.name}") for one in models)]


@dataclass(frozen=True)
class LifePage:
    """What a model's life depends on, who calls it, and where it is registered."""

    model: Model
    facts: tuple[LifeFact, ...]
    earlier: tuple[LifeFact, ...]
    clients: tuple[ModelClient, ...]
    registration: Registration | None
    verbs: tuple[str, ...]
    can_record: bool
    can_register: bool


def life_page(user: Any, slug: str) -> LifePage:
    """One model's life. Five queries.

    Raises:
        Http404: there is none of this name that the person may see.
    """
    model = get_object_or_404(
        Model.objects.visible_to(user).select_related("team", "owner"), slug=slug
    )
    parts = ("version", "recorded_by", "model")
    facts = list(LifeFact.objects.filter(model=model).select_related(*parts)[:MOST])
    rows = Registration.objects.filter(model=model).select_related("changed_by")
    registration = rows.first()
    return LifePage(
        model=model,
        facts=tuple(one for one in facts if one.replaced_at is None),
        earlier=tuple(one for one in facts if one.replaced_at is not None),
        clients=tuple(model.clients.select_related("account").order_by("ended_at", "name")[:MOST]),
        registration=registration,
        verbs=next_verbs(registration),
        can_record=can_record_life_fact(user, model),
        can_register=can_keep_registration(user, model),
    )


def next_verbs(row: Registration | None) -> tuple[str, ...]:
    """Steps that people may take from where the registration is."""
    state = row.state if row else "not_required"
    return tuple(one for one in REGISTRATION_VERBS if (state, one) in REGISTRATION_MOVES)


def registrations_to_update(user: Any) -> list[Registration]:
    """Entries at an authority that this person has to have updated. One query."""
    rows = Registration.objects.to_update(user).select_related("model")
    return list(rows.order_by("changed_at")[:MOST])
