"""Paths into events: what is read, in what order, and what is said of the rest."""

from __future__ import annotations

import gzip
import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import zstandard

from detector.events import Event
from detector.intake import Rejected, read
from detector.intake.files import total_bytes

Line = Callable[..., bytes]
Call = Callable[[str], dict[str, Any]]


def ids(events: Any) -> list[str]:
    """The events' ids, in the order they came."""
    return [event.id for _, event in events]


def test_every_way_to_name_a_file(tmp_path: Path, usage: Line, rejections: list[Rejected]) -> None:
    """A path, a directory (by name, and below), a pattern; plain, gzip and zstd; hidden files are left alone."""
    (tmp_path / "a.jsonl").write_bytes(usage("a"))
    (tmp_path / "b.jsonl.gz").write_bytes(gzip.compress(usage("b")))
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "c.zst").write_bytes(zstandard.ZstdCompressor().compress(usage("c")))
    (tmp_path / ".hidden").write_bytes(usage("h"))
    on_rejected = rejections.append
    assert ids(read([str(tmp_path)], on_rejected=on_rejected)) == ["a", "b", "c"]
    assert ids(read([str(tmp_path / "sub" / "c.zst"), str(tmp_path / "a.jsonl")], on_rejected=on_rejected)) == [
        "c",
        "a",
    ]
    assert ids(read([str(tmp_path / "*.gz")], on_rejected=on_rejected)) == ["b"]
    assert ids(read([str(tmp_path / "**" / "*.zst")], on_rejected=on_rejected)) == ["c"]
    assert rejections == []


def test_compression_is_known_by_content(tmp_path: Path, usage: Line, rejections: list[Rejected]) -> None:
    """A gzip file with another name is unpacked, and a plain one called .gz is read."""
    (tmp_path / "log").write_bytes(gzip.compress(usage("a")))
    (tmp_path / "plain.gz").write_bytes(usage("b"))
    assert ids(read([str(tmp_path)], on_rejected=rejections.append)) == ["a", "b"]


def test_standard_input(monkeypatch: pytest.MonkeyPatch, usage: Line, rejections: list[Rejected]) -> None:
    """`-` is standard input, compressed or not."""
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(gzip.compress(usage("a") + b"\n" + usage("b")))))
    assert ids(read(["-"], on_rejected=rejections.append)) == ["a", "b"]
    assert total_bytes(["-"]) is None


def test_what_is_not_there_is_said_before_anything_is_read(tmp_path: Path, usage: Line) -> None:
    """A missing path, a pattern without a match, an unknown dialect: an error at once, not after an hour."""
    (tmp_path / "a.jsonl").write_bytes(usage("a"))
    for missing in (tmp_path / "b.jsonl", tmp_path / "*.gz"):
        with pytest.raises(FileNotFoundError):
            read([str(tmp_path / "a.jsonl"), str(missing)], on_rejected=print)
    with pytest.raises(ValueError, match="dialect 'klingon' is none of native"):
        read([str(tmp_path)], dialect="klingon", on_rejected=print)


def test_broken_lines_are_counted_and_named(tmp_path: Path, usage: Line, rejections: list[Rejected]) -> None:
    """Each with its file, its line and why; the lines around them are read."""
    log = tmp_path / "log.jsonl"
    lines = [
        usage("a"),
        b'{"kind": "usage", "time"',
        usage("b", time="soon"),
        b'{"kind":"usage","id":"\xff"}',
        b"",
        b'{"what": "ever"}',
        b"[1, 2]",
        usage("c"),
    ]
    log.write_bytes(b"\n".join(lines))
    assert ids(read([str(log)], on_rejected=rejections.append)) == ["a", "c"]
    name = str(log)
    assert rejections == [
        Rejected(name, 2, "is not JSON: it ends in the middle", "native"),
        Rejected(name, 3, "time: must be an RFC 3339 time with an offset, between 1990 and 2200", "native"),
        Rejected(name, 4, "is not UTF-8", "native"),
        Rejected(name, 6, "is of no dialect that we know", None),
        Rejected(name, 7, "is no JSON object", "native", 1),
        Rejected(name, 7, "is no JSON object", "native", 2),
    ]


def test_a_truncated_archive_costs_only_its_end(tmp_path: Path, usage: Line, rejections: list[Rejected]) -> None:
    """What was in it is read, what is missing is said, and the next file follows."""
    packed = gzip.compress(b"\n".join(usage(f"a{n}") for n in range(2_000)))
    (tmp_path / "a.gz").write_bytes(packed[: len(packed) // 2])
    (tmp_path / "b.jsonl").write_bytes(usage("b"))
    found = ids(read([str(tmp_path)], on_rejected=rejections.append))
    assert found[:3] == ["a0", "a1", "a2"]
    assert found[-1] == "b"
    assert rejections[-1].reason == "is gzip that ends in the middle"
    assert rejections[-1].line > 500


def test_dialects_may_be_mixed(tmp_path: Path, usage: Line, call: Call, rejections: list[Rejected]) -> None:
    """`auto` looks at each record: a file of several dialects is read whole."""
    audit = {"kind": "Event", "apiVersion": "audit.k8s.io/v1", "auditID": "k", "verb": "get"}
    audit |= {"user": {"username": "system:serviceaccount:a:b"}, "requestReceivedTimestamp": "2026-03-02T00:00:06Z"}
    records = [usage("n1"), json.dumps(call("c")).encode(), json.dumps(audit).encode(), usage("n2")]
    log = tmp_path / "log.jsonl"
    log.write_bytes(b"\n".join(records))
    found = [(dialect, event.id) for dialect, event in read([str(log)], on_rejected=rejections.append)]
    assert found == [("native", "n1"), ("cloudtrail", "c"), ("kubernetes", "k"), ("native", "n2")]


def test_a_named_dialect_is_not_guessed(tmp_path: Path, usage: Line, call: Call, rejections: list[Rejected]) -> None:
    """With `--dialect cloudtrail`, a native line is a broken CloudTrail record."""
    log = tmp_path / "log.jsonl"
    log.write_bytes(usage("n") + b"\n" + json.dumps(call("c")).encode())
    assert ids(read([str(log)], dialect="cloudtrail", on_rejected=rejections.append)) == ["c"]
    assert [(found.line, found.dialect) for found in rejections] == [(1, "cloudtrail")]


WRAPPERS: dict[str, Callable[[list[dict[str, Any]]], Any]] = {
    "a file of CloudTrail": lambda calls: {"Records": calls},
    "an array": lambda calls: calls,
    "lookup-events": lambda calls: {
        "Events": [{"EventId": "x", "CloudTrailEvent": json.dumps(call)} for call in calls]
    },
    "EventBridge": lambda calls: [{"detail-type": "AWS API Call via CloudTrail", "detail": call} for call in calls],
    "CloudWatch": lambda calls: {"logGroup": "g", "logEvents": [{"id": "1", "message": json.dumps(c)} for c in calls]},
    "a container's log": lambda calls: [{"log": json.dumps(call) + "\n", "stream": "stdout"} for call in calls],
}


@pytest.mark.parametrize("wrapper", WRAPPERS)
def test_wrapped_records(wrapper: str, tmp_path: Path, call: Call, rejections: list[Rejected]) -> None:
    """Containers, buses and shippers wrap records; we unwrap them."""
    log = tmp_path / "log.json"
    log.write_text(json.dumps(WRAPPERS[wrapper]([call("a"), call("b")]), indent=1))
    assert ids(read([str(log)], on_rejected=rejections.append)) == ["a", "b"]
    assert rejections == []


def test_eks_names_its_cluster_only_in_the_wrapper(tmp_path: Path, rejections: list[Rejected]) -> None:
    """CloudWatch's log group says which cluster an audit event is of: it becomes the issuer's name."""
    audit = {"kind": "Event", "apiVersion": "audit.k8s.io/v1", "auditID": "k", "verb": "create"}
    audit |= {"objectRef": {"resource": "serviceaccounts", "subresource": "token", "namespace": "a", "name": "b"}}
    audit |= {"requestReceivedTimestamp": "2026-03-02T00:00:06Z"}
    log = tmp_path / "log.json"
    log.write_text(json.dumps({"logGroup": "/aws/eks/prod/cluster", "logEvents": [{"message": json.dumps(audit)}]}))
    ((_, event),) = read([str(log)], on_rejected=rejections.append)
    assert event.grant.issuer == "kubernetes:prod"  # type: ignore[union-attr]


def test_a_list_of_audit_events(tmp_path: Path, rejections: list[Rejected]) -> None:
    """An audit webhook sends `EventList`s."""
    audit = {"auditID": "k", "verb": "get", "user": {"username": "system:serviceaccount:a:b"}}
    audit |= {"requestReceivedTimestamp": "2026-03-02T00:00:06Z"}
    log = tmp_path / "log.json"
    log.write_text(json.dumps({"kind": "EventList", "apiVersion": "audit.k8s.io/v1", "metadata": {}, "items": [audit]}))
    assert ids(read([str(log)], on_rejected=rejections.append)) == ["k"]


def test_what_lies_beside_logs_is_one_rejection(tmp_path: Path, usage: Line, rejections: list[Rejected]) -> None:
    """A licence found while walking a directory is said once; one that was named is read line by line."""
    (tmp_path / "LICENSE").write_text("No\nJSON\nhere\n")
    (tmp_path / "a.jsonl").write_bytes(b"a broken first line\n" + usage("a"))
    assert ids(read([str(tmp_path)], on_rejected=rejections.append)) == ["a"]
    assert [(Path(found.file).name, found.line) for found in rejections] == [("LICENSE", 1), ("a.jsonl", 1)]
    rejections.clear()
    assert ids(read([str(tmp_path / "LICENSE")], on_rejected=rejections.append)) == []
    assert [found.line for found in rejections] == [1, 2, 3]


def test_progress_counts_bytes_on_the_disk(tmp_path: Path, usage: Line, rejections: list[Rejected]) -> None:
    """So that a progress bar ends at its end."""
    (tmp_path / "a.gz").write_bytes(gzip.compress(usage("a") * 1_000))
    (tmp_path / "b.jsonl").write_bytes(usage("b"))
    taken: list[int] = []
    list(read([str(tmp_path)], on_rejected=rejections.append, on_progress=taken.append))
    assert sum(taken) == total_bytes([str(tmp_path)])


def test_a_file_that_may_not_be_read_is_a_rejection(tmp_path: Path, usage: Line, rejections: list[Rejected]) -> None:
    """One file gone since the directory was listed does not end the others."""
    (tmp_path / "a.jsonl").write_bytes(usage("a"))
    (tmp_path / "b.jsonl").write_bytes(usage("b"))
    events = read([str(tmp_path)], on_rejected=rejections.append)
    (tmp_path / "a.jsonl").unlink()
    found: list[tuple[str, Event]] = list(events)
    assert ids(found) == ["b"]
    assert rejections[0].reason == "cannot be read: No such file or directory"
