"""One requirement of a framework, with a sentence to be filled in."""

from __future__ import annotations

from string import Formatter

from msgspec import Struct

from detector.report.figures import Figures
from detector.report.shape import Control


class Requirement(Struct, frozen=True, kw_only=True):
    """Whose it is, its identifier and title, what the log shows of it (figures in braces), where, and what not.

    `where` names parts of the report: a top-level key, or `checks.` and a check's name.
    """

    framework: str
    id: str
    title: str
    shows: str
    where: tuple[str, ...]
    cannot_show: str

    def figures(self) -> tuple[str, ...]:
        """The names of the figures that its sentence needs, in the order they stand there."""
        return tuple(dict.fromkeys(name for _, name, _, _ in Formatter().parse(self.shows) if name))

    def filled(self, figures: Figures) -> Control:
        """As a row of the report."""
        needed = {name: figures[name] for name in self.figures()}
        return Control(
            framework=self.framework,
            id=self.id,
            title=self.title,
            shows=self.shows.format_map({name: _written(value) for name, value in needed.items()}),
            figures=dict(needed),
            where=self.where,
            cannot_show=self.cannot_show,
        )


def _written(value: float) -> str:
    """A number as a sentence has it.

    >>> _written(12345), _written(2.0), _written(99.5)
    ('12,345', '2', '99.5')
    """
    return f"{value:,.0f}" if value == int(value) else f"{value:,}"
