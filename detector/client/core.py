"""A client without its connection: what it makes of what it heard, and what it says where it heard nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, TypeVar
from uuid import uuid4

from detector.client.answers import Answer, DenyRule, Reason
from detector.client.breaker import Breaker, Ticket
from detector.client.course import Course, Heard, Patience, course
from detector.client.failures import Failure, Refused
from detector.client.health import KINDS, SOURCES, Event, Happening, Health
from detector.client.requests import Asked, prepared
from detector.client.settings import Settings, positive
from detector.client.tokens import Token
from detector.client.watching import Watch

T = TypeVar("T")

ASK_WAITS: Final = (0.01, 0.04)
BULK_WAITS: Final = (0.2, 5.0)
"""Seconds that are waited between attempts: below the first, doubled up to the second. An ask has no time to lose."""

MEMBER_SECONDS: Final = 0.002
"""What each member of a batch adds to its deadline: a sidecar takes less than one millisecond."""

LOOK_SECONDS: Final = 5.0
"""For one look at the deny list, the longest one too: a connection that died unnoticed holds up few of them."""

MOST_DECISIONS: Final = 4_096
"""Decisions remembered: one that comes again for another request is a lie, or from a cache between us."""

OPEN: Final = Failure("circuit_open", "it failed lately, and is not asked for a while")
SHUT: Final = Reason("no_answer", "no sidecar answered, and this issuer is closed then")


class Core:
    """One client's memory. One thread changes it; `fallback` may be called from any."""

    def __init__(self, settings: Settings) -> None:
        """Raises `ValueError` naming what of the settings cannot be."""
        self.settings, self.clocks = settings, settings.clocks
        self._choices = settings.choices()
        self._answers, self._failures = dict.fromkeys(SOURCES, 0), dict.fromkeys(KINDS, 0)
        self._deaf_hooks = 0
        self._decided: dict[str, str] = {}
        self.token = Token(settings.token, _path(settings.token_file), monotonic=self.clocks.monotonic)
        self.breaker = self._new_breaker()
        self.watch = Watch(
            clocks=self.clocks,
            refresh_seconds=settings.refresh_seconds,
            file=_path(settings.deny_list_file),
            tell=self.tell,
        )

    def _new_breaker(self) -> Breaker:
        return Breaker(
            self.settings.breaker,
            monotonic=self.clocks.monotonic,
            dice=self.clocks.dice,
            changed=lambda state: self.tell("breaker", state),
        )

    def reborn(self) -> None:
        """This is another process now: whoever was asking is not here."""
        self.breaker = self._new_breaker()

    # -- asking --------------------------------------------------------------------------------

    def prepared(self, request: object) -> Asked:
        """The request, ready to be sent. Raises `ValueError` naming the field that is wrong."""
        return prepared(request, make_id=lambda: str(uuid4()))

    def ask_ends(self, timeout: float | None, *, members: int = 0) -> float:
        """When an ask that begins now is over; with `members` it is a batch. Raises `ValueError`."""
        longer = self.settings.timeout + members * MEMBER_SECONDS
        return self.clocks.monotonic() + (longer if timeout is None else positive("timeout", timeout))

    def bulk_ends(self, timeout: float | None) -> float:
        """When anything else that begins now is over. Raises `ValueError`."""
        longest = self.settings.bulk_timeout
        return self.clocks.monotonic() + (longest if timeout is None else positive("timeout", timeout))

    def ask_course(self, ticket: Ticket, ends: float) -> Course:
        """The course of an ask; a probe is tried once."""
        return self._course(1 if ticket.probe else self.settings.attempts, ASK_WAITS, ends)

    def bulk_course(self, ends: float) -> Course:
        """The course of what no mint waits for."""
        return self._course(self.settings.attempts, BULK_WAITS, ends)

    def watch_course(self) -> Course:
        """The course of looking at the deny list: the next look is the next attempt."""
        return self._course(1, BULK_WAITS, self.clocks.monotonic() + LOOK_SECONDS)

    def _course(self, attempts: int, waits: tuple[float, float], ends: float) -> Course:
        patience = Patience(attempts=attempts, least_wait=waits[0], most_wait=waits[1])
        return course(patience, ends=ends, clocks=self.clocks)

    def made_of(self, ticket: Ticket, came: Heard | Failure, read: Callable[[Heard], T | Failure]) -> T | Failure:
        """What was heard, read; the breaker learns whether it was of use. Raises `Refused`, which was."""
        try:
            found = came if isinstance(came, Failure) else read(came)
        except Refused:
            self.breaker.leave(ticket, ok=True)
            raise
        self.breaker.leave(ticket, ok=not isinstance(found, Failure))
        return found

    def believed(self, answer: Answer) -> Answer | Failure:
        """An answer, unless its decision was another request's before."""
        decision = answer.decision_id or ""
        if self._decided.get(decision, answer.request) != answer.request:
            return Failure("lying", "it gave a decision that was another request's")
        self._decided[decision] = answer.request
        if len(self._decided) > MOST_DECISIONS:
            del self._decided[next(iter(self._decided))]
        return answer

    def counted(self, answer: Answer) -> Answer:
        """The answer, counted by its source."""
        self._answers[answer.source] += 1
        self.tell("answered", answer.source)
        return answer

    def failed(self, asked: Sequence[Asked], failure: Failure) -> list[Answer]:
        """What is said to requests that got no answer, all counted."""
        self._failures[failure.kind] += 1
        self.tell("failed", failure.kind)
        return [self.counted(self.fallback(one, failure)) for one in asked]

    def fallback(self, asked: Asked, failure: Failure) -> Answer:
        """What is said without an answer: no where a known rule denies the request, else the issuer's choice."""
        denied = self._denied(asked, failure)
        if denied is not None:
            return denied
        is_open = self._choices.of(asked.grant.issuer) == "open"
        return Answer(
            verdict="allow" if is_open else "deny",
            source="fail_open" if is_open else "fail_closed",
            request=asked.id,
            why=failure.words(),
            failure=failure.kind,
            reasons=() if is_open else (SHUT,),
        )

    def _denied(self, asked: Asked, failure: Failure) -> Answer | None:
        now, known = self.clocks.wall(), self.watch.known
        rule = known.blocking(asked.grant, now=now)
        if rule is None:
            return None
        reason = Reason(
            code="deny_rule",
            because=f"a deny rule was in force when the sidecar last told its list, {known.age(now) or 0:.0f} s ago",
            expected="no rule that matches",
            observed=f"{rule.id} ({rule.words()})",
        )
        return Answer(
            verdict="deny",
            source="deny_list",
            request=asked.id,
            why=failure.words(),
            failure=failure.kind,
            reasons=(reason,),
            deny_rule=DenyRule(rule.id),
        )

    # -- how it is -----------------------------------------------------------------------------

    def health(self) -> Health:
        """How the client is now."""
        return Health(
            breaker=self.breaker.state,
            answers=dict(self._answers),
            failures=dict(self._failures),
            deny_list=self.watch.health(),
            token_trouble=self.token.trouble,
            deaf_hooks=self._deaf_hooks,
        )

    def tell(self, happening: Happening, word: str) -> None:
        """Tell the broker's hook; what it raises is its own trouble."""
        hook = self.settings.on_event
        if hook is None:
            return
        try:
            hook(Event(happening, word))
        except Exception:  # noqa: BLE001 - a broker's metrics must not stop its mints
            self._deaf_hooks += 1


def _path(given: Path | str | None) -> Path | None:
    return None if given is None else Path(given)
