"""How long archives are kept: proposed by one, signed by another, never less than promised."""

from datetime import date

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.policies import Refused
from accounts.roles import Role
from audit.models import Event
from governance.refusals import AlreadyRequested, Incomplete, NotOpen
from governance.services.retention import propose_retention, refuse_retention, sign_retention
from registry.models import Archive, RetentionTable
from registry.reads.retention import kept_until, monthly_cost, rule_in_force, years_after
from tests.conftest import PASSWORD, person

pytestmark = pytest.mark.django_db
YEARS = {"low": 4, "medium": 6, "high": 12}


@pytest.fixture
def ruler(db):
    return person("rhea", (Role.RISK_OFFICER, None))


def propose(actor, years=YEARS):
    return propose_retention(actor=actor, years=years, reason="The lawyers asked for it.")


def sign(actor, row):
    said = {"reason": "It is right.", "digest": row.digest, "password": PASSWORD}
    return sign_retention(actor=actor, table_id=row.pk, **said)


def test_a_signed_table_is_in_force_and_the_earlier_one_stays_readable(anna, ruler):
    assert rule_in_force().number == 0
    first = sign(ruler, propose(anna))
    assert rule_in_force().years == YEARS
    second = sign(anna, propose(ruler, YEARS | {"low": 5}))
    first.refresh_from_db()
    assert (first.state, second.state) == ("superseded", "in_force")
    told = [e.event for e in Event.objects.filter(event__startswith="governance.retention")]
    assert sorted(told) == [
        "governance.retention.in_force",
        "governance.retention.in_force",
        "governance.retention.proposed",
        "governance.retention.proposed",
    ]


def test_nobody_signs_what_they_proposed(anna):
    row = propose(anna)
    with pytest.raises(Refused):
        sign(anna, row)
    with pytest.raises(IntegrityError, match="retention_signed_by_another"), transaction.atomic():
        RetentionTable.objects.filter(pk=row.pk).update(state="in_force", decided_by=anna)
    assert rule_in_force().number == 0


@pytest.mark.parametrize("who", ["olga", "rosa", "adam", "sam"])
def test_nobody_else_proposes_or_signs(who, anna, request):
    other = request.getfixturevalue(who)
    with pytest.raises(Refused):
        propose(other)
    row = propose(anna)
    with pytest.raises(Refused):
        sign(other, row)
    assert RetentionTable.objects.get().state == "proposed"


@pytest.mark.parametrize(
    "years",
    [{"low": 1}, YEARS | {"high": 0}, YEARS | {"odd": 1}, {"low": 3, "medium": 5, "high": 10}],
)
def test_a_table_that_makes_no_sense_or_changes_nothing_is_none(anna, years):
    with pytest.raises(Incomplete):
        propose(anna, years)
    assert not RetentionTable.objects.exists()


def test_one_proposal_waits_and_a_refused_one_changes_nothing(anna, ruler):
    row = propose(anna)
    with pytest.raises(AlreadyRequested):
        propose(ruler)
    refuse_retention(actor=ruler, table_id=row.pk, reason="Too long.")
    with pytest.raises(NotOpen):
        sign(ruler, row)
    assert rule_in_force().number == 0


def test_a_shorter_rule_shortens_no_sealed_archive_and_a_longer_one_lengthens_it(one, anna, ruler):
    tier = one.model.risk_tier
    sealed_at = timezone.now().replace(year=2026, month=3, day=1)
    archive = Archive.objects.create(
        version=one, sealed_at=sealed_at, kept_until=date(2031, 3, 1), digest="a", path="a"
    )
    sign(ruler, propose(anna, YEARS | {tier: 1}))
    assert kept_until(archive, rule_in_force()) == date(2031, 3, 1)
    sign(ruler, propose(anna, YEARS | {tier: 20}))
    assert kept_until(archive, rule_in_force()) == date(2046, 3, 1)


def test_a_leap_day_and_a_price(settings):
    assert years_after(date(2028, 2, 29), 1) == date(2029, 2, 28)
    assert years_after(date(2028, 2, 29), 4) == date(2032, 2, 29)
    assert str(monthly_cost(2_000_000_000)) == "0.046"
