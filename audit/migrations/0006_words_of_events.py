"""Events are found by the words of their names."""

from django.db import migrations

FORWARDS = """
CREATE INDEX event_words ON audit_event USING gin (to_tsvector('simple'::regconfig,
    COALESCE(subject_name, '') || ' ' || COALESCE(actor_name, '') || ' ' || COALESCE(event, '')));
"""


class Migration(migrations.Migration):
    dependencies = [("audit", "0005_people_read_between_seals")]
    operations = [migrations.RunSQL(FORWARDS, "DROP INDEX event_words;")]
