"""Job functions that no worker survives well."""

import os
import signal

from ledger.claims import Claim


def raises(claim: Claim) -> None:
    raise RuntimeError("this job fails however often it is tried")


def kills(claim: Claim) -> None:
    """Like a library that runs out of memory: the process is gone without a word."""
    os.kill(os.getpid(), signal.SIGKILL)
