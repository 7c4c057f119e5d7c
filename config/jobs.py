"""Which job kind is done by which function, and what the beat wakes: wiring, as tables."""

from typing import NamedTuple


class Kind(NamedTuple):
    """How jobs of one kind are done: by which function, on which queue, how long and how often."""

    function: str
    queue: str
    lease_seconds: int = 30
    attempts: int = 5


KINDS: dict[str, Kind] = {
    "audit.seal": Kind("audit.jobs.seal.make_seal", "lifecycle", attempts=50),
    "audit.checkpoint": Kind("audit.jobs.checkpoint.write_checkpoint", "lifecycle", attempts=50),
    "registry.inspect": Kind("registry.jobs.inspection.inspect_version", "lifecycle", attempts=50),
    "registry.push": Kind("registry.jobs.mlflow.push_model", "lifecycle", attempts=50),
    "registry.archive": Kind("registry.jobs.archives.write_archive", "sandbox", attempts=50),
    "registry.restore": Kind("registry.jobs.archives.restore_archive", "lifecycle", attempts=50),
    "registry.rehash": Kind("registry.jobs.rehash.rehash_version", "lifecycle", 300, attempts=50),
    "registry.verify": Kind("registry.jobs.verification.verify_archive", "lifecycle"),
    "registry.drill": Kind("registry.jobs.drills.perform_drill", "sandbox", 60),
    "registry.lengthen": Kind("registry.jobs.lengthening.lengthen_lock", "lifecycle", attempts=50),
    "registry.purge": Kind("registry.jobs.purging.purge_archive", "lifecycle", 60, attempts=50),
    "monitoring.fold": Kind("monitoring.jobs.fold.fold_batch", "ingest"),
    "monitoring.join": Kind("monitoring.jobs.join.join_outcomes", "ingest"),
    "monitoring.evaluate": Kind("monitoring.jobs.evaluate.evaluate_window", "evaluate"),
    "monitoring.investigate": Kind("monitoring.jobs.investigate.investigate", "evaluate"),
    "monitoring.erase": Kind("monitoring.jobs.erasing.erase", "lifecycle", 300, attempts=50),
    "monitoring.look": Kind("monitoring.jobs.experiments.look", "evaluate"),
    "monitoring.rollout": Kind("monitoring.jobs.rollouts.follow_rollout", "evaluate"),
    "governance.winner": Kind("governance.services.winners.propose_winner", "lifecycle", 60),
    "monitoring.retrain": Kind("monitoring.jobs.retraining.pipeline.do_step", "evaluate", 60, 20),
    "monitoring.retrain_model": Kind(
        "monitoring.jobs.retraining.pipeline.do_step", "sandbox", 60, 5
    ),
    "monitoring.replay": Kind("monitoring.services.replays.replay", "evaluate", 300, 3),
    "monitoring.importance": Kind(
        "monitoring.jobs.explaining.importances.compute_importance", "sandbox", 60
    ),
    "monitoring.explain": Kind("monitoring.jobs.explaining.local.explain_due", "sandbox", 60),
    "governance.execute": Kind("governance.jobs.execute.execute_change", "lifecycle"),
    "governance.retraining": Kind("governance.services.retrainings.open_request", "lifecycle"),
    "governance.restored_card": Kind("governance.jobs.restored_cards.draft_card", "lifecycle"),
    "governance.controls": Kind("governance.jobs.controls.evaluate_model", "lifecycle"),
    "governance.bundle": Kind("governance.jobs.bundles.build_bundle", "lifecycle", 600, 3),
    "governance.back_test": Kind("governance.jobs.back_tests.run_back_test", "evaluate", 600, 3),
    "governance.mail": Kind("governance.jobs.reminders.send_reminder", "lifecycle", 60, 10),
    "governance.recommend": Kind("governance.jobs.recommendations.recommend_model", "evaluate", 60),
    "governance.rule_trial": Kind("governance.jobs.rule_trials.try_table", "evaluate", 300, 3),
    "governance.retirements": Kind(
        "governance.jobs.retirements.look_for_retirements", "lifecycle", 300
    ),
    "governance.retirement_step": Kind(
        "governance.jobs.retirement_steps.do_step", "lifecycle", 60, attempts=50
    ),
    "governance.retirement_mail": Kind(
        "governance.jobs.retirement_notices.send_notice", "lifecycle", 60, 10
    ),
    "governance.roll_back": Kind("governance.jobs.rolling_back.by_watch", "lifecycle", 60),
    "governance.notice": Kind("governance.jobs.notices.send_notice", "lifecycle", 60, 10),
    "governance.daily": Kind("governance.jobs.daily.look_after_rules", "lifecycle", 300),
}

BEAT = {
    "ledger": {"task": "ledger.tasks.poll", "schedule": 5.0},
    "seals": {"task": "audit.tasks.seal_due", "schedule": 1.0},
    "checkpoints": {"task": "audit.tasks.checkpoint_due", "schedule": 300.0},
    "mlflow": {"task": "registry.tasks.reconcile", "schedule": 30.0},
    "windows": {"task": "monitoring.tasks.schedule_windows", "schedule": 15.0},
    "parked": {"task": "monitoring.tasks.retry_parked", "schedule": 60.0},
    "outlooks": {"task": "monitoring.tasks.look_ahead", "schedule": 300.0},
    "experiments": {"task": "monitoring.tasks.look_at_experiments", "schedule": 60.0},
    "erasures": {"task": "monitoring.tasks.resume_erasures", "schedule": 300.0},
    "rollouts": {"task": "monitoring.tasks.follow_rollouts", "schedule": 60.0},
    "retraining": {"task": "monitoring.tasks.look_after_retraining", "schedule": 15.0},
    "explanations": {"task": "monitoring.tasks.look_after_explanations", "schedule": 15.0},
    "sweep": {"task": "monitoring.tasks.sweep_orphans", "schedule": 3600.0},
    "bytes": {"task": "registry.tasks.rehash_due", "schedule": 30.0},
    # Looked at every hour, done once a day: a beat that starts anew forgets when it last woke whom.
    "archives": {"task": "registry.tasks.verify_oldest", "schedule": 3600.0},
    "locks": {"task": "registry.tasks.lengthen_due", "schedule": 3600.0},
    "drills": {"task": "registry.tasks.drill_oldest", "schedule": 3600.0},
    "rules": {"task": "governance.tasks.look_after_rules", "schedule": 300.0},
    "retirements": {"task": "governance.tasks.look_for_retirements", "schedule": 300.0},
    "endings": {"task": "governance.tasks.advance_endings", "schedule": 30.0},
    "verdicts": {"task": "governance.tasks.follow_verdicts", "schedule": 10.0},
}
for _entry in BEAT.values():
    # A wake-up that waited longer than this has been overtaken by the next one.
    _entry["options"] = {"queue": "lifecycle", "expires": max(10.0, float(str(_entry["schedule"])))}
