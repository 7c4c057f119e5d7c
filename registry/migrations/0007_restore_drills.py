import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("registry", "0006_deviation_made_anew"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="RestoreDrill",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("state", models.CharField(choices=[("running", "running"), ("passed", "passed"), ("failed", "failed")], default="running", max_length=8)),
                ("steps", models.JSONField(default=list, help_text="list of {name, state, said, looked_at, seconds}")),
                ("tolerance", models.FloatField(default=0.0, help_text="Largest difference that counts as equal")),
                ("seconds", models.FloatField(help_text="Time to restore: from fetching to replayed", null=True)),
                ("asked_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("finished_at", models.DateTimeField(null=True)),
                ("error", models.CharField(blank=True, max_length=500)),
                ("archive", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="drills", to="registry.archive")),
                ("asked_by", models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL)),
            ],
            options={"ordering": ["-pk"]},
        ),
        migrations.AddConstraint(
            model_name="restoredrill",
            constraint=models.UniqueConstraint(condition=models.Q(("state", "running")), fields=("archive",), name="drill_one_running"),
        ),
        migrations.AddConstraint(
            model_name="restoredrill",
            constraint=models.CheckConstraint(condition=models.Q(("state__in", ["running", "passed", "failed"])), name="drill_state_known"),
        ),
        migrations.AddConstraint(
            model_name="restoredrill",
            constraint=models.CheckConstraint(condition=models.Q(("state", "running"), ("finished_at__isnull", False), _connector="OR"), name="drill_finished_when_over"),
        ),
    ]
