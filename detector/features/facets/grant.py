"""A grant's facets, put together in the order of `GRANT_FACETS`.

The last of them are told by memory: `kinship` and `company` (see `baselines.kin`), `renewal`, `task_state`,
`policy` and `decision` (see `engine.joins` and `engine.judge`). Each is wrong where what it remembers was not logged.
"""

from __future__ import annotations

from collections.abc import Callable

from detector.events import GrantRequest
from detector.features.facets.how_long import how_long
from detector.features.facets.vocabulary import Facets, GrantContext
from detector.features.facets.what import what
from detector.features.facets.when import grades, opening
from detector.features.facets.where import where
from detector.features.facets.whom import whom
from detector.features.facets.why import why
from detector.features.names import peers
from detector.features.pulse import Pulse
from detector.features.rhythm import watch


def grant_facets(
    grant: GrantRequest,
    *,
    fold: Callable[[str], str],
    level: Callable[[str], str | None],
    context: GrantContext,
    task_age: float,
    pulse: Pulse,
    now: float,
) -> Facets:
    """A grant's facets.

    `fold` canonicalises names, `level` tells a resource's sensitivity, `pulse` is
    the requester's, `task_age` how long ago (seconds) the task was last asked for,
    and `now` the log's clock.
    """
    requester, resource = fold(grant.requester), fold(grant.resource)
    asked, source = what(grant, requester, resource, level), where(grant.source)
    parties, reason, term = whom(grant, fold), why(grant), how_long(grant.ttl_seconds, resource)
    spread = pulse.spread(resource, now)
    values = (
        *asked[:6],
        *source,
        *parties[:3],
        *reason,
        term.lifetime,
        asked.right,
        f"{resource} from {source.network}",
        term.term,
        *parties[3:],
        asked.crossing,
        watch(grant.time),
        opening(resource, spread),
        *context,
    )
    told = grades(grant.time, spread, task_age, pulse, now)
    return Facets(requester, peers(requester), grant.issuer, values, told, grant.ttl_seconds)
