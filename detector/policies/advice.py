"""What a request could have asked for instead: enough for its limits, and for what its like was ever seen to need."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from detector.events import Privilege
from detector.policies.limits import Broken


class Narrower(Struct, frozen=True, omit_defaults=True, gc=False):
    """Less than was asked for, and seen to be enough: only what is named could be narrower."""

    privilege: Privilege | None = None
    actions: tuple[str, ...] = ()
    resource: str | None = None


class Advice(Struct, frozen=True, omit_defaults=True, kw_only=True, gc=False):
    """What to ask for instead. Nobody has to, and no verdict comes of it.

    `attested` and `task` say that a proof of identity and a task would have to be named. `because`
    says what each part rests on, with its counts.
    """

    max_ttl_seconds: float | None = None
    attested: bool = False
    task: bool = False
    narrower: Narrower | None = None
    because: tuple[str, ...] = ()

    def joined(self, other: Advice | None) -> Advice:
        """Both pieces of advice in one: the shorter lifetime, and all that either says."""
        if other is None:
            return self
        caps = [cap for cap in (self.max_ttl_seconds, other.max_ttl_seconds) if cap is not None]
        return Advice(
            max_ttl_seconds=min(caps, default=None),
            attested=self.attested or other.attested,
            task=self.task or other.task,
            narrower=self.narrower or other.narrower,
            because=(*self.because, *other.because),
        )


def within(broken: Iterable[Broken]) -> Advice | None:
    """What would keep the limits that a request breaks; `None` where it breaks none."""
    advice: Advice | None = None
    for name, limit, code in broken:
        because = (f"limit {name}",)
        if code == "limit_lifetime":
            one = Advice(max_ttl_seconds=limit.max_ttl_seconds, because=because)
        elif code == "limit_attestation":
            one = Advice(attested=True, because=because)
        else:
            one = Advice(task=True, because=because)
        advice = one.joined(advice)
    return advice
