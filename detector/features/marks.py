"""Values that were redacted before anybody looked at them: a keyed hash stands for each, always the same."""

from __future__ import annotations

from typing import Final

REDACTED: Final = "redacted:hmac-sha256:"
"""What a redacted value begins with; its hash follows, and behind a dot, where habit looks at less than the whole
value, that of what habit looks at."""


def habitual(mark: str) -> str:
    """What a redacted value is to habit.

    >>> habitual("redacted:hmac-sha256:1f.2e"), habitual("redacted:hmac-sha256:1f")
    ('redacted:hmac-sha256:2e', 'redacted:hmac-sha256:1f')
    """
    whole, dot, kind = mark.partition(".")
    return REDACTED + kind if dot else whole
