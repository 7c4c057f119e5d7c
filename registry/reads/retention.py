"""How long archives are kept, by which rule, and what keeping them costs."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.conf import settings

from registry.models import Archive, RetentionState, RetentionTable

# As shipped; EU AI Act, Article 18 asks ten years of providers of high-risk systems.
SHIPPED: Mapping[str, int] = {"low": 3, "medium": 5, "high": 10}
GIGABYTE = 1_000_000_000


@dataclass(frozen=True)
class Rule:
    """Years by risk tier; `number` is that of the table in force, 0 as shipped."""

    number: int
    years: Mapping[str, int]


def rule_in_force() -> Rule:
    table = RetentionTable.objects.filter(state=RetentionState.IN_FORCE).first()
    return Rule(table.pk, table.years) if table else Rule(0, SHIPPED)


def kept_until(archive: Archive, rule: Rule) -> date | None:
    """The last day that it is kept: what was promised when it was sealed, or longer by the rule of
    today; None while it is not sealed."""
    if archive.sealed_at is None:
        return None
    now = years_after(archive.sealed_at.date(), rule.years[archive.version.model.risk_tier])
    promised = [day for day in (archive.kept_until, archive.locked_until) if day]
    return max([now, *promised])


def years_after(day: date, years: int) -> date:
    """The same day years later; 28 February where there is no 29th."""
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return day.replace(year=day.year + years, day=28)


def monthly_cost(size: int) -> Decimal:
    """What so many bytes cost a month, by the price that the installation declares."""
    return size * settings.STORE_PRICE / GIGABYTE


def price() -> dict[str, str]:
    """The declared price, for pages."""
    currency = settings.STORE_CURRENCY
    return {
        "currency": currency,
        "text": f"{settings.STORE_PRICE} {currency} per GB and month",
    }
