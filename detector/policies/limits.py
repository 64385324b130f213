"""Hard limits compiled: what of a document a request breaks. By the sensitivity of what is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, NamedTuple, TypeAlias, get_args

from detector.events import GrantRequest, Sensitivity
from detector.policies.document import Limit, LimitVerdict

LimitCode: TypeAlias = Literal["limit_lifetime", "limit_attestation", "limit_task"]
"""What of a limit was broken, as reasons call it."""

_LEVELS: Final = get_args(Sensitivity)


class Broken(NamedTuple):
    """One hard limit that a request breaks, and in what."""

    name: str
    limit: Limit
    code: LimitCode

    @property
    def verdict(self) -> LimitVerdict:
        """What that comes to."""
        return self.limit.verdict


class Limits:
    """Every limit of a document, by the level of sensitivity that it is about."""

    def __init__(self, limits: Mapping[str, Limit]) -> None:
        self._at: dict[str, list[tuple[str, Limit]]] = {}
        for name, limit in limits.items():
            for level in dict.fromkeys(limit.sensitivity):
                self._at.setdefault(level, []).append((name, limit))

    def __bool__(self) -> bool:
        """Whether there are any."""
        return bool(self._at)

    def broken(self, grant: GrantRequest, level: Sensitivity | None) -> list[Broken]:
        """What a request for something of that sensitivity breaks; nothing where that is not known.

        What a request does not say it does not keep: without a lifetime it is past every cap, and without a
        privilege it is held to the limits of each.
        """
        found = []
        for name, limit in self._at.get(level or "", ()):
            if limit.privileges is not None and grant.privilege is not None and grant.privilege not in limit.privileges:
                continue
            cap = limit.max_ttl_seconds
            if cap is not None and (grant.ttl_seconds is None or grant.ttl_seconds > cap):
                found.append(Broken(name, limit, "limit_lifetime"))
            if limit.attested and grant.attested is not True:
                found.append(Broken(name, limit, "limit_attestation"))
            if limit.task and not grant.task:
                found.append(Broken(name, limit, "limit_task"))
        return found


def stricter(said: Sensitivity | None, named: Sensitivity | None) -> Sensitivity | None:
    """The higher of what a request says of its sensitivity and what its resource's name says: nobody talks it down.

    >>> stricter("low", "critical"), stricter("high", None)
    ('critical', 'high')
    """
    if said is None or named is None:
        return said or named
    return max(said, named, key=_LEVELS.index)
