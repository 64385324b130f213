"""Who signed a log's checkpoints: each key was named by the one before, from the first on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from detector.proof import Checkpoint, Discrepancy, Note, NoteRefused, Verifier
from detector.store.tree import Sealed


@dataclass(slots=True)
class Chain:
    """The keys in the order in which they signed, and what is wrong about it."""

    keys: list[Verifier] = field(default_factory=list)
    found: list[Discrepancy] = field(default_factory=list)

    def wrong(self, what: str) -> None:
        """Note something about the whole log."""
        self.found.append(Discrepancy(0, what))

    def vouched(self, note: Note, what: str) -> Checkpoint | None:
        """A checkpoint from elsewhere, where one of the keys signed it; `None`, and noted, otherwise."""
        try:
            note.signers(self.keys)
            return Checkpoint.of(note)
        except NoteRefused as error:
            self.wrong(f"{what}: {error}")
            return None


def chained(
    sealed: Sequence[Sealed], signers: Sequence[tuple[int, Verifier]], *, origin: str, key: Verifier | None
) -> Chain:
    """Follow the signatures of a log's checkpoints. `key` is one that an outsider knows to be the log's."""
    chain = Chain()
    listed = dict(signers)
    current = listed.get(min(listed)) if listed else None
    if current is not None:
        chain.keys.append(current)
    elif sealed:
        chain.wrong("nobody is known to have signed the checkpoints: the table of signers is empty")
    number, size = 0, 0
    for number, one in enumerate(sealed, start=1):
        if one.number != number:
            chain.wrong(f"checkpoint {number} is missing")
            break
        if one.checkpoint.origin != origin:
            chain.wrong(f"checkpoint {number} is of another log, {one.checkpoint.origin}")
        if one.checkpoint.size < size:
            chain.wrong(f"checkpoint {number} is over {one.checkpoint.size} entries, the one before it over {size}")
        size = one.checkpoint.size
        current = _next(chain, one, current, listed.get(number))
    for since, listed_key in signers:
        if listed_key not in chain.keys and since <= number:
            chain.wrong(
                f"the key {listed_key.text()} is listed since checkpoint {since}, and no key before it named it"
            )
    if key is not None and key not in chain.keys:
        chain.wrong(f"no checkpoint is signed by the key {key.text()}, or by one that it named")
    return chain


def _next(chain: Chain, one: Sealed, current: Verifier | None, listed: Verifier | None) -> Verifier | None:
    """Who signs after this checkpoint, which `current` should have signed."""
    named, known = _named(chain, one), [key for key in (current, listed) if key is not None]
    try:
        by = one.note.signers([*known, *([named] if named is not None else ())])
    except NoteRefused as error:
        chain.wrong(f"checkpoint {one.number}: {error}")
        return current
    if current is not None and current not in by:
        chain.wrong(f"checkpoint {one.number} is signed by {one.note.named()}, which the key before did not name")
        current = by[0]
        chain.keys.append(current)
    if named is None or named == current:
        return current
    if named not in by:
        chain.wrong(f"checkpoint {one.number} names a key to follow that did not sign it")
        return current
    chain.keys.append(named)
    return named


def _named(chain: Chain, one: Sealed) -> Verifier | None:
    try:
        return one.checkpoint.next_key()
    except NoteRefused as error:
        chain.wrong(f"checkpoint {one.number}: {error}")
        return None
