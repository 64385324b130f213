"""Markdown that no name can break: cells, tables, headings.

Names come from logs that an attacker can write to. Whatever could be markup, a link or the
end of a cell is written as a character reference, which no renderer takes for markup; what cannot be seen
is written as an escape.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

LONGEST_CELL: Final = 120
"""Characters of a name that a table shows: what is longer is cut, the JSON has it whole."""

LONGEST_TEXT: Final = 600
"""Characters of a sentence that is shown."""

_MARKUP: Final = re.compile(r"[\\`*\[\]<>|#~&$!^{}]|(?<![0-9A-Za-z])_|_(?![0-9A-Za-z])")
_LINKING: Final = re.compile(r"(?i)\b(https?|ftp|mailto|xmpp):|\b(www)\.|@")


def cell(value: object, longest: int = LONGEST_CELL) -> str:
    r"""A value as a cell, or within a sentence, never at the beginning of a line: plain text whatever it holds.

    >>> cell("spiffe://prod/app/svc1"), cell("a|b"), cell("<b>"), cell(None), cell(1234567), cell(True)
    ('spiffe://prod/app/svc1', 'a&#124;b', '&#60;b&#62;', '–', '1,234,567', 'yes')
    >>> cell("x\x1b[2J\n| y"), cell("https://evil.example")
    ('x&#92;x1b&#91;2J&#92;n&#124; y', 'https&#58;//evil.example')
    """
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return number(value)
    text = str(value)
    if len(text) > longest:
        text = text[: longest - 1] + "…"
    seen = "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)
    return _LINKING.sub(_unlinked, _MARKUP.sub(_referred, seen.strip())) or "–"


def _referred(found: re.Match[str]) -> str:
    return "".join(f"&#{ord(char)};" for char in found[0])


def _unlinked(found: re.Match[str]) -> str:
    return f"{found[0][:-1]}&#{ord(found[0][-1])};"


def number(value: float) -> str:
    """A number with its thousands apart, and a tenth where it is not whole.

    >>> number(1234567), number(0.25), number(86400.0)
    ('1,234,567', '0.2', '86,400')
    """
    return f"{value:,.0f}" if value == int(value) else f"{value:,.1f}"


def table(heads: Sequence[str], rows: Iterable[Sequence[object]], *, longest: int = LONGEST_CELL) -> list[str]:
    """A table's lines; columns of numbers stand to the right. Without rows it says so."""
    told = [list(row) for row in rows]
    if not told:
        return ["None.", ""]
    numeric = [
        all(value is None or _counted(value) for value in column) and any(map(_counted, column))
        for column in zip(*told, strict=True)
    ]
    lines = [_line(heads), _line(["---:" if right else "---" for right in numeric])]
    lines += [_line([value if isinstance(value, Raw) else cell(value, longest) for value in row]) for row in told]
    return [*lines, ""]


def _counted(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


class Raw(str):
    """Text of our own that may hold markup."""

    __slots__ = ()


def slug(heading: str) -> str:
    """The anchor that renderers give a heading.

    >>> slug("Who was minted what")
    'who-was-minted-what'
    """
    return re.sub(r"[^a-z0-9 -]", "", heading.lower()).replace(" ", "-")
