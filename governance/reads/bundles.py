"""What a bundle tells: items with their walkthroughs and notes, the model as of both its ends."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any

from audit.models import Event
from audit.proofs import prove_event
from governance.models import Bundle, Population, Sample, SampleEntry
from governance.reads.as_of import as_of
from governance.reads.populations import SOURCES, label_of, numbers_of, rows_of
from governance.reads.walkthroughs import Walkthrough, walkthrough
from registry.gateways import store
from registry.models import Model

MOST_ITEMS = 500
MOMENT = timedelta(microseconds=1)
IN_A_PERIOD = (Population.CHANGES, Population.INCIDENTS, Population.WAIVERS)


@dataclass(frozen=True)
class Told:
    """One item of a bundle."""

    position: int
    kind: str
    number: int
    label: str
    model: str
    walk: Walkthrough
    entries: list[dict[str, Any]]
    conclusion: str

    @property
    def file(self) -> str:
        return f"{self.position:03d}"


@dataclass(frozen=True)
class Contents:
    """A whole bundle as plain values."""

    title: str
    statement: str
    items: list[Told]
    sample: dict[str, Any] | None
    moments: list[dict[str, Any]]

    def as_json(self) -> dict[str, Any]:
        return {
            "format": "ombud-bundle/1",
            "title": self.title,
            "statement": self.statement,
            "moments": self.moments,
            "items": [
                {
                    "position": one.position,
                    "kind": one.kind,
                    "number": one.number,
                    "label": one.label,
                    "model": one.model,
                    "conclusion": one.conclusion,
                    "walkthrough": asdict(one.walk),
                    "entries": one.entries,
                }
                for one in self.items
            ],
        }


def contents_of(bundle: Bundle) -> Contents:
    """Everything that the bundle tells, at most `MOST_ITEMS` items."""
    if bundle.sample is not None:
        return _of_sample(bundle.sample)
    return _of_model(bundle)


def _of_sample(sample: Sample) -> Contents:
    items = list(sample.items.select_related("model").order_by("position")[:MOST_ITEMS])
    entries = _entries(sample)
    told = [
        _told(item.position, item.kind, item.number, item.label, item.model, entries.get(item.pk))
        for item in items
    ]
    statement = (
        f"{len(items)} of {sample.population_size} {sample.get_population_display()} from "
        f"{sample.since:%Y-%m-%d} to {sample.until - MOMENT:%Y-%m-%d}, drawn with the seed "
        f"“{sample.seed}” by {sample.drawn_by_name}."
    )
    return Contents(str(sample), statement, told, sample_json(sample, items), [])


def sample_json(sample: Sample, items: list[Any]) -> dict[str, Any]:
    """A sample with its whole population: enough to draw it again."""
    return {
        "number": sample.pk,
        "title": sample.title,
        "population": sample.population,
        "kind": SOURCES[sample.population].kind,
        "filters": sample.filters,
        "since": sample.since,
        "until": sample.until,
        "seed": sample.seed,
        "size": sample.size,
        "algorithm": sample.algorithm,
        "population_size": sample.population_size,
        "population_digest": sample.population_digest,
        "numbers": sample.numbers,
        "drawn_by": sample.drawn_by_name,
        "drawn_at": sample.drawn_at,
        "items": [
            {
                "position": item.position,
                "number": item.number,
                "key": item.key,
                "label": item.label,
                "model": item.model.slug,
            }
            for item in items
        ],
    }


def _of_model(bundle: Bundle) -> Contents:
    model, since, until = bundle.model, bundle.since, bundle.until
    if model is None or since is None or until is None:
        raise ValueError(f"{bundle} is of nothing")
    asked: list[tuple[str, int]] = []
    for population in IN_A_PERIOD:
        filters = {"model": model.slug}
        numbers = numbers_of(population, since=since, until=until, filters=filters)
        asked += [(SOURCES[population].kind, number) for number in numbers]
    told = [
        _told(position, kind, number, label_of(kind, rows_of(kind, [number])[number]), model, None)
        for position, (kind, number) in enumerate(asked[:MOST_ITEMS], start=1)
    ]
    last = until - MOMENT
    statement = (
        f"{len(told)} of {len(asked)} changes, incidents and waivers of {model.name} from "
        f"{since:%Y-%m-%d} to {last:%Y-%m-%d}."
    )
    whole = Model.objects.select_related("team", "owner").get(pk=model.pk)
    moments = [asdict(as_of(whole, at)) for at in (since, last)]
    return Contents(
        f"{model.name}, {since:%Y-%m-%d} to {last:%Y-%m-%d}", statement, told, None, moments
    )


def _told(
    position: int,
    kind: str,
    number: int,
    label: str,
    model: Model,
    entries: list[dict[str, Any]] | None,
) -> Told:
    said = [one["conclusion"] for one in entries or [] if one["conclusion"]]
    return Told(
        position=position,
        kind=kind,
        number=number,
        label=label,
        model=model.name,
        walk=walkthrough(kind, number, label),
        entries=entries or [],
        conclusion=said[-1] if said else "",
    )


def _entries(sample: Sample) -> dict[int, list[dict[str, Any]]]:
    """What auditors wrote, by item; one query."""
    found: dict[int, list[dict[str, Any]]] = {}
    rows = SampleEntry.objects.filter(item__sample=sample).select_related("finding")
    for one in rows.order_by("at", "pk"):
        told = {
            "at": one.at,
            "name": one.printed_name,
            "conclusion": one.conclusion,
            "text": one.text,
            "shared": one.shared,
            "finding": str(one.finding) if one.finding else "",
        }
        found.setdefault(one.item_id, []).append(told)
    return found


def proofs_of(contents: Contents) -> Iterator[tuple[int, dict[str, Any]]]:
    """The inclusion proof of every event that a walkthrough names and a checkpoint covers."""
    wanted = {
        event["sequence"] for one in contents.items for event in one.walk.events if event["proved"]
    }
    for event in Event.objects.filter(pk__in=wanted).order_by("sequence"):
        yield event.sequence, prove_event(event=event).content()


def bundle_lines(user: Any) -> list[Bundle]:
    """The newest hundred bundles that the person may see."""
    rows = Bundle.objects.visible_to(user).select_related("sample", "model", "requested_by")
    return list(rows.defer("sample__numbers")[:100])


def pieces_of(bundle: Bundle) -> Iterator[bytes]:
    """The stored file, piece by piece."""
    with store.opened(bundle.path) as source:
        while piece := source.read(store.CHUNK):
            yield piece
