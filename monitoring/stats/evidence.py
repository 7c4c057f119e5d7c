"""Evidence: what a result was computed from, so that it can be computed again bit for bit.

Definition
    The version of these statistics and of the libraries under them, the digests of the bins and of
    both merged profiles, and the seed. Stored beside a measurement.
"""

import numpy as np
import scipy

from monitoring.stats import storage
from monitoring.stats.findings import Parameter
from monitoring.stats.profiles import Profile
from monitoring.stats.reference import Bins

VERSION = "1"


def evidence(
    bins: Bins, reference: Profile, current: Profile, *, seed: int = 0
) -> dict[str, Parameter]:
    """Return the versions, digests and seed of one computation as JSON-able values."""
    return {
        "stats": VERSION,
        "numpy": np.__version__,
        "scipy": scipy.__version__,
        "bins": bins.digest,
        "reference_profile": storage.digest(reference),
        "current_profile": storage.digest(current),
        "seed": seed,
    }
