"""What a measure is given: a monitor, a window of a version, and what it is held against."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from monitoring.jobs.windows import Window
from monitoring.models import Monitor
from monitoring.reads.baselines import Baseline
from monitoring.reads.references import Against
from monitoring.reads.windows import Merged, exploration_segment, parts_of
from monitoring.stats.findings import Finding
from monitoring.stats.profiles import Profile
from monitoring.stats.reference import Bins, Role
from registry.models import Version

PARTS = 28  # of a week: six hours


@dataclass(frozen=True)
class Raw:
    """One finding before it is judged; `judged` is False where no threshold is about it."""

    finding: Finding
    field: str = ""
    segment: str = ""
    judged: bool = True


@dataclass(frozen=True)
class Context:
    """Everything that the numbers of one run depend on."""

    monitor: Monitor
    version: Version
    baseline: Baseline
    against: Against
    window: Window
    merged: Merged
    seed: int = 0
    read: dict[str, Sequence[Profile]] = field(default_factory=dict)

    def parts(self, segment: str) -> Sequence[Profile]:
        """The counts of the window by time; read once, and only for what asks for it."""
        if segment not in self.read:
            self.read[segment] = parts_of(
                self.bins,
                version_id=self.version.pk,
                start=self.window.start,
                end=self.window.end,
                parts=PARTS,
                segment=segment,
            )
        return self.read[segment]

    @property
    def bins(self) -> Bins:
        return self.baseline.bins

    @property
    def metric(self) -> str:
        return self.monitor.metric

    @property
    def explored(self) -> str:
        """The segment of rows that were decided at random; "" where no field says which."""
        return exploration_segment(self.bins.schema)

    def counted(self, segment: str) -> "Counted":
        """The rows of one segment, and what they are held against."""
        usual = self.against.by_segment.get(segment, self.baseline.profile)
        return Counted(segment, self.merged.by_segment[segment], usual)

    def fields(self, *roles: Role) -> list[str]:
        """The monitor's fields as far as this version has them; all of `roles` if it names none."""
        fields = self.bins.schema.frozen
        if not self.monitor.fields:
            return [spec.name for spec in fields if spec.role in roles]
        return [spec.name for spec in fields if spec.name in self.monitor.fields]


@dataclass(frozen=True)
class Counted:
    """Counts of one segment of the window, and of what it is held against."""

    segment: str
    profile: Profile
    reference: Profile


Measure = Callable[[Context, Counted], Iterator[Raw]]
