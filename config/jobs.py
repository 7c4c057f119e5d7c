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
    "registry.archive": Kind("registry.jobs.archives.write_archive", "lifecycle", attempts=50),
    "registry.restore": Kind("registry.jobs.archives.restore_archive", "lifecycle", attempts=50),
    "registry.rehash": Kind("registry.jobs.rehash.rehash_version", "lifecycle", 300, attempts=50),
    "registry.verify": Kind("registry.jobs.verification.verify_archive", "lifecycle"),
    "monitoring.fold": Kind("monitoring.jobs.fold.fold_batch", "ingest"),
    "monitoring.join": Kind("monitoring.jobs.join.join_outcomes", "ingest"),
    "monitoring.evaluate": Kind("monitoring.jobs.evaluate.evaluate_window", "evaluate"),
    "monitoring.investigate": Kind("monitoring.jobs.investigate.investigate", "evaluate"),
    "monitoring.look": Kind("monitoring.jobs.experiments.look", "evaluate"),
    "governance.execute": Kind("governance.jobs.execute.execute_change", "lifecycle"),
    "governance.controls": Kind("governance.jobs.controls.evaluate_model", "lifecycle"),
    "governance.bundle": Kind("governance.jobs.bundles.build_bundle", "lifecycle", 600, 3),
    "governance.back_test": Kind("governance.jobs.back_tests.run_back_test", "evaluate", 600, 3),
    "governance.mail": Kind("governance.jobs.reminders.send_reminder", "lifecycle", 60, 10),
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
    "sweep": {"task": "monitoring.tasks.sweep_orphans", "schedule": 3600.0},
    "bytes": {"task": "registry.tasks.rehash_due", "schedule": 60.0},
    # Looked at every hour, done once a day: a beat that starts anew forgets when it last woke whom.
    "archives": {"task": "registry.tasks.verify_oldest", "schedule": 3600.0},
    "rules": {"task": "governance.tasks.look_after_rules", "schedule": 300.0},
    "verdicts": {"task": "governance.tasks.follow_verdicts", "schedule": 10.0},
}
for _entry in BEAT.values():
    # A wake-up that waited longer than this has been overtaken by the next one.
    _entry["options"] = {"queue": "lifecycle", "expires": max(10.0, float(str(_entry["schedule"])))}
