"""Ways to answer a step-up. Each says who answered, or why that is no answer; the door has let in whoever offers it.

Nobody answers for himself: not the requester, nor whoever it acts for, nor who will use the credential, nor the broker
that asked. Names are compared as habit knows them, whatever run, pod or spelling they come under.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from detector.engine.tasks import Task, Trust

Names: TypeAlias = Callable[[str], frozenset[str]]
"""Every form in which a name may stand in a record, in small letters."""

Fold: TypeAlias = Callable[[str], str]
"""A name as habit knows it, to the letter."""


class Unsatisfied(Exception):
    """What was offered is no answer; the text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Offered:
    """What somebody offers as an answer to the access request `name`: as whom, with what proof, when (Unix seconds)."""

    name: str
    task: Task
    caller: str
    names: Names
    fold: Fold
    now: float
    proof: str = ""


class StepUpMethod(Protocol):
    """One way to answer. `trust` is what its word is worth as an outcome."""

    @property
    def trust(self) -> Trust:
        """The least for what a machine could have been made to say."""

    async def answered_by(self, offered: Offered) -> str:
        """Who answers, as the record is to name it. Raises `Unsatisfied`."""


class Human:
    """A person who may approve, known by a token of his own."""

    trust: Trust = "approver"

    async def answered_by(self, offered: Offered) -> str:
        """The token's name: what somebody writes into a field is nobody's identity."""
        refuse_oneself(offered)
        return offered.caller


class SecondBroker:
    """Another broker vouches. Wrong where one hand holds both brokers' tokens."""

    trust: Trust = "broker"

    async def answered_by(self, offered: Offered) -> str:
        """The other broker's name."""
        refuse_oneself(offered)
        return offered.caller


def refuse_oneself(offered: Offered) -> None:
    """Raise `Unsatisfied` where whoever answers is a party to the request."""
    names, task = offered.names, offered.task
    own = names(offered.caller)
    if not own.isdisjoint(names(task.broker)):
        raise Unsatisfied("whoever asked for the answer does not give it")
    if any(not own.isdisjoint(names(party)) for party in (task.requester, *task.parties)):
        raise Unsatisfied("nobody answers for a request of his own, or one made on his behalf")
