"""What a policy document adds to a verdict: an intent eases a step-up, a hard limit has the last word.

Order matters. What was agreed on beforehand raises the threshold that a request is stepped up at, and nothing else:
who is denied for what had accumulated, or by a rule, stays denied. A limit is a verdict of its own, after all others.
"""

from __future__ import annotations

from typing import Final

import msgspec

from detector.engine.records import Weighed
from detector.engine.state import State
from detector.events import GrantRequest
from detector.evidence import quantise
from detector.features.facets import GRANT_FACETS, Facets
from detector.policies import Broken, LimitCode, stricter
from detector.verdict import Reason, Verdict

EASE: Final = 1.0
"""Nats by which an intent raises the step-up threshold. Where everybody has one for all that he does, it takes away
most of the step-ups that any ease would, at a third of what more would cost in attacks (`python -m bench.intents`)."""

_RESOURCE: Final = GRANT_FACETS.index("resource")
_HARDER: Final[dict[Verdict, int]] = {"allow": 0, "step_up": 1, "deny": 2}

SAID: Final[dict[LimitCode, str]] = {
    "limit_lifetime": "asks for a longer lifetime than a hard limit lets anybody have",
    "limit_attestation": "proves itself less than a hard limit demands of everybody",
    "limit_task": "names no task, which a hard limit demands of everybody",
}
"""One sentence for each thing that a limit is about."""


def eased(state: State, grant: GrantRequest, facets: Facets, weighed: Weighed, now: float) -> Weighed:
    """What a grant comes to under the intent that it lies within, if any. Never less than a deny was."""
    intent = state.agreed.intents.covering(facets.requester, grant, facets.values[_RESOURCE], now)
    if intent is None or weighed.verdict == "deny":
        return weighed
    quanta = quantise(EASE)
    step_up_at = weighed.step_up_at + quanta
    verdict: Verdict = "step_up" if weighed.verdict == "step_up" and weighed.evidence >= step_up_at else "allow"
    return msgspec.structs.replace(weighed, verdict=verdict, step_up_at=step_up_at, eased=quanta, intent=intent)


def broken(state: State, grant: GrantRequest) -> list[Broken]:
    """The hard limits that a grant breaks."""
    limits = state.agreed.limits
    if not limits:
        return []
    return limits.broken(grant, stricter(grant.sensitivity, state.sensitivities.level(grant.resource)))


def limited(weighed: Weighed, limits: list[Broken], grant: GrantRequest) -> Weighed:
    """What a grant comes to under the limits that it breaks."""
    if not limits:
        return weighed
    verdict = max((weighed.verdict, *(one.verdict for one in limits)), key=_HARDER.__getitem__)
    return msgspec.structs.replace(
        weighed,
        verdict=verdict,
        reasons=(*(_reason(one, grant) for one in limits), *weighed.reasons),
        limits=tuple(dict.fromkeys(one.name for one in limits)),
        otherwise=None if verdict == weighed.verdict else weighed.verdict,
    )


def _reason(one: Broken, grant: GrantRequest) -> Reason:
    name, limit, code = one
    if code == "limit_lifetime":
        said = "no lifetime named" if grant.ttl_seconds is None else f"{grant.ttl_seconds:.0f} s"
        expected, observed = f"at most {limit.max_ttl_seconds or 0.0:.0f} s (limit {name})", said
    elif code == "limit_attestation":
        expected, observed = f"an attested identity (limit {name})", "not attested"
    else:
        expected, observed = f"a task (limit {name})", "none given"
    return Reason(code=code, because=SAID[code], nats=0.0, expected=expected, observed=observed)
