"""Ethical guidelines: a team's list, one with its wording, answers for a version, signatures."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.models import Team, User
from accounts.policies import require
from accounts.sessions import person_of
from governance.guideline_files import TEMPLATE
from governance.policies import can_sign_guideline, can_write_guideline
from governance.reads.guidelines import (
    AnswersPage,
    GuidelinePage,
    answers_page,
    asked_of,
    guideline_lines,
    guideline_page,
    version_for,
)
from governance.refusals import BadFields, BadFile, NoSuchStep, Unable
from governance.services.guidelines import (
    ONLY_BUILDERS,
    ONLY_ENDERS,
    ONLY_OTHERS,
    ONLY_SECOND_LINE,
    ONLY_TEAM,
    draft_answers,
    end_guideline,
    sign_answers,
    sign_guideline,
    write_guideline,
)
from governance.services.proofs import about
from governance.web.answers import blame
from governance.web.guideline_forms import AnswersForm, EndForm, GuidelineForm, SignatureForm
from governance.web.proving import ask, proved

NO_DRAFT = "Nothing is drafted that could be signed."


@require_safe
def guidelines(request: HttpRequest) -> HttpResponse:
    """Every guideline of the person's teams."""
    person = person_of(request)
    context = {"lines": guideline_lines(person), "can_write": bool(_teams(person))}
    return render(request, "governance/guidelines.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def guideline_new(request: HttpRequest) -> HttpResponse:
    """Write a guideline, from the shipped draft or from the edition named by `from`."""
    person = person_of(request)
    teams = _teams(person)
    require(bool(teams), ONLY_TEAM)
    posted = request.method == "POST"
    form = GuidelineForm(request.POST if posted else None, teams=teams, initial=_start(request))
    problems: list[object] = []
    status = 422 if posted else 200
    if posted and form.is_valid():
        try:
            edition = write_guideline(
                actor=person, team_id=int(form.cleaned_data["team"]), raw=_raw(form)
            )
        except BadFile as error:
            problems = error.problems
        except Unable as error:
            status = blame(form, error)
        else:
            messages.success(
                request, f"{edition} is drafted. A reviewer or risk officer puts it in force."
            )
            return redirect("guideline", edition.guideline.slug)
    context = {"form": form, "problems": problems}
    return render(request, "governance/guideline_new.html", context, status=status)


@require_safe
def guideline(request: HttpRequest, guideline: str) -> HttpResponse:
    """One guideline: its wording in force, the draft that waits, the past."""
    return _guideline_page(request, guideline_page(person_of(request), guideline))


@never_cache
@sensitive_post_parameters("password", "code")
@require_POST
def guideline_sign(request: HttpRequest, guideline: str) -> HttpResponse:
    """Put the draft in force."""
    person = person_of(request)
    page = guideline_page(person, guideline)
    shown = page.draft or page.edition
    require(can_sign_guideline(person, shown), ONLY_OTHERS)

    def service(**sent: Any) -> None:
        if page.draft is None:
            raise NoSuchStep(NO_DRAFT)
        sign_guideline(actor=person, edition_id=page.draft.pk, **sent)

    form = _sign_form(request, page, request.POST)
    status = _tried(request, form, service)
    if status != 200:
        return _guideline_page(request, page, sign=form, status=status)
    messages.success(request, f"Signed. {shown} is in force.")
    return redirect("guideline", guideline)


@never_cache
@sensitive_post_parameters("password", "code")
@require_POST
def guideline_end(request: HttpRequest, guideline: str) -> HttpResponse:
    """Take it out of force."""
    person = person_of(request)
    page = guideline_page(person, guideline)
    require(can_sign_guideline(person, page.edition, ends=True), ONLY_ENDERS)
    form = _end_form(request, page, request.POST)
    status = _tried(
        request,
        form,
        lambda **sent: end_guideline(actor=person, edition_id=page.edition.pk, **sent),
    )
    if status != 200:
        return _guideline_page(request, page, end=form, status=status)
    messages.success(request, f"{page.edition} is out of force. Nothing is asked by it any more.")
    return redirect("guideline", guideline)


@require_safe
def version_guidelines(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    """The guidelines in force for a version, and how far each is answered."""
    version = version_for(person_of(request), slug, number)
    context = {"version": version, "asked": asked_of(version)}
    return render(request, "governance/version_guidelines.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def answers(request: HttpRequest, slug: str, number: int, guideline: str) -> HttpResponse:
    """One guideline for one version; POST writes the answers."""
    person = person_of(request)
    page = answers_page(person, slug, number, guideline)
    if request.method != "POST":
        return _answers_page(request, page)
    require(page.can_answer, ONLY_BUILDERS)
    form = _form_of(page, request)
    if not form.is_valid():
        return _answers_page(request, page, form=form, status=422)
    try:
        draft_answers(
            actor=person,
            version_id=page.version.pk,
            guideline=guideline,
            answers=form.answers(),
        )
    except BadFields as error:
        form.blame(error.errors)
        return _answers_page(request, page, form=form, status=422)
    except Unable as error:
        return _answers_page(request, page, form=form, status=blame(form, error))
    messages.success(request, "The answers are kept. Somebody of the second line signs them.")
    return redirect("guideline-answers", slug, number, guideline)


@never_cache
@sensitive_post_parameters("password", "code")
@require_POST
def answers_sign(request: HttpRequest, slug: str, number: int, guideline: str) -> HttpResponse:
    """Sign the drafted answers."""
    person = person_of(request)
    page = answers_page(person, slug, number, guideline)
    require(page.can_sign, ONLY_SECOND_LINE)
    draft = page.asked.draft

    def service(**sent: Any) -> None:
        if draft is None:
            raise NoSuchStep(NO_DRAFT)
        sign_answers(actor=person, answers_id=draft.pk, **sent)

    form = _answers_sign_form(request, page, request.POST)
    status = _tried(request, form, service)
    if status != 200:
        return _answers_page(request, page, sign=form, status=status)
    messages.success(request, "Signed. The answers count from now on.")
    return redirect("guideline-answers", slug, number, guideline)


def _sign_form(
    request: HttpRequest, page: GuidelinePage, data: QueryDict | None = None
) -> SignatureForm:
    shown = page.draft or page.edition
    form = SignatureForm(data, initial={"digest": page.draft.digest if page.draft else ""})
    back = reverse("guideline", args=[page.edition.guideline.slug])
    ask(form, request, about(shown), back)
    return form


def _end_form(request: HttpRequest, page: GuidelinePage, data: QueryDict | None = None) -> EndForm:
    form = EndForm(data, auto_id="end_%s")
    back = reverse("guideline", args=[page.edition.guideline.slug])
    ask(form, request, about(page.edition, act="end"), back)
    return form


def _answers_sign_form(
    request: HttpRequest, page: AnswersPage, data: QueryDict | None = None
) -> SignatureForm:
    draft = page.asked.draft
    form = SignatureForm(data, initial={"digest": draft.digest if draft else ""})
    version = page.version
    back = reverse(
        "guideline-answers",
        args=[version.model.slug, version.number, page.asked.edition.guideline.slug],
    )
    ask(form, request, about(draft or version), back)
    return form


def _tried(request: HttpRequest, form: SignatureForm | EndForm, service: Callable[..., Any]) -> int:
    """200 if it was done, else the status to answer with."""
    if not form.is_valid():
        return 422
    try:
        service(**proved(request, form))
    except Unable as error:
        return blame(form, error)
    return 200


def _guideline_page(
    request: HttpRequest,
    page: GuidelinePage,
    *,
    sign: SignatureForm | None = None,
    end: EndForm | None = None,
    status: int = 200,
) -> HttpResponse:
    context = {
        "page": page,
        "edition": page.edition,
        "sign_form": sign or _sign_form(request, page),
        "end_form": end or _end_form(request, page),
        "ending": end is not None,
    }
    return render(request, "governance/guideline.html", context, status=status)


def _answers_page(
    request: HttpRequest,
    page: AnswersPage,
    *,
    form: AnswersForm | None = None,
    sign: SignatureForm | None = None,
    status: int = 200,
) -> HttpResponse:
    context = {
        "page": page,
        "version": page.version,
        "asked": page.asked,
        "form": form or _form_of(page),
        "writing": page.can_answer,
        "sign_form": sign or _answers_sign_form(request, page),
    }
    return render(request, "governance/guideline_answers.html", context, status=status)


def _form_of(page: AnswersPage, request: HttpRequest | None = None) -> AnswersForm:
    return AnswersForm(
        request.POST if request else None,
        questions=page.questions,
        candidates=page.candidates,
        answers=page.start,
    )


def _start(request: HttpRequest) -> dict[str, Any]:
    """The wording to begin with: an edition that the person may see, else the shipped draft."""
    slug = request.GET.get("from", "").replace("\0", "")
    if not slug:
        return {"text": TEMPLATE.read_text()}
    page = guideline_page(person_of(request), slug)
    return {"text": (page.draft or page.edition).text, "team": page.guideline.team_id}


def _raw(form: GuidelineForm) -> bytes:
    text: str = form.cleaned_data["text"]
    return text.replace("\r\n", "\n").encode()


def _teams(person: User) -> list[tuple[int, str]]:
    """The teams whose guidelines this person may write. One query."""
    rows = Team.objects.order_by("name").values_list("pk", "name")
    return [(pk, name) for pk, name in rows if can_write_guideline(person, pk)]
