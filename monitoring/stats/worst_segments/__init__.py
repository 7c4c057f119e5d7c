"""Worst segments: an automatic search for the rows on which a model does worst.

`cells` cuts the fields, `sums` compares rows, `search` finds on one half and confirms on the other.
"""

from monitoring.stats.worst_segments.cells import Condition
from monitoring.stats.worst_segments.search import Search, Segment, worst_segments

__all__ = ["Condition", "Search", "Segment", "worst_segments"]
