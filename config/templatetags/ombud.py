"""What templates need to show Ombud's words, numbers and pictures (loaded everywhere)."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django import template
from django.http import QueryDict
from django.template import Context
from django.template.loader import render_to_string
from django.templatetags.static import static
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from config.templatetags import formats, words

register = template.Library()

register.filter("number", formats.number)
register.filter("percent", formats.percent)
register.filter("duration", formats.duration)
register.filter("bytesize", formats.bytesize)
register.filter("measured", formats.measured)
register.filter("interval", formats.interval)
register.filter("signed", formats.signed)
register.filter("ago", formats.ago)
register.filter("utc", formats.utc)
register.filter("words", words.spoken)
register.filter("proved_by", words.proved_by)
register.filter("badge_icon", words.icon_of)
register.filter("badge_tone", words.tone_of)


@register.simple_tag
def icon(name: str, css: str = "", label: str = "") -> SafeString:
    """An icon of the sprite; without a label it is decoration and hidden from screen readers."""
    address = f"{static('vendor/tabler-icons/sprite.svg')}#{name}"
    if label:
        drawing = '<svg class="icon {}" role="img" aria-label="{}"><use href="{}"></use></svg>'
        return format_html(drawing, css, label, address)
    return format_html(
        '<svg class="icon {}" aria-hidden="true"><use href="{}"></use></svg>', css, address
    )


@register.simple_block_tag
def card(content: str, title: str = "", **look: Any) -> str:
    """`{% card "Health" icon_name="activity" %}…{% endcard %}`; see components/card.html."""
    return render_to_string("components/card.html", {"content": content, "title": title, **look})


@register.simple_block_tag
def tablebox(content: str, label: str = "") -> str:
    """`{% tablebox "Versions" %}<table>…</table>{% endtablebox %}`: scrolls inside its card."""
    return render_to_string("components/tablebox.html", {"content": content, "label": label})


@register.simple_block_tag(name="dialog")
def dialog_(content: str, id: str, title: str, **look: Any) -> str:
    """`{% dialog "sign" "Sign this request" %}…{% enddialog %}`; see components/dialog.html."""
    context = {"content": content, "id": id, "title": title, **look}
    return render_to_string("components/dialog.html", context)


@register.simple_tag(takes_context=True)
def page_link(context: Context, param: str, cursor: str) -> str:
    """The address of this page at another cursor, with its filters."""
    request = context.get("request")
    query = request.GET.copy() if request else QueryDict(mutable=True)
    query[param] = cursor
    return f"?{query.urlencode()}"


@register.filter
def initials(name: object) -> str:
    """Up to two letters: of the first and the last word, or of an address before its @."""
    parts = str(name).partition("@")[0].replace(".", " ").split()
    return "".join(part[0] for part in (parts[:1] + parts[1:][-1:])).upper() or "?"


@register.filter
def hue(name: object) -> int:
    """A colour number from 0 to 7 that stays with the name."""
    return hashlib.sha256(str(name).encode()).digest()[0] % 8


@register.filter
def short(digest: object, length: int = 12) -> str:
    """The start of a digest, without its algorithm."""
    return str(digest).rpartition(":")[2][:length]


@register.filter
def moment(value: object) -> datetime | None:
    """A time zone aware time, from a datetime or ISO text; None for anything else."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            return None
    if not isinstance(value, datetime):
        return None
    return timezone.make_aware(value) if timezone.is_naive(value) else value


@register.filter
def listed(value: str, separator: str = ",") -> list[str]:
    """Split a text, so that templates can pass short lists to components."""
    return [part.strip() for part in value.split(separator) if part.strip()]


@register.filter
def among(value: object, names: str) -> bool:
    """Whether the value is one of the names, which are separated by blanks."""
    return str(value) in names.split()


@register.filter
def get(mapping: Mapping[str, Any] | None, key: str) -> Any:
    """An entry of a mapping under a key that is itself a variable."""
    return mapping.get(key) if mapping else None


@register.filter
def item(values: Sequence[Any], index: int) -> Any:
    """An entry of a list at a place that is itself a variable; nothing beyond its end."""
    return values[index] if index < len(values) else None


@register.filter
def heat(value: float | None, top: float = 1.0) -> str:
    """Heat level 0 (none) to 9 (the top or above) for a value; "none" without a value."""
    if value is None or not top:
        return "none"
    return str(max(0, min(9, int(10 * value / top))))


@register.inclusion_tag("components/sparkline.html")
def sparkline(
    values: Sequence[float | None],
    label: str = "",
    threshold: float | str | None = None,
    verdict: str = "",
) -> dict[str, Any]:
    """A small line of numbers; None is a gap; the threshold is a dashed line."""
    level = threshold if isinstance(threshold, int | float) else None  # "" where not given
    return formats.spark(values, level) | {
        "label": label or formats.spark_label(values),
        "verdict": verdict,
    }


@register.inclusion_tag("components/lanes.html")
def lanes(
    stays: Sequence[Mapping[str, Any]], start: datetime, end: datetime, label: str = ""
) -> dict[str, Any]:
    """Who was what when: bars on lanes, and the same as a list; see components/lanes.html."""
    drawn = formats.lanes(stays, start, end)
    height = len(drawn["rows"]) * (formats.LANE_HEIGHT + formats.LANE_GAP)
    legend = {stay["tone"]: stay["word"] for stay in stays}.items()
    ticks = formats.quarters(start, end)
    more = {"stays": stays, "height": height, "ticks": ticks, "legend": legend, "label": label}
    return {**drawn, **more}


@register.inclusion_tag("components/timestamp.html")
def timestamp(at: datetime | str | None, *, exact: bool = False) -> dict[str, Any]:
    """A time as people say it, with the exact UTC time behind it."""
    return {"at": at, "exact": exact}


@register.filter
def chart_table(chart: Mapping[str, Any]) -> dict[str, Any]:
    """The numbers of a chart as a table (head, rows), for readers without a picture."""
    reader = formats.CHART_TABLES.get(chart.get("kind", ""))
    if reader is None:
        raise template.TemplateSyntaxError(f"Unknown kind of chart: {chart.get('kind')!r}.")
    return reader(chart)


@register.filter
def days(value: float) -> timedelta:
    """So many days, for the design page and for durations stored as numbers."""
    return timedelta(days=value)
