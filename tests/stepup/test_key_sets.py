"""A key set is fetched from where it was configured and nowhere else, is small, and is believed for a while."""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from detector.stepup import key_sets
from detector.stepup.key_sets import AGAIN_SECONDS, KEPT_SECONDS, LARGEST, STALE_SECONDS, KeySet, parsed
from detector.stepup.places import KeySetUnusable
from tests.stepup.conftest import Issuer


class Served(BaseHTTPRequestHandler):
    """Answers as each path says."""

    def do_GET(self) -> None:
        """One of a few answers."""
        asked: list[str] = self.server.asked  # type: ignore[attr-defined]
        asked.append(self.path)
        if self.path == "/moved":
            self.send_response(302)
            self.send_header("Location", "/jwks")
            self.end_headers()
            return
        self.send_response(500 if self.path == "/broken" else 200)
        self.end_headers()
        if self.path == "/drip":
            with contextlib.suppress(OSError):  # whoever asked has gone
                for _ in range(200):
                    self.wfile.write(b" ")
                    time.sleep(0.01)
            return
        body: bytes = self.server.body  # type: ignore[attr-defined]
        self.wfile.write(b" " * (LARGEST + 1) if self.path == "/large" else body)

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture
def server(issuer: Issuer) -> Iterator[HTTPServer]:
    """A server on a free port of this machine."""
    made = HTTPServer(("127.0.0.1", 0), Served)
    made.asked, made.body = [], issuer.where.read_bytes()  # type: ignore[attr-defined]
    thread = threading.Thread(target=made.serve_forever)
    thread.start()
    yield made
    made.shutdown()
    thread.join()
    made.server_close()


def url(server: HTTPServer, path: str) -> str:
    """Where it answers."""
    return f"http://127.0.0.1:{server.server_port}{path}"


def kid(keys: KeySet, name: str | None = "ec") -> str | None:
    """The id of the key that is found."""
    found = asyncio.run(keys.key(name))
    return found.kid if found is not None else None


def test_keys_are_fetched_once_and_kept(server: HTTPServer) -> None:
    """One request serves many proofs."""
    keys = KeySet(url(server, "/jwks"))
    assert [kid(keys), kid(keys), kid(keys, "rsa")] == ["ec", "ec", "rsa"]
    assert server.asked == ["/jwks"]  # type: ignore[attr-defined]


@pytest.mark.parametrize("path", ["/moved", "/broken", "/large"])
def test_no_redirect_no_error_and_nothing_large_is_a_key_set(server: HTTPServer, path: str) -> None:
    """And a redirect is not followed."""
    with pytest.raises(KeySetUnusable):
        kid(KeySet(url(server, path)))
    assert server.asked == [path]  # type: ignore[attr-defined]


def test_a_server_that_drips_is_given_up(server: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """All of it has to arrive in the time that is given."""
    monkeypatch.setattr(key_sets, "FETCH_SECONDS", 0.3)
    with pytest.raises(KeySetUnusable, match="takes longer"):
        kid(KeySet(url(server, "/drip")))


@pytest.mark.parametrize(
    "where",
    [
        "http://keys.example/jwks",
        "ftp://keys.example/jwks",
        "https://user@keys.example/jwks",
        "https:///jwks",
        "file://localhost/x",
    ],
)
def test_some_places_are_not_asked(where: str) -> None:
    """Keys that came over an open line would be anybody's."""
    with pytest.raises(KeySetUnusable):
        KeySet(where)


class Shelf:
    """Gives what is on it, and counts how often it was looked at."""

    def __init__(self, issuer: Issuer) -> None:
        self.data: bytes | None = issuer.where.read_bytes()
        self.looks = 0
        self.now = 0.0

    def __call__(self, where: str) -> bytes:
        """What is on it now."""
        self.looks += 1
        if self.data is None:
            raise KeySetUnusable(where)
        return self.data


def test_an_unknown_key_is_looked_for_now_and_then(issuer: Issuer) -> None:
    """An issuer that rotates is followed; strangers' tokens do not make us fetch for each of them."""
    shelf = Shelf(issuer)
    keys = KeySet("shelf", fetch=shelf, monotonic=lambda: shelf.now)
    assert kid(keys) == "ec"
    for _ in range(50):
        assert kid(keys, "new") is None
    assert shelf.looks == 1
    issuer.keys[0]["kid"] = "new"
    shelf.data = json.dumps({"keys": issuer.keys}).encode()
    shelf.now += AGAIN_SECONDS
    assert (kid(keys, "new"), shelf.looks) == ("new", 2)


def test_a_set_that_cannot_be_fetched_again_is_believed_for_an_hour(issuer: Issuer) -> None:
    """An issuer that is away for minutes stops no deployment; one that is away for good is believed no longer."""
    shelf = Shelf(issuer)
    keys = KeySet("shelf", fetch=shelf, monotonic=lambda: shelf.now)
    assert kid(keys) == "ec"
    shelf.data = None
    shelf.now += KEPT_SECONDS + 1
    assert kid(keys) == "ec"
    shelf.now += STALE_SECONDS
    with pytest.raises(KeySetUnusable):
        kid(keys)


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b'{"keys": 1}', b"\xff", b"[" * 5_000])
def test_what_is_no_key_set_is_said_to_be_none(data: bytes) -> None:
    """Never another error."""
    with pytest.raises(KeySetUnusable):
        parsed(data)
    assert parsed(b'{"keys": [1, null, {}, {"kty": "EC", "crv": "P-256"}]}') == ()


def test_a_file_is_read_where_it_stands(issuer: Issuer, tmp_path: Path) -> None:
    """And one that is not there says so."""
    assert kid(KeySet(str(issuer.where)), "ed") == "ed"
    with pytest.raises(KeySetUnusable, match="No such file"):
        kid(KeySet(str(tmp_path / "none")))
