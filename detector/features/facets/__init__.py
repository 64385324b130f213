"""An event as facets: short values that recur, in a fixed order, ready to be looked up in habits.

No state and no clock: what needs memory (has this task ended, whose credential is renewed) comes in as
context. One module says what one question makes of an event, and when each of its facets is wrong:
`what` is asked for, from `where`, by `whom` and for whom, `why`, for `how_long`, `when`; and the same of a `use`.
"""

from detector.features.facets.grant import grant_facets
from detector.features.facets.named import NAMED, named, named_in
from detector.features.facets.use import UNMINTED, Mint, mint, use_facets
from detector.features.facets.vocabulary import (
    ABSENT,
    CONTEXTS,
    GIVEN,
    GRANT_FACETS,
    GRANT_GRADES,
    PARENTS,
    SHOWN_WITH,
    USE_FACETS,
    USE_GRADES,
    Facets,
    GrantContext,
)

__all__ = [
    "ABSENT",
    "CONTEXTS",
    "GIVEN",
    "GRANT_FACETS",
    "GRANT_GRADES",
    "NAMED",
    "PARENTS",
    "SHOWN_WITH",
    "UNMINTED",
    "USE_FACETS",
    "USE_GRADES",
    "Facets",
    "GrantContext",
    "Mint",
    "grant_facets",
    "mint",
    "named",
    "named_in",
    "use_facets",
]
