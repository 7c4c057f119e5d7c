"""Auditors' samples, what they wrote about each item, and the bundles they took along."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from governance.models.findings import Finding
from governance.sample_querysets import BundleQuerySet, SampleItemQuerySet, SampleQuerySet
from registry.models import Model, Version

PERSON = settings.AUTH_USER_MODEL


class Population(models.TextChoices):
    """What a sample is drawn from."""

    CHANGES = "changes", "change requests carried out"
    PROMOTIONS = "promotions", "promotions carried out"
    RETIREMENTS = "retirements", "retirements carried out"
    INCIDENTS = "incidents", "incidents opened"
    WAIVERS = "waivers", "waivers asked for"
    SIGNOFFS = "signoffs", "sign-offs given"


class Conclusion(models.TextChoices):
    NO_EXCEPTION = "no_exception", "no exception"
    EXCEPTION = "exception", "exception"
    NOT_APPLICABLE = "not_applicable", "not applicable"


class Sample(models.Model):
    """A seeded draw from a population; rows are only ever added."""

    title = models.CharField(max_length=120)
    population = models.CharField(max_length=12, choices=Population)
    filters = models.JSONField(default=dict, help_text="Team, model and risk tier, as asked for")
    since = models.DateTimeField()
    until = models.DateTimeField(help_text="Not included")
    seed = models.CharField(max_length=80)
    size = models.PositiveIntegerField(help_text="How many were asked for")
    algorithm = models.CharField(max_length=20)
    numbers = models.JSONField(help_text="The whole population, by number")
    population_size = models.PositiveIntegerField()
    population_digest = models.CharField(max_length=64)
    drawn_by = models.ForeignKey(PERSON, on_delete=models.PROTECT, related_name="+")
    drawn_by_name = models.CharField(max_length=120)
    drawn_at = models.DateTimeField(db_default=Now())

    objects = SampleQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(population__in=Population.values), name="sample_population_known"
            ),
            models.CheckConstraint(
                condition=Q(since__lt=models.F("until")), name="sample_period_has_length"
            ),
        ]

    def __str__(self) -> str:
        return f"S-{self.pk} {self.title}"

    @property
    def audit_team_id(self) -> None:
        return None


class SampleItem(models.Model):
    """One item that was drawn, with the key that drew it."""

    sample = models.ForeignKey(Sample, on_delete=models.PROTECT, related_name="items")
    position = models.PositiveIntegerField(help_text="1 for the smallest key")
    kind = models.CharField(max_length=16, help_text="change_request, incident, waiver or signoff")
    number = models.BigIntegerField()
    key = models.CharField(max_length=64)
    label = models.CharField(max_length=200)
    model = models.ForeignKey(Model, on_delete=models.PROTECT, related_name="+")
    version = models.ForeignKey(Version, on_delete=models.PROTECT, null=True, related_name="+")

    objects = SampleItemQuerySet.as_manager()

    class Meta:
        ordering = ["sample", "position"]
        constraints = [
            models.UniqueConstraint(fields=["sample", "position"], name="sample_place_once"),
            models.UniqueConstraint(fields=["sample", "kind", "number"], name="sample_item_once"),
        ]

    def __str__(self) -> str:
        return f"S-{self.sample_id} no. {self.position}: {self.label}"

    @property
    def audit_team_id(self) -> None:
        """What auditors look at, and conclude, is not told to the team by the trail."""
        return None


class SampleEntry(models.Model):
    """What an auditor wrote about an item: a note, or a conclusion. Only ever added."""

    item = models.ForeignKey(SampleItem, on_delete=models.PROTECT, related_name="entries")
    at = models.DateTimeField(db_default=Now())
    person = models.ForeignKey(PERSON, on_delete=models.PROTECT, related_name="+")
    printed_name = models.CharField(max_length=120)
    text = models.TextField()
    conclusion = models.CharField(
        max_length=16, choices=Conclusion, blank=True, help_text="Empty: a note"
    )
    shared = models.BooleanField(
        default=False, help_text="The model's team reads it too; else auditors alone"
    )
    finding = models.ForeignKey(Finding, on_delete=models.PROTECT, null=True, related_name="+")

    class Meta:
        ordering = ["at", "pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(conclusion__in=["", *Conclusion.values]),
                name="sample_conclusion_known",
            ),
            models.CheckConstraint(
                condition=Q(finding__isnull=True) | Q(conclusion="exception"),
                name="sample_finding_of_an_exception",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.printed_name}: {self.get_conclusion_display() or 'note'}"


class BundleState(models.TextChoices):
    REQUESTED = "requested", "being made"
    BUILT = "built", "ready"
    FAILED = "failed", "failed"


class Bundle(models.Model):
    """Files to take along: of a sample, or of a model and a period. A job makes them."""

    sample = models.ForeignKey(Sample, on_delete=models.PROTECT, null=True, related_name="bundles")
    model = models.ForeignKey(Model, on_delete=models.PROTECT, null=True, related_name="+")
    since = models.DateTimeField(null=True)
    until = models.DateTimeField(null=True)
    state = models.CharField(max_length=10, choices=BundleState, default=BundleState.REQUESTED)
    requested_by = models.ForeignKey(PERSON, on_delete=models.PROTECT, related_name="+")
    requested_at = models.DateTimeField(db_default=Now())
    built_at = models.DateTimeField(null=True)
    path = models.CharField(max_length=200, blank=True)
    size = models.BigIntegerField(default=0)
    files = models.PositiveIntegerField(default=0)
    sha256 = models.CharField(max_length=64, blank=True, help_text="Of the whole file")
    manifest_sha256 = models.CharField(max_length=64, blank=True)
    error = models.CharField(max_length=500, blank=True)

    objects = BundleQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=BundleState.values), name="bundle_state_known"
            ),
            models.CheckConstraint(
                condition=Q(sample__isnull=False, model__isnull=True)
                | Q(sample__isnull=True, model__isnull=False, since__lt=models.F("until")),
                name="bundle_of_one_thing",
            ),
            models.CheckConstraint(
                condition=~Q(state="built") | (~Q(path="") & ~Q(sha256="")),
                name="bundle_built_whole",
            ),
        ]

    def __str__(self) -> str:
        return f"bundle {self.pk} of {self.sample or self.model}"

    @property
    def audit_team_id(self) -> None:
        return None
