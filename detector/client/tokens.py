"""The broker's token: given, in a file that may change, or in the environment. It is never logged, nor shown."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

VARIABLE: Final = "ASSAYER_TOKEN"  # a variable's name, not a token
LOOK_SECONDS: Final = 1.0
"""A file is looked at as often as this: a new token is used within a second."""

LONGEST: Final = 8_192
"""Bytes of a token file: a longer one is another file."""


class Token:
    """The token that is sent, if there is one. `trouble` is why the file as it is now is not used."""

    trouble: str | None = None

    def __init__(self, token: str | None, file: Path | None, *, monotonic: Callable[[], float]) -> None:
        """Raises `ValueError` for two tokens, one that no header can carry, or a file that cannot be read."""
        if token is not None and file is not None:
            raise ValueError("token_file: not with token")
        self._file, self._monotonic = file, monotonic
        self._looked = float("-inf")
        self._seen: tuple[int, int, int] | None = None
        self._bearer: str | None = None
        given = os.environ.get(VARIABLE) if token is None and file is None else token
        if file is None:
            self._bearer = None if given is None else _sound(given, VARIABLE if token is None else "token")
            return
        self._look()
        if self.trouble is not None:
            raise ValueError(f"token_file: {self.trouble}")

    def __repr__(self) -> str:
        return "Token(...)"

    def bearer(self) -> str | None:
        """The token as it is now; where its file cannot be read, as it was last."""
        if self._file is not None and self._monotonic() - self._looked >= LOOK_SECONDS:
            self._look()
        return self._bearer

    def _look(self) -> None:
        if self._file is None:
            return
        self._looked = self._monotonic()
        try:
            status = self._file.stat()
            seen = (status.st_mtime_ns, status.st_size, status.st_ino)
            if seen != self._seen:
                with self._file.open(encoding="utf-8") as file:
                    self._bearer = _sound(file.read(LONGEST), VARIABLE)
                self._seen = seen
            self.trouble = None
        except OSError as error:
            self.trouble = f"{self._file}: {error.strerror}"
        except ValueError:
            self.trouble = f"{self._file}: holds no token: one word of ASCII"


def _sound(text: str, name: str) -> str:
    """The token in a text. Raises `ValueError` for an empty one, or what no header can carry."""
    token = text.strip()
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        raise ValueError(f"{name}: holds no token: one word of ASCII")
    return token
