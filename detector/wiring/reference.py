"""The configuration documented from its own schema: a commented file and the README's table."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from detector.wiring.listeners import StreamSettings
from detector.wiring.problems import dotted, model_in
from detector.wiring.settings import (
    IdentityPattern,
    IssuerSettings,
    RequesterSettings,
    SensitivityPattern,
    Settings,
)

HEADER: Final = """\
# Assayer's configuration: TOML, every key optional, unknown keys refused.
# Over this file goes the environment (ASSAYER_SERVER__PORT=8282 sets server.port;
# a whole table is JSON: ASSAYER_ISSUERS='{"vault:prod/aws": {"mode": "shadow"}}'),
# and over that the command line. Check it with `assayer config check FILE`.
"""

EXAMPLES: Final = {
    ("issuers",): ('issuers."vault:prod/aws"', IssuerSettings(mode="shadow", step_up=5.0, deny=12.0)),
    ("requesters",): ('requesters."spiffe://prod/ci/deploy"', RequesterSettings(mode="observe")),
    ("identity", "patterns"): (
        "[identity.patterns]",
        IdentityPattern(name="nightly-run", pattern=r"^nightly-\d{8}$", replacement="nightly"),
    ),
    ("sensitivity", "patterns"): (
        "[sensitivity.patterns]",
        SensitivityPattern(pattern=r"(^|/)payroll(/|$)", level="critical"),
    ),
    ("signals", "streams"): (
        "signals.streams.siem",
        StreamSettings(endpoint="https://siem.example/assayer", format="ocsf"),
    ),
}
"""What the tables that are empty by default look like, by their path: header and one entry."""


def example_toml(settings: Settings | None = None) -> str:
    """The commented file that holds `settings`, or the defaults. Loading it gives the same settings again."""
    shown = Settings() if settings is None else settings
    return HEADER + "".join(
        f"\n{line}" for name in Settings.model_fields for line in _table((name,), getattr(shown, name), Settings)
    )


def markdown_table() -> str:
    """Every key with its default, its environment variable and what it is for, as a Markdown table."""
    rows = ["| key | default | what |", "|---|---|---|"]
    rows += [
        f"| `{key}` | {_cell(field)} | {_escaped(field.description or '')} |"
        for key, field in _documented_keys(Settings)
    ]
    return "\n".join(rows) + "\n"


def _table(path: tuple[str, ...], value: Any, parent: type[BaseModel]) -> Iterator[str]:
    """The lines of one top-level table: its comment, plain keys, then the tables in it."""
    description = parent.model_fields[path[-1]].description
    if not isinstance(value, BaseModel):
        yield from _named_tables(path, value, description)
        return
    yield f"# {description}"
    yield f"[{dotted(path)}]"
    inner = []
    for name, field in type(value).model_fields.items():
        below = getattr(value, name)
        if isinstance(below, BaseModel) or (*path, name) in EXAMPLES:
            inner.append(name)
            continue
        yield f"# {field.description}"
        yield f"{name} = {toml_value(below)}"
    for name in inner:
        yield ""
        yield from _table((*path, name), getattr(value, name), type(value))
    if len(path) == 1:
        yield ""


def _named_tables(path: tuple[str, ...], entries: Any, description: str | None) -> Iterator[str]:
    """Issuers by name, or patterns in order; a commented example where there are none."""
    yield f"# {description}"
    if not entries:
        header, example = EXAMPLES[path]
        yield from (f"# {line}" for line in _entry(header, example))
    elif isinstance(entries, tuple):
        for entry in entries:
            yield from _entry(f"[{dotted(path)}]", entry)
    else:
        for name, entry in entries.items():
            yield from _entry(dotted((*path, name)), entry)
    if len(path) == 1:
        yield ""


def _entry(header: str, entry: BaseModel) -> Iterator[str]:
    yield f"[{header}]"
    for name in type(entry).model_fields:
        value = getattr(entry, name)
        if value is not None:
            yield f"{name} = {toml_value(value)}"


def toml_value(value: Any) -> str:
    """A plain value as TOML. JSON's strings, numbers and booleans are TOML's."""
    if isinstance(value, Path):
        return toml_value(str(value))
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return json.dumps(value, ensure_ascii=False)


def _documented_keys(schema: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, FieldInfo]]:
    """Every key with its field; keys of named tables carry a placeholder."""
    for name, field in schema.model_fields.items():
        section = model_in(field.annotation)
        if section is None:
            yield f"{prefix}{name}", field
        elif isinstance(field.annotation, type):
            yield from _documented_keys(section, f"{prefix}{name}.")
        else:
            place = "[]." if f"{prefix}{name}".endswith("patterns") else '."NAME".'
            yield from _documented_keys(section, f"{prefix}{name}{place}")


def _cell(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    default = field.get_default(call_default_factory=True)
    return "as in `policy`" if default is None else f"`{toml_value(default)}`"


def _escaped(text: str) -> str:
    return text.replace("|", "\\|")
