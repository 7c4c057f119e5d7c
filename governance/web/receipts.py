"""The receipt of a prediction as a page: asked for by model and id, readable on paper."""

from datetime import UTC, datetime, time
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.models import User
from accounts.sessions import person_of
from governance.reads.receipts import Receipt, receipt_of
from monitoring.services.lookups import AROUND, Lookup, find_prediction
from registry.models import Model

LONGEST_CELL = 200


class AskForm(forms.Form):
    """Which prediction, and about when if the log is long."""

    model = forms.ModelChoiceField(Model.objects.none(), to_field_name="slug", label="Model")
    prediction = forms.CharField(label="Prediction id", max_length=100)
    day = forms.DateField(
        label="Day (UTC)",
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text="Helps where the log is long; a day before and after is looked at too.",
    )

    def __init__(self, user: User, data: Any) -> None:
        super().__init__(data)
        models = Model.objects.visible_to(user).order_by("name")
        self.fields["model"].queryset = models  # type: ignore[attr-defined]  # a ModelChoiceField


@require_safe
def receipt_page(request: HttpRequest) -> HttpResponse:
    """The form, and below it what was in force when the prediction was made."""
    user = person_of(request)
    asked = bool(request.GET)
    form = AskForm(user, request.GET if asked else None)
    context: dict[str, Any] = {"form": form, "asked": asked}
    if asked and form.is_valid():
        found = _looked_up(user, form.cleaned_data)
        asked_for = form.cleaned_data["prediction"]
        shown = [receipt_of(one, found.outcomes, asked_for) for one in found.predictions]
        context |= {
            "found": found,
            "prediction": asked_for,
            "receipts": [(one, _row(one), _outcomes(one)) for one in shown],
            "days": AROUND.days,
        }
    return render(request, "governance/receipt.html", context)


def _looked_up(user: User, said: dict[str, Any]) -> Lookup:
    day = said["day"]
    return find_prediction(
        actor=user,
        model_id=said["model"].pk,
        prediction_id=said["prediction"],
        at=datetime.combine(day, time(12), tzinfo=UTC) if day else None,
    )


def _row(receipt: Receipt) -> list[tuple[str, str]]:
    return [(name, _cell(value)) for name, value in receipt.prediction["row"].items()]


def _outcomes(receipt: Receipt) -> list[list[tuple[str, str]]]:
    return [[(name, _cell(value)) for name, value in row.items()] for row in receipt.outcomes]


def _cell(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M} UTC"
    return str(value)[:LONGEST_CELL]
