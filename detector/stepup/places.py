"""Where a key set may be asked for."""

from __future__ import annotations

from urllib.parse import urlsplit


class KeySetUnusable(Exception):
    """The set cannot be had; the text says why."""


def is_url(where: str) -> bool:
    """Whether a place is a URL; else it is a file."""
    return "://" in where


def check(where: str) -> None:
    """Refuse a URL that may not be asked. Raises `KeySetUnusable`.

    >>> check("http://keys.example/jwks.json")
    Traceback (most recent call last):
    detector.stepup.places.KeySetUnusable: http://keys.example/jwks.json: must be https, or http on this machine
    """
    if not is_url(where):
        return
    parts = urlsplit(where)
    near = parts.hostname in {"localhost", "127.0.0.1", "::1"}
    if parts.scheme != "https" and not (parts.scheme == "http" and near):
        raise KeySetUnusable(f"{where}: must be https, or http on this machine")
    if parts.username or parts.password or not parts.hostname:
        raise KeySetUnusable(f"{where}: must name a host, and no user")
