"""The card of a version: read, printed, edited, and compared with its past."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.models import User
from accounts.policies import require
from accounts.sessions import person_of
from governance.card_fields import BY_ID, BadSections, completeness
from governance.card_requirements import Need, score, template
from governance.facts import groups_of
from governance.models import CardRevision
from governance.policies import can_edit_card
from governance.reads.card_differences import choices_of, compared
from governance.reads.card_facts import latest_revision
from governance.reads.cards import card_of, readers_card
from governance.reads.downloads import FORMATS
from governance.reads.publications import rule_of
from governance.reads.recommendations import standing
from governance.reads.written_numbers import unbound_of
from governance.refusals import CardChanged
from governance.services.cards import ONLY_BUILDERS, bind_number, refresh_card, revise_card
from governance.web.forms import CardForm
from registry.models import Version


@require_safe
def card(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    """The card that readers are given, for reading and printing; `revision` shows another one."""
    person = person_of(request)
    version = _visible(person, slug, number)
    can_edit = can_edit_card(person, version)
    asked = _number(request, "revision")
    found = card_of(version.pk, asked) if asked else readers_card(version.pk)
    if asked and found is None:
        raise Http404("There is no such revision.")
    context = {
        "version": version,
        "card": found,
        "newest": found is not None and found.revision == found.revisions[0],
        "rule": rule_of(version),
        "groups": groups_of(found.facts) if found else (),
        "can_edit": can_edit,
        "unbound": unbound_of(version.pk, found.written) if found and can_edit else (),
        "formats": FORMATS,
        "recommended": standing(person, version.model_id, version_id=version.pk),
    }
    return render(request, "governance/card.html", context)


@require_safe
def revisions(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    """Every revision, and how two of them differ: the newest and the one published before it, or
    those that are asked for, also of another version of the model."""
    version = _visible(person_of(request), slug, number)
    asked = request.GET.get("from", ""), request.GET.get("to", "")
    both = compared(version, *asked)
    wrong = both is None and any(asked)
    if wrong:
        both = compared(version, "", "")
    own = [side.page for side in both.sides if side.version == version.number] if both else []
    context = {
        "version": version,
        "card": own[0] if own else card_of(version.pk),
        "both": both,
        "wrong": wrong,
        "choices": choices_of(version, (both.before, both.after)) if both else (),
    }
    return render(request, "governance/card_revisions.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    """One field per section. What somebody else wrote meanwhile is never overwritten unseen."""
    person = person_of(request)
    version = _visible(person, slug, number)
    require(can_edit_card(person, version), ONLY_BUILDERS)
    if request.method != "POST":
        return _form_page(request, version, _fresh(version))
    form = CardForm(request.POST, texts={})
    if not form.is_valid():
        return _form_page(request, version, form, status=422)
    base = _texts(version, form.cleaned_data["expected_revision"])
    changed = {k: text for k, text in form.sections().items() if text != base.get(k, "")}
    try:
        revision = revise_card(
            actor=person,
            version_id=version.pk,
            sections=changed,
            note=form.cleaned_data["note"],
            expected_revision=form.cleaned_data["expected_revision"],
        )
    except CardChanged:
        return _conflict(request, version, form, base, changed)
    except BadSections as error:
        for name, text in error.errors.items():
            form.add_error(name if name in form.fields else None, text)
        return _form_page(request, version, form, status=422)
    messages.success(request, f"The card is saved as revision {revision.number}.")
    return _newest(slug, number, revision)


@require_POST
def bind(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    """Bind one number in the card's words to the measurement that was suggested."""
    person = person_of(request)
    version = _visible(person, slug, number)
    sent = {name: request.POST.get(name, "")[:60] for name in ("section", "shown", "name")}
    expected = request.POST.get("expected_revision", "")
    try:
        revision = bind_number(
            actor=person,
            version_id=version.pk,
            expected_revision=int(expected) if expected.isdecimal() and len(expected) < 9 else 0,
            **sent,
        )
    except (BadSections, CardChanged) as error:
        messages.error(request, f"{_said(error)} Nothing was changed.")
        return redirect(f"{reverse('card', args=[slug, number])}#unbound")
    messages.success(request, f"{sent['shown']} is a claim from now on, judged every night.")
    return _newest(slug, number, revision)


def _said(error: BadSections | CardChanged) -> str:
    return " ".join(error.errors.values()) if isinstance(error, BadSections) else str(error)


@require_POST
def refresh(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    """Facts and numbers as they are today; people's words stay."""
    person = person_of(request)
    version = _visible(person, slug, number)
    before = latest_revision(version.pk)
    revision = refresh_card(actor=person, version_id=version.pk)
    if before is not None and before.number == revision.number:
        messages.info(request, "Facts and numbers were up to date already.")
    else:
        messages.success(request, f"Facts and numbers are of today: revision {revision.number}.")
    return _newest(slug, number, revision)


def _newest(slug: str, number: int, revision: CardRevision) -> HttpResponse:
    """To what was just written: readers may be given an earlier revision that is published."""
    return redirect(f"{reverse('card', args=[slug, number])}?revision={revision.number}")


def _visible(person: User, slug: str, number: int) -> Version:
    rows = Version.objects.visible_to(person).select_related("model__team", "model__owner")
    return get_object_or_404(rows, model__slug=slug, number=number)


def _number(request: HttpRequest, name: str) -> int:
    """A number of the address; 0 where there is none or where it makes no sense."""
    text = request.GET.get(name, "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 9 else 0


def _texts(version: Version, revision: int | None = None) -> dict[str, str]:
    found = card_of(version.pk, revision)
    return found.written if found else {}


def _fresh(version: Version) -> CardForm:
    found = card_of(version.pk)
    texts = found.written if found else {}
    newest = found.revision.number if found else 0
    return CardForm(texts=texts, initial={"expected_revision": newest})


def _conflict(
    request: HttpRequest,
    version: Version,
    form: CardForm,
    base: dict[str, str],
    mine: dict[str, str],
) -> HttpResponse:
    """Others' words in what this person left alone, their own in what they wrote."""
    found = card_of(version.pk)
    theirs = found.written if found else {}
    newest = found.revision.number if found else 0
    touched = {name for name in BY_ID if theirs.get(name, "") != base.get(name, "")}
    merged = CardForm(
        texts={**theirs, **mine},
        initial={"expected_revision": newest, "note": form.cleaned_data["note"]},
    )
    context = {
        "conflict": True,
        "base": form.cleaned_data["expected_revision"],
        "newest": newest,
        "theirs": [BY_ID[name].title for name in BY_ID if name in touched - mine.keys()],
        "both": [
            (BY_ID[name], theirs.get(name, "")) for name in BY_ID if name in touched & mine.keys()
        ],
    }
    return _form_page(request, version, merged, status=412, **context)


def _template(version: Version) -> tuple[Need, ...]:
    return template(task=version.model.task, tier=version.model.risk_tier)


def _fields(version: Version, form: CardForm, written: dict[str, str]) -> dict[str, Any]:
    """First what is asked of this model or was written; what is empty and not asked folds away."""
    pairs = [(need, form[need.section.id]) for need in _template(version)]
    asked = [one for one in pairs if one[0].required or written[one[0].section.id]]
    others = [one for one in pairs if one not in asked]
    return {"asked": asked, "others": others}


def _form_page(
    request: HttpRequest, version: Version, form: CardForm, status: int = 200, **more: Any
) -> HttpResponse:
    written = {name: str(form[name].value() or "") for name in BY_ID}
    context = {
        "version": version,
        "form": form,
        **_fields(version, form, written),
        "completeness": completeness(written),
        "score": score(written, task=version.model.task, tier=version.model.risk_tier),
        **more,
    }
    return render(request, "governance/card_edit.html", context, status=status)
