"""Auditors' samples: the list, a new draw, one sample, and one item with its walkthrough."""

from datetime import UTC, datetime
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.policies import require
from accounts.sessions import person_of
from governance.models import Conclusion, FindingSeverity, Population, SampleItem
from governance.policies import can_audit
from governance.reads.samples import ItemPage, item_page, sample_lines, sample_page
from governance.reads.search import choices
from governance.refusals import Unable
from governance.services import samples as work
from governance.web.answers import blame
from registry.models import RiskTier

DAY = forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})


class DrawForm(forms.Form):
    """What is to be drawn."""

    title = forms.CharField(max_length=120, help_text="What the sample is for.")
    population = forms.ChoiceField(choices=Population.choices)
    since = forms.DateField(widget=DAY, label="From (UTC)")
    until = forms.DateField(widget=DAY, label="To (UTC)", help_text="This day is included.")
    model = forms.ChoiceField(required=False)
    team = forms.ChoiceField(required=False)
    tier = forms.ChoiceField(
        required=False, choices=[("", "Any risk"), *RiskTier.choices], label="Risk"
    )
    size = forms.IntegerField(min_value=1, max_value=work.LARGEST, initial=25)
    seed = forms.CharField(
        max_length=80, help_text="Any text; the same seed and population give the same sample."
    )

    def __init__(self, data: Any, *, lists: Any, **more: Any) -> None:
        super().__init__(data, **more)
        for name, words, options in (
            ("team", "All teams", lists[0]),
            ("model", "All models", lists[1]),
        ):
            field = self.fields[name]
            if isinstance(field, forms.ChoiceField):
                field.choices = [("", words), *options]

    def draw(self) -> work.Draw:
        said = dict(self.cleaned_data)
        filters = {name: said.pop(name) for name in ("model", "team", "tier")}
        return work.Draw(**said, filters=filters)


class EntryForm(forms.Form):
    """A note, or with a conclusion the conclusion."""

    conclusion = forms.ChoiceField(
        choices=[("", "only a note"), *Conclusion.choices], required=False
    )
    text = forms.CharField(widget=forms.Textarea(attrs={"rows": 3}), max_length=4000)
    shared = forms.BooleanField(
        required=False,
        label="Share it with the model's team",
        help_text="Otherwise auditors alone read it.",
    )


class ExceptionForm(forms.Form):
    """An exception that becomes a finding."""

    severity = forms.ChoiceField(choices=FindingSeverity.choices, initial="medium")
    due_on = forms.DateField(
        required=False,
        widget=DAY,
        label="Due",
        help_text="Empty: 7, 30, 60 or 90 days by severity.",
    )
    text = forms.CharField(
        widget=forms.Textarea(attrs={"rows": 3}), max_length=4000, label="What is wrong"
    )


@require_safe
def samples(request: HttpRequest) -> HttpResponse:
    """The samples that were drawn, newest first."""
    person = person_of(request)
    require(can_audit(person), work.ONLY_AUDITORS)
    number = request.GET.get("page", "1")
    page = sample_lines(person, int(number) if number.isdecimal() and len(number) < 7 else 1)
    return render(request, "governance/samples.html", {"page": page})


@require_http_methods(["GET", "HEAD", "POST"])
def sample_new(request: HttpRequest) -> HttpResponse:
    """Draw a sample."""
    person = person_of(request)
    require(can_audit(person), work.ONLY_AUDITORS)
    posted, today = request.method == "POST", datetime.now(tz=UTC).date()
    first = {
        "since": today.replace(month=1, day=1),
        "until": today,
        "seed": f"{today:%Y%m%d}",
    }
    form = DrawForm(request.POST if posted else None, lists=choices(person), initial=first)
    status = 422 if posted else 200
    if posted and form.is_valid():
        try:
            sample = work.draw_sample(actor=person, draw=form.draw())
        except Unable as error:
            status = blame(form, error)
        else:
            told = f"S-{sample.pk}: {sample.items.count()} of {sample.population_size} drawn."
            messages.success(request, told)
            return redirect("sample", sample.pk)
    return render(request, "governance/sample_new.html", {"form": form}, status=status)


@require_safe
def sample(request: HttpRequest, sample: int) -> HttpResponse:
    """One sample with its items and how to draw it again."""
    page = sample_page(person_of(request), sample)
    return render(request, "governance/sample.html", {"page": page})


@require_safe
def sample_item(request: HttpRequest, sample: int, position: int) -> HttpResponse:
    """One item: its walkthrough, and what auditors wrote."""
    return _item(request, item_page(person_of(request), sample, position))


@require_POST
def sample_entry(request: HttpRequest, sample: int, position: int) -> HttpResponse:
    """A note or a conclusion."""
    person = person_of(request)
    item = _visible(request, sample, position)
    require(can_audit(person), work.ONLY_AUDITORS)
    form = EntryForm(request.POST)
    if not form.is_valid():
        return _item(request, item_page(person, sample, position), entry=form, status=422)
    said = form.cleaned_data
    try:
        if said["conclusion"]:
            work.conclude_item(actor=person, item_id=item.pk, **said)
        else:
            work.note_item(actor=person, item_id=item.pk, text=said["text"], shared=said["shared"])
    except Unable as error:
        status = blame(form, error)
        return _item(request, item_page(person, sample, position), entry=form, status=status)
    return redirect("sample-item", sample, position)


@require_POST
def sample_exception(request: HttpRequest, sample: int, position: int) -> HttpResponse:
    """The exception becomes a finding that the model's owner owns."""
    person = person_of(request)
    item = _visible(request, sample, position)
    require(can_audit(person), work.ONLY_AUDITORS)
    form = ExceptionForm(request.POST)
    page = item_page(person, sample, position)
    if not form.is_valid():
        return _item(request, page, exception=form, status=422)
    try:
        found = work.raise_exception(actor=person, item_id=item.pk, **form.cleaned_data)
    except Unable as error:
        return _item(request, page, exception=form, status=blame(form, error))
    messages.success(request, f"F-{found.pk} is raised; {found.owner.name} owns it.")
    return redirect("sample-item", sample, position)


def _visible(request: HttpRequest, sample: int, position: int) -> SampleItem:
    rows = SampleItem.objects.visible_to(person_of(request))
    return get_object_or_404(rows, sample=sample, position=position)


def _item(
    request: HttpRequest,
    page: ItemPage,
    *,
    entry: EntryForm | None = None,
    exception: ExceptionForm | None = None,
    status: int = 200,
) -> HttpResponse:
    context = {
        "page": page,
        "item": page.item,
        "walk": page.walk,
        "entry_form": entry or EntryForm(auto_id="entry_%s"),
        "exception_form": exception or ExceptionForm(auto_id="exception_%s"),
        "previous": page.item.position - 1,
        "following": page.item.position + 1 if page.item.position < page.of else 0,
    }
    return render(request, "governance/sample_item.html", context, status=status)
