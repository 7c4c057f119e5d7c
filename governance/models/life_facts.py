"""Facts that decide how long a model may live, who uses it, and where it is registered."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from governance.retirement_querysets import LifeFactQuerySet, RegistrationQuerySet
from governance.retirement_states import RegistrationState
from registry.models import Model, Version

PERSON = settings.AUTH_USER_MODEL


class LifeFactKind(models.TextChoices):
    LEGAL_BASIS = "legal_basis", "end of the legal basis"
    VENDOR_SUPPORT = "vendor_support", "end of the vendor's support"


class LifeFact(models.Model):
    """A day on which something ends that a model or one version needs; never edited, replaced."""

    model = models.ForeignKey(Model, on_delete=models.PROTECT, related_name="life_facts")
    version = models.ForeignKey(
        Version, on_delete=models.PROTECT, null=True, related_name="life_facts"
    )
    kind = models.CharField(max_length=16, choices=LifeFactKind)
    ends_on = models.DateField()
    source = models.CharField(max_length=300, help_text="Contract, law, notice: where it says so")
    recorded_by = models.ForeignKey(PERSON, on_delete=models.PROTECT, related_name="+")
    recorded_at = models.DateTimeField(db_default=Now())
    replaced_at = models.DateTimeField(null=True)

    objects = LifeFactQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(kind__in=LifeFactKind.values), name="life_fact_kind_known"
            ),
            models.UniqueConstraint(
                fields=["model", "version", "kind"],
                condition=Q(replaced_at__isnull=True),
                name="life_fact_one_in_force",
                nulls_distinct=False,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} of {self.version or self.model}: {self.ends_on}"

    @property
    def audit_team_id(self) -> int:
        return self.model.team_id


class ModelClient(models.Model):
    """Who calls a model: a system with the people behind it, told when the model ends."""

    model = models.ForeignKey(Model, on_delete=models.PROTECT, related_name="clients")
    name = models.CharField(max_length=120)
    contact = models.EmailField(help_text="Is told of retirements")
    account = models.ForeignKey(
        PERSON,
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        help_text="The service account whose tokens it uses",
    )
    added_by = models.ForeignKey(PERSON, on_delete=models.PROTECT, related_name="+")
    added_at = models.DateTimeField(db_default=Now())
    ended_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["name", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["model", "name"],
                condition=Q(ended_at__isnull=True),
                name="model_client_name_once",
            )
        ]

    def __str__(self) -> str:
        return f"{self.name}, client of {self.model}"

    @property
    def audit_team_id(self) -> int:
        return self.model.team_id


class Registration(models.Model):
    """Where a model is registered with an authority (EU AI Act, Annex VIII), and if that holds."""

    model = models.OneToOneField(Model, on_delete=models.PROTECT, related_name="registration")
    state = models.CharField(
        max_length=12,
        choices=[(s.value, s.value.replace("_", " ")) for s in RegistrationState],
        default=RegistrationState.NOT_REQUIRED,
    )
    register = models.CharField(max_length=200, blank=True, help_text="Which register")
    number = models.CharField(max_length=100, blank=True)
    registered_on = models.DateField(null=True)
    note = models.TextField(blank=True, help_text="Why it is in this state")
    changed_by = models.ForeignKey(PERSON, on_delete=models.PROTECT, null=True, related_name="+")
    changed_at = models.DateTimeField(db_default=Now())

    objects = RegistrationQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=[s.value for s in RegistrationState]),
                name="registration_state_known",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["registered", "update_due"])
                | (~Q(register="") & ~Q(number="") & Q(registered_on__isnull=False)),
                name="registration_registered_whole",
            ),
        ]

    def __str__(self) -> str:
        return f"registration of {self.model}"

    @property
    def audit_team_id(self) -> int:
        return self.model.team_id
