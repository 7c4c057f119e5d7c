"""The product's settings for the processes of these tests: impatient, and with poison at hand.

Leases and the poller's pause are shortened so that a redo takes seconds; a job may be interrupted
many times, because these tests do little else. Nothing else differs from config.settings.
"""

import os

from config.jobs import Kind
from config.settings import *  # noqa: F403 - settings are extended, as Django's way is
from config.settings import CELERY_BEAT_SCHEDULE as PATIENT
from config.settings import LEDGER_KINDS as PRODUCT_KINDS

LEASE_SECONDS = 3
INTERRUPTIONS = 200
POISON_ATTEMPTS = 2

LEDGER_KINDS = {
    name: kind._replace(lease_seconds=LEASE_SECONDS, attempts=INTERRUPTIONS)
    for name, kind in PRODUCT_KINDS.items()
} | {
    "faults.raises": Kind(
        "tests.faults.poison.raises", "ingest", LEASE_SECONDS, attempts=POISON_ATTEMPTS
    ),
    "faults.kills": Kind(
        "tests.faults.poison.kills", "ingest", LEASE_SECONDS, attempts=POISON_ATTEMPTS
    ),
}

# Only what a test asks for, twice a second.
BEATS = os.environ.get("OMBUD_FAULTS_BEAT", "ledger").split(",")
CELERY_BEAT_SCHEDULE = {name: {**PATIENT[name], "schedule": 0.5} for name in BEATS}
