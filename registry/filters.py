"""What lists can be narrowed by, in the API and on pages."""

import django_filters

from registry.models import Archive, Model, RiskTier, TaskType, Version
from registry.states import ArchiveState, Stage


class ModelFilter(django_filters.FilterSet):
    team = django_filters.CharFilter(field_name="team__slug", label="Slug of the owning team")
    task = django_filters.ChoiceFilter(choices=TaskType.choices)
    risk_tier = django_filters.ChoiceFilter(choices=RiskTier.choices)
    name = django_filters.CharFilter(lookup_expr="icontains", label="Part of the name")

    class Meta:
        model = Model
        fields = ["team", "task", "risk_tier", "name"]


class VersionFilter(django_filters.FilterSet):
    stage = django_filters.ChoiceFilter(choices=[(stage, stage) for stage in Stage])

    class Meta:
        model = Version
        fields = ["stage"]


class ArchiveFilter(django_filters.FilterSet):
    model = django_filters.CharFilter(field_name="version__model__slug", label="Slug of the model")
    state = django_filters.ChoiceFilter(choices=[(state, state) for state in ArchiveState])

    class Meta:
        model = Archive
        fields = ["model", "state"]
