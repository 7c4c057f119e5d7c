"""The tabs of a model's monitoring. Pure."""

from django.urls import reverse

from monitoring.web.periods import View

BOARDS = (
    ("performance", "Performance", "target"),
    ("drift", "Drift", "git-compare"),
    ("fairness", "Fairness", "scale"),
    ("calibration", "Calibration", "adjustments"),
    ("operations", "Operations", "activity"),
    ("value", "Value", "trending-up"),
    ("experiments", "Experiments", "swords"),
    ("retraining", "Retraining", "refresh"),
    ("explanations", "Explanations", "list"),
)


def tabs_of(slug: str, view: View) -> list[dict[str, str]]:
    """Links to the overview and to each dashboard; they keep version and period."""
    query = f"?{view.query}" if view.query else ""
    first = {"key": "overview", "label": "Overview", "icon": "layout-dashboard"}
    pages = [first | {"url": reverse("monitoring-model", args=[slug]) + query}]
    for key, label, icon in BOARDS:
        url = reverse(f"monitoring-{key}", args=[slug]) + query
        pages.append({"key": key, "label": label, "icon": icon, "url": url})
    return pages
