"""What each kind of monitor measures of a window."""

from monitoring.jobs.measuring.concept import of_concept
from monitoring.jobs.measuring.context import Measure
from monitoring.jobs.measuring.data import of_drift, of_novelty, of_quality
from monitoring.jobs.measuring.estimated import of_estimate
from monitoring.jobs.measuring.explained import of_explanations
from monitoring.jobs.measuring.labelled import of_calibration, of_fairness, of_performance
from monitoring.jobs.measuring.service import of_business, of_operations

MEASURES: dict[str, Measure] = {
    "quality": of_quality,
    "drift": of_drift,
    "novelty": of_novelty,
    "performance": of_performance,
    "estimate": of_estimate,
    "calibration": of_calibration,
    "concept": of_concept,
    "fairness": of_fairness,
    "operations": of_operations,
    "business": of_business,
    "explanation": of_explanations,
}
