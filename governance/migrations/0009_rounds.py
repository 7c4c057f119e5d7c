"""Approval in rounds, and policies that are changed by approval."""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

from governance.policy_table import DEFAULTS
from governance.rounds import one_round

KINDS = [
    (kind, kind.replace("_", " "))
    for kind in ("promote", "roll_back", "retire", "archive", "restore", "revalidate")
]
STATES = [(s, s.replace("_", " ")) for s in ("open", "in_force", "rejected", "withdrawn")]
TIERS = [("high", "high"), ("medium", "medium"), ("low", "low")]

FORWARDS = """
CREATE FUNCTION governance_guard_policy_signatures() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'INSERT' THEN
        RAISE EXCEPTION 'signatures of policies are append-only: % refused', TG_OP
            USING ERRCODE = 'restrict_violation';
    END IF;
    IF EXISTS (
        SELECT 1 FROM governance_policychange c
        WHERE c.id = NEW.change_id AND c.proposed_by_id = NEW.person_id
    ) THEN
        RAISE EXCEPTION 'who proposed a policy does not sign it'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'policy_signature_not_own';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER policy_signature_guarded BEFORE INSERT OR UPDATE OR DELETE
    ON governance_policysignature
    FOR EACH ROW EXECUTE FUNCTION governance_guard_policy_signatures();
"""
BACKWARDS = """
DROP TRIGGER policy_signature_guarded ON governance_policysignature;
DROP FUNCTION governance_guard_policy_signatures();
"""


def into_rounds(apps, schema_editor):
    """One round of what was a quorum; where nothing was asked for yet, the rounds we start with."""
    policies = apps.get_model("governance", "ApprovalPolicy")
    requests = apps.get_model("governance", "ChangeRequest")
    ours = {} if requests.objects.exists() else {(d.kind, d.risk_tier): d for d in DEFAULTS}
    for policy in policies.objects.all():
        start = ours.get((policy.kind, policy.risk_tier))
        unchanged = start is not None and policy.number == 1 and policy.rounds == start.quorum
        policy.rounds = start.rounds if unchanged else one_round(policy.rounds)
        policy.save(update_fields=["rounds"])
    for request in requests.objects.only("pk", "rounds").iterator():
        requests.objects.filter(pk=request.pk).update(rounds=one_round(request.rounds))


def into_quorums(apps, schema_editor):
    """Back to one quorum for all."""
    for name in ("ApprovalPolicy", "ChangeRequest"):
        rows = apps.get_model("governance", name).objects
        for row in rows.only("pk", "rounds").iterator():
            total = {}
            for one in row.rounds:
                for role, count in one["quorum"].items():
                    total[role] = total.get(role, 0) + count
            rows.filter(pk=row.pk).update(rounds=total)


class Migration(migrations.Migration):
    dependencies = [
        ("governance", "0008_claim_checks"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RenameField("approvalpolicy", "quorum", "rounds"),
        migrations.RenameField("changerequest", "quorum", "rounds"),
        migrations.AlterField(
            "approvalpolicy",
            "rounds",
            models.JSONField(help_text="list of {name, quorum}: role -> number of signatures"),
        ),
        migrations.RunPython(into_rounds, into_quorums),
        migrations.AddField(
            "changerequest",
            "round",
            models.PositiveSmallIntegerField(default=1, help_text="That is being signed now"),
        ),
        migrations.AddField(
            "signoff",
            "round",
            models.PositiveSmallIntegerField(default=1, help_text="In which it was given"),
        ),
        migrations.RemoveConstraint("gateresult", "gate_result_once"),
        migrations.AddConstraint(
            "gateresult",
            models.UniqueConstraint(fields=["request", "gate", "title"], name="gate_result_once"),
        ),
        migrations.CreateModel(
            name="PolicyChange",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("kind", models.CharField(choices=KINDS, max_length=12)),
                ("risk_tier", models.CharField(choices=TIERS, max_length=10)),
                ("rounds", models.JSONField(help_text="list of {name, quorum}")),
                ("gates", models.JSONField(help_text="list of {gate, mode, parameters}")),
                ("loosens", models.BooleanField(help_text="Asks less than the policy in force")),
                ("needed", models.JSONField(help_text="role -> number of signatures for this change")),
                ("reason", models.TextField()),
                ("digest", models.CharField(help_text="SHA-256 of what is signed", max_length=64)),
                ("state", models.CharField(choices=STATES, default="open", max_length=10)),
                ("proposed_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("decided_at", models.DateTimeField(null=True)),
                ("base", models.ForeignKey(help_text="In force when it was proposed; empty where there was none", null=True, on_delete=django.db.models.deletion.PROTECT, related_name="proposed_changes", to="governance.approvalpolicy")),
                ("policy", models.OneToOneField(help_text="That came into force by it", null=True, on_delete=django.db.models.deletion.PROTECT, related_name="change", to="governance.approvalpolicy")),
                ("proposed_by", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL)),
            ],
            options={"ordering": ["-pk"]},
        ),
        migrations.AddConstraint(
            "policychange",
            models.UniqueConstraint(
                condition=models.Q(("state", "open")),
                fields=("kind", "risk_tier"),
                name="policy_change_one_open",
            ),
        ),
        migrations.AddConstraint(
            "policychange",
            models.CheckConstraint(
                condition=models.Q(("state__in", [s for s, _ in STATES])),
                name="policy_change_state_known",
            ),
        ),
        migrations.AddConstraint(
            "policychange",
            models.CheckConstraint(
                condition=models.Q(state="in_force", policy__isnull=False)
                | (~models.Q(state="in_force") & models.Q(policy__isnull=True)),
                name="policy_change_in_force_has_policy",
            ),
        ),
        migrations.CreateModel(
            name="PolicySignature",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("printed_name", models.CharField(max_length=120)),
                ("role", models.CharField(max_length=20)),
                ("decision", models.CharField(choices=[("approve", "approve"), ("reject", "reject")], max_length=8)),
                ("meaning", models.CharField(max_length=200)),
                ("reason", models.TextField()),
                ("signed_digest", models.CharField(max_length=64)),
                ("method", models.CharField(max_length=20)),
                ("signed_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("change", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="signatures", to="governance.policychange")),
                ("person", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL)),
            ],
            options={"ordering": ["signed_at", "pk"]},
        ),
        migrations.AddConstraint(
            "policysignature",
            models.UniqueConstraint(fields=("change", "person"), name="policy_signature_once"),
        ),
        migrations.RunSQL(FORWARDS, BACKWARDS),
    ]
