"""The audit key is replaced: the old one vouches for the new one in its last checkpoint."""

from pathlib import Path

from django.conf import settings
from django.db import transaction

from audit import keys
from audit.events import AuditEvent
from audit.jobs.checkpoint import sign, take_turn
from audit.models import Checkpoint
from audit.record import Actor, record


class NothingToHandOver(Exception):
    """No checkpoint exists, so no one trusts the old key yet."""


def rotate_key(*, actor: Actor) -> Checkpoint:
    """A new key in the place of the old one, announced in the chain and signed by both.

    The old key is destroyed when the checkpoint is safe; a crash before that leaves the old one in
    use, and the rotation can be done again.

    Raises:
        KeyUnavailable: there is no old key.
        NothingToHandOver: there is nothing to sign.
    """
    path = Path(settings.AUDIT_KEY)
    beside = path.with_suffix(".new")
    beside.unlink(missing_ok=True)
    old, new = keys.read(path), keys.make(beside)
    with transaction.atomic():
        take_turn()
        before = Checkpoint.objects.first() or sign([old])
        if before is None:
            raise NothingToHandOver("The trail is empty: make a new key instead.")
        record(
            actor, AuditEvent.KEY_ROTATED, before, old_key=old.public.text, new_key=new.public.text
        )
        made = sign([old, new])
    if made is None:
        raise NothingToHandOver("The trail is empty: make a new key instead.")
    beside.replace(path)
    return made
