"""What a metric says of itself. Pure."""

from dataclasses import dataclass

from monitoring.stats.verdict import Direction

UP, DOWN, BOTH = Direction.UP, Direction.DOWN, Direction.BOTH
SHARE, ANSWER, SD = "share", "answer", "sd"
BINARY, MULTICLASS, REGRESSION = "binary", "multiclass", "regression"
CLASSES = (BINARY, MULTICLASS)
EVERY = (*CLASSES, REGRESSION)


@dataclass(frozen=True)
class Metric:
    """One metric: its name in code, in words, what it means, and what is bad.

    `worse` is the direction of a change that is bad; `unit` is "share", "answer" (the unit of the
    model's prediction), "sd" (standard deviations of the reference) or a unit as it is printed.
    `parts` are the measures that it consists of: each has practical minima of its own, unless the
    monitor says some.
    """

    name: str
    words: str
    explained: str
    worse: Direction
    unit: str = ""
    tasks: tuple[str, ...] = EVERY
    parts: tuple[str, ...] = ()
