import uuid
from functools import cached_property
from typing import Any, ClassVar

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q, Value
from django.db.models.functions import Lower, Now
from django.utils.crypto import salted_hmac

from accounts.querysets import ApiTokenQuerySet, DelegationQuerySet
from accounts.roles import ORGANISATION_ROLES, SIGNING_ROLES, Role, Scope


class UserKind(models.TextChoices):
    PERSON = "person", "person"
    SERVICE = "service", "service account"


class UserManager(BaseUserManager["User"]):
    def create_user(
        self, email: str, name: str, password: str | None = None, **more: Any
    ) -> "User":
        user = self.model(email=self.normalize_email(email).lower(), name=name, **more)
        user.set_password(password)
        user.save(using=self._db)
        return user


class User(AbstractBaseUser):
    """A person or a service account. What they may do follows from memberships alone."""

    email = models.EmailField(unique=True)
    name = models.CharField(max_length=120)
    kind = models.CharField(max_length=10, choices=UserKind, default=UserKind.PERSON)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(db_default=Now())
    sessions_ended = models.PositiveIntegerField(
        default=0, db_default=0, help_text="How often all sessions of this person were ended"
    )

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["name"]
    objects = UserManager()

    class Meta:
        constraints = [
            models.UniqueConstraint(Lower("email"), name="user_email_unique_in_any_case"),
            models.CheckConstraint(
                condition=Q(kind__in=UserKind.values), name="user_kind_is_known"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def _get_session_auth_hash(self, secret: str | None = None) -> str:
        """A session is worth something as long as neither password nor `sessions_ended` changes."""
        ended = f"#{self.sessions_ended}" if self.sessions_ended else ""
        salt = "accounts.models.User.get_session_auth_hash"
        made = salted_hmac(salt, self.password + ended, secret=secret, algorithm="sha256")
        return made.hexdigest()

    @property
    def display_name(self) -> str:
        return self.name

    @cached_property
    def _roles(self) -> list[tuple[int | None, str, int | None]]:
        """Every (team, role, giver): own roles have no giver. One query for both."""
        nobody = Value(None, output_field=models.BigIntegerField())
        own = self.memberships.order_by().values_list("team_id", "role", nobody)
        lent = Delegation.objects.in_force().filter(taker=self).order_by()
        return list(own.union(lent.values_list("team_id", "role", "giver_id"), all=True))

    @cached_property
    def held(self) -> frozenset[tuple[int | None, str]]:
        """Every own (team, role); team None is the whole organisation."""
        return frozenset((team, role) for team, role, giver in self._roles if giver is None)

    @cached_property
    def lent(self) -> frozenset[tuple[int | None, str, int]]:
        """Every (team, role, giver) that is lent to this person today."""
        return frozenset((team, role, giver) for team, role, giver in self._roles if giver)

    def holds(self, *roles: str, team_id: int | None) -> bool:
        """Whether the person has one of `roles` in the team or in the whole organisation."""
        return any((team, role) in self.held for team in (team_id, None) for role in roles)

    @property
    def team_ids(self) -> frozenset[int]:
        return frozenset(team for team, _ in self.held if team is not None)

    @property
    def roles(self) -> frozenset[str]:
        return frozenset(role for _, role in self.held)

    @property
    def reads_everything(self) -> bool:
        return bool({Role.AUDITOR, Role.ADMINISTRATOR} & self.roles) or any(
            team is None for team, _ in self.held
        )


class Team(models.Model):
    name = models.CharField(max_length=80, unique=True)
    slug = models.SlugField(max_length=80, unique=True)
    created_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return self.name

    @property
    def audit_team_id(self) -> int:
        return self.pk


class Membership(models.Model):
    """A role of one person, in one team or (team empty) in the whole organisation."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    team = models.ForeignKey(Team, on_delete=models.CASCADE, null=True, related_name="memberships")
    role = models.CharField(max_length=20, choices=Role)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["user", "team", "role"],
                name="membership_once",
                nulls_distinct=False,
            ),
            models.CheckConstraint(condition=Q(role__in=Role.values), name="membership_role_known"),
            models.CheckConstraint(
                condition=~Q(role__in=sorted(ORGANISATION_ROLES)) | Q(team__isnull=True),
                name="membership_organisation_roles_have_no_team",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user} is {self.get_role_display()} in {self.team or 'the organisation'}"

    @property
    def audit_team_id(self) -> int | None:
        return self.team_id


class Delegation(models.Model):
    """A person lends their role as a signer to a colleague, from a day until a day."""

    giver = models.ForeignKey(User, on_delete=models.PROTECT, related_name="delegations_given")
    taker = models.ForeignKey(User, on_delete=models.PROTECT, related_name="delegations_taken")
    team = models.ForeignKey(Team, on_delete=models.PROTECT, null=True, related_name="delegations")
    role = models.CharField(max_length=20, choices=Role)
    begins_on = models.DateField()
    ends_on = models.DateField(help_text="The last day on which the taker signs")
    reason = models.TextField()
    given_at = models.DateTimeField(db_default=Now())
    ended_at = models.DateTimeField(null=True, help_text="Taken back before its last day")

    objects = DelegationQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(
                condition=~Q(giver=models.F("taker")), name="delegation_to_somebody_else"
            ),
            models.CheckConstraint(
                condition=Q(ends_on__gte=models.F("begins_on")), name="delegation_ends_after_begin"
            ),
            models.CheckConstraint(
                condition=Q(role__in=[role.value for role in SIGNING_ROLES]),
                name="delegation_of_signing_role",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.giver} lends {self.taker} {self.get_role_display()}"

    @property
    def audit_team_id(self) -> int | None:
        return self.team_id


class ApiToken(models.Model):
    """A key to the API: only its hash is kept, it is shown once, it expires."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="tokens")
    name = models.CharField(max_length=80)
    prefix = models.CharField(max_length=12, unique=True)
    hash = models.CharField(max_length=64, unique=True)
    scopes = ArrayField(models.CharField(max_length=10, choices=Scope), size=len(Scope))
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)
    last_used_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(db_default=Now())

    objects = ApiTokenQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"


class Invitation(models.Model):
    """A link with which somebody chooses a password: only its hash is kept, it works once."""

    person = models.ForeignKey(User, on_delete=models.CASCADE, related_name="invitations")
    hash = models.CharField(max_length=64, unique=True)
    made_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    made_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, help_text="Used, or replaced by a newer one")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["person"],
                condition=Q(ended_at__isnull=True),
                name="invitation_one_for_each_person",
            )
        ]

    def __str__(self) -> str:
        return f"invitation of {self.person}"


class SigningChallenge(models.Model):
    """What a passkey was asked by API for one signature of one person: answered once, soon."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    person = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    ceremony = models.JSONField()
    made_at = models.DateTimeField(db_default=Now())
    used_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["person", "-made_at"], name="signing_challenge_recent")]

    def __str__(self) -> str:
        return f"{self.person}: {self.ceremony['about']}"


class FailedCode(models.Model):
    """A wrong code at the second step of signing in: counted, so that nobody guesses on."""

    person = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes = [models.Index(fields=["person", "-at"], name="failed_code_recent")]

    def __str__(self) -> str:
        return f"{self.person} {self.at:%Y-%m-%d %H:%M}"
