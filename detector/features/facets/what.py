"""What is asked for: the resource and what may be done with it.

- `issuer`: who would mint it. Wrong in a migration, when everybody's issuer is new.
- `resource`: the thing itself, its name folded. Wrong where names carry a date or a run that no rule folds.
- `area`: the resource's family, as far as its name tells. Wrong where names are numbers.
- `privilege`: read, write or admin, as the log has it. Wrong where a log calls everything admin.
- `actions`: which actions, as a set. Wrong where brokers list them at random.
- `sensitivity`: stated, else by patterns on the name. Wrong where nobody wrote patterns.
- `right`: this privilege on this resource. Wrong where a job reads all week and writes on Sundays, for the first month.
- `crossing`: from which tier to which (production asks for staging's). Wrong where names do not say their tier.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from detector.events import GrantRequest
from detector.features.facets.vocabulary import ABSENT
from detector.features.names import area, tier


class What(NamedTuple):
    """The facets of what is asked for, as the module's docstring lists them."""

    issuer: str
    resource: str
    area: str
    privilege: str
    actions: str
    sensitivity: str
    right: str
    crossing: str


def what(grant: GrantRequest, requester: str, resource: str, level: Callable[[str], str | None]) -> What:
    """What is asked for; `requester` and `resource` are canonical, `level` tells a resource's sensitivity."""
    privilege = grant.privilege or ABSENT
    return What(
        grant.issuer,
        resource,
        area(resource),
        privilege,
        ",".join(sorted(grant.actions)) if grant.actions else ABSENT,
        grant.sensitivity or level(grant.resource) or ABSENT,
        f"{privilege} on {resource}",
        f"{tier(requester)} to {tier(resource)}",
    )
