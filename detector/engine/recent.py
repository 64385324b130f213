"""Bounded memory of the latest: two generations of a dictionary, the older dropped whole."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Generic, TypeVar

from msgspec import Struct, field

T = TypeVar("T")


class Recent(Struct, Generic[T]):
    """The latest `limit` to `2 * limit` keys and what they stand for.

    Cheap, exact for the last `limit` keys, and the same after a snapshot.
    Looking up neither renews nor changes anything.
    """

    limit: int
    young: dict[str, T] = field(default_factory=dict)
    old: dict[str, T] = field(default_factory=dict)

    def get(self, key: str) -> T | None:
        """What was put under the key, if it is still remembered."""
        found = self.young.get(key)
        return self.old.get(key) if found is None else found

    def renewed(self, key: str) -> T | None:
        """As `get`; what was in the older generation lives on in the younger, as if it had been put again."""
        found = self.young.get(key)
        if found is None:
            found = self.old.pop(key, None)
            if found is not None:
                self.put(key, found)
        return found

    def put(self, key: str, value: T) -> None:
        """Remember, forgetting the older generation when the younger is full."""
        if len(self.young) >= self.limit and key not in self.young:
            self.old, self.young = self.young, {}
        self.young[key] = value

    def drop(self, key: str) -> None:
        """Forget one key; nothing happens where it is not known."""
        self.young.pop(key, None)
        self.old.pop(key, None)

    def holds(self, keys: Iterable[str]) -> bool:
        """Whether any of the keys is remembered."""
        young, old = self.young, self.old
        for key in keys:  # noqa: SIM110 - the hot path: any() would make a generator for what is nearly always one key
            if key in young or key in old:
                return True
        return False

    def __contains__(self, key: str) -> bool:
        """Whether the key is remembered."""
        return key in self.young or key in self.old

    def __len__(self) -> int:
        """How many keys are remembered (those in both generations count twice)."""
        return len(self.young) + len(self.old)
