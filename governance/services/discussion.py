"""People talk about a change request; a change that a signer asks for holds it until settled."""

from django.db import transaction

from accounts.models import User
from accounts.policies import require
from audit.record import record
from governance.events import GovernanceEvent
from governance.jobs.locks import locked_request
from governance.models import ABOUT, ChangeRequest, EntryKind, RequestEntry
from governance.policies import (
    can_answer_changes,
    can_comment,
    can_settle,
    can_sign,
    signing_roles,
)
from governance.refusals import AlreadySigned, Incomplete, NotOpen
from governance.services.proofs import words
from governance.states import RequestState

ONLY_SIGNERS = "Only who may sign this request asks for changes."
ONLY_BUILDERS = "Who asked for the change, or a developer of the team, answers."
ONLY_ASKERS = "Who asked for it settles it, or another who may sign in the same role."
ONLY_TEAM = "People who work with the team's models write here."
ONLY_OWN = "Only who wrote a comment takes it back."
MOST_ENTRIES = 500
EVENTS = {
    EntryKind.COMMENT: GovernanceEvent.REQUEST_COMMENTED,
    EntryKind.RETRACTION: GovernanceEvent.COMMENT_RETRACTED,
    EntryKind.CHANGE_ASKED: GovernanceEvent.CHANGE_ASKED,
    EntryKind.ANSWER: GovernanceEvent.CHANGE_ANSWERED,
    EntryKind.SETTLED: GovernanceEvent.CHANGE_SETTLED,
}


@transaction.atomic
def say(
    *, actor: User, request_id: int, kind: str, text: str, about_id: int | None = None
) -> RequestEntry:
    """Add an entry: a comment, or a step of a change that a signer asks for.

    Raises:
        Refused: this step is for others.
        NotOpen: the request is decided; then only comments are left.
        Incomplete: no words, an unknown kind, or about something that is not there.
    """
    said = words("text", text)
    request = locked_request(request_id)
    about = _about(request, kind, about_id)
    _require(actor, request, kind, about)
    _refuse_late(request, kind, about)
    if request.entries.count() >= MOST_ENTRIES:
        raise Incomplete("text", f"A request holds at most {MOST_ENTRIES} entries.")
    entry = RequestEntry.objects.create(
        request=request,
        kind=kind,
        about=about,
        person=actor,
        printed_name=actor.name,
        role=_role(actor, request, kind),
        text=said,
    )
    entry.refresh_from_db(fields=["at"])
    record(
        actor,
        EVENTS[EntryKind(kind)],
        entry,
        request=request.pk,
        about=about_id,
        role=entry.role,
        text=said,
    )
    return entry


def _about(request: ChangeRequest, kind: str, about_id: int | None) -> RequestEntry | None:
    if kind not in EntryKind.values:
        raise Incomplete("kind", f"One of {', '.join(EntryKind.values)}.")
    wanted = ABOUT.get(kind)
    if wanted is None:
        if about_id is not None:
            raise Incomplete("about", "A comment and a request for a change stand for themselves.")
        return None
    found = request.entries.filter(pk=about_id or 0, kind=wanted).first()
    if found is None:
        said = f"Name the entry that it is about: a {wanted.replace('_', ' ')} of this request."
        raise Incomplete("about", said)
    return found


def _require(actor: User, request: ChangeRequest, kind: str, about: RequestEntry | None) -> None:
    if kind == EntryKind.CHANGE_ASKED:
        require(can_sign(actor, request), ONLY_SIGNERS)
    elif kind == EntryKind.ANSWER:
        require(can_answer_changes(actor, request), ONLY_BUILDERS)
    elif kind == EntryKind.SETTLED and about is not None:
        require(can_settle(actor, request, about), ONLY_ASKERS)
    elif kind == EntryKind.RETRACTION and about is not None:
        require(about.person_id == actor.pk and can_comment(actor, request), ONLY_OWN)
    else:
        require(can_comment(actor, request), ONLY_TEAM)


def _refuse_late(request: ChangeRequest, kind: str, about: RequestEntry | None) -> None:
    if kind in {EntryKind.COMMENT, EntryKind.RETRACTION}:
        taken_back = about is not None and about.replies.filter(kind=EntryKind.RETRACTION).exists()
        if taken_back:
            raise AlreadySigned("This comment has been taken back already.")
        return
    if request.state != RequestState.OPEN:
        raise NotOpen(f"The request is {request.state}; only a comment can be added.")
    if about is not None and about.replies.filter(kind=EntryKind.SETTLED).exists():
        raise AlreadySigned("This is settled already.")


def _role(actor: User, request: ChangeRequest, kind: str) -> str:
    return signing_roles(actor, request)[0] if kind == EntryKind.CHANGE_ASKED else ""
