"""What MLflow should say of a model, what it says, and what somebody else has changed. Pure."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from registry.states import DeploymentRole, DeviationKind

MAIN_ENVIRONMENT = "production"
STAGE_TAG = "ombud.stage"
ROLE_TAG = "ombud.role"
URL_TAG = "ombud.version_url"
OUR_TAGS = (STAGE_TAG, ROLE_TAG, URL_TAG)
KEPT_REPAIRS = 20


@dataclass(frozen=True)
class Serving:
    """A version's role in force, as far as MLflow is concerned."""

    mlflow_version: int
    environment: str
    role: str


@dataclass(frozen=True)
class Wanted:
    """Aliases, and tags by version, as approved changes have made them.

    `governed` are the aliases that Ombud has ever had a reason to set: only those are taken away.
    One that stood in MLflow before is told of, not torn out of somebody's production.
    """

    aliases: Mapping[str, int] = field(default_factory=dict)
    governed: frozenset[str] = frozenset()
    tags: Mapping[int, Mapping[str, str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Difference:
    """An alias that points elsewhere (0: nowhere) than where we had put it, or a lost version."""

    what: str
    expected: int
    found: int

    def as_json(self) -> dict[str, Any]:
        return {"what": self.what, "expected": self.expected, "found": self.found}

    def __str__(self) -> str:
        if self.what == "version":
            return f"Version {self.expected} was deleted in MLflow."
        found = f"version {self.found}" if self.found else "nothing"
        expected = f"version {self.expected}" if self.expected else "nothing"
        return f"The alias {self.what} was moved from {expected} to {found} outside of Ombud."


@dataclass(frozen=True)
class Observed:
    """A deviation as one look has found it; `version` is MLflow's number, 0 for none."""

    kind: DeviationKind
    what: str
    expected: str
    found: str
    message: str
    version: int = 0
    environment: str = ""

    @property
    def key(self) -> tuple[str, str, str, str]:
        return (self.kind.value, self.what, self.expected, self.found)


@dataclass(frozen=True)
class Intended:
    """What pushes of ours were about to set (0, "": take away) and did not live to confirm."""

    aliases: Mapping[str, Collection[int]] = field(default_factory=dict)
    tags: Mapping[str, Collection[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, kept: Mapping[str, Any]) -> "Intended":
        return cls(kept.get("aliases", {}), kept.get("tags", {}))

    def and_also(
        self, aliases: Mapping[str, int], tags: Iterable[tuple[str, str]]
    ) -> dict[str, dict[str, list[Any]]]:
        """With what a further push is about to set, as it is kept."""
        more: dict[str, dict[str, set[Any]]] = {
            "aliases": {name: set(to) for name, to in self.aliases.items()},
            "tags": {name: set(to) for name, to in self.tags.items()},
        }
        for alias, version in aliases.items():
            more["aliases"].setdefault(alias, set()).add(version)
        for tag, value in tags:
            more["tags"].setdefault(tag, set()).add(value)
        return {
            part: {name: sorted(to) for name, to in names.items()} for part, names in more.items()
        }


NOTHING_INTENDED = Intended()


def observed(differences: Iterable[Difference], governed: Collection[str]) -> list[Observed]:
    """Moved aliases and lost versions as deviations.

    An alias that stood in MLflow before Ombud had a reason to set it is told of, and no deviation.
    """
    return [
        Observed(
            DeviationKind.VERSION_GONE if one.what == "version" else DeviationKind.ALIAS,
            one.what if one.what != "version" else f"version {one.expected}",
            str(one.expected or ""),
            str(one.found or ""),
            str(one),
            one.expected,
            "" if one.what == "version" else environment_of(one.what),
        )
        for one in differences
        if one.what == "version" or one.what in governed
    ]


def changed_tags(
    *,
    pushed: Mapping[str, Mapping[str, str]],
    found: Mapping[int, Mapping[str, str]],
    wanted: Mapping[int, Mapping[str, str]],
    intended: Intended,
) -> list[Observed]:
    """Tags of ours that are neither what we last set nor what we would set now."""
    return [
        _changed_tag(version, tag, pushed[str(version)].get(tag, ""), found[version].get(tag, ""))
        for version, tags in sorted(wanted.items())
        if version in found and str(version) in pushed
        for tag in OUR_TAGS
        if found[version].get(tag) not in {pushed[str(version)].get(tag), tags.get(tag)}
        and found[version].get(tag, "") not in intended.tags.get(f"version {version} {tag}", ())
    ]


def _changed_tag(version: int, tag: str, expected: str, found: str) -> Observed:
    message = (
        f"The tag {tag} of version {version} was changed from {expected or 'nothing'} to "
        f"{found[:200] or 'nothing'} outside of Ombud."
    )
    what = f"version {version} {tag}"
    return Observed(DeviationKind.TAG, what, expected, found[:200], message, version)


def environment_of(alias: str) -> str:
    """The environment that an alias of ours speaks of."""
    return alias.partition("-")[2] or MAIN_ENVIRONMENT


def alias_of(role: str, environment: str) -> str:
    """`champion` in production, `champion-staging` elsewhere: MLflow knows no environments."""
    return role if environment == MAIN_ENVIRONMENT else f"{role}-{environment}"


def is_ours(alias: str) -> bool:
    """Aliases that follow approved changes; people's own aliases are left alone."""
    return any(alias == role or alias.startswith(f"{role}-") for role in DeploymentRole)


def wanted_tags(stage: str, url: str, roles: Iterable[Serving]) -> dict[str, str]:
    held = sorted(f"{one.role} in {one.environment}" for one in roles)
    tags = {STAGE_TAG: stage, URL_TAG: url}
    return tags | ({ROLE_TAG: ", ".join(held)} if held else {})


def wanted_aliases(roles: Iterable[Serving]) -> dict[str, int]:
    """Alias -> version; of several challengers the one that started last (they come in order)."""
    return {alias_of(one.role, one.environment): one.mlflow_version for one in roles}


@dataclass(frozen=True)
class Origin:
    """What tells a version from another one that has its number: MLflow changes neither."""

    source: str
    created_ms: int


def made_anew(*, registered: Mapping[int, Origin], found: Mapping[int, Origin]) -> list[Observed]:
    """Versions whose number was given to another one: a deleted model's name was used again."""
    return [
        Observed(
            DeviationKind.MADE_ANEW,
            f"version {number}",
            origin.source[:300],
            found[number].source[:300],
            f"Version {number} in MLflow is another one than was registered here: the model was "
            "deleted and made anew outside of Ombud.",
            number,
        )
        for number, origin in sorted(registered.items())
        if number in found and found[number] != origin
    ]


def drift(
    *,
    pushed: Mapping[str, int],
    found: Mapping[str, int],
    wanted: Mapping[str, int],
    intended: Intended = NOTHING_INTENDED,
) -> list[Difference]:
    """Our aliases that somebody else has moved since we set them.

    An alias that is not yet where it should be is no drift: our own push has not come through. Nor
    is one where a push of ours was about to set it, which was killed or overtaken since.
    """
    names = {name for name in {*pushed, *found, *wanted} if is_ours(name)}
    return [
        Difference(name, pushed.get(name, 0), found.get(name, 0))
        for name in sorted(names)
        if found.get(name, 0)
        not in {pushed.get(name, 0), wanted.get(name, 0), *intended.aliases.get(name, ())}
    ]


def alias_moves(
    wanted: Wanted, *, found: Mapping[str, int], versions: Collection[int]
) -> tuple[dict[str, int], list[str]]:
    """Aliases to set and aliases to take away, as far as MLflow still has the `versions`."""
    there = {name: version for name, version in wanted.aliases.items() if version in versions}
    to_set = {name: version for name, version in there.items() if found.get(name) != version}
    gone = sorted(name for name in found if name in wanted.governed and name not in there)
    return to_set, gone


def tag_moves(
    *, found: Mapping[str, str], wanted: Mapping[str, str]
) -> tuple[dict[str, str], list[str]]:
    """Tags to set and tags of ours to take away."""
    to_set = {key: value for key, value in wanted.items() if found.get(key) != value}
    gone = sorted(key for key in OUR_TAGS if key in found and key not in wanted)
    return to_set, gone
