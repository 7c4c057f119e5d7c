"""What was recommended at a moment for the versions that served then."""

from datetime import datetime
from typing import Any

from django.db.models import Exists, OuterRef, Q

from governance.models import Recommendation
from registry.models import Deployment, Model


def recommended_at(model: Model, at: datetime) -> list[dict[str, Any]]:
    """The newest recommendation of every version that served at that moment. One query."""
    served = Deployment.objects.filter(
        Q(ended_at__isnull=True) | Q(ended_at__gt=at),
        version=OuterRef("version"),
        environment=OuterRef("environment"),
        started_at__lte=at,
    )
    rows = Recommendation.objects.filter(Exists(served), version__model=model).at(at)
    return [
        {
            "id": row.pk,
            "version": row.version.number,
            "environment": row.environment,
            "recommend": row.recommend,
            "sentence": row.sentence,
            "enough": row.enough,
            "rule": row.rule,
            "table": row.table.number,
            "since": row.at,
        }
        for row in rows.latest_rows().select_related("version", "table")
    ]
