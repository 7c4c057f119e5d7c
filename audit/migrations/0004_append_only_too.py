"""The database itself refuses to change or remove what proves the trail."""

from django.db import migrations

TABLES = ("volumeevent", "seal", "sealmember", "subtree", "checkpoint")
FORWARDS = """
CREATE TRIGGER audit_{0}_no_change BEFORE UPDATE OR DELETE ON audit_{0}
    FOR EACH ROW EXECUTE FUNCTION audit_refuse();
CREATE TRIGGER audit_{0}_no_truncate BEFORE TRUNCATE ON audit_{0}
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse();
"""
BACKWARDS = """
DROP TRIGGER audit_{0}_no_truncate ON audit_{0};
DROP TRIGGER audit_{0}_no_change ON audit_{0};
"""


class Migration(migrations.Migration):
    dependencies = [("audit", "0003_volume_lane_and_checkpoints")]
    operations = [
        migrations.RunSQL(FORWARDS.format(table), BACKWARDS.format(table)) for table in TABLES
    ]
