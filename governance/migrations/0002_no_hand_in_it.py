"""Nobody signs what they had a hand in, or what they asked for: the database refuses it too."""

from django.db import migrations

FORWARDS = """
CREATE FUNCTION governance_refuse_own_work() RETURNS trigger LANGUAGE plpgsql AS $$
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
CREATE TRIGGER signoff_not_by_contributors BEFORE INSERT OR UPDATE ON governance_signoff
    FOR EACH ROW EXECUTE FUNCTION governance_refuse_own_work();
"""
BACKWARDS = """
DROP TRIGGER signoff_not_by_contributors ON governance_signoff;
DROP FUNCTION governance_refuse_own_work();
"""


class Migration(migrations.Migration):
    dependencies = [("governance", "0001_initial"), ("registry", "0001_initial")]
    operations = [migrations.RunSQL(FORWARDS, BACKWARDS)]
