"""Change requests fall due, and people are reminded of them."""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

KINDS = [("soon", "falls due soon"), ("due", "falls due today"), ("overdue", "is overdue")]


class Migration(migrations.Migration):
    dependencies = [
        ("governance", "0014_imported_cards"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            "changerequest",
            "due_on",
            models.DateField(help_text="To be decided by then; empty for old requests", null=True),
        ),
        migrations.CreateModel(
            name="Reminder",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("kind", models.CharField(choices=KINDS, max_length=8)),
                ("due_on", models.DateField(help_text="The day it was due when this was told")),
                ("text", models.CharField(max_length=400)),
                ("at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("mailed_at", models.DateTimeField(help_text="Taken by the mail server", null=True)),
                ("person", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="+", to=settings.AUTH_USER_MODEL)),
                ("request", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="reminders", to="governance.changerequest")),
            ],
            options={
                "ordering": ["pk"],
                "constraints": [
                    models.UniqueConstraint(fields=("request", "person", "kind", "due_on"), name="reminder_once"),
                    models.CheckConstraint(condition=models.Q(("kind__in", [k for k, _ in KINDS])), name="reminder_kind_known"),
                ],
            },
        ),
    ]
