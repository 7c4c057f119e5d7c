from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q

from audit.events import AuditEvent
from audit.fields import CurrentTransaction, TransactionIdField
from audit.querysets import EventQuerySet, VolumeEventQuerySet


class Happening(models.Model):
    """What both lanes tell of: names as text, keys without constraint, so that it outlives them."""

    at = models.DateTimeField(db_index=True)
    event = models.CharField(max_length=80, help_text="app.subject.past_verb")
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        null=True,
        related_name="+",
    )
    actor_name = models.CharField(max_length=200)
    subject_type = models.CharField(max_length=60)
    subject_id = models.CharField(max_length=60)
    subject_name = models.CharField(max_length=300)
    team_id = models.BigIntegerField(null=True, db_index=True)
    request_id = models.CharField(max_length=40, blank=True)
    data = models.JSONField(default=dict)

    class Meta:
        abstract = True

    def content(self) -> dict[str, Any]:
        """What the digest covers."""
        return {
            "at": self.at,
            "event": self.event,
            "actor_id": self.actor_id,
            "actor_name": self.actor_name,
            "subject_type": self.subject_type,
            "subject_id": self.subject_id,
            "subject_name": self.subject_name,
            "team_id": self.team_id,
            "request_id": self.request_id,
            "data": self.data,
        }


class Event(Happening):
    """One thing that happened. Rows are only ever added: triggers refuse everything else.

    Names are copied as text, and the keys to people and teams are not enforced, so that the
    history outlives what it speaks of.
    """

    sequence = models.BigIntegerField(primary_key=True)
    previous = models.BinaryField(max_length=32)
    digest = models.BinaryField(max_length=32, unique=True)

    objects = EventQuerySet.as_manager()

    class Meta:
        ordering = ["-sequence"]
        indexes = [
            models.Index(fields=["subject_type", "subject_id", "-sequence"], name="event_subject"),
            models.Index(fields=["event", "-sequence"], name="event_kind"),
            models.Index(fields=["actor", "-sequence"], name="event_actor"),
            # Seals come by the thousand; people read what lies between them.
            models.Index(
                fields=["-sequence"], name="event_told", condition=~Q(event=AuditEvent.SEALED)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.sequence} {self.event} {self.subject_name}"

    @property
    def digest_hex(self) -> str:
        return bytes(self.digest).hex()


class VolumeEvent(Happening):
    """One of many: a received batch. Sealed in bulk, so that writers do not queue for the chain.

    `digest` is the leaf hash of the canonical content. `xid` says which transaction wrote the row:
    numbers given out earlier may be committed later, so only settled transactions are sealed.
    """

    digest = models.BinaryField(max_length=32)
    xid = TransactionIdField(db_default=CurrentTransaction(), editable=False)

    objects = VolumeEventQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        indexes = [models.Index(fields=["xid", "id"], name="volume_event_settling")]

    def __str__(self) -> str:
        return f"{self.pk} {self.event} {self.subject_name}"


class Seal(models.Model):
    """A Merkle tree over volume events; its head is told in an event of the chain."""

    number = models.BigIntegerField(primary_key=True)
    root = models.BinaryField(max_length=32)
    events = models.PositiveIntegerField()
    sealed_at = models.DateTimeField()
    settled_before = TransactionIdField(help_text="Rows of transactions before it are sealed")
    sequence = models.BigIntegerField(unique=True, help_text="Event of the chain that tells of it")

    class Meta:
        ordering = ["-number"]

    def __str__(self) -> str:
        return f"seal {self.number}"


class SealMember(models.Model):
    """Which volume event is which leaf of which seal; transaction numbers do not survive a dump."""

    pk = models.CompositePrimaryKey("seal_id", "index")
    seal = models.ForeignKey(
        Seal,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        db_index=False,  # the key begins with it
        related_name="members",
    )
    index = models.PositiveIntegerField()
    event = models.OneToOneField(
        VolumeEvent, on_delete=models.DO_NOTHING, db_constraint=False, related_name="member"
    )

    def __str__(self) -> str:
        return f"seal {self.seal_id}, leaf {self.index}"


class Subtree(models.Model):
    """The head over 256, 65,536, … events of the chain, so that proofs need not hash them anew."""

    pk = models.CompositePrimaryKey("level", "index")
    level = models.PositiveSmallIntegerField(help_text="8, 16, 24, …: the head of 2**level events")
    index = models.BigIntegerField()
    digest = models.BinaryField(max_length=32)

    def __str__(self) -> str:
        return f"subtree {self.level}/{self.index}"


class Checkpoint(models.Model):
    """A signed statement of how many events there are and what their tree's head is."""

    size = models.BigIntegerField(db_index=True)
    root = models.BinaryField(max_length=32)
    chain_head = models.BinaryField(max_length=32)
    at = models.DateTimeField()
    key_id = models.CharField(max_length=8)
    keys = models.TextField(help_text="Public keys of those that signed it, one a line")
    note = models.TextField(help_text="The signed text, as it was written outside the database")
    written_to = models.CharField(max_length=400, help_text="Where outside the database it is")

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"checkpoint of {self.size} events"

    @property
    def root_hex(self) -> str:
        return bytes(self.root).hex()
