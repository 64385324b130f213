"""What stands in `data/samples`: one small organisation's logs, each issuer's in its own dialect, and a theft to play.

The same bytes on every machine but for the compression, which differs between versions of zlib.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from typing import Any, Final

import msgspec

from detector.events import Event, Issuance
from detector.simulator.labels import Label, Organisation
from detector.simulator.model import DAY, HOUR
from detector.simulator.organisation import simulate
from detector.simulator.story import Story, tell
from detector.simulator.styles import ResourceKind, Style
from detector.simulator.styles.vault import VAULT
from detector.simulator.styles.words import CLOUD_ROLES, PLAIN, RO, RW
from detector.simulator.writers import records, split
from detector.simulator.writers.moments import seconds
from detector.simulator.writers.native import Native

SEED: Final = 28
COMMAND: Final = "python -m detector.simulator samples data/samples"
_ENDS: Final = 8 * DAY + 14 * HOUR  # a working day's afternoon: the story that follows is played in office hours

SAMPLE: Final[Style] = replace(
    VAULT,
    name="sample",
    applications=(7, 7),
    requesters=(46, 46),
    rate_median=3.4,
    rate_sigma=0.9,
    dormant=0.05,
    upheavals=11,
    kinds=(
        ResourceKind(
            issuer="token:https://id.acme.example",
            resource="{app}/{part}:{verb}",
            surface="api",
            dialect="native",
            lifetimes=(600, 900, 1800),
            weight=3.0,
            verbs=RW,
        ),
        ResourceKind(
            issuer="vault:{env}/database",
            resource="{app}-{part}-{verb}",
            surface="sql",
            dialect="vault",
            lifetimes=(3600, 7200),
            weight=2.0,
            verbs=RO,
        ),
        ResourceKind(
            issuer="sts:481200017364",
            resource="arn:aws:iam::481200017364:role/{app}-{part}-{verb}",
            surface="bucket",
            dialect="cloudtrail",
            lifetimes=(900, 3600),
            weight=2.0,
            verbs=CLOUD_ROLES,
        ),
        ResourceKind(
            issuer="kubernetes:acme1-{env}",
            resource="{app}-{env}/{part}-{verb}",
            surface="cluster",
            dialect="kubernetes",
            lifetimes=(600, 3600),
            weight=2.0,
            verbs=PLAIN,
        ),
    ),
)


def organisation() -> Organisation:
    """The samples' organisation: nine days less some hours, with three campaigns in the last three."""
    whole = simulate(SAMPLE, SEED, days=9, warm_up_days=5, campaigns=3)
    rows = tuple(row for row in whole.rows if row.event.time < whole.start + _ENDS)
    return replace(whole, rows=rows)


def files() -> dict[str, bytes]:
    """Every file of the samples by its name, uncompressed (those that end in `.gz` are to be compressed)."""
    history = organisation()
    logs = split(history)
    story = tell(history)
    out = {
        "history.jsonl.gz": _lines(records("native", logs["native"])),
        "vault/audit.log.gz": _lines(records("vault", logs["vault"])),
        "kubernetes/audit.log.gz": _lines(records("kubernetes", logs["kubernetes"])),
        "honest-requests.jsonl": _story(story.honest),
        "stolen-runner.jsonl": _story(story.stolen),
    }
    for day, entries in groupby(records("cloudtrail", logs["cloudtrail"]), key=lambda r: r["eventTime"][:10]):
        name = f"cloudtrail/481200017364_CloudTrail_eu-west-1_{day.replace('-', '')}.json.gz"
        out[name] = out.get(name, b"") + _lines(entries)
    for name in [name for name in out if name.startswith("cloudtrail/")]:
        out[name] = b'{"Records":[' + b",\n".join(out[name].splitlines()) + b"]}\n"
    out["README.md"] = readme(history, story, logs).encode()
    return out


def write(folder: Path) -> None:
    """Write the samples; files that were there before under other names are left alone."""
    for name, content in files().items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(_packed(content) if name.endswith(".gz") else content)


def readme(history: Organisation, story: Story, logs: dict[str, list[Event]]) -> str:
    """The samples' README: what is what, who is the thief, and how all of it is made."""
    lines = [
        "# Samples",
        "",
        "Made by the project's own simulator; nothing here was ever anybody's. To make them again, the same:",
        "",
        f"    {COMMAND}",
        "",
        f"One small organisation from {seconds(history.start)} to {seconds(history.start + _ENDS)}.",
        "Each issuer's events stand in its own dialect and nowhere else, so that all of it can be learnt at once.",
        "Clocks of issuers and of what sees the use differ by seconds, some records come late or twice,",
        "and honest life is untidy.",
        "",
        "| file | what | issuances | uses |",
        "|---|---|---|---|",
    ]
    told = {
        "native": "`history.jsonl.gz`: native JSON Lines, a token endpoint's log, with the ends of tasks",
        "cloudtrail": "`cloudtrail/*.json.gz`: CloudTrail `Records`, roles taken and calls made, one file a day",
        "vault": "`vault/audit.log.gz`: Vault audit lines, logins and calls, each as request and response",
        "kubernetes": "`kubernetes/audit.log.gz`: Kubernetes audit lines, TokenRequests and calls by service accounts",
    }
    for dialect, what in told.items():
        minted = sum(isinstance(event, Issuance) for event in logs[dialect])
        used = sum(type(event).__name__ == "Usage" for event in logs[dialect])
        lines.append(f"| {what.replace(': ', ' | ', 1)} | {minted} | {used} |")
    lines += [
        "",
        "The first three days are quiet; of what came later, this was abuse:",
        "",
        "| kind | identity | first seen | rows |",
        "|---|---|---|---|",
        *_abuse(history),
        "",
        f"`honest-requests.jsonl` and `stolen-runner.jsonl` follow the history by minutes: `{story.runner}` asks as it",
        "always does, then a thief who holds its identity asks from a rented server. In `stolen-runner.jsonl` the",
        "grant requests are what he asks of brokers that ask Assayer; the issuances and uses are what he got from an",
        "issuer that does not. `assayer demo` plays both.",
        "",
    ]
    return "\n".join(lines)


def _abuse(history: Organisation) -> list[str]:
    rows: dict[str, list[tuple[Label, float]]] = {}
    for row in history.rows:
        if row.label.campaign:
            rows.setdefault(row.label.campaign, []).append((row.label, row.event.time))
    return [
        f"| {found[0][0].kind} | `{found[0][0].principal}` | {seconds(found[0][1])} | {len(found)} |"
        for found in rows.values()
    ]


def _lines(entries: Iterable[dict[str, Any]]) -> bytes:
    return b"".join(msgspec.json.encode(entry) + b"\n" for entry in entries)


def _story(events: Sequence[Event]) -> bytes:
    writer = Native()
    return _lines(record for event in events for record in writer.records(event))


def _packed(content: bytes) -> bytes:
    """gzip without a time in its header."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    return packer.compress(content) + packer.flush()


__all__ = ["COMMAND", "SAMPLE", "files", "organisation", "write"]
