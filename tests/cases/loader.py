"""Stories of decisions, read strictly: a corpus nobody has validated is one whose cases may assert nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

VERBS: Final[dict[str, frozenset[str]]] = {
    "live": frozenset({"days", "requester", "issuer", "resource"}),
    "wait": frozenset({"seconds"}),
    "ask": frozenset(
        {
            "id",
            "requester",
            "issuer",
            "resource",
            "privilege",
            "ttl_seconds",
            "task",
            "break_glass",
            "purpose",
            "from",
            "trusted",
        }
    ),
    "mint": frozenset(
        {
            "requester",
            "issuer",
            "resource",
            "privilege",
            "ttl_seconds",
            "task",
            "from",
            "trusted",
            "outcome",
            "credential",
            "for",
        }
    ),
    "use": frozenset({"credential", "action", "from", "trusted", "outcome"}),
    "happens": frozenset({"change", "subject", "trusted"}),
    "outcome": frozenset({"of", "says"}),
    "rule": frozenset({"requester", "resource", "mode", "seconds"}),
}
"""What may happen in a story, and what may be said of it."""

EXPECTED: Final = frozenset({"answer", "verdict", "reasons", "first_reason", "denied_by_rule", "raises_rule"})
CASE: Final = frozenset({"name", "tells", "mode", "steps"})


class BadCase(ValueError):
    """A story that cannot be told as it is written; the text says where and why."""


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happens, and what is to come of it."""

    verb: str
    said: dict[str, Any]
    expected: dict[str, Any]
    called: str | None


@dataclass(frozen=True, slots=True)
class Case:
    """One story."""

    name: str
    tells: str
    mode: str
    steps: tuple[Step, ...]


class _Strict(yaml.SafeLoader):
    """YAML in which a key that stands twice is a mistake, not a correction."""


def _mapping(loader: _Strict, node: yaml.MappingNode) -> dict[Any, Any]:
    keys = [loader.construct_object(key) for key, _ in node.value]
    twice = {key for key in keys if keys.count(key) > 1}
    if twice:
        raise BadCase(f"line {node.start_mark.line + 1}: {sorted(twice)} stands twice")
    return dict(loader.construct_mapping(node, deep=True))


_Strict.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)


def cases(text: str, origin: str) -> Iterator[Case]:
    """The stories of one file. Raises `BadCase` for unknown keys, duplicate names, and stories that expect nothing."""
    told = yaml.load(text, Loader=_Strict)  # noqa: S506 - a SafeLoader, made stricter
    if not isinstance(told, list) or not told:
        raise BadCase(f"{origin}: a list of cases is wanted")
    names: set[str] = set()
    for raw in told:
        case = _case(raw, origin)
        if case.name in names:
            raise BadCase(f"{origin}: two cases are named {case.name!r}")
        names.add(case.name)
        yield case


def corpus(folder: Path) -> list[Case]:
    """Every story of a folder. A name is used once in all files."""
    found = [case for path in sorted(folder.glob("*.yaml")) for case in cases(path.read_text("utf-8"), path.name)]
    names = [case.name for case in found]
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise BadCase(f"named twice in {folder.name}: {sorted(twice)}")
    return found


def _case(raw: Any, origin: str) -> Case:
    if not isinstance(raw, dict):
        raise BadCase(f"{origin}: a case is a mapping, not {raw!r}")
    where = f"{origin}: {raw.get('name', 'a case without a name')}"
    _known(raw, CASE, where)
    if missing := CASE - {"mode"} - raw.keys():
        raise BadCase(f"{where}: {sorted(missing)} is missing")
    steps = tuple(_step(step, where) for step in raw["steps"])
    if not any(step.expected for step in steps):
        raise BadCase(f"{where}: it expects nothing, so it cannot fail")
    return Case(raw["name"], raw["tells"], raw.get("mode", "enforce"), steps)


def _step(raw: Any, where: str) -> Step:
    verbs = [key for key in raw if key in VERBS]
    _known(raw, frozenset(VERBS) | {"expect", "as"}, where)
    if len(verbs) != 1:
        raise BadCase(f"{where}: one thing at a time, not {verbs}")
    verb = verbs[0]
    said, expected = raw[verb] or {}, raw.get("expect", {})
    _known(said, VERBS[verb], f"{where}, {verb}")
    _known(expected, EXPECTED, f"{where}, expect")
    if expected and verb not in {"ask", "mint", "use"}:
        raise BadCase(f"{where}: nothing can be expected of {verb!r}")
    return Step(verb, said, expected, raw.get("as"))


def _known(raw: dict[str, Any], allowed: frozenset[str], where: str) -> None:
    unknown = raw.keys() - allowed
    if unknown:
        raise BadCase(f"{where}: {sorted(unknown)} is not known here; known are {sorted(allowed)}")
