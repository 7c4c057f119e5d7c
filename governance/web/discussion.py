"""The discussion of a change request: comments, and changes asked for, answered, settled."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST

from accounts.sessions import person_of
from governance.models import ChangeRequest, EntryKind
from governance.refusals import Unable
from governance.services.discussion import say
from governance.web.answers import blame

DONE = {
    EntryKind.COMMENT: "Your comment is added.",
    EntryKind.RETRACTION: "Your comment is taken back; its words stay readable, struck through.",
    EntryKind.CHANGE_ASKED: "You asked for a change. Nobody approves until it is settled.",
    EntryKind.ANSWER: "Your answer is added. Who asked for the change says whether it settles it.",
    EntryKind.SETTLED: "It is settled.",
}
TITLES = {
    EntryKind.COMMENT: "Comment",
    EntryKind.RETRACTION: "Take a comment back",
    EntryKind.CHANGE_ASKED: "Ask for a change",
    EntryKind.ANSWER: "Answer",
    EntryKind.SETTLED: "Settle",
}


class EntryForm(forms.Form):
    kind = forms.ChoiceField(choices=EntryKind.choices, widget=forms.HiddenInput)
    about = forms.IntegerField(required=False, widget=forms.HiddenInput)
    text = forms.CharField(
        widget=forms.Textarea(attrs={"rows": 3}),
        max_length=4000,
        label="Your words",
        help_text="Markdown: **bold**, lists, links. Kept with the request for good.",
    )


@require_POST
def request_entry(request: HttpRequest, request_id: int) -> HttpResponse:
    """Add an entry; what is refused is shown again with its words kept."""
    person = person_of(request)
    rows = ChangeRequest.objects.visible_to(person).select_related("model", "version__model")
    found = get_object_or_404(rows, pk=request_id)
    form = EntryForm(request.POST)
    if not form.is_valid():
        return _again(request, found, form, 422)
    said: dict[str, Any] = form.cleaned_data
    try:
        say(
            actor=person,
            request_id=found.pk,
            kind=said["kind"],
            text=said["text"],
            about_id=said["about"],
        )
    except Unable as error:
        return _again(request, found, form, blame(form, error))
    messages.success(request, DONE[EntryKind(said["kind"])])
    return redirect("change-request", found.pk)


def _again(
    request: HttpRequest, found: ChangeRequest, form: EntryForm, status: int
) -> HttpResponse:
    kind = form.data.get("kind", "")
    title = TITLES[EntryKind(kind)] if kind in EntryKind.values else TITLES[EntryKind.COMMENT]
    context = {"found": found, "form": form, "title": title}
    return render(request, "governance/request_entry.html", context, status=status)
