"""Deny rules behind one small door: a running server's, or those of a store that we open ourselves.

Both speak of a rule as the API's JSON does.
"""

from __future__ import annotations

import getpass
import time
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NotInTime
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

from detector.cli.complaint import Complaint

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from detector.cli.remote import Remote
    from detector.rules import Rule
    from detector.wiring.compose import Embedded
    from detector.wiring.settings import Settings

DURABLE_SECONDS: Final = 10.0
"""For one record: a disk that takes longer is full or gone."""

BACKTEST_SECONDS: Final = 60.0
LOOK_SECONDS: Final = 0.2
"""How long a rule's writer waits for its backtest, and how often he looks: a million events take less."""

READS: Final = "analyst"
CHANGES: Final = "operator"


class Rulebook(Protocol):
    """Where the rules are."""

    def all(self) -> list[dict[str, Any]]:
        """Every rule that is remembered, the newest first."""

    def one(self, rule_id: str) -> dict[str, Any]:
        """One rule. Raises `Complaint` for an unknown one."""

    def change(self, rule_id: str, verb: str, *, reason: str | None = None) -> dict[str, Any]:
        """`enforce`, `shadow` or `withdraw` it. Raises `Complaint` where its state does not allow that."""

    def write(
        self, selector: dict[str, str], *, reason: str, lifetime_seconds: float, mode: str, override: str = ""
    ) -> dict[str, Any]:
        """A new rule. Raises `Complaint` naming what is wrong with it."""


class ServedRules:
    """The rules of a running server."""

    def __init__(self, remote: Remote) -> None:
        self._remote = remote

    def all(self) -> list[dict[str, Any]]:
        """`GET /v1/deny-rules`."""
        rules: list[dict[str, Any]] = self._remote.get("v1", "deny-rules", needs=READS)["deny_rules"]
        return rules

    def one(self, rule_id: str) -> dict[str, Any]:
        """`GET /v1/deny-rules/{id}`."""
        rule: dict[str, Any] = self._remote.get("v1", "deny-rules", rule_id, needs=READS)
        return rule

    def change(self, rule_id: str, verb: str, *, reason: str | None = None) -> dict[str, Any]:
        """`POST /v1/deny-rules/{id}/{verb}`."""
        word = "override" if verb == "enforce" else "reason"
        body = {} if reason is None else {word: reason}
        rule: dict[str, Any] = self._remote.post("v1", "deny-rules", rule_id, verb, body=body, needs=CHANGES)
        return rule

    def write(
        self, selector: dict[str, str], *, reason: str, lifetime_seconds: float, mode: str, override: str = ""
    ) -> dict[str, Any]:
        """`POST /v1/deny-rules`."""
        body: dict[str, Any] = {
            "selector": selector,
            "reason": reason,
            "lifetime_seconds": lifetime_seconds,
            "mode": mode,
        }
        if override:
            body["override"] = override
        rule: dict[str, Any] = self._remote.post("v1", "deny-rules", body=body, needs=CHANGES)
        ends = time.monotonic() + BACKTEST_SECONDS
        while rule["backtest"] is None and time.monotonic() < ends:  # the server folds its history meanwhile
            time.sleep(LOOK_SECONDS)
            rule = self.one(rule["id"])
        return rule


class StoredRules:
    """The rules of a store that this process has opened."""

    def __init__(self, store: Embedded) -> None:
        self._store, self._engine = store, store.engine
        self._by = f"{getpass.getuser()} (command line)"

    def all(self) -> list[dict[str, Any]]:
        """As the engine remembers them."""
        return [self._view(rule) for rule in self._engine.rules()]

    def one(self, rule_id: str) -> dict[str, Any]:
        """As the engine remembers it."""
        rule = self._engine.rule(rule_id)
        if rule is None:
            raise _unknown(rule_id)
        return self._view(rule)

    def change(self, rule_id: str, verb: str, *, reason: str | None = None) -> dict[str, Any]:
        """Switch it, durably."""
        engine, by = self._engine, self._by
        verbs: dict[str, Callable[[], tuple[Rule, Future[int]]]] = {
            "enforce": lambda: engine.enforce_rule(rule_id, by=by, override=reason or ""),
            "shadow": lambda: engine.shadow_rule(rule_id, by=by),
            "withdraw": lambda: engine.withdraw_rule(rule_id, by=by, reason=reason or ""),
        }
        try:
            return self._durable(*verbs[verb]())
        except KeyError:
            raise _unknown(rule_id) from None
        except ValueError as error:
            raise Complaint(str(error)) from None

    def write(
        self, selector: dict[str, str], *, reason: str, lifetime_seconds: float, mode: str, override: str = ""
    ) -> dict[str, Any]:
        """Raise it, durably."""
        from detector.rules import by_hand

        try:
            return self._durable(
                *self._engine.propose_rule(
                    by_hand(**selector),
                    by=self._by,
                    reason=reason,
                    lifetime_seconds=lifetime_seconds,
                    goal="enforced" if mode == "enforced" else "shadow",
                    override=override,
                )
            )
        except ValueError as error:
            raise Complaint(str(error)) from None

    def _durable(self, rule: Rule, recorded: Future[int]) -> dict[str, Any]:
        try:
            recorded.result(timeout=DURABLE_SECONDS)
            self._store.prove()
        except NotInTime:
            raise Complaint("the change does not become durable: the disk is slow, or full") from None
        return self._view(self._engine.rule(rule.id) or rule)

    def _view(self, rule: Rule) -> dict[str, Any]:
        from detector.api.wire import rule_view

        return rule_view(rule, hits=self._engine.hits(rule.id), now=self._engine.now())


@contextmanager
def rulebook(settings: Settings, token_file: Path | None) -> Iterator[Rulebook]:
    """The rules of the server that runs on the data directory, else of the store in it.

    Raises `Complaint` where there is neither.
    """
    from detector.cli.opened import opened

    with opened(settings, token_file) as home:
        yield StoredRules(home.store) if home.store is not None else ServedRules(home.server)


def _unknown(rule_id: str) -> Complaint:
    return Complaint(f"no deny rule {rule_id!r}: see `assayer rules list`")
