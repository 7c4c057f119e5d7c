"""At any time one champion per model and environment: periods of champions may not overlap."""

from django.db import migrations

# Ranges of one value stand in for the extension btree_gist, which not every PostgreSQL has.
FORWARDS = """
CREATE TYPE registry_textrange AS RANGE (subtype = text);
ALTER TABLE registry_deployment ADD CONSTRAINT deployment_one_champion_at_any_time
    EXCLUDE USING gist (
        int8range(model_id, model_id, '[]') WITH &&,
        registry_textrange(environment, environment, '[]') WITH &&,
        tstzrange(started_at, ended_at) WITH &&
    ) WHERE (role = 'champion');
"""
BACKWARDS = """
ALTER TABLE registry_deployment DROP CONSTRAINT deployment_one_champion_at_any_time;
DROP TYPE registry_textrange;
"""


class Migration(migrations.Migration):
    dependencies = [("registry", "0001_initial")]
    operations = [migrations.RunSQL(FORWARDS, BACKWARDS)]
