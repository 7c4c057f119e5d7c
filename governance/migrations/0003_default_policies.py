"""The approval policies to start with: without one nothing can be asked for."""

from django.db import migrations

from governance.policy_table import DEFAULTS


def install(apps, schema_editor):
    policy = apps.get_model("governance", "ApprovalPolicy")
    for row in DEFAULTS:
        policy.objects.get_or_create(
            kind=row.kind,
            risk_tier=row.risk_tier,
            number=1,
            defaults={"quorum": row.quorum, "gates": row.gates},
        )


class Migration(migrations.Migration):
    dependencies = [("governance", "0002_no_hand_in_it")]
    operations = [migrations.RunPython(install, migrations.RunPython.noop)]
