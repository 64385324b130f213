"""Policy documents: strictly read, and the same however they were written down."""

from __future__ import annotations

import json
import tomllib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from detector.policies import Document, Misfit, digest, read
from detector.wiring.documents import read_document
from detector.wiring.problems import ConfigurationError

INTENT: dict[str, Any] = {
    "requester": "spiffe://prod/backup",
    "resource": "aws/creds/backup-*",
    "privilege": "write",
    "max_ttl_seconds": 3600,
    "authorised_by": "ana",
    "expires": "2027-01-01T00:00:00Z",
}
LIMIT: dict[str, Any] = {"sensitivity": ["critical"], "max_ttl_seconds": 900}

TEXT = """
version = 1

[intents.nightly]
requester = "spiffe://prod/backup"
resource = "aws/creds/backup-*"
privilege = "write"
max_ttl_seconds = 3600
authorised_by = "ana"
expires = 2027-01-01T00:00:00Z

[limits.short]
sensitivity = ["critical"]
max_ttl_seconds = 900
"""


def document(**more: Any) -> dict[str, Any]:
    """A document of one intent and one limit."""
    return {"version": 1, "intents": {"nightly": INTENT}, "limits": {"short": LIMIT}, **more}


def test_toml_and_json_say_the_same() -> None:
    """What is written in either has one digest, and survives being written again."""
    of_json, of_toml = read(document()), read(tomllib.loads(TEXT))
    assert of_json == of_toml
    assert digest(of_json) == digest(of_toml)
    assert read(msgspec.to_builtins(of_json)) == of_json
    assert of_json.intents["nightly"].expires == datetime(2027, 1, 1, tzinfo=UTC)


def test_another_document_has_another_digest() -> None:
    """A dry-run of one says nothing of the other."""
    assert digest(read(document())) != digest(read(document(version=2)))
    assert digest(read(document())) != digest(read(document(limits={"short": {**LIMIT, "max_ttl_seconds": 901}})))


def without(name: str) -> dict[str, Any]:
    """The intent without one of its keys."""
    return {key: value for key, value in INTENT.items() if key != name}


@pytest.mark.parametrize(
    ("wrong", "path"),
    [
        (document(colour="red"), "colour"),
        (document(version=0), "version"),
        ({"intents": {}}, "version"),
        (document(intents={"a": {**INTENT, "hour": "x"}}), "intents.a.hour"),
        (document(intents={"a": without("requester")}), "intents.a.requester"),
        (document(intents={"a": without("expires")}), "intents.a.expires"),
        (document(intents={"a": without("max_ttl_seconds")}), "intents.a.max_ttl_seconds"),
        (document(intents={"a": without("privilege")}), "intents.a.privilege"),
        (document(intents={"a/b": INTENT}), "intents"),
        (document(intents={"a": {**INTENT, "requester": "spiffe://prod/*"}}), "intents.a.requester"),
        (document(intents={"a": {**INTENT, "resource": "*" * 9}}), "intents.a.resource"),
        (document(intents={"a": {**INTENT, "expires": "2027-01-01T00:00:00"}}), "intents.a.expires"),
        (document(intents={"a": {**INTENT, "hours": "25:00-26:00"}}), "intents.a.hours"),
        (document(intents={"a": {**INTENT, "weekdays": ["monday"]}}), "intents.a.weekdays[0]"),
        (document(intents={"a": {**INTENT, "reauthorise_days": 0}}), "intents.a.reauthorise_days"),
        (document(intents=[INTENT]), "intents"),
        (document(intents={"a\n": INTENT}), "intents.a\n"),
        (document(limits={"a": {"sensitivity": ["low"]}}), "limits.a"),
        (document(limits={"a": {**LIMIT, "sensitivity": []}}), "limits.a.sensitivity"),
        (document(limits={"a": {**LIMIT, "privileges": []}}), "limits.a.privileges"),
        (document(limits={"a": {**LIMIT, "verdict": "allow"}}), "limits.a.verdict"),
        (document(limits={"a": {**LIMIT, "max_ttl_seconds": -1}}), "limits.a.max_ttl_seconds"),
    ],
)
def test_what_is_wrong_is_named(wrong: dict[str, Any], path: str) -> None:
    """An unknown key, what is missing, what would cover everything or nothing: where it stands, and why."""
    with pytest.raises(Misfit) as found:
        read(wrong)
    assert str(found.value).startswith(f"{path}: ") or str(found.value).startswith(f"{path} ")


def test_a_file_is_read_by_its_name(tmp_path: Path) -> None:
    """TOML unless it is called JSON; both give the same document."""
    (tmp_path / "a.toml").write_text(TEXT, "utf-8")
    (tmp_path / "a.json").write_text(json.dumps(document()), "utf-8")
    assert read_document(tmp_path / "a.toml") == read_document(tmp_path / "a.json")


@pytest.mark.parametrize("field", ["until", "expires"])
def test_what_never_comes_is_a_contradiction(tmp_path: Path, field: str) -> None:
    """Each date may be said, both together may not; a file that says so is refused with its line."""
    late = {**INTENT, "from": "2027-02-01T00:00:00Z", "expires": "2028-01-01T00:00:00Z", field: "2027-01-31T00:00:00Z"}
    found = read(document(intents={"late": late})).contradiction()
    assert str(found) == f"intents.late.{field}: must be after from"
    (tmp_path / "a.json").write_text(json.dumps(document(intents={"late": late})), "utf-8")
    with pytest.raises(ConfigurationError, match="must be after from"):
        read_document(tmp_path / "a.json")
    assert read(document()).contradiction() is None


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("a.toml", TEXT.replace("privilege", "privilage"), "a.toml:7: intents.nightly.privilage: unknown key"),
        ("a.toml", "version = ", "not TOML"),
        ("a.json", "{", "not JSON"),
        ("a.json", '{"version": 1, "colour": 2}', "a.json: colour: unknown key"),
        ("a.toml", "x" * 1_100_000, "too large"),
    ],
)
def test_a_file_that_is_no_document_says_where(tmp_path: Path, name: str, text: str, said: str) -> None:
    """File, line, key and what is wrong, as a compiler would say it."""
    (tmp_path / name).write_text(text, "utf-8")
    with pytest.raises(ConfigurationError) as found:
        read_document(tmp_path / name)
    assert said in str(found.value)


def test_a_file_that_is_not_there_is_said_to_be_missing(tmp_path: Path) -> None:
    """Like every other mistake."""
    with pytest.raises(ConfigurationError, match="No such file"):
        read_document(tmp_path / "none.toml")


def test_an_empty_document_is_one() -> None:
    """It agrees on nothing and limits nothing: how a document is taken back."""
    assert read({"version": 1}) == Document(version=1)
