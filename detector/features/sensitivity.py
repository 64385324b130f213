"""How much is at stake with a resource, told from its name where the event does not say.

Rules are data and tried in order; the first whose pattern is found in the name
decides. No match is `None`: then what is learnt about the resource's privilege
speaks. Wrong where names lie: a `sandbox` that can reach production.

>>> known = Sensitivities(DEFAULT_SENSITIVITY_RULES)
>>> known.level("aws/creds/prod-admin"), known.level("pki/issue/prod"), known.level("app/products")
('critical', 'high', None)
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from detector.events import Sensitivity
from detector.features.remembering import remembered

_PROD: Final = r"(?<![a-z])(?:prod|prd|production|live)(?![a-z])"
_RULE: Final = r"(?<![a-z])(?:admin|administrator|administratoraccess|root|owner|superuser)(?![a-z])"
_KEYS: Final = (
    r"(?<![a-z])(?:kms|pki|ca|signing|sign|transit|secret|secrets|vault|payments?|billing|identity|sso)(?![a-z])"
)


@dataclass(frozen=True, slots=True)
class SensitivityRule:
    """One family of resources: those whose name holds a match of the regular expression `pattern`."""

    pattern: str
    level: Sensitivity


# Two words in either order are each looked for from the start: one behind the other would take the square of a name.
DEFAULT_SENSITIVITY_RULES: Final[tuple[SensitivityRule, ...]] = (
    SensitivityRule(r"(?i)break[-_]?glass", "critical"),
    SensitivityRule(r"(?i)(?<![a-z])(?:cluster-admin|organizationaccountaccessrole)(?![a-z])", "critical"),
    SensitivityRule(rf"(?i)^(?=.*{_PROD})(?=.*{_RULE})", "critical"),
    SensitivityRule(r"(?i)(?<![a-z])(?:sandbox|playground|scratch|demo)(?![a-z])", "low"),
    SensitivityRule(rf"(?i){_RULE}", "high"),
    SensitivityRule(rf"(?i)^(?=.*{_PROD})(?=.*{_KEYS})", "high"),
    SensitivityRule(rf"(?i){_PROD}", "medium"),
    SensitivityRule(rf"(?i){_KEYS}", "medium"),
)


class Sensitivities:
    """The rules, compiled. Stateless but for a bounded memory of what it has looked at."""

    level: Callable[[str], Sensitivity | None]
    """The sensitivity of a resource by its name; `None` where no rule knows it."""

    def __init__(self, rules: Sequence[SensitivityRule]) -> None:
        """Compile `rules`; raises ValueError quoting the pattern that is no regular expression."""
        self._rules = tuple((_compiled(rule.pattern), rule.level) for rule in rules)
        self.level = remembered(self._found)

    def _found(self, resource: str) -> Sensitivity | None:
        return next((level for pattern, level in self._rules if pattern.search(resource)), None)


def _compiled(pattern: str) -> re.Pattern[str]:
    try:
        return re.compile(pattern)
    except re.error as error:
        raise ValueError(f"sensitivity pattern {pattern!r} is no regular expression: {error}") from None
