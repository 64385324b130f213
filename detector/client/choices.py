"""What a broker does without an answer: mint (open) or not (closed), chosen per issuer, always explicitly."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, Literal, TypeAlias, get_args

Choice: TypeAlias = Literal["open", "closed"]

CHOICES: Final = get_args(Choice)


class Choices:
    """One choice for all issuers, and others for those whose name fits a pattern; `*` stands for any text.

    The longest pattern that fits decides, wherever it was written; of two as long, closed.

    >>> choices = Choices("open", {"vault:*": "closed", "vault:dev/*": "open"})
    >>> choices.of("vault:prod/aws"), choices.of("vault:dev/aws"), choices.of("sts:1")
    ('closed', 'open', 'open')
    """

    def __init__(self, default: Choice, on_failure: Mapping[str, Choice]) -> None:
        """Raises `ValueError` for what is no choice, or an empty pattern."""
        if default not in CHOICES:
            raise ValueError(f"default: must be open or closed, not {default!r}")
        for pattern, choice in on_failure.items():
            if not pattern:
                raise ValueError("on_failure: an empty text is no issuer's name or pattern")
            if choice not in CHOICES:
                raise ValueError(f"on_failure: {pattern} must be open or closed, not {choice!r}")
        self._default: Choice = default
        ordered = sorted(on_failure.items(), key=lambda item: (-len(item[0]), item[1]))
        self._patterns = [(_compiled(pattern), choice) for pattern, choice in ordered]

    def of(self, issuer: str) -> Choice:
        """The choice for one issuer."""
        return next((choice for pattern, choice in self._patterns if pattern.fullmatch(issuer)), self._default)


def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(".*".join(re.escape(part) for part in pattern.split("*")), re.DOTALL)
