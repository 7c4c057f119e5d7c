"""People talk about a change request; what they said is only added to."""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

KINDS = [
    ("comment", "comment"),
    ("retraction", "took a comment back"),
    ("change_asked", "asked for a change"),
    ("answer", "answered"),
    ("settled", "settled"),
]
ABOUT = ["retraction", "answer", "settled"]
FORWARDS = """
CREATE FUNCTION governance_keep_request_entries() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'what was said about a request is append-only: % refused', TG_OP
        USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER request_entry_append_only BEFORE UPDATE OR DELETE ON governance_requestentry
    FOR EACH ROW EXECUTE FUNCTION governance_keep_request_entries();
"""
BACKWARDS = """
DROP TRIGGER request_entry_append_only ON governance_requestentry;
DROP FUNCTION governance_keep_request_entries();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("governance", "0009_rounds"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="RequestEntry",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("kind", models.CharField(choices=KINDS, max_length=12)),
                ("printed_name", models.CharField(max_length=120)),
                ("role", models.CharField(blank=True, help_text="In which a change was asked for", max_length=20)),
                ("text", models.TextField()),
                ("at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("about", models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name="replies", to="governance.requestentry")),
                ("person", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL)),
                ("request", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="entries", to="governance.changerequest")),
            ],
            options={
                "ordering": ["pk"],
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("kind__in", [k for k, _ in KINDS])), name="request_entry_kind_known"),
                    models.CheckConstraint(
                        condition=models.Q(kind__in=ABOUT, about__isnull=False)
                        | (~models.Q(kind__in=ABOUT) & models.Q(about__isnull=True)),
                        name="request_entry_about_something",
                    ),
                    models.UniqueConstraint(condition=models.Q(("kind", "settled")), fields=("about",), name="request_entry_settled_once"),
                    models.UniqueConstraint(condition=models.Q(("kind", "retraction")), fields=("about",), name="request_entry_retracted_once"),
                ],
            },
        ),
        migrations.RunSQL(FORWARDS, BACKWARDS),
    ]
