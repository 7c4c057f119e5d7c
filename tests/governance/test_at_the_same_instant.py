"""What happens while somebody signs: each meeting has one right outcome, whoever comes first.

The first holds its transaction open; the second has to wait for it, and then sees what it did.
"""

from collections.abc import Callable
from datetime import timedelta
from threading import Thread
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone

from accounts.models import Membership, User
from accounts.policies import Refused
from accounts.roles import Role
from accounts.services.delegations import end_delegation, lend
from accounts.services.people import withdraw_role
from governance.models import SignOff
from governance.refusals import AlreadySigned, ChangesAsked, EvidenceStale, NotOpen
from governance.services.cards import revise_card
from governance.services.discussion import say
from tests.conftest import person
from tests.governance.conftest import ask, sign

pytestmark = pytest.mark.django_db(transaction=True)


def meets(first: Callable[[], Any], second: Callable[[], Any]) -> Exception | None:
    """What the second met with, having waited for the first to commit."""
    met: list[Exception | None] = []

    def wait_and_do() -> None:
        try:
            second()
            met.append(None)
        except Exception as error:
            met.append(error)
        finally:
            connection.close()

    thread = Thread(target=wait_and_do)
    with transaction.atomic():
        first()
        thread.start()
        thread.join(timeout=1.0)
        assert thread.is_alive(), f"it did not wait: {met}"
    thread.join(timeout=20)
    assert met, "it waits for ever"
    return met[0]


def fresh(user: User) -> User:
    return User.objects.get(pk=user.pk)


def test_a_role_withdrawn_while_rita_signs_leaves_no_signature(one, olga, rita, anna):
    request = ask(olga, one)
    membership = Membership.objects.get(user=rita)
    met = meets(
        lambda: withdraw_role(actor=anna, membership_id=membership.pk),
        lambda: sign(rita, request),
    )
    assert isinstance(met, Refused)
    assert not SignOff.objects.exists()


def test_a_role_withdrawn_after_rita_signed_leaves_her_signature(one, olga, rita, anna):
    request = ask(olga, one)
    membership = Membership.objects.get(user=rita)
    met = meets(
        lambda: sign(rita, request),
        lambda: withdraw_role(actor=anna, membership_id=membership.pk),
    )
    assert met is None
    assert SignOff.objects.get().person == rita
    assert not Membership.objects.filter(user=rita).exists()


@pytest.mark.parametrize("whose", ["the loan", "the giver's role"])
def test_what_was_lent_and_ends_while_otto_signs_leaves_no_signature(
    whose, one, olga, rita, team, anna
):
    request = ask(olga, one)
    otto = person("otto", (Role.DEVELOPER, team))
    today = timezone.now().date()
    lent = lend(
        actor=rita,
        taker_id=otto.pk,
        role="reviewer",
        team_id=team.pk,
        begins_on=today,
        ends_on=today + timedelta(days=3),
        reason="On leave",
    )
    membership = Membership.objects.get(user=rita)

    def end() -> None:
        if whose == "the loan":
            end_delegation(actor=rita, delegation_id=lent.pk, reason="Back")
        else:
            withdraw_role(actor=anna, membership_id=membership.pk)

    assert isinstance(meets(end, lambda: sign(fresh(otto), request)), Refused)
    assert not SignOff.objects.exists()


def test_a_card_edited_while_rita_signs_makes_what_she_read_stale(one, olga, rita):
    request = ask(olga, one)
    number = one.card.revisions.first().number
    met = meets(
        lambda: revise_card(
            actor=olga,
            version_id=one.pk,
            sections={"contact": "Call Olga."},
            note="",
            expected_revision=number,
        ),
        lambda: sign(rita, request),
    )
    assert isinstance(met, EvidenceStale)
    assert not SignOff.objects.exists()


def test_two_reviewers_at_the_same_instant_are_one_signature(one, olga, rita, vera, team):
    request = ask(olga, one)
    ruth = person("ruth", (Role.REVIEWER, team))
    met = meets(lambda: sign(rita, request), lambda: sign(ruth, request))
    assert isinstance(met, AlreadySigned)
    assert SignOff.objects.get().person == rita
    met = meets(lambda: sign(vera, request), lambda: sign(ruth, request))
    assert isinstance(met, NotOpen)


def test_a_change_asked_for_while_the_last_one_signs_holds_the_request(one, olga, rita, vera):
    request = ask(olga, one)
    sign(vera, request)

    def asks() -> None:
        ruth = person("ruth", (Role.REVIEWER, one.model.team))
        say(actor=ruth, request_id=request.pk, kind="change_asked", text="Name who is on call.")

    assert isinstance(meets(asks, lambda: sign(rita, request)), ChangesAsked)
    request.refresh_from_db()
    assert request.state == "open"
