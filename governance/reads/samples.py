"""Samples as auditors see them: the list, one with its items, one item with what was written."""

from dataclasses import dataclass
from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import Count, OuterRef, Subquery
from django.shortcuts import get_object_or_404

from accounts.policies import is_auditor
from governance.models import Bundle, Conclusion, Sample, SampleEntry, SampleItem
from governance.policies import can_audit
from governance.reads.walkthroughs import Walkthrough, walkthrough

PAGE = 25
MOST = 500


@dataclass(frozen=True)
class SamplePage:
    """A sample with its items, their newest conclusions, and the bundles made of it."""

    sample: Sample
    items: list[SampleItem]
    counts: list[tuple[str, int]]
    open: int
    bundles: list[Bundle]


@dataclass(frozen=True)
class ItemPage:
    """An item with its walkthrough and the entries that the person may read."""

    item: SampleItem
    walk: Walkthrough
    entries: list[SampleEntry]
    conclusion: str
    audits: bool
    can_raise: bool
    of: int


def sample_lines(user: Any, page: int) -> Page[Sample]:
    """The samples, newest first, without their populations."""
    rows = Sample.objects.visible_to(user).defer("numbers").annotate(drawn=Count("items"))
    return Paginator(rows.order_by("-pk"), PAGE).get_page(page)


def sample_page(user: Any, number: int) -> SamplePage:
    """One sample; 404 where the person may not see it. Four queries."""
    sample = get_object_or_404(Sample.objects.visible_to(user), pk=number)
    items = list(with_conclusions(sample.items.select_related("model", "version"))[:MOST])
    told = [str(item.concluded or "") for item in items]
    counts = [(label, told.count(value)) for value, label in Conclusion.choices]
    bundles = list(sample.bundles.order_by("-pk")[:PAGE])
    return SamplePage(sample, items, counts, told.count(""), bundles)


def with_conclusions(items: Any) -> Any:
    """Adds `concluded`: the newest conclusion, or None."""
    said = SampleEntry.objects.filter(item=OuterRef("pk")).exclude(conclusion="")
    return items.annotate(concluded=Subquery(said.order_by("-at", "-pk").values("conclusion")[:1]))


def item_page(user: Any, sample: int, position: int) -> ItemPage:
    """One item; people of the model's team see it where something was shared with them."""
    rows = SampleItem.objects.visible_to(user).select_related("sample", "model__team", "version")
    item = get_object_or_404(rows, sample=sample, position=position)
    entries = entries_of(user, item)
    said = [one.conclusion for one in entries if one.conclusion]
    return ItemPage(
        item=item,
        walk=walkthrough(item.kind, item.number, item.label),
        entries=entries,
        conclusion=said[-1] if said else "",
        audits=can_audit(user),
        can_raise=can_audit(user) and not any(one.finding_id for one in entries),
        of=item.sample.items.count(),
    )


def entries_of(user: Any, item: SampleItem) -> list[SampleEntry]:
    """What was written about the item and the person may read, oldest first."""
    rows = item.entries.select_related("finding")
    rows = rows if is_auditor(user) else rows.filter(shared=True)
    return list(rows.order_by("at", "pk")[:MOST])
