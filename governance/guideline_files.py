"""A team's ethical guideline as a YAML file, and answers to its questions. Pure.

Read under the same bounds as a framework (see framework_files); wrong places are named by line.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from audit.chain import plain, sha256_of
from governance.framework_files import (
    FRAMEWORK_ID,
    LARGEST,
    BadFramework,
    Check,
    Problem,
    tree_of,
    without_dates,
)
from governance.states import RequestKind
from registry.states import RISK_ORDER

TEMPLATE = Path(__file__).parent / "guidelines" / "ethics.yaml"
MOST_QUESTIONS = 40
MOST_OPTIONS = 12
MOST_REJECTED = 20
LONGEST_ANSWER = 4000
SCOPES = ("evaluation", "selection")
KINDS = ("text", "choice", "yes_no", "alternatives")
FILE_KEYS = {"id", "title", "note", "scopes", "tiers", "changes", "questions"}
QUESTION_KEYS = {"id", "title", "text", "kind", "options"}
# Two hyphens part the names of form fields.
IDENTIFIER = re.compile(r"(?!.*--)[a-z][a-z0-9_-]{0,39}")


class BadAnswers(Exception):
    """The answers are not those of the questions; `errors` says which and why."""

    def __init__(self, errors: dict[str, str]) -> None:
        super().__init__("; ".join(f"{name}: {text}" for name, text in errors.items()))
        self.errors = errors


@dataclass(frozen=True)
class Question:
    """One question; only a choice has options."""

    id: str
    title: str
    text: str
    kind: str
    options: tuple[tuple[str, str], ...] = ()

    def as_json(self) -> dict[str, Any]:
        options = [{"id": one, "text": text} for one, text in self.options]
        return {**self.__dict__, "options": options}


@dataclass(frozen=True)
class GuidelineFile:
    """A guideline as it was read; `digest` covers everything it says."""

    id: str
    title: str
    note: str
    scopes: tuple[str, ...]
    tiers: tuple[str, ...]
    changes: tuple[str, ...]
    questions: tuple[Question, ...]
    digest: str


def parse(raw: bytes) -> GuidelineFile:
    """A guideline from the bytes of its file.

    Raises:
        BadFramework: too large, no YAML, or something in it is not right.
    """
    if len(raw) > LARGEST:
        message = f"At most {LARGEST:,} bytes; this has {len(raw):,}."
        raise BadFramework([Problem(1, "", message)])
    tree, lines = tree_of(raw)
    check = _Reader(lines)
    found = check.guideline(tree, sha256_of(plain(without_dates(tree))))
    if check.problems:
        raise BadFramework(check.problems)
    return found


def questions_of(stored: Sequence[Mapping[str, Any]]) -> tuple[Question, ...]:
    """Questions as an edition stores them."""
    return tuple(
        Question(
            one["id"],
            one["title"],
            one["text"],
            one["kind"],
            tuple((option["id"], option["text"]) for option in one["options"]),
        )
        for one in stored
    )


class _Reader(Check):
    """Reads a guideline's tree and collects what is wrong."""

    def guideline(self, tree: Any, digest: str) -> GuidelineFile:
        data = self.mapping(tree, "", FILE_KEYS)
        found = self.file(data, digest)
        chooses = any(one.kind == "alternatives" for one in found.questions)
        if "selection" in found.scopes and not chooses:
            self.say("scopes", "selection asks what was rejected: add a question of alternatives.")
        return found

    def file(self, data: dict[str, Any], digest: str) -> GuidelineFile:
        return GuidelineFile(
            id=self.text(data, "id", "", 60, FRAMEWORK_ID, "small letters, digits and hyphens"),
            title=self.text(data, "title", "", 200),
            note=self.text(data, "note", "", 1000, required=False),
            scopes=self.some(data, "scopes", SCOPES),
            tiers=self.some(data, "tiers", tuple(reversed(RISK_ORDER))),
            changes=self.some(data, "changes", tuple(kind.value for kind in RequestKind)),
            questions=self.questions(data),
            digest=digest,
        )

    def some(self, data: dict[str, Any], key: str, known: tuple[str, ...]) -> tuple[str, ...]:
        """Words of a closed list, in its order; all of them where nothing is said."""
        said = data.get(key, list(known))
        if not isinstance(said, list) or not said or any(one not in known for one in said):
            self.say(key, f"a list of {', '.join(known)}.")
            return ()
        return tuple(one for one in known if one in said)

    def questions(self, data: dict[str, Any]) -> tuple[Question, ...]:
        listed = data.get("questions")
        if not isinstance(listed, list) or not 1 <= len(listed) <= MOST_QUESTIONS:
            self.say("questions", f"a list of 1 to {MOST_QUESTIONS} questions.")
            return ()
        found = tuple(self.question(one, f"questions[{n}]") for n, one in enumerate(listed))
        self.once([one.id for one in found], "questions")
        return found

    def question(self, tree: Any, path: str) -> Question:
        data = self.mapping(tree, path, QUESTION_KEYS)
        kind = data.get("kind")
        if kind not in KINDS:
            self.say(f"{path}.kind", f"one of {', '.join(KINDS)}.")
        return Question(
            id=self.text(data, "id", path, 40, IDENTIFIER, "small letters, digits, hyphens and _"),
            title=self.text(data, "title", path, 120),
            text=self.text(data, "text", path, 600),
            kind=str(kind),
            options=self.options(data.get("options"), f"{path}.options", str(kind)),
        )

    def options(self, listed: Any, path: str, kind: str) -> tuple[tuple[str, str], ...]:
        if kind != "choice":
            if listed is not None:
                self.say(path, "only a choice has options.")
            return ()
        if not isinstance(listed, list) or not 2 <= len(listed) <= MOST_OPTIONS:
            self.say(path, f"a list of 2 to {MOST_OPTIONS} options, each with id and text.")
            return ()
        found = []
        for index, one in enumerate(listed):
            place = f"{path}[{index}]"
            data = self.mapping(one, place, {"id", "text"})
            name = self.text(data, "id", place, 40, IDENTIFIER, "small letters, digits and _")
            found.append((name, self.text(data, "text", place, 300)))
        self.once([name for name, _ in found], path)
        return tuple(found)

    def once(self, names: list[str], path: str) -> None:
        for index, name in enumerate(names):
            if name in names[:index]:
                self.say(f"{path}[{index}].id", f"{name!r} is there twice.")


def clean_answers(
    questions: Sequence[Question], sent: Mapping[str, Any], *, candidates: Mapping[str, str]
) -> dict[str, Any]:
    """Answers as they are stored; what was left empty is left out.

    `candidates` are the alternatives there are, by key (`version:3`, `experiment:7`) with a label.

    Raises:
        BadAnswers: an answer that is not of its question's kind, or to no question.
    """
    errors, found = {}, {}
    asked = {question.id: question for question in questions}
    for name, value in sent.items():
        if name not in asked:
            errors[str(name)[:40]] = "There is no such question."
            continue
        try:
            answer = _READ[asked[name].kind](asked[name], value, candidates)
        except ValueError as error:
            errors[name] = str(error)
            continue
        if answer is not None:
            found[name] = answer
    if errors:
        raise BadAnswers(errors)
    return {question.id: found[question.id] for question in questions if question.id in found}


def unanswered(questions: Sequence[Question], answers: Mapping[str, Any]) -> tuple[Question, ...]:
    """The questions that keep answers from being signed."""
    return tuple(one for one in questions if one.id not in answers)


def _words(value: Any) -> str:
    if value is None:
        return ""
    if not isinstance(value, str) or len(value) > LONGEST_ANSWER or "\0" in value:
        raise ValueError(f"Text of at most {LONGEST_ANSWER:,} characters.")
    return value.strip()


def _parts(value: Any, allowed: set[str]) -> Mapping[str, Any]:
    if not isinstance(value, Mapping) or set(value) - allowed:
        raise ValueError(f"An object with {' and '.join(sorted(allowed))}.")
    return value


def _text(_question: Question, value: Any, _candidates: Mapping[str, str]) -> Any:
    text = _words(_parts(value, {"text"}).get("text"))
    return {"text": text} if text else None


def _choice(question: Question, value: Any, _candidates: Mapping[str, str]) -> Any:
    parts = _parts(value, {"choice", "reason"})
    chosen, reason = _words(parts.get("choice")), _words(parts.get("reason"))
    if not chosen and not reason:
        return None
    if chosen not in dict(question.options):
        raise ValueError(f"Choose one of {', '.join(name for name, _ in question.options)}.")
    if not reason:
        raise ValueError("Say why.")
    return {"choice": chosen, "reason": reason}


def _yes_no(_question: Question, value: Any, _candidates: Mapping[str, str]) -> Any:
    parts = _parts(value, {"yes", "reason"})
    said, reason = parts.get("yes"), _words(parts.get("reason"))
    if said is None and not reason:
        return None
    if not isinstance(said, bool):
        raise ValueError("Say yes or no.")
    if not reason:
        raise ValueError("Say why.")
    return {"yes": said, "reason": reason}


def _alternatives(_question: Question, value: Any, candidates: Mapping[str, str]) -> Any:
    parts = _parts(value, {"rejected", "reason"})
    listed, reason = parts.get("rejected") or [], _words(parts.get("reason"))
    if not isinstance(listed, list) or len(listed) > MOST_REJECTED:
        raise ValueError(f"A list of at most {MOST_REJECTED} alternatives.")
    rejected = [_rejected(one, candidates) for one in listed]
    if len({one["candidate"] for one in rejected}) < len(rejected):
        raise ValueError("Each alternative is named once.")
    if not rejected and not reason:
        return None
    if not reason:
        raise ValueError("Say how the choice was made; or why there was nothing to choose from.")
    return {"rejected": rejected, "reason": reason}


def _rejected(one: Any, candidates: Mapping[str, str]) -> dict[str, str]:
    # A stored answer carries its label: it may be sent again as it was read.
    parts = _parts(one, {"candidate", "reason", "label"})
    key, reason = parts.get("candidate"), _words(parts.get("reason"))
    if not isinstance(key, str) or key not in candidates:
        raise ValueError("An alternative is another version or experiment: version:3, experiment:7")
    if not reason:
        raise ValueError(f"Say why {candidates[key]} was rejected.")
    return {"candidate": key, "label": candidates[key], "reason": reason}


_READ = {"text": _text, "choice": _choice, "yes_no": _yes_no, "alternatives": _alternatives}
