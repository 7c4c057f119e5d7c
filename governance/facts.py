"""Facts of a version and its card as labels and values that people read. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from governance.exports import FACT_TITLES, LABELS

BYTES = frozenset({"size"})
MILLISECONDS = "created_ms"  # MLflow's clock counts from 1970
DIGESTS = frozenset({"digest"})
ORDER = ("name", "number", "model", "version", "summary", "purpose", "kind", "rows", "digest")
HIDDEN_TAGS = ("mlflow.",)


@dataclass(frozen=True)
class Fact:
    """One fact; `shape` says how a page shows the value: text, bytes, digest, time or code."""

    label: str
    value: Any
    shape: str = "text"


@dataclass(frozen=True)
class FactGroup:
    title: str
    facts: tuple[Fact, ...]


def groups_of(facts: Mapping[str, Any]) -> tuple[FactGroup, ...]:
    """The facts of a card revision, group by group; empty groups are left out."""
    found: list[FactGroup] = []
    for key, title in FACT_TITLES.items():
        if key == "lineage":
            found += lineage_of(facts.get(key) or {})
        else:
            found.append(FactGroup(title, tuple(_flat(facts.get(key) or {}))))
    return tuple(group for group in found if group.facts)


def lineage_of(lineage: Mapping[str, Any]) -> tuple[FactGroup, ...]:
    """How a version was made: run, parameters, recorded metrics, tags, what the files say."""
    run = lineage.get("run") or {}
    tags = {k: v for k, v in (run.get("tags") or {}).items() if not k.startswith(HIDDEN_TAGS)}
    rest = {k: v for k, v in lineage.items() if k not in {"run", "signature", "environment"}}
    groups = (
        ("Training run", _flat({k: run.get(k) for k in ("id", "status") if run.get(k)})),
        ("Parameters", _flat(run.get("params") or {}, code=True)),
        ("Metrics recorded by the run", _flat(run.get("metrics") or {}, code=True)),
        ("Tags", _flat(tags, code=True)),
        ("What the files say", _flat(rest)),
    )
    found = (FactGroup(title, tuple(facts)) for title, facts in groups)
    return tuple(group for group in found if group.facts)


def _flat(value: Mapping[str, Any], prefix: str = "", *, code: bool = False) -> Iterator[Fact]:
    for name, item in sorted(value.items(), key=_place):
        label = f"{prefix}{name}" if code else f"{prefix}{_label(name)}"
        if isinstance(item, Mapping):
            yield from _flat(item, f"{label} · ", code=code)
        elif item not in (None, "", []):
            yield _fact(label, name, item)


def _place(named: tuple[str, Any]) -> tuple[int, str]:
    """JSON of the database keeps no order: names first, then by the alphabet."""
    name = named[0]
    return (ORDER.index(name) if name in ORDER else len(ORDER), name)


def _fact(label: str, name: str, item: Any) -> Fact:
    if isinstance(item, list | tuple):
        return Fact(label, _listed(item))
    if name in BYTES:
        return Fact(label, item, "bytes")
    if name == MILLISECONDS and isinstance(item, int):
        return Fact(label, datetime.fromtimestamp(item / 1000, UTC).isoformat(), "time")
    if name in DIGESTS:
        return Fact(label, item, "digest")
    if isinstance(item, str) and _is_time(item):
        return Fact(label, item, "time")
    if isinstance(item, int | float) and not isinstance(item, bool):
        return Fact(label, item, "number")
    return Fact(label, item)


def _label(name: str) -> str:
    if name in LABELS:
        return LABELS[name]
    words = name.replace("_", " ")
    return words[:1].upper() + words[1:]


def _listed(items: Sequence[Any]) -> str:
    return ", ".join(_item(item) for item in items)


def _item(item: Any) -> str:
    if isinstance(item, Mapping) and {"name", "dtype"} <= item.keys():
        return f"{item['name']} ({item['dtype']})"
    return str(item)


def _is_time(text: str) -> bool:
    if len(text) < 19 or "T" not in text:
        return False
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True
