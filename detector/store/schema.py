"""What `log.sqlite3` holds, and what of a record stands in its columns.

    meta(name, value)                             the schema's version, the log's identity, when it was made
    entries(position, stamp, kind, id, body)      one row a record; body is the record's JSON
    tiles(level, place, hashes)                   the Merkle tree over the entries (`detector.proof.tree`)
    checkpoints(number, note)                     signed heads of that tree, numbered from 1 without a gap
    signers(since, vkey)                          the keys that sign them: from which checkpoint on

`position` is SQLite's rowid: a record costs one b-tree entry and one in the
index over `id`, which is the decision's, event's or rule's own. `sealing` is a
view through which one statement, which is one transaction, writes tiles,
checkpoint and signer.
"""

from __future__ import annotations

import secrets
import sqlite3
from typing import Final

from detector.engine.asking_records import AccessRequested, AccessSettled
from detector.engine.policy_records import IntentReauthorised, PolicyApplied, PolicyTried
from detector.engine.records import (
    Accessed,
    Announced,
    BreakGlassReviewed,
    Compacted,
    Configured,
    Decided,
    KeyRotated,
    KillSwitchTurned,
    Observed,
    OutcomeRecorded,
    PeersAssigned,
    Recalibrated,
    Record,
    RuleChanged,
)
from detector.events import Issuance, Lifecycle, Usage
from detector.store.errors import StoreError

LOG_NAME: Final = "log.sqlite3"
VERSION: Final = 2
ID_LENGTH: Final = 200
"""Ids are indexed by their first 200 characters: a caller's endless id must not bloat the index."""

CHECKPOINT: Final = -1
SIGNER: Final = -2
"""What a row of `sealing` is, where it is not a tile of that level."""

_TABLES: Final = (
    "CREATE TABLE meta(name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID",
    """CREATE TABLE entries(
        position INTEGER PRIMARY KEY,
        stamp REAL NOT NULL,
        kind TEXT NOT NULL,
        id TEXT,
        body BLOB NOT NULL
    ) STRICT""",
    "CREATE INDEX entries_by_id ON entries(id) WHERE id IS NOT NULL",
    "CREATE INDEX entries_configured ON entries(kind) WHERE kind = 'configured'",
    "CREATE INDEX entries_compacted ON entries(kind) WHERE kind = 'compacted'",
    """CREATE TABLE tiles(
        level INTEGER NOT NULL,
        place INTEGER NOT NULL,
        hashes BLOB NOT NULL,
        PRIMARY KEY(level, place)
    ) STRICT, WITHOUT ROWID""",
    "CREATE TABLE checkpoints(number INTEGER PRIMARY KEY, note BLOB NOT NULL) STRICT",
    "CREATE TABLE signers(since INTEGER PRIMARY KEY, vkey BLOB NOT NULL) STRICT",
    "CREATE VIEW sealing AS SELECT level AS what, place, hashes AS value FROM tiles WHERE FALSE",
    """CREATE TRIGGER seal_tile INSTEAD OF INSERT ON sealing WHEN new.what >= 0
        BEGIN INSERT OR REPLACE INTO tiles VALUES(new.what, new.place, new.value); END""",
    f"""CREATE TRIGGER seal_checkpoint INSTEAD OF INSERT ON sealing WHEN new.what = {CHECKPOINT}
        BEGIN INSERT OR REPLACE INTO checkpoints VALUES(new.place, new.value); END""",
    f"""CREATE TRIGGER seal_signer INSTEAD OF INSERT ON sealing WHEN new.what = {SIGNER}
        BEGIN INSERT OR REPLACE INTO signers VALUES(new.place, new.value); END""",
    "CREATE INDEX entries_announced ON entries(kind) WHERE kind = 'announced'",
)

_EVENTS: Final = {Issuance: "issuance_observed", Usage: "usage_observed", Lifecycle: "lifecycle_observed"}


def kind_of(record: Record) -> str:
    """The record's kind, as its JSON names it."""
    if isinstance(record, Observed):
        return _EVENTS[type(record.event)]
    return str(record.__struct_config__.tag)


def id_of(record: Record) -> str | None:
    """What the record is looked up by: its decision, event or rule; `None` where nobody will.

    A usage without a finding is not: usage is most of a log, comes in bulk, and
    its random ids would cost the index a page each.
    """
    match record:
        case Decided() | OutcomeRecorded():
            return record.decision
        case BreakGlassReviewed():
            return record.glass
        case AccessRequested() | AccessSettled():
            return record.task
        case RuleChanged():
            return record.rule.id
        case Announced():
            return record.credential or record.requester
        case PolicyTried() | PolicyApplied():
            return record.digest
        case IntentReauthorised():
            return record.intent
        case Configured() | Recalibrated() | PeersAssigned() | KillSwitchTurned():
            return None
        case Accessed() | KeyRotated() | Compacted():
            return None
    found_nothing = record.weighed is None or record.weighed.verdict == "allow"
    return None if found_nothing and isinstance(record.event, Usage) else record.event.id


def key_of(record: Record) -> str | None:
    """The record's id as the index holds it."""
    name = id_of(record)
    return None if name is None else index_key(name)


def index_key(name: str) -> str:
    """An id cut short, and at a NUL, at which SQLite's text functions stop."""
    return name.partition("\0")[0][:ID_LENGTH]


def create(connection: sqlite3.Connection, *, created: float) -> None:
    """Make the tables in an empty database, all or nothing; leave one that has them alone."""
    connection.execute("BEGIN IMMEDIATE")
    with connection:
        if connection.execute("SELECT 1 FROM sqlite_schema LIMIT 1").fetchone():
            return
        for statement in _TABLES:
            connection.execute(statement)
        meta = {"schema": str(VERSION), "identity": secrets.token_hex(16), "created": repr(created)}
        connection.executemany("INSERT INTO meta VALUES(?, ?)", meta.items())


def identity(connection: sqlite3.Connection) -> str:
    """The log's own random name. Raises `StoreError` for a schema that this version does not know."""
    try:
        meta = dict(connection.execute("SELECT name, value FROM meta"))
    except sqlite3.OperationalError as error:
        if "no such table" not in str(error):
            raise
        message = f"{LOG_NAME} is a database of something else: it has no meta table"
        raise StoreError(message) from error
    if meta.get("schema") != str(VERSION):
        message = (
            f"{LOG_NAME} has schema {meta.get('schema')}, this version of assayer reads {VERSION}:"
            " use the version that wrote it"
        )
        raise StoreError(message)
    return str(meta["identity"])
