"""Tokens: made once, kept hashed, revoked within a second."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from detector.api.tokens import PREFIX, Created, TokenRefused, Tokens, TokensUnreadable


class Hand:
    """A clock moved by hand."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        """Seconds."""
        return self.now


@pytest.fixture
def clock() -> Hand:
    """One clock for the token's life and for looking at the file."""
    return Hand()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the tokens are kept."""
    return tmp_path / "data" / "tokens.json"


@pytest.fixture
def tokens(path: Path, clock: Hand) -> Tokens:
    """An empty file's tokens."""
    return Tokens(path, clock=clock, monotonic=clock)


def why_refused(tokens: Tokens, secret: str) -> str:
    """The one word."""
    with pytest.raises(TokenRefused) as refused:
        tokens.identify(secret)
    return str(refused.value)


def test_a_made_token_opens_with_its_roles(tokens: Tokens) -> None:
    """The secret finds the record that was made with it."""
    made = tokens.create(["operator", "analyst"], name="alice")
    assert tokens.identify(made.secret) == made.token
    assert made.token.roles == ("analyst", "operator")
    assert made.secret.startswith(PREFIX)


def test_the_secret_is_never_on_the_disk(tokens: Tokens, path: Path) -> None:
    """Who reads the file, or its backup, gets in nowhere."""
    made = tokens.create(["broker"])
    for file in path.parent.iterdir():
        assert made.secret.rpartition("_")[2] not in file.read_text()


def test_only_the_owner_may_read_the_file(tokens: Tokens, path: Path) -> None:
    """The file and its lock are 0600 from their first byte."""
    tokens.create(["broker"])
    assert {file.stat().st_mode & 0o777 for file in path.parent.iterdir()} == {0o600}


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o666])
def test_a_file_that_others_may_touch_is_not_believed(tokens: Tokens, path: Path, mode: int) -> None:
    """Whoever may write it could make himself an operator."""
    tokens.create(["broker"])
    path.chmod(mode)
    with pytest.raises(TokensUnreadable, match="chmod 600"):
        Tokens(path)


@pytest.mark.parametrize("body", ["", "{}", '[{"id": 1}]', "[", '[{"id":"a","roles":["king"]}]'])
def test_a_damaged_file_is_named(tokens: Tokens, path: Path, body: str) -> None:
    """A damaged file is an error with its path, never an empty list of tokens: that would open the door."""
    tokens.create(["broker"])
    path.write_text(body)
    with pytest.raises(TokensUnreadable, match=r"tokens\.json"):
        Tokens(path)


@pytest.mark.parametrize(
    ("secret", "why"),
    [
        ("", "malformed"),
        ("hunter2", "malformed"),
        ("asy_" + "x" * 200, "malformed"),
        ("asy_é_x", "malformed"),
        ("asy_", "unknown"),
        ("asy_0123456789ab_wrong", "unknown"),
    ],
)
def test_what_is_no_token_of_ours_says_why(tokens: Tokens, secret: str, why: str) -> None:
    """Refusals have a word for the metric, and none of them is an error of ours."""
    assert why_refused(tokens, secret) == why


def test_the_right_id_with_a_wrong_secret_opens_nothing(tokens: Tokens) -> None:
    """The id is public: it stands in listings and logs."""
    made = tokens.create(["broker"])
    assert why_refused(tokens, made.secret[:-1] + ("A" if made.secret[-1] != "A" else "B")) == "unknown"


def test_an_expired_token_opens_nothing_from_that_moment(tokens: Tokens, clock: Hand) -> None:
    """Expiry is exact to the clock."""
    made = tokens.create(["broker"], expires=1_060.0)
    clock.now = 1_059.9
    assert tokens.identify(made.secret).id == made.token.id
    clock.now = 1_060.0
    assert why_refused(tokens, made.secret) == "expired"


def test_revocation_by_another_process_is_seen_within_a_second(tokens: Tokens, path: Path, clock: Hand) -> None:
    """The server reads the file again once it changed, and asks the disk at most once a second."""
    made = tokens.create(["broker"])
    tokens.identify(made.secret)
    Tokens(path, clock=clock, monotonic=clock).revoke(made.token.id)
    clock.now += 0.5
    assert tokens.identify(made.secret).id == made.token.id
    clock.now += 0.6
    assert why_refused(tokens, made.secret) == "revoked"


def test_revoked_and_expired_tokens_still_say_that_there_was_one(tokens: Tokens, clock: Hand) -> None:
    """An expiry must not hand trust back to whoever shares the host."""
    assert not tokens.ever_made("broker")
    tokens.create(["broker"], expires=1_001.0)
    tokens.revoke(tokens.create(["ingest"]).token.id)
    clock.now = 9_999.0
    assert tokens.ever_made("broker")
    assert tokens.ever_made("ingest")
    assert not tokens.ever_made("operator")


@pytest.mark.parametrize(("roles", "said"), [([], "none"), (["king"], "king"), (["broker", "king"], "king")])
def test_a_token_needs_roles_that_exist(tokens: Tokens, roles: list[str], said: str) -> None:
    """The error names the wrong role and the right ones."""
    with pytest.raises(ValueError, match=rf"role: .*auditor, receiver, not {said}"):
        tokens.create(roles)


def test_a_token_that_has_expired_already_is_a_mistake(tokens: Tokens) -> None:
    """Expiry lies ahead."""
    with pytest.raises(ValueError, match="expires"):
        tokens.create(["broker"], expires=999.0)


def test_revoking_what_is_not_there_is_told(tokens: Tokens) -> None:
    """A mistyped id must not look like success."""
    with pytest.raises(KeyError):
        tokens.revoke("nobody")


def test_commands_at_the_same_time_lose_no_token(path: Path) -> None:
    """Reading, changing and replacing the file is one step for everybody."""

    def make(number: int) -> Created:
        return Tokens(path).create(["broker"], name=f"b{number}")

    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(make, range(24)))
    kept = Tokens(path)
    assert {token.name for token in kept.all()} == {f"b{number}" for number in range(24)}
    assert {kept.identify(one.secret).id for one in made} == {one.token.id for one in made}


@pytest.mark.parametrize("harm", ["[", "chmod"])
def test_a_file_damaged_while_we_run_changes_nothing_and_is_said(
    tokens: Tokens, path: Path, clock: Hand, harm: str
) -> None:
    """The tokens known last stay in force until the file is mended, and readiness has the reason."""
    made = tokens.create(["broker"])
    tokens.identify(made.secret)
    whole = path.read_bytes()
    if harm == "chmod":
        path.chmod(0o666)
    path.write_bytes(b"[" if harm == "[" else whole + b" ")
    clock.now += 2
    assert tokens.identify(made.secret) == made.token
    assert "tokens.json" in (tokens.trouble() or "")
    path.chmod(0o600)
    path.write_bytes(whole)
    clock.now += 2
    assert tokens.identify(made.secret) == made.token
    assert tokens.trouble() is None


def test_listings_hold_no_secret(tokens: Tokens) -> None:
    """What is listed could be pasted into a ticket."""
    made = tokens.create(["broker"])
    listed = json.dumps([repr(token) for token in tokens.all()])
    assert made.secret.rpartition("_")[2] not in listed
