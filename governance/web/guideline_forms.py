"""What people send about guidelines and purposes: shapes only."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from django import forms

from governance.guideline_files import LONGEST_ANSWER, Question
from registry.services.models import MAX_PURPOSE

YES_NO = [("yes", "Yes"), ("no", "No")]


def _text(rows: int, help_text: str = "", *, label: str, longest: int = LONGEST_ANSWER) -> Any:
    return forms.CharField(
        widget=forms.Textarea(attrs={"rows": rows}),
        max_length=longest,
        required=False,
        label=label,
        help_text=help_text,
    )


class SignatureForm(forms.Form):
    """A reason and the proof of who signs; the digest binds it to what was read."""

    digest = forms.CharField(widget=forms.HiddenInput, max_length=64)
    reason = forms.CharField(
        widget=forms.Textarea(attrs={"rows": 3}), max_length=4000, label="What you looked at"
    )
    password = forms.CharField(
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
        strip=False,
        max_length=1000,
        label="Your password",
        help_text="You sign with your name; the password proves that it is you.",
    )


class EndForm(forms.Form):
    reason = forms.CharField(
        widget=forms.Textarea(attrs={"rows": 3}), max_length=4000, label="Why it ends"
    )
    password = forms.CharField(
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
        strip=False,
        max_length=1000,
        label="Your password",
    )


class GuidelineForm(forms.Form):
    team = forms.ChoiceField(help_text="Whose models it concerns.")
    text = forms.CharField(
        widget=forms.Textarea(attrs={"rows": 28, "spellcheck": "false"}),
        max_length=200_000,
        label="The guideline as YAML",
        strip=False,
    )

    def __init__(self, *args: Any, teams: Sequence[tuple[int, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choice = self.fields["team"]
        if isinstance(choice, forms.ChoiceField):
            choice.choices = list(teams)


class AnswersForm(forms.Form):
    """The fields of every question; what stays empty is a question still open."""

    def __init__(
        self,
        *args: Any,
        questions: Sequence[Question],
        candidates: Mapping[str, str],
        answers: Mapping[str, Any],
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.questions = tuple(questions)
        self.candidates = dict(candidates)
        for question in self.questions:
            self._add(question, answers.get(question.id) or {})

    def groups(self) -> list[dict[str, Any]]:
        """Questions with their fields, as the page shows them."""
        return [
            {
                "question": question,
                "fields": [self[name] for name in self.fields if _of(name, question)],
                "errors": self.errors.get(question.id, []) if self.is_bound else [],
            }
            for question in self.questions
        ]

    def blame(self, errors: Mapping[str, str]) -> None:
        """Put what the service said beside the first field of its question."""
        for name, text in errors.items():
            field = next((one for one in self.fields if one.startswith(f"{name}--")), None)
            self.add_error(field, text)

    def answers(self) -> dict[str, Any]:
        """The answers in the form that the service takes."""
        return {question.id: self._answer(question) for question in self.questions}

    def _add(self, question: Question, answer: Mapping[str, Any]) -> None:
        for part, field in self._fields(question, answer).items():
            self.fields[f"{question.id}--{part}"] = field

    def _fields(self, question: Question, answer: Mapping[str, Any]) -> dict[str, Any]:
        reason = _text(3, label="Why")
        reason.initial = answer.get("reason", "")
        if question.kind == "text":
            field = _text(4, label="Answer")
            field.initial = answer.get("text", "")
            return {"text": field}
        if question.kind == "alternatives":
            reason.label = "How the choice was made, or why there was nothing to choose from"
            return {**self._rejected(answer), "reason": reason}
        part, options = ("choice", list(question.options))
        initial = answer.get("choice", "")
        if question.kind == "yes_no":
            part, options = "yes", YES_NO
            initial = {True: "yes", False: "no"}.get(answer.get("yes"), "")  # type: ignore[arg-type]
        chosen = forms.ChoiceField(
            choices=options,
            widget=forms.RadioSelect,
            required=False,
            initial=initial,
            label="Answer",
        )
        return {part: chosen, "reason": reason}

    def _rejected(self, answer: Mapping[str, Any]) -> dict[str, Any]:
        said = {one["candidate"]: one["reason"] for one in answer.get("rejected", [])}
        fields = {}
        for key, label in self.candidates.items():
            field = _text(2, label=f"{label}: why it was rejected")
            field.initial = said.get(key, "")
            fields[f"rejected-{_plain(key)}"] = field
        return fields

    def _answer(self, question: Question) -> dict[str, Any]:
        def sent(part: str) -> str:
            return str(self.cleaned_data.get(f"{question.id}--{part}") or "")

        if question.kind == "text":
            return {"text": sent("text")}
        if question.kind == "choice":
            return {"choice": sent("choice"), "reason": sent("reason")}
        if question.kind == "yes_no":
            return {"yes": {"yes": True, "no": False}.get(sent("yes")), "reason": sent("reason")}
        named = {key: sent(f"rejected-{_plain(key)}") for key in self.candidates}
        rejected = [{"candidate": key, "reason": text} for key, text in named.items() if text]
        return {"rejected": rejected, "reason": sent("reason")}


class PurposeForm(forms.Form):
    purpose = forms.CharField(
        widget=forms.Textarea(attrs={"rows": 4}),
        max_length=MAX_PURPOSE,
        help_text="Which decision it supports, and what it is worth.",
    )
    kpis = _text(4, "One a line, at most 20.", label="KPIs", longest=4500)
    requirements = _text(4, "One a line, at most 20.", label="Business requirements", longest=8500)
    reason = forms.CharField(
        widget=forms.Textarea(attrs={"rows": 3}),
        max_length=4000,
        label="Why it changes",
        help_text="Kept on the audit trail and shown to everybody who signs anew.",
    )

    def changes(self) -> dict[str, Any]:
        lists = {name: _lines(self.cleaned_data[name]) for name in ("kpis", "requirements")}
        return {"purpose": self.cleaned_data["purpose"], **lists}


def _of(name: str, question: Question) -> bool:
    return name.startswith(f"{question.id}--")


def _plain(key: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", key)


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]
