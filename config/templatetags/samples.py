"""Sample values for the design page: every component in every state, without a database."""

from datetime import UTC, datetime, timedelta
from typing import Any

from django import forms, template

from config.templatetags.words import LOOKS

register = template.Library()

DIGEST = "sha256:9f2c4b1ad07e83c65be0f1c2d4a6978b3e5f60718293a4b5c6d7e8f90a1b2c3d"
LOSS = [0.412, 0.409, 0.417, 0.421, 0.415, 0.428, 0.434, None, 0.447, 0.468, 0.492, 0.511]
HOURLY = ["ok"] * 5 + [
    "ok",
    "warning",
    "insufficient_data",
    "warning",
    "warning",
    "breach",
    "breach",
]


class SignatureForm(forms.Form):
    """One field of every sort, two of them with errors."""

    meaning = forms.ChoiceField(
        label="Meaning of the signature",
        choices=[("approve", "I approve this change"), ("reject", "I reject this change")],
        help_text="Recorded word for word in the audit trail.",
    )
    comment = forms.CharField(
        label="Comment", widget=forms.Textarea(attrs={"rows": 3}), required=False
    )
    password = forms.CharField(
        label="Your password", widget=forms.PasswordInput(attrs={"autocomplete": "off"})
    )
    read = forms.BooleanField(label="I have read the evidence of every gate.")


def _loss() -> dict[str, Any]:
    start = datetime(2025, 2, 3, tzinfo=UTC)
    return {
        "kind": "line",
        "x": [f"{start + timedelta(weeks=week):%Y-%m-%d}" for week in range(len(LOSS))],
        "x_label": "Week",
        "y_label": "Log loss",
        "series": [
            {
                "name": "Log loss",
                "y": LOSS,
                "low": [None if value is None else round(value - 0.018, 3) for value in LOSS],
                "high": [None if value is None else round(value + 0.018, 3) for value in LOSS],
                "verdicts": HOURLY,
                "n": [None if value is None else 6412 for value in LOSS],
            },
            {"name": "Reference", "y": [0.411] * len(LOSS), "muted": True},
        ],
        "thresholds": [
            {"value": 0.48, "label": "breach", "tone": "breach"},
            {"value": 0.44, "label": "warning", "tone": "warning"},
        ],
        "marks": [{"x": "2025-04-07", "label": "Incident 3"}],
    }


def _carriers() -> dict[str, Any]:
    return {
        "kind": "bar",
        "x": ["UA", "B6", "EV", "DL", "AA", "MQ", "US", "9E", "Others"],
        "x_label": "Carrier",
        "y_label": "Share of rows",
        "unit": "share",
        "series": [
            {
                "name": "Reference",
                "muted": True,
                "y": [0.174, 0.162, 0.161, 0.143, 0.097, 0.078, 0.061, 0.055, 0.069],
            },
            {
                "name": "Window",
                "y": [0.181, 0.149, 0.118, 0.151, 0.102, 0.081, 0.066, 0.052, 0.1],
            },
        ],
    }


def _contributions() -> dict[str, Any]:
    return {
        "kind": "bar",
        "horizontal": True,
        "x": ["dep_delay", "distance", "carrier", "hour", "origin"],
        "y_label": "PSI",
        "series": [{"name": "PSI", "y": [0.31, 0.12, 0.08, 0.03, 0.01]}],
        "thresholds": [{"value": 0.2, "label": "breach", "tone": "breach"}],
    }


def _heat() -> dict[str, Any]:
    fields = {
        "dep_delay": [0.02, 0.03, 0.05, 0.09, 0.18, 0.31],
        "distance": [0.01, 0.02, 0.02, 0.04, 0.07, 0.12],
        "carrier": [0.01, 0.01, 0.03, 0.02, 0.05, 0.08],
        "hour": [0.0, 0.01, 0.01, None, 0.02, 0.03],
    }
    return {
        "columns": ["3 Feb", "17 Feb", "3 Mar", "17 Mar", "31 Mar", "14 Apr"],
        "rows": [{"label": name, "cells": cells} for name, cells in fields.items()],
    }


def _timeline(now: datetime) -> list[dict[str, Any]]:
    entries = [
        (
            1,
            "Incident resolved",
            "rosa",
            "Root cause: new schedule of carrier EV.",
            "circle-check",
            "ok",
        ),
        (20, "Version 2 submitted", "olga", "Promotion to champion, 7 gates.", "inbox", "info"),
        (26, "Acknowledged", "rosa", "", "eye", "warning"),
        (27, "Clearance suspended", "", "Log loss 0.511 above 0.48.", "hand-stop", "breach"),
    ]
    return [
        {"at": now - timedelta(hours=h), "title": t, "actor": a, "text": x, "icon": i, "tone": tone}
        for h, t, a, x, i, tone in entries
    ]


def _navigation() -> dict[str, Any]:
    return {
        "steps": [
            {"label": "Submitted", "state": "done", "note": "olga, 3 May"},
            {"label": "Gates", "state": "done", "note": "7 of 7"},
            {"label": "Signatures", "state": "now", "note": "1 of 2"},
            {"label": "Executed"},
        ],
        "failed": [
            {"label": "Approved", "state": "done"},
            {"label": "Alias in MLflow", "state": "failed", "note": "tried 3 times"},
            {"label": "Serving"},
        ],
        "tabs": [
            {
                "label": "Versions",
                "url": "#tabs",
                "key": "versions",
                "icon": "versions",
                "count": 3,
            },
            {"label": "Health", "url": "#tabs", "key": "health", "icon": "activity"},
            {
                "label": "Incidents",
                "url": "#tabs",
                "key": "incidents",
                "icon": "alert-triangle",
                "count": 0,
            },
        ],
        "choice": [
            {"label": label, "url": "#choice", "key": label}
            for label in ("7 days", "30 days", "90 days", "All")
        ],
        "filters": [
            {"name": "q", "label": "Text", "wide": True, "placeholder": "Actor, thing or event"},
            {
                "name": "app",
                "label": "Area",
                "value": "registry",
                "options": [("", "All"), ("registry", "Registry"), ("governance", "Governance")],
            },
            {"name": "since", "label": "Since", "type": "date"},
        ],
    }


def _decision(now: datetime) -> dict[str, Any]:
    def ago(days: int) -> datetime:
        return now - timedelta(days=days)

    return {
        "year_ago": ago(365),
        "stays": [
            {
                "label": "Version 0",
                "since": ago(400),
                "until": ago(270),
                "tone": "champion",
                "word": "champion",
            },
            {
                "label": "Version 1",
                "since": ago(320),
                "until": ago(270),
                "tone": "challenger",
                "word": "challenger",
            },
            {
                "label": "Version 1",
                "since": ago(270),
                "until": None,
                "tone": "champion",
                "word": "champion",
            },
            {
                "label": "Version 2",
                "since": ago(40),
                "until": None,
                "tone": "shadow",
                "word": "shadow",
            },
        ],
        "gates": [
            {"title": "Card is complete", "state": "passed", "detail": "31 of 31 fields."},
            {
                "title": "Log loss is not worse than the champion's",
                "state": "passed",
                "required": "difference at most 0.005",
                "detail": "−0.031 on the same 6,412 rows.",
                "evidence_url": "#decision",
            },
            {
                "title": "Latency",
                "state": "failed",
                "required": "p95 at most 50 ms",
                "detail": "61 ms.",
            },
            {"title": "No open incident", "state": "waived", "detail": "Until 1 June, by rosa."},
            {"title": "Validation report", "state": "pending"},
        ],
        "rounds": [
            {"number": 1, "name": "Validation", "quorum": {"validator": 1}},
            {"number": 2, "name": "Decision", "quorum": {"reviewer": 1, "risk_officer": 1}},
        ],
        "compared": [
            {"label": "Log loss", "left": "0.511", "right": "0.401", "better": "right"},
            {"label": "Calibration", "left": "0.021", "right": "0.018", "better": "right"},
            {"label": "Latency, p95", "left": "34 ms", "right": "61 ms", "better": "left"},
            {"label": "Rows", "left": "6,412", "right": "6,412", "note": "the same rows"},
        ],
    }


@register.simple_tag
def samples() -> dict[str, Any]:
    """Everything the design page shows, in one mapping."""
    now = datetime.now(UTC)
    form = SignatureForm({"meaning": "approve", "comment": "Looks right."})
    form.is_valid()
    return {
        "looks": {family: list(values) for family, values in LOOKS.items()},
        "digest": DIGEST,
        "now": now,
        "earlier": now - timedelta(hours=5, minutes=12),
        "later": now + timedelta(days=30),
        "values": LOSS,
        "rising": [0.01, 0.012, 0.02, 0.018, 0.05, 0.09, 0.18, 0.31],
        "people": ["Olga Owner", "Vera Validator", "Rita Reviewer", "Rosa Risk", "Adam Auditor"],
        "loss": _loss(),
        "carriers": _carriers(),
        "contributions": _contributions(),
        "heat": _heat(),
        "timeline": _timeline(now),
        "form": form,
        "facts": [("Model", "flight-delay"), ("Owner", "olga"), ("Task", "binary classification")],
        "head": ["Carrier", "Rows", "Late"],
        "rows": [
            ["UA", "58,665", "22.7 %"],
            ["B6", "54,635", "27.1 %"],
            ["EV", "54,173", "31.6 %"],
        ],
        **_decision(now),
        **_navigation(),
    }
