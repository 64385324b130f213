"""`python -m bench.splice`: recorded attacks on AWS, each spliced after a quiet life of its principal.

For every Stratus Red Team file in which a role is taken, three weeks of its principal are written from the file's own
fields: the same account, region, address, client and hours, roles of its own, and a handful of peers at the next
desks. The file's records come after it, unchanged. Beside it the same records are honest: in the weeks before, most
of the peers had taken the same role up and done the same with it. What the two rows of a file differ in is
therefore company, and nothing else.

Nothing of the files is stored. They are read from `../shared/data` beside the checkout unless told otherwise.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, NamedTuple

from bench.detection.ours import rows, shipped_policy
from bench.detection.tables import table
from detector.engine import Row
from detector.events import Event, Issuance
from detector.sources import DIALECTS, Unreadable

SHARED: Final = Path(__file__).resolve().parents[2] / "shared" / "data"
FOLDER: Final = Path("cloudtrail") / "stratus"
DAY: Final = 86_400.0
WEEKS: Final = 3
SESSIONS: Final = 4
"""Roles taken a working day: about what a cloud engineer's tooling takes."""

PEERS: Final = 5
ADOPTERS: Final = 3
ADOPTED: Final = (10, 7, 4, 2)
"""Days before the splice on which an adopter did what the file does."""

ROLES: Final = ("deploy-web", "read-logs", "nightly-backup", "metrics", "staging-admin", "build-images", "dns")
CALLS: Final = (
    ("ec2.amazonaws.com", "DescribeInstances"),
    ("s3.amazonaws.com", "ListBuckets"),
    ("logs.amazonaws.com", "GetLogEvents"),
    ("cloudwatch.amazonaws.com", "GetMetricData"),
    ("ecr.amazonaws.com", "DescribeImages"),
    ("autoscaling.amazonaws.com", "DescribeAutoScalingGroups"),
)

Record = dict[str, Any]


class Recording(NamedTuple):
    """A file's records, the earliest first, and its first granted issuance as a record."""

    name: str
    records: list[Record]
    mint: Record

    @property
    def start(self) -> float:
        """When it begins, Unix seconds."""
        return seconds(self.records[0])

    @property
    def user(self) -> str:
        """The ARN of who minted."""
        return str(self.mint["userIdentity"]["arn"])


class Person(NamedTuple):
    """Somebody of the account: the name that stands in ARNs, an address, and roles it takes."""

    arn: str
    address: str
    roles: tuple[str, ...]


def recordings(folder: Path) -> Iterator[Recording]:
    """The files in which a role was taken: a quiet life can be written from that, and not from a lasting key alone."""
    for path in sorted(folder.glob("*.json")):
        records = json.loads(path.read_text("utf-8"))
        records.reverse()  # the newest stands first, within one second too
        records.sort(key=seconds)
        for record in records:
            asked, answered = record.get("requestParameters") or {}, record.get("responseElements")
            if "roleArn" in asked and answered and any(isinstance(event, Issuance) for event in decoded([record])):
                yield Recording(path.stem, records, record)
                break


def decoded(records: Iterable[Record]) -> list[Event]:
    """The events in some records, in their order; what cannot be read is left out."""
    found = (DIALECTS["cloudtrail"](record) for record in records)
    return [event for events in found if not isinstance(events, Unreadable) for event in events]


def splice(recording: Recording, *, honest: bool) -> list[Row]:
    """What the engine says of the file's own rows, after a quiet life."""
    dice = random.Random(recording.name)
    people = _people(recording, dice)
    lived = [record for person in people for record in _life(recording, person, dice)]
    if honest:
        for person in people[1 : ADOPTERS + 1]:
            for days in ADOPTED:
                lived += _adopted(recording, person, days * DAY - 60.0 * dice.randrange(60), dice)
    told = decoded(sorted(lived, key=seconds)) + decoded(recording.records)
    judged = rows(told, shipped_policy())
    own = {record["eventID"] for record in recording.records}
    return [row for row in judged if row.id in own]


def _people(recording: Recording, dice: random.Random) -> list[Person]:
    """The principal, and peers in its network with other names, each with three of the account's roles."""
    head, _, name = recording.user.rpartition("/")
    address = str(recording.mint["sourceIPAddress"])
    near = address.rpartition(".")[0]
    names = [name, *(f"{name[0]}{dice.randrange(36**4):05d}" for _ in range(PEERS))]
    places = [address, *(f"{near}.{dice.randrange(1, 255)}" for _ in range(PEERS))]
    return [
        Person(f"{head}/{name}", place, tuple(dice.sample(ROLES, 3))) for name, place in zip(names, places, strict=True)
    ]


def _life(recording: Recording, person: Person, dice: random.Random) -> Iterator[Record]:
    """Three weeks of working days: roles taken around the file's own hour, and a few calls with each."""
    for day in range(7 * WEEKS, 0, -1):
        if datetime.fromtimestamp(recording.start - day * DAY, UTC).weekday() > 4 and dice.random() < 0.7:
            continue
        for _ in range(dice.randrange(SESSIONS - 1, SESSIONS + 2)):
            time = recording.start - day * DAY + dice.uniform(-3.0, 3.0) * 3_600.0
            yield from _session(recording, person, dice.choice(person.roles), time, dice)


def _session(recording: Recording, person: Person, role: str, time: float, dice: random.Random) -> Iterator[Record]:
    """The file's mint as this person's for that role, and what its key then did."""
    asked = recording.mint["requestParameters"]["roleArn"]
    there = f"{asked.rpartition('/')[0]}/{role}"
    mint = _as(recording, recording.mint, person, time, dice, {asked.rpartition("/")[2]: role})
    yield mint
    session = mint["responseElements"]["assumedRoleUser"]["arn"]
    key = mint["responseElements"]["credentials"]["accessKeyId"]
    account = mint["recipientAccountId"]
    for number in range(dice.randrange(1, 4)):
        source, name = CALLS[(ROLES.index(role) + dice.randrange(2)) % len(CALLS)]
        kept = {name: value for name, value in mint.items() if name not in {"requestParameters", "responseElements"}}
        yield {
            **kept,
            "eventID": f"{dice.getrandbits(128):032x}",
            "eventTime": moment(time + 5.0 + 20.0 * number),
            "eventSource": source,
            "eventName": name,
            "resources": [],
            "userIdentity": {
                "type": "AssumedRole",
                "arn": session,
                "accountId": account,
                "accessKeyId": key,
                "sessionContext": {"sessionIssuer": {"type": "Role", "arn": there, "accountId": account}},
            },
        }


def _adopted(recording: Recording, person: Person, before: float, dice: random.Random) -> list[Record]:
    """The whole file as another person's, so many seconds earlier; its keys stay joined to their uses."""
    names = {key: f"ASIA{dice.randrange(36**10):016d}" for key in _keys(recording.records)}
    return [_as(recording, record, person, seconds(record) - before, dice, names) for record in recording.records]


def _as(  # noqa: PLR0917 - a record and all that is put in its place
    recording: Recording, record: Record, person: Person, time: float, dice: random.Random, names: dict[str, str]
) -> Record:
    """A record of the file with other names in it."""
    keys = {key: f"ASIA{dice.randrange(36**10):016d}" for key in _keys([record]) if key not in names}
    text = json.dumps(record)
    put = {recording.user: person.arn, str(recording.mint["sourceIPAddress"]): person.address, **keys, **names}
    own = str(recording.mint["userIdentity"].get("accessKeyId", ""))
    if own:  # a person's lasting key is its own, and stays
        put[own] = f"AKIA{random.Random(person.arn).randrange(36**10):016d}"
    for old, new in put.items():
        text = text.replace(old, new)
    return {**json.loads(text), "eventID": f"{dice.getrandbits(128):032x}", "eventTime": moment(time)}


def _keys(records: Iterable[Record]) -> list[str]:
    """The session keys that records give or are signed with."""
    found = set[str]()
    for record in records:
        given = (record.get("responseElements") or {}).get("credentials") or {}
        found |= {key for key in (given.get("accessKeyId"), record["userIdentity"].get("accessKeyId")) if key}
    return sorted(found)


def seconds(record: Record) -> float:
    """A record's time, Unix seconds."""
    return datetime.fromisoformat(record["eventTime"]).timestamp()


def moment(time: float) -> str:
    """Unix seconds as CloudTrail writes them."""
    return datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def report(name: str, kind: str, judged: list[Row]) -> list[list[str]]:
    """A line for each issuance of the file, then one for its strongest use."""
    lines = [row for row in judged if row.kind == "issuance"]
    uses = [row for row in judged if row.kind == "usage"]
    found = [("issuance", row) for row in lines]
    if uses:
        found.append((f"strongest of {len(uses)} uses", max(uses, key=lambda row: row.evidence)))
    return [[name, kind, what, row.verdict, f"{row.evidence:.2f}", _because(row)] for what, row in found]


def _because(row: Row) -> str:
    return ", ".join(f"{reason.code} {reason.nats:.1f}" for reason in row.reasons[:4])


def main() -> int:
    """Splice, print."""
    parser = argparse.ArgumentParser(prog="python -m bench.splice", description=__doc__)
    parser.add_argument("data", nargs="?", type=Path, default=SHARED, help="the folder that holds cloudtrail/stratus")
    folder = parser.parse_args().data / FOLDER
    if not folder.is_dir():
        print(f"{folder}: no such folder; name the one that holds {FOLDER}", file=sys.stderr)
        return 2
    lines = [
        line
        for recording in recordings(folder)
        for honest in (False, True)
        for line in report(
            recording.name.removeprefix("aws."), "honest" if honest else "attack", splice(recording, honest=honest)
        )
    ]
    print(table(("recording", "splice", "row", "verdict", "evidence", "reasons, nats"), lines))
    return 0


if __name__ == "__main__":
    sys.exit(main())
