"""Recommendations for versions that serve, and the table of rules that they follow from."""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

from governance.recommendation_files import default_rules, rules_digest

APPEND_ONLY = ("recommendation", "notfollowed", "ruletabletrial")
FORWARDS = """
CREATE TRIGGER governance_{0}_no_change BEFORE UPDATE OR DELETE ON governance_{0}
    FOR EACH ROW EXECUTE FUNCTION audit_refuse();
CREATE TRIGGER governance_{0}_no_truncate BEFORE TRUNCATE ON governance_{0}
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse();
"""
BACKWARDS = """
DROP TRIGGER governance_{0}_no_truncate ON governance_{0};
DROP TRIGGER governance_{0}_no_change ON governance_{0};
"""
GUARD = """
CREATE TRIGGER governance_ruletable_kept BEFORE UPDATE OF number, rules, digest, valid_from
    ON governance_ruletable FOR EACH ROW EXECUTE FUNCTION audit_refuse();
CREATE TRIGGER governance_ruletable_no_delete BEFORE DELETE ON governance_ruletable
    FOR EACH ROW EXECUTE FUNCTION audit_refuse();
CREATE FUNCTION governance_guard_rule_table_signatures() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'INSERT' THEN
        RAISE EXCEPTION 'signatures of tables are append-only: % refused', TG_OP
            USING ERRCODE = 'restrict_violation';
    END IF;
    IF EXISTS (
        SELECT 1 FROM governance_ruletablechange c
        WHERE c.id = NEW.change_id AND c.proposed_by_id = NEW.person_id
    ) THEN
        RAISE EXCEPTION 'who proposed a table does not sign it'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'rule_table_signature_not_own';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER rule_table_signature_guarded BEFORE INSERT OR UPDATE OR DELETE
    ON governance_ruletablesignature
    FOR EACH ROW EXECUTE FUNCTION governance_guard_rule_table_signatures();
"""
UNGUARD = """
DROP TRIGGER rule_table_signature_guarded ON governance_ruletablesignature;
DROP FUNCTION governance_guard_rule_table_signatures();
DROP TRIGGER governance_ruletable_no_delete ON governance_ruletable;
DROP TRIGGER governance_ruletable_kept ON governance_ruletable;
"""


def add_table(apps, schema_editor):
    """The table that an installation starts with."""
    rules = default_rules()
    tables = apps.get_model("governance", "RuleTable")
    tables.objects.create(number=1, rules=rules, digest=rules_digest(rules))


class Migration(migrations.Migration):

    dependencies = [
        ('audit', '0006_words_of_events'),
        ('governance', '0015_due_dates'),
        ('registry', '0006_deviation_made_anew'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Recommendation',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('environment', models.SlugField(max_length=40)),
                ('recommend', models.CharField(choices=[('keep', 'keep'), ('investigate_data', 'investigate data'), ('recalibrate', 'recalibrate'), ('retrain', 'retrain'), ('replace', 'replace'), ('retire', 'retire')], max_length=20)),
                ('rule', models.CharField(max_length=40)),
                ('sentence', models.CharField(max_length=300)),
                ('enough', models.BooleanField(help_text='No rule was passed over for want of data')),
                ('grounds', models.JSONField(help_text='list of {fact, said, links}: by which the rule is met')),
                ('answer', models.JSONField(help_text='The whole answer: every rule that was looked at')),
                ('facts', models.JSONField(help_text='Every fact as it was')),
                ('facts_digest', models.CharField(max_length=64)),
                ('opens', models.BooleanField()),
                ('at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('version', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='recommendations', to='registry.version')),
            ],
            options={
                'ordering': ['-at', '-pk'],
            },
        ),
        migrations.CreateModel(
            name='NotFollowed',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('printed_name', models.CharField(max_length=120)),
                ('reason', models.TextField()),
                ('at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('person', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('recommendation', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='not_followed', to='governance.recommendation')),
            ],
            options={
                'ordering': ['at', 'pk'],
            },
        ),
        migrations.CreateModel(
            name='RuleTable',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.PositiveIntegerField(unique=True)),
                ('rules', models.JSONField(help_text='list of {id, recommend, when, sentence, why}')),
                ('digest', models.CharField(help_text='SHA-256 of the rules', max_length=64)),
                ('current', models.BooleanField(default=True)),
                ('valid_from', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
            options={
                'ordering': ['-number'],
                'constraints': [models.UniqueConstraint(condition=models.Q(('current', True)), fields=('current',), name='rule_table_one_current')],
            },
        ),
        migrations.AddField(
            model_name='recommendation',
            name='table',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='recommendations', to='governance.ruletable'),
        ),
        migrations.CreateModel(
            name='RuleTableChange',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('rules', models.JSONField()),
                ('loosens', models.BooleanField(help_text='May recommend a smaller step than the one in force')),
                ('needed', models.JSONField(help_text='role -> number of signatures for this change')),
                ('reason', models.TextField()),
                ('digest', models.CharField(help_text='SHA-256 of what is signed', max_length=64)),
                ('state', models.CharField(choices=[('open', 'open'), ('in_force', 'in force'), ('rejected', 'rejected'), ('withdrawn', 'withdrawn')], default='open', max_length=10)),
                ('proposed_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('decided_at', models.DateTimeField(null=True)),
                ('base', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='proposed_changes', to='governance.ruletable')),
                ('proposed_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('table', models.OneToOneField(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='change', to='governance.ruletable')),
            ],
            options={
                'ordering': ['-pk'],
            },
        ),
        migrations.CreateModel(
            name='RuleTableSignature',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('printed_name', models.CharField(max_length=120)),
                ('role', models.CharField(max_length=20)),
                ('decision', models.CharField(choices=[('approve', 'approve'), ('reject', 'reject')], max_length=8)),
                ('meaning', models.CharField(max_length=200)),
                ('reason', models.TextField()),
                ('signed_digest', models.CharField(max_length=64)),
                ('method', models.CharField(max_length=20)),
                ('signed_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('change', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='signatures', to='governance.ruletablechange')),
                ('person', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ['signed_at', 'pk'],
            },
        ),
        migrations.CreateModel(
            name='RuleTableTrial',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('result', models.JSONField()),
                ('inputs_digest', models.CharField(max_length=64)),
                ('made_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('change', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='trial', to='governance.ruletablechange')),
            ],
        ),
        migrations.CreateModel(
            name='RecommendationLook',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('environment', models.SlugField(max_length=40)),
                ('said_digest', models.CharField(help_text='Of the answer and the verdicts', max_length=64)),
                ('looked_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('latest', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='governance.recommendation')),
                ('version', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='registry.version')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('version', 'environment'), name='recommendation_look_once')],
            },
        ),
        migrations.AddIndex(
            model_name='recommendation',
            index=models.Index(fields=['version', 'environment', '-at'], name='recommendation_latest'),
        ),
        migrations.AddConstraint(
            model_name='recommendation',
            constraint=models.CheckConstraint(condition=models.Q(('recommend__in', ['keep', 'investigate_data', 'recalibrate', 'retrain', 'replace', 'retire'])), name='recommendation_known'),
        ),
        migrations.AddConstraint(
            model_name='ruletablechange',
            constraint=models.UniqueConstraint(condition=models.Q(('state', 'open')), fields=('state',), name='rule_table_change_one_open'),
        ),
        migrations.AddConstraint(
            model_name='ruletablechange',
            constraint=models.CheckConstraint(condition=models.Q(('state__in', ['open', 'in_force', 'rejected', 'withdrawn'])), name='rule_table_change_state'),
        ),
        migrations.AddConstraint(
            model_name='ruletablechange',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('state', 'in_force'), ('table__isnull', False)), models.Q(models.Q(('state', 'in_force'), _negated=True), ('table__isnull', True)), _connector='OR'), name='rule_table_change_in_force'),
        ),
        migrations.AddConstraint(
            model_name='ruletablesignature',
            constraint=models.UniqueConstraint(fields=('change', 'person'), name='rule_table_signature_once'),
        ),
        migrations.RunPython(add_table, migrations.RunPython.noop),
        *[migrations.RunSQL(FORWARDS.format(t), BACKWARDS.format(t)) for t in APPEND_ONLY],
        migrations.RunSQL(GUARD, UNGUARD),
    ]
