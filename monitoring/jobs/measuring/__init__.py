"""What each kind of monitor measures of a window."""

from monitoring.jobs.measuring.context import Measure
from monitoring.jobs.measuring.data import of_drift, of_quality
from monitoring.jobs.measuring.labelled import of_calibration, of_fairness, of_performance

MEASURES: dict[str, Measure] = {
    "quality": of_quality,
    "drift": of_drift,
    "performance": of_performance,
    "calibration": of_calibration,
    "fairness": of_fairness,
}
