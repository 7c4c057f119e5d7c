"""Random walks through approvals: no path lets anybody approve what they touched, or what changed.

People, role changes, edits of card, bytes and reference, policies, conditions, requests, signatures
and their execution come in any order. What is refused leaves no trace; what is approved was signed
by enough distinct people who had no hand in it, over evidence that holds at that moment.
`OMBUD_TEST_WALKS=2000` walks for longer.
"""

import itertools
import os
from collections import Counter
from datetime import timedelta
from typing import Any, ClassVar

import pytest
from django.db import transaction
from django.db.models import F
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from accounts.models import Membership, Team, User
from accounts.policies import Refused
from accounts.roles import Role
from accounts.services.people import grant_role, withdraw_role
from audit.models import Event
from audit.verify import verify
from governance.card_fields import REQUIRED
from governance.jobs.conditions import check_conditions
from governance.jobs.execute import execute_change
from governance.models import (
    ApprovalPolicy,
    CardRevision,
    ChangeRequest,
    Clearance,
    Condition,
    PolicyChange,
    PolicySignature,
    SignOff,
)
from governance.refusals import Unable
from governance.rounds import lacking, rounds_of
from governance.services.cards import revise_card
from governance.services.policies import install_default_policies
from governance.services.policy_changes import propose, sign_policy, withdraw_policy
from governance.services.requests import refresh_evidence, set_conditions, submit, withdraw
from governance.services.signoffs import decide
from ledger import claims
from ledger.models import Job
from registry.models import Contribution, Deployment, Model, Reference, Version
from registry.refusals import Rejected
from tests.conftest import PASSWORD, person
from tests.governance.conftest import version_of

EXAMPLES = int(os.environ.get("OMBUD_TEST_WALKS", "15"))
STEPS = 40
NAMES = ("olga", "otto", "vera", "viktor", "rita", "ruth", "rosa", "ronja", "anna", "amos", "adam")
ROLES = {
    "olga": Role.DEVELOPER,
    "otto": Role.DEVELOPER,
    "vera": Role.VALIDATOR,
    "viktor": Role.VALIDATOR,
    "rita": Role.REVIEWER,
    "ruth": Role.REVIEWER,
    "rosa": Role.RISK_OFFICER,
    "anna": Role.ADMINISTRATOR,
    "amos": Role.ADMINISTRATOR,
    "ronja": Role.RISK_OFFICER,
    "adam": Role.AUDITOR,
}
SIGNING = (Role.VALIDATOR, Role.REVIEWER, Role.RISK_OFFICER)
GIVEN = (*SIGNING, Role.DEVELOPER)
ROUNDS: tuple[tuple[dict[str, int], ...], ...] = (
    ({"reviewer": 1},),
    ({"validator": 1, "reviewer": 1},),
    ({"reviewer": 2},),
    ({"validator": 1}, {"reviewer": 1, "risk_officer": 1}),
    ({"reviewer": 1}, {"reviewer": 1}),
)
UNDER = (False, False, True)
THEN = ("", "rejected", "carried out", "carried out, and months pass")
KINDS = ("promote", "promote", "promote", "retire", "roll_back", "archive")
REFUSALS = (Unable, Refused, Rejected, ValueError)
askers = st.sampled_from(("olga", "otto", "olga", "otto", "vera", "viktor", "rita", "adam"))
kinds, roles = st.sampled_from(KINDS), st.sampled_from(["champion", "shadow"])
people, numbers, indexes = st.sampled_from(NAMES), st.integers(1, 3), st.integers(0, 5)


class Workflow(RuleBasedStateMachine):
    """One model with three versions, nine people, and whatever they do."""

    reached: ClassVar[Counter[str]] = Counter()

    def __init__(self) -> None:
        super().__init__()
        self.everything = transaction.atomic()
        self.everything.__enter__()
        install_default_policies()
        self.count = itertools.count(100)
        self.team = Team.objects.create(name="Flight operations", slug="flight-operations")
        self.people = {
            name: person(name, (role, self._place(name, role))) for name, role in ROLES.items()
        }
        self.model = Model.objects.create(
            slug="flight-delay",
            name="Flight delay",
            purpose="Says which flights will be late.",
            team=self.team,
            owner=self.people["olga"],
            task="binary",
            risk_tier="low",
        )
        self.versions = [
            version_of(self.model, number, self._maker(number)) for number in (1, 2, 3)
        ]
        self.approved: set[int] = set()

    def _place(self, name: str, role: Role) -> Team | None:
        whole = role in (Role.ADMINISTRATOR, Role.AUDITOR) or name == "ronja"
        return None if whole else self.team

    def _maker(self, number: int) -> User:
        return self.people["otto" if number == 2 else "olga"]

    def teardown(self) -> None:
        found = verify()
        transaction.set_rollback(True)
        self.everything.__exit__(None, None, None)
        assert found.broken_at is None, found.reason

    # What people do.

    @rule(who=askers, number=numbers, kind=kinds, role=roles, under=st.sampled_from(UNDER))
    def somebody_asks(self, who: str, number: int, kind: str, role: str, under: bool) -> None:
        conditions = [{"kind": "days", "days": 30}] if under and kind == "promote" else []
        self._try(
            submit,
            actor=self.people[who],
            kind=kind,
            version_id=self.versions[number - 1].pk,
            role=role if kind == "promote" else "",
            reason="Needed",
            conditions=conditions,
        )

    @precondition(lambda self: self._pending())
    @rule(who=st.permutations(NAMES), which=indexes, then=st.sampled_from(THEN))
    def several_sign(self, who: list[str], which: int, then: str) -> None:
        """One after the other, as long as it is open; not everybody comes by."""
        request = self._one(which)
        for name in who[:6]:
            self._sign(name, request, request.digest, yes=then != "rejected")
        request.refresh_from_db()
        if "carried out" in then and request.state == "approved":
            self._carry_out(request)
        if "months pass" in then:
            self.days_go_by()

    @precondition(lambda self: self._pending())
    @rule(who=people, which=indexes, yes=st.booleans())
    def somebody_signs(self, who: str, which: int, yes: bool) -> None:
        request = self._one(which)
        self._sign(who, request, request.digest, yes=yes)

    @precondition(lambda self: self._pending())
    @rule(who=people, which=indexes)
    def somebody_signs_what_they_read_before(self, who: str, which: int) -> None:
        """Between reading and signing, a colleague edits the card and has the evidence frozen."""
        request = self._one(which)
        read = request.digest
        self.somebody_edits_a_card("olga", request.version.number)
        self.somebody_refreshes("otto", which)
        request.refresh_from_db()
        signed = SignOff.objects.count()
        self._sign(who, request, read, yes=True)
        if request.digest != read:
            assert SignOff.objects.count() == signed

    @precondition(lambda self: self._pending())
    @rule(who=people, which=indexes)
    def somebody_refreshes(self, who: str, which: int) -> None:
        self._try(refresh_evidence, actor=self.people[who], request_id=self._one(which).pk)

    @precondition(lambda self: self._pending())
    @rule(who=people, which=indexes)
    def somebody_withdraws(self, who: str, which: int) -> None:
        request = self._one(which)
        self._try(withdraw, actor=self.people[who], request_id=request.pk, reason="No longer")

    @precondition(lambda self: self._pending())
    @rule(who=people, which=indexes, days=st.integers(1, 60))
    def somebody_sets_conditions(self, who: str, which: int, days: int) -> None:
        self._try(
            set_conditions,
            actor=self.people[who],
            request_id=self._one(which).pk,
            conditions=[{"kind": "days", "days": days}],
            reason="Yes, if",
        )

    @rule(who=people, number=numbers)
    def somebody_edits_a_card(self, who: str, number: int) -> None:
        version = self.versions[number - 1]
        latest = CardRevision.objects.filter(card__version=version).latest("number")
        text = f"About it, {next(self.count)}."
        self._try(
            revise_card,
            actor=self.people[who],
            version_id=version.pk,
            sections={REQUIRED[0].id: text},
            note="",
            expected_revision=latest.number,
        )

    @rule(number=numbers, reference=st.booleans())
    def bytes_change(self, number: int, reference: bool) -> None:
        """Those of the reference, or those of the model, as an inspection would find them."""
        pk, digest = self.versions[number - 1].pk, f"{next(self.count):064x}"
        if reference:
            Reference.objects.filter(version=pk).update(digest=digest)
        else:
            Version.objects.filter(pk=pk).update(artifact_digest=digest)

    @rule(who=people, quorums=st.sampled_from(ROUNDS), kind=kinds, signed=st.booleans())
    def somebody_proposes_a_policy(
        self, who: str, quorums: tuple[dict[str, int], ...], kind: str, signed: bool
    ) -> None:
        """Often signed at once by who may, sometimes left for others."""
        rounds = [{"name": f"Round {n}", "quorum": q} for n, q in enumerate(quorums, start=1)]
        self._try(
            propose,
            actor=self.people[who],
            kind=kind,
            risk_tier="low",
            rounds=rounds,
            gates=[{"gate": "stage", "mode": "prevent", "parameters": {}}],
            reason="Better so",
        )
        for name in ("ronja", "anna", "amos") if signed else ():
            if PolicyChange.objects.filter(state="open").exists():
                self.somebody_decides_a_policy(name, "approve")

    @precondition(lambda self: PolicyChange.objects.filter(state="open").exists())
    @rule(who=people, how=st.sampled_from(["approve", "reject", "withdraw"]))
    def somebody_decides_a_policy(self, who: str, how: str) -> None:
        change = PolicyChange.objects.filter(state="open").earliest("pk")
        actor = self.people[who]
        if how == "withdraw":
            self._try(withdraw_policy, actor=actor, change_id=change.pk, reason="No longer")
            return
        self._try(
            sign_policy,
            actor=actor,
            change_id=change.pk,
            decision=how,
            reason="Read",
            digest=change.digest,
            password=PASSWORD,
        )

    @rule(who=people, whom=people, role=st.sampled_from(GIVEN), which=indexes)
    def roles_change(self, who: str, whom: str, role: Role, which: int) -> None:
        """Somebody gives a role, or takes the one that was given before."""
        held = list(Membership.objects.filter(user=self.people[whom]).order_by("pk"))
        if len(held) > 1:
            taken = held[which % len(held)]
            self._try(withdraw_role, actor=self.people[who], membership_id=taken.pk)
        else:
            self._try(
                grant_role,
                actor=self.people[who],
                user_id=self.people[whom].pk,
                role=role,
                team_id=self.team.pk,
            )
        self._forget()

    # What the machine does.

    @precondition(lambda self: ChangeRequest.objects.filter(state="approved").exists())
    @rule()
    def a_worker_carries_out(self) -> None:
        self._carry_out(ChangeRequest.objects.filter(state="approved").earliest("pk"))

    def _carry_out(self, request: ChangeRequest) -> None:
        held = self._holds(request)
        job = Job.objects.get(kind="governance.execute", key=f"request-{request.pk}")
        claim = claims.claim(job_id=job.pk)
        assert claim is not None
        execute_change(claim)
        request.refresh_from_db()
        assert request.state in {"executed", "failed"}
        if request.state == "executed":
            assert held, f"CR-{request.pk} was carried out over evidence that had changed"
            self._nobody_touched(request)

    @rule()
    def days_go_by(self) -> None:
        Condition.objects.filter(state="in_force").update(
            since=Event.objects.latest("sequence").at - timedelta(days=61)
        )
        check_conditions()

    # What always holds.

    @invariant()
    def what_is_approved_was_signed_by_enough_others(self) -> None:
        for request in ChangeRequest.objects.filter(state="approved").exclude(pk__in=self.approved):
            self.approved.add(request.pk)
            assert self._holds(request), f"CR-{request.pk} was approved over stale evidence"
            self._nobody_touched(request)

    @invariant()
    def nothing_is_approved_with_a_rejection_or_without_its_quorum(self) -> None:
        for request in ChangeRequest.objects.filter(state__in=["approved", "executed", "failed"]):
            signed = self._counting(request)
            assert not request.signoffs.filter(decision="reject").exists()
            assert len({one.person_id for one in signed}) == len(signed)
            for one_round in rounds_of(request.rounds):
                assert not lacking(one_round, signed)
            by_time = [one.round for one in sorted(signed, key=lambda one: one.pk)]
            assert by_time == sorted(by_time), "somebody signed before their round was open"

    @invariant()
    def a_policy_is_in_force_only_by_others_than_who_proposed_it(self) -> None:
        assert not PolicySignature.objects.filter(person=F("change__proposed_by")).exists()
        for policy in ApprovalPolicy.objects.filter(current=True, number__gt=1):
            signed = policy.change.signatures.filter(decision="approve")
            given = Counter(signed.values_list("role", flat=True))
            assert given == Counter(policy.change.needed)

    @invariant()
    def nothing_serves_or_is_cleared_without_an_executed_request(self) -> None:
        done = ChangeRequest.objects.filter(state="executed", kind__in=["promote", "roll_back"])
        places = set(done.values_list("version", "environment"))
        serving = Deployment.objects.filter(ended_at__isnull=True)
        assert set(serving.values_list("version", "environment")) <= places
        cleared = Clearance.objects.filter(until__isnull=True, state__in=["cleared", "conditional"])
        assert set(cleared.values_list("version", "environment")) <= places
        lapsed = Condition.objects.filter(state="lapsed").values_list("version", "environment")
        assert not set(lapsed) & set(cleared.values_list("version", "environment"))

    @invariant()
    def it_is_noted_how_far_walks_get(self) -> None:
        requests = ChangeRequest.objects.values_list("kind", "state")
        self.reached.update(f"{kind} {state}" for kind, state in requests)
        self.reached.update(Clearance.objects.values_list("state", flat=True))

    @invariant()
    def there_is_one_champion_at_most(self) -> None:
        champions = Deployment.objects.filter(ended_at__isnull=True, role="champion")
        assert champions.count() <= 1

    # How it is looked at: by the rows alone, not by the product's own functions.

    def _counting(self, request: ChangeRequest) -> list[SignOff]:
        return list(request.signoffs.filter(decision="approve", signed_digest=request.digest))

    def _nobody_touched(self, request: ChangeRequest) -> None:
        hands = Contribution.objects.filter(version=request.version_id)
        touched = {request.requested_by_id, *hands.values_list("person", flat=True)}
        for signoff in self._counting(request):
            assert signoff.person_id not in touched, f"{signoff.person} approved their own work"

    def _holds(self, request: ChangeRequest) -> bool:
        version = Version.objects.get(pk=request.version_id)
        card = CardRevision.objects.filter(card__version=version).latest("number")
        reference = Reference.objects.get(version=version)
        frozen = request.evidence
        then = [frozen[part]["digest"] for part in ("artifact", "card", "reference")]
        return then == [version.artifact_digest, card.digest, reference.digest]

    def _pending(self) -> bool:
        return ChangeRequest.objects.filter(state="open").exists()

    def _one(self, which: int) -> ChangeRequest:
        found = list(ChangeRequest.objects.filter(state="open").order_by("pk"))
        return found[which % len(found)]

    def _sign(self, who: str, request: ChangeRequest, digest: str, *, yes: bool) -> None:
        self._try(
            decide,
            actor=self.people[who],
            request_id=request.pk,
            decision="approve" if yes else "reject",
            meaning="I reviewed the evidence",
            reason="It holds" if yes else "It does not hold",
            password=PASSWORD,
            expected_digest=digest,
        )

    def _try(self, service: Any, **asked: Any) -> None:
        """Do it; what is refused has left nothing."""
        before = self._traces()
        try:
            with transaction.atomic():
                service(**asked)
        except REFUSALS:
            assert self._traces() == before

    def _traces(self) -> tuple[int, ...]:
        return tuple(table.objects.count() for table in (Event, SignOff, ChangeRequest, Job))

    def _forget(self) -> None:
        """Everybody signs in again: roles are read once for every request of theirs."""
        self.people = {name: User.objects.get(pk=one.pk) for name, one in self.people.items()}


@pytest.mark.django_db
def test_no_path_lets_anybody_approve_what_they_touched_or_what_changed() -> None:
    run_state_machine_as_test(
        Workflow,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            derandomize="OMBUD_TEST_WALKS" not in os.environ,
            database=None,
            # A walk is short enough to be read as it is: shrinking it would take minutes.
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )
    # The walks are worth something only if they get somewhere.
    ends = {"promote executed", "promote rejected", "cleared", "conditional", "suspended"}
    assert ends <= set(Workflow.reached), Workflow.reached
