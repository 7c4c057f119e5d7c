"""A signature on behalf of who lent their role: neither of the two had a hand in what is signed."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

FORWARDS = """
CREATE OR REPLACE FUNCTION governance_refuse_own_work() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT 1 FROM governance_changerequest r
        WHERE r.id = NEW.request_id AND (
            r.requested_by_id IN (NEW.person_id, NEW.on_behalf_of_id)
            OR EXISTS (
                SELECT 1 FROM registry_contribution c
                WHERE c.version_id = r.version_id
                AND c.person_id IN (NEW.person_id, NEW.on_behalf_of_id)
            )
        )
    ) THEN
        RAISE EXCEPTION 'a person who had a hand in a version does not sign for it'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'signoff_not_by_contributors';
    END IF;
    RETURN NEW;
END $$;
"""
BACKWARDS = """
CREATE OR REPLACE FUNCTION governance_refuse_own_work() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT 1 FROM governance_changerequest r
        WHERE r.id = NEW.request_id AND (
            r.requested_by_id = NEW.person_id
            OR EXISTS (
                SELECT 1 FROM registry_contribution c
                WHERE c.version_id = r.version_id AND c.person_id = NEW.person_id
            )
        )
    ) THEN
        RAISE EXCEPTION 'a person who had a hand in a version does not sign for it'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'signoff_not_by_contributors';
    END IF;
    RETURN NEW;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("governance", "0010_discussion"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            "signoff",
            "on_behalf_of",
            models.ForeignKey(
                help_text="Who lent the role to the person who signed",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            "signoff", "behalf_name", models.CharField(blank=True, max_length=120)
        ),
        migrations.AddConstraint(
            "signoff",
            models.UniqueConstraint(
                condition=models.Q(("on_behalf_of__isnull", False)),
                fields=("request", "on_behalf_of", "signed_digest"),
                name="signoff_once_on_behalf",
            ),
        ),
        migrations.AddConstraint(
            "signoff",
            models.CheckConstraint(
                condition=models.Q(("on_behalf_of", models.F("person")), _negated=True)
                | models.Q(("on_behalf_of__isnull", True)),
                name="signoff_not_on_own_behalf",
            ),
        ),
        migrations.RunSQL(FORWARDS, BACKWARDS),
    ]
