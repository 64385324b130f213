"""Small counters that several parts of the report are made of."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from detector.verdict import Verdict


class Verdicts(Struct, kw_only=True):
    """How many came to each verdict."""

    allow: int = 0
    step_up: int = 0
    deny: int = 0

    def add(self, verdict: Verdict) -> None:
        """Count one."""
        setattr(self, verdict, getattr(self, verdict) + 1)

    @property
    def total(self) -> int:
        """All of them."""
        return self.allow + self.step_up + self.deny


class Before(Struct, kw_only=True):
    """What had been said of minted credentials before they were minted.

    `allowed` by the answer, `approved` on a step-up that was cleared first, `on_step_up` on one that nobody had
    answered yet, `against` a deny or a step-up that was refused. `forgotten` is a decision that
    is older than what is remembered. `never_asked` had no decision.
    """

    allowed: int = 0
    approved: int = 0
    on_step_up: int = 0
    against: int = 0
    forgotten: int = 0
    never_asked: int = 0

    def add(self, word: str) -> None:
        """Count one."""
        setattr(self, word, getattr(self, word) + 1)

    @property
    def total(self) -> int:
        """All of them."""
        return self.asked + self.never_asked

    @property
    def asked(self) -> int:
        """Those with a decision."""
        return self.allowed + self.approved + self.on_step_up + self.against + self.forgotten


class Uses(Struct, kw_only=True):
    """What credentials were used for, told from the actions' names; and how many uses the resource refused."""

    read: int = 0
    write: int = 0
    admin: int = 0
    unnamed: int = 0
    denied: int = 0

    @property
    def total(self) -> int:
        """All uses."""
        return self.read + self.write + self.admin + self.unnamed

    def add(self, power: str, *, denied: bool) -> None:
        """Count one, of this power (`unnamed` where the log names no action)."""
        setattr(self, power, getattr(self, power) + 1)
        self.denied += denied


def summed(kind: type[Any], counted: list[Any]) -> Any:
    """Counters of one kind, added up.

    >>> summed(Verdicts, [Verdicts(allow=1), Verdicts(allow=2, deny=1)])
    Verdicts(allow=3, step_up=0, deny=1)
    """
    names = kind.__struct_fields__
    return kind(**{name: sum(getattr(one, name) for one in counted) for name in names})
