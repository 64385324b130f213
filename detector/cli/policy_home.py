"""The policy document behind one small door: a running server's, or that of a store that we open ourselves.

Both speak of it as the API's JSON does.
"""

from __future__ import annotations

import getpass
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

from detector.cli.complaint import Complaint

if TYPE_CHECKING:
    from collections.abc import Iterator
    from concurrent.futures import Future

    from detector.cli.remote import Remote
    from detector.policies import Document
    from detector.wiring.compose import Embedded
    from detector.wiring.settings import Settings

READS: Final = "analyst"
CHANGES: Final = "operator"

DURABLE_SECONDS: Final = 10.0
"""For one record: a disk that takes longer is full or gone."""


class PolicyHome(Protocol):
    """Where the document is."""

    def now(self) -> dict[str, Any]:
        """The one in force, and how its intents stand."""

    def history(self) -> list[dict[str, Any]]:
        """Those that came into force, the newest first."""

    def rehearse(self, document: Document, *, days: int) -> dict[str, Any]:
        """What one would have done to the log's last days; it is stored."""

    def apply(self, document: Document, *, because: str, override: str) -> dict[str, Any]:
        """Let one come into force. Raises `Complaint` where it cannot."""

    def reauthorise(self, intent: str, *, because: str) -> dict[str, Any]:
        """Answer anew for an intent. Raises `Complaint` for an unknown one."""


class ServedPolicy:
    """A running server's."""

    def __init__(self, remote: Remote) -> None:
        self._remote = remote

    def now(self) -> dict[str, Any]:
        """`GET /v1/policy`."""
        found: dict[str, Any] = self._remote.get("v1", "policy", needs=READS)
        return found

    def history(self) -> list[dict[str, Any]]:
        """`GET /v1/policy/history`."""
        found: list[dict[str, Any]] = self._remote.get("v1", "policy", "history", needs=READS)["history"]
        return found

    def rehearse(self, document: Document, *, days: int) -> dict[str, Any]:
        """`POST /v1/policy/dry-run`."""
        found: dict[str, Any] = self._remote.post(
            "v1", "policy", "dry-run", body=_plain(document), needs=CHANGES, query={"days": days}
        )
        return found

    def apply(self, document: Document, *, because: str, override: str) -> dict[str, Any]:
        """`POST /v1/policy`."""
        body = {"document": _plain(document), "reason": because, "override": override}
        found: dict[str, Any] = self._remote.post("v1", "policy", body=body, needs=CHANGES)
        return found

    def reauthorise(self, intent: str, *, because: str) -> dict[str, Any]:
        """`POST /v1/policy/intents/{intent}/reauthorise`."""
        path = ("v1", "policy", "intents", intent, "reauthorise")
        found: dict[str, Any] = self._remote.post(*path, body={"reason": because}, needs=CHANGES)
        return found


class StoredPolicy:
    """That of a store that this process has opened."""

    def __init__(self, store: Embedded) -> None:
        self._store, self._engine = store, store.engine
        self._by = f"{getpass.getuser()} (command line)"

    def now(self) -> dict[str, Any]:
        """As the engine remembers it."""
        from detector.api.policies import policy_view

        return policy_view(self._engine.state.memory.documents, now=time.time())

    def history(self) -> list[dict[str, Any]]:
        """As the engine remembers them."""
        from detector.api.policies import history_view

        return history_view(self._engine.state.memory.documents)

    def rehearse(self, document: Document, *, days: int) -> dict[str, Any]:
        """Fold the log, and store what came of it."""
        from detector.api.policies import dry_run_view
        from detector.features.rhythm import DAY
        from detector.wiring.history import dry_run

        state = self._engine.state
        found = dry_run(self._store.log, document, state.policy, since=state.memory.stamp - days * DAY)
        _durable(self._engine.take_dry_run(document, found, by=self._by))
        return dry_run_view(document, found)

    def apply(self, document: Document, *, because: str, override: str) -> dict[str, Any]:
        """Apply it, durably."""
        from detector.engine.policy_life import PolicyConflict

        try:
            _durable(self._engine.apply_policy(document, by=self._by, because=because, override=override))
        except PolicyConflict as conflict:
            raise Complaint(str(conflict)) from None
        return self.now()

    def reauthorise(self, intent: str, *, because: str) -> dict[str, Any]:
        """Record it, durably."""
        try:
            _durable(self._engine.reauthorise(intent, by=self._by, because=because))
        except KeyError:
            raise Complaint(f"no intent {intent!r} in the policy document in force") from None
        return self.now()


@contextmanager
def policy_home(settings: Settings, token_file: Path | None) -> Iterator[PolicyHome]:
    """That of the server that runs on the data directory, else of the store in it. Raises `Complaint`."""
    from detector.cli.opened import opened

    with opened(settings, token_file) as home:
        yield StoredPolicy(home.store) if home.store is not None else ServedPolicy(home.server)


def _plain(document: Document) -> Any:
    import msgspec

    return msgspec.to_builtins(document)


def _durable(recorded: Future[int]) -> None:
    try:
        recorded.result(timeout=DURABLE_SECONDS)
    except TimeoutError:
        raise Complaint("the change does not become durable: the disk is slow, or full") from None
