"""Signers lend their role to a colleague for some days."""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

ROLES = [
    ("developer", "developer"),
    ("validator", "validator"),
    ("reviewer", "reviewer"),
    ("risk_officer", "risk officer"),
    ("auditor", "auditor"),
    ("administrator", "administrator"),
    ("service_account", "service account"),
]


class Migration(migrations.Migration):
    dependencies = [("accounts", "0003_people")]

    operations = [
        migrations.CreateModel(
            name="Delegation",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("role", models.CharField(choices=ROLES, max_length=20)),
                ("begins_on", models.DateField()),
                ("ends_on", models.DateField(help_text="The last day on which the taker signs")),
                ("reason", models.TextField()),
                ("given_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("ended_at", models.DateTimeField(help_text="Taken back before its last day", null=True)),
                ("giver", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="delegations_given", to=settings.AUTH_USER_MODEL)),
                ("taker", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="delegations_taken", to=settings.AUTH_USER_MODEL)),
                ("team", models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name="delegations", to="accounts.team")),
            ],
            options={
                "ordering": ["-pk"],
                "constraints": [
                    models.CheckConstraint(condition=~models.Q(giver=models.F("taker")), name="delegation_to_somebody_else"),
                    models.CheckConstraint(condition=models.Q(ends_on__gte=models.F("begins_on")), name="delegation_ends_after_begin"),
                    models.CheckConstraint(condition=models.Q(role__in=["validator", "reviewer", "risk_officer"]), name="delegation_of_signing_role"),
                ],
            },
        ),
    ]
