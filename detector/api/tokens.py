"""Bearer tokens: made once, shown once, kept as hashes in one small file.

A secret is 256 random bits, so one SHA-256 of it is as hard to invert as the
secret is to guess: slow password hashes protect what people choose, and would
cost a broker milliseconds on every mint. The id inside a token is public; it
finds the record, and the hashes are then compared in constant time.
"""

from __future__ import annotations

import fcntl
import hmac
import os
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Final, Literal, NamedTuple, TypeAlias, get_args

import msgspec
from msgspec import Struct

Role: TypeAlias = Literal["broker", "ingest", "approver", "analyst", "operator", "auditor", "receiver"]
ROLES: Final[tuple[Role, ...]] = get_args(Role)

PREFIX: Final = "asy_"
"""Marks a token as ours, so that secret scanners can find one that leaked."""

SECRET_BYTES: Final = 32
"""256 bits: nobody guesses it, and nobody inverts its hash."""

LONGEST_TOKEN: Final = 128
"""Characters: twice what we make; anything longer is not hashed at all."""

RELOAD_SECONDS: Final = 1.0
"""The file's modification time is looked at this often at most: a revoked token
dies within a second, and a busy server does not ask the disk on every request."""

_NOBODY: Final = sha256(b"nobody").hexdigest()


class Token(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is kept of a token: who it is for and what it may do, never its secret.

    Times are Unix seconds; `expires` is `None` for one that lasts until revoked.
    """

    id: str
    name: str
    roles: tuple[Role, ...]
    digest: str
    created: float
    expires: float | None = None
    revoked: float | None = None

    def state(self, now: float) -> Literal["valid", "expired", "revoked"]:
        """Whether the token opens anything at `now` (Unix seconds)."""
        if self.revoked is not None:
            return "revoked"
        return "expired" if self.expires is not None and now >= self.expires else "valid"


class Created(NamedTuple):
    """A new token: its secret, which is shown this once, and what was kept."""

    secret: str
    token: Token


class TokenRefused(Exception):
    """A token that opens nothing: `malformed`, `unknown`, `expired` or `revoked`."""


class TokensUnreadable(Exception):
    """The token file cannot be trusted; the text says what is wrong with it."""


class Tokens:
    """The token file: made, listed and revoked by the command line, read by the server.

    >>> import tempfile
    >>> tokens = Tokens(Path(tempfile.mkdtemp()) / "tokens.json")
    >>> made = tokens.create(["broker"], name="vault")
    >>> tokens.identify(made.secret).name
    'vault'
    """

    def __init__(
        self,
        path: Path,
        *,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._path = path
        self._clock = clock
        self._monotonic = monotonic
        self._by_id: dict[str, Token] = {}
        self._roles: frozenset[str] = frozenset()
        self._seen: tuple[int, int, int] | None = None
        self._looked = float("-inf")
        self._trouble: str | None = None
        self._look()

    def create(self, roles: Sequence[str], *, name: str = "", expires: float | None = None) -> Created:
        """Make a token for these roles. Raises `ValueError` for no role, an unknown one, or a past expiry."""
        now = self._clock()
        unknown = [role for role in roles if role not in ROLES]
        if unknown or not roles:
            raise ValueError(f"role: one or more of {', '.join(ROLES)}, not {', '.join(unknown) or 'none'}")
        if expires is not None and expires <= now:
            raise ValueError("expires: lies in the past")
        token_id = secrets.token_hex(6)
        secret = f"{PREFIX}{token_id}_{secrets.token_urlsafe(SECRET_BYTES)}"
        ordered = tuple(role for role in ROLES if role in roles)
        token = Token(
            id=token_id,
            name=name or "-".join(ordered),
            roles=ordered,
            digest=_digest(secret),
            created=now,
            expires=expires,
        )
        with self._editing() as by_id:
            by_id[token_id] = token
        return Created(secret, token)

    def revoke(self, token_id: str) -> Token:
        """End a token now; it stays listed. Raises `KeyError` for an unknown id."""
        with self._editing() as by_id:
            token = by_id[token_id]
            if token.revoked is None:
                by_id[token_id] = msgspec.structs.replace(token, revoked=self._clock())
            return by_id[token_id]

    def all(self) -> tuple[Token, ...]:
        """Every token ever made, oldest first."""
        self._refresh()
        return tuple(sorted(self._by_id.values(), key=lambda token: (token.created, token.id)))

    def identify(self, secret: str) -> Token:
        """The token this secret belongs to. Raises `TokenRefused` with why it opens nothing."""
        self._refresh()
        if not secret.startswith(PREFIX) or len(secret) > LONGEST_TOKEN or not secret.isascii():
            raise TokenRefused("malformed")
        token = self._by_id.get(secret[len(PREFIX) :].partition("_")[0])
        known = hmac.compare_digest(_digest(secret), _NOBODY if token is None else token.digest)
        if token is None or not known:
            raise TokenRefused("unknown")
        state = token.state(self._clock())
        if state != "valid":
            raise TokenRefused(state)
        return token

    def entitles(self, token_id: str, role: Role) -> bool:
        """Whether a token is still valid, and has a role: for what goes on being done for its bearer."""
        self._refresh()
        token = self._by_id.get(token_id)
        return token is not None and role in token.roles and token.state(self._clock()) == "valid"

    def ever_made(self, role: Role) -> bool:
        """Whether a token with this role is on file, expired and revoked ones too.

        They count because an expiry must not quietly hand trust back to whoever
        shares the host.
        """
        self._refresh()
        return role in self._roles

    def trouble(self) -> str | None:
        """Why the file as it is now is not believed; `None` when it is."""
        self._refresh()
        return self._trouble

    def _refresh(self) -> None:
        """Look whether the file changed. One that is not to be believed leaves the tokens known last in force."""
        if self._monotonic() - self._looked < RELOAD_SECONDS:
            return
        try:
            self._look()
            self._trouble = None
        except TokensUnreadable as error:
            self._trouble = str(error)

    def _look(self) -> None:
        self._looked = self._monotonic()
        try:
            status = self._path.stat()
        except FileNotFoundError:
            self._by_id, self._roles, self._seen = {}, frozenset(), None
            return
        except OSError as error:
            raise TokensUnreadable(f"{self._path}: {error.strerror}") from None
        seen = (status.st_mtime_ns, status.st_size, status.st_ino)
        if seen != self._seen:
            if status.st_mode & 0o077:
                raise TokensUnreadable(f"{self._path}: others may read or write it; chmod 600 it")
            self._by_id, self._seen = self._read(), seen
            self._roles = frozenset(role for token in self._by_id.values() for role in token.roles)

    def _read(self) -> dict[str, Token]:
        try:
            tokens = msgspec.json.decode(self._path.read_bytes(), type=list[Token])
        except FileNotFoundError:
            return {}
        except (OSError, msgspec.DecodeError) as error:
            raise TokensUnreadable(f"{self._path}: {error}") from None
        return {token.id: token for token in tokens}

    @contextmanager
    def _editing(self) -> Iterator[dict[str, Token]]:
        """Read, edit, replace the file as one step, alone: two commands must not lose one another's token."""
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(self._path.with_suffix(".lock"), os.O_CREAT | os.O_RDWR, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            by_id = self._read()
            yield by_id
            self._write(by_id)
        finally:
            os.close(lock)
        self._looked = float("-inf")

    def _write(self, by_id: dict[str, Token]) -> None:
        body = msgspec.json.format(msgspec.json.encode(list(by_id.values())), indent=1)
        draft = self._path.with_suffix(".draft")
        draft.unlink(missing_ok=True)
        handle = os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(body)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self._path)


def _digest(secret: str) -> str:
    return sha256(secret.encode()).hexdigest()
