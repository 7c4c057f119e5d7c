"""The catalogue: every measure, with its formula, source, code and tests."""

from benchmarks.agreement.catalogue.inputs import INPUTS
from benchmarks.agreement.catalogue.measure import Measure
from benchmarks.agreement.catalogue.results import RESULTS
from benchmarks.agreement.catalogue.time import TIME

MEASURES: tuple[Measure, ...] = (*INPUTS, *RESULTS, *TIME)

__all__ = ["MEASURES", "Measure"]
