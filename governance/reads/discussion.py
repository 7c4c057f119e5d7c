"""The discussion of a change request: comments, and changes that signers asked for."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.safestring import SafeString

from governance.models import ChangeRequest, EntryKind, RequestEntry
from governance.policies import can_answer_changes, can_comment, can_settle, can_sign
from governance.reads.cards import rendered
from governance.states import RequestState


@dataclass(frozen=True)
class Said:
    """An entry and its words as HTML."""

    entry: RequestEntry
    html: SafeString


@dataclass(frozen=True)
class Asked:
    """A change that a signer asked for, with its answers and how it was settled."""

    said: Said
    answers: tuple[Said, ...]
    settled: Said | None
    can_settle: bool
    can_answer: bool

    @property
    def state(self) -> str:
        if self.settled:
            return "settled"
        return "answered" if self.answers else "open"


@dataclass(frozen=True)
class Comment:
    said: Said
    retracted: RequestEntry | None
    can_retract: bool


@dataclass(frozen=True)
class Discussion:
    """Everything said about one request, for one person."""

    asked: tuple[Asked, ...]
    comments: tuple[Comment, ...]
    can_comment: bool
    can_ask: bool

    @property
    def unsettled(self) -> tuple[Asked, ...]:
        return tuple(one for one in self.asked if one.settled is None)


def discussion_of(user: Any, request: ChangeRequest) -> Discussion:
    """One query for the entries; roles are read already."""
    entries = list(request.entries.all())
    is_open = request.state == RequestState.OPEN
    return Discussion(
        asked=tuple(
            _asked(user, request, entry, entries)
            for entry in entries
            if entry.kind == EntryKind.CHANGE_ASKED
        ),
        comments=tuple(
            _comment(user, entry, entries) for entry in entries if entry.kind == EntryKind.COMMENT
        ),
        can_comment=can_comment(user, request),
        can_ask=is_open and can_sign(user, request),
    )


def _asked(
    user: Any, request: ChangeRequest, entry: RequestEntry, entries: Sequence[RequestEntry]
) -> Asked:
    replies = [one for one in entries if one.about_id == entry.pk]
    settled = next((one for one in replies if one.kind == EntryKind.SETTLED), None)
    is_open = settled is None and request.state == RequestState.OPEN
    return Asked(
        said=_said(entry),
        answers=tuple(_said(one) for one in replies if one.kind == EntryKind.ANSWER),
        settled=_said(settled) if settled else None,
        can_settle=is_open and can_settle(user, request, entry),
        can_answer=is_open and can_answer_changes(user, request),
    )


def _said(entry: RequestEntry) -> Said:
    return Said(entry, rendered(entry.text))


def _comment(user: Any, entry: RequestEntry, entries: Sequence[RequestEntry]) -> Comment:
    retracted = next(
        (one for one in entries if one.about_id == entry.pk and one.kind == EntryKind.RETRACTION),
        None,
    )
    return Comment(_said(entry), retracted, retracted is None and entry.person_id == user.pk)


def unsettled(request: ChangeRequest) -> list[RequestEntry]:
    """Changes that were asked for and that nobody has settled yet. One query."""
    settled = RequestEntry.objects.filter(kind=EntryKind.SETTLED).values("about")
    asked = request.entries.filter(kind=EntryKind.CHANGE_ASKED)
    return list(asked.exclude(pk__in=settled))


def asked_of_builders(user: Any, rows: Any) -> Any:
    """Open requests among `rows` in which a change was asked for that nobody answered yet."""
    replied = RequestEntry.objects.filter(kind__in=[EntryKind.ANSWER, EntryKind.SETTLED])
    asked = RequestEntry.objects.filter(kind=EntryKind.CHANGE_ASKED).exclude(
        pk__in=replied.values("about")
    )
    return rows.filter(
        state=RequestState.OPEN, requested_by=user, pk__in=asked.values("request")
    ).order_by("submitted_at")
