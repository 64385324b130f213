"""Who a raw name really is: sessions, pods, runners and runs folded into one canonical requester.

Most noise in issuance logs comes from names that are new on every run. Rules
take only those parts away that are known to be made afresh each time. What is
merely long, random or numbered stays: `svc1` and `svc2`, account numbers, nodes
(`ip-10-0-3-7`), StatefulSet ordinals (`db-0`), an Entra object id. Folding too
little costs a cold start; folding too much lets an attacker hide inside another
identity. So this is wrong, on purpose, where a per-run name looks like a fixed one.

Rules are data and tried in order: the first that changes the name is applied,
and the folded name is folded again until nothing changes, so that folding twice
is folding once. A name that rules turn into nothing, or that does not settle,
stays as it was.

>>> who = Identities(DEFAULT_IDENTITY_RULES)
>>> who.fold("arn:aws:sts::1:assumed-role/deploy/run-8842")
'arn:aws:sts::1:assumed-role/deploy'
>>> who.explain("cart-5d8f9c7b6d-x2x9z")
('cart', 'kubernetes-pod')
>>> who.explain("team-12/app-3")
('team-12/app-3', None)
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from detector.features.remembering import remembered

PASSES: Final = 8  # a name nests a session in a run in a job at most; rules that need more are going in circles

# The alphabet of Kubernetes' random suffixes: no vowels and no 0, 1, 3, so that no word is ever made by chance.
_POD: Final = "[bcdfghjklmnpqrstvwxz2456789]"
_UUID: Final = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_CI: Final = "builder|workflow|pipeline|runner|actions"
_END: Final = "(?![a-z0-9])"
_START: Final = "(?<![a-z0-9])"


@dataclass(frozen=True, slots=True)
class IdentityRule:
    r"""One way in which raw names fold: every match of `pattern` becomes `replacement`.

    `pattern` is a regular expression searched for anywhere in the raw name;
    `replacement` may refer to its groups (`\\1`). `name` is what `explain` says.
    """

    name: str
    pattern: str
    replacement: str


DEFAULT_IDENTITY_RULES: Final[tuple[IdentityRule, ...]] = (
    # The session's name is the caller's choice. IAM Identity Center's is not: there it is the person, and stays.
    IdentityRule(
        "aws-assumed-role-session",
        r"^(arn:aws[a-z-]*:sts::[^:/]*:assumed-role/(?!AWSReservedSSO_)[^/]+)/.+$",
        r"\1",
    ),
    IdentityRule("aws-role-id-session", r"^(AROA[A-Z0-9]{8,}):.+$", r"\1"),
    IdentityRule("aws-ecs-task", r"^(arn:aws[a-z-]*:ecs:[^:]*:[^:]*:task(?:/[^/]+)?)/[0-9a-f]{32}$", r"\1"),
    # A Deployment's pod: the ReplicaSet's hash and the pod's own suffix, one digit among them at least.
    IdentityRule(
        "kubernetes-pod",
        rf"-(?=[a-z]*\d|[a-z]+-[a-z]*\d){_POD}{{8,10}}-(?:{_POD}{{5}}|(?=[a-z]*\d)[a-z0-9]{{5}})(?=$|[/:@])",
        "",
    ),
    # A CronJob's pod: minutes since 1970 (2008 to 2046), then the pod's own suffix.
    IdentityRule("kubernetes-cronjob-pod", rf"-[23]\d{{7}}-{_POD}{{5}}(?=$|[/:@])", ""),
    IdentityRule("actions-runner-controller", rf"-{_POD}{{5}}-runner-{_POD}{{5}}(?=$|[/:@])", ""),
    IdentityRule("gitlab-runner", r"(-project-\d+)-concurrent-\d+(?:-[a-z0-9]+)?(?=$|[/:@])", r"\1"),
    # A pull request's number: GitHub's own subject for all of them is one, `repo:…:pull_request`.
    IdentityRule("pull-request", rf"refs/pull/\d+/(merge|head){_END}", r"refs/pull/*/\1"),
    # A pipeline's runs, numbered or hashed behind its own path: `workflow/org/app/deploy/5877`.
    IdentityRule(
        "pipeline-run",
        rf"(?i)^((?:.*[:/])?(?:{_CI})s?/[^/]+/.+)/(?:\d+|(?=\d*[a-f])(?=[a-f]*\d)[0-9a-f]{{8,64}})$",
        r"\1",
    ),
    IdentityRule(
        "run-id",
        rf"(?i){_START}(run|run[-_]?id|run[-_]attempt)"
        rf"(?:[:/=]\d+|[-_]\d{{3,}}|[-_:/=](?:{_UUID}|(?=[a-f]*\d)[0-9a-f]{{6,64}})){_END}",
        r"\1",
    ),
    IdentityRule(
        "runner-id",
        rf"(?i){_START}(runner)[-_:/=](?:\d+|{_UUID}|(?=[a-f]*\d)[0-9a-f]{{6,64}}|(?=[a-z]*\d){_POD}{{5}}){_END}",
        r"\1",
    ),
    IdentityRule(
        "job-id",
        rf"(?i){_START}(job|job[-_]id|build|build[-_]id|pipeline|execution|invocation|session|alloc|pod)"
        rf"[-_:/=](?:\d{{6,}}|{_UUID}|(?=[0-9a-f]*\d[a-f])[0-9a-f]{{8,64}}){_END}",
        r"\1",
    ),
)


class Identities:
    """The rules, compiled. Stateless but for a bounded memory of what it has folded."""

    fold: Callable[[str], str]
    """The canonical name of a raw one; remembered, so that a name seen lately costs a look-up."""

    def __init__(self, rules: Sequence[IdentityRule]) -> None:
        """Compile `rules`; raises ValueError naming the rule whose pattern or replacement is wrong."""
        self._rules = tuple(_compiled(rule) for rule in rules)
        self.fold = remembered(self._canonical)

    def explain(self, raw: str) -> tuple[str, str | None]:
        """The canonical name and the rules that made it, in the order they were applied; None where none did."""
        name, applied = raw, []
        for _ in range(PASSES):
            for rule, pattern, replacement in self._rules:
                folded = pattern.sub(replacement, name)
                if folded != name:
                    name = folded
                    applied.append(rule)
                    break
            else:
                return name, ", ".join(applied) or None
            if not name:
                break
        return raw, None

    def _canonical(self, raw: str) -> str:
        return self.explain(raw)[0]


def _compiled(rule: IdentityRule) -> tuple[str, re.Pattern[str], str]:
    try:
        pattern = re.compile(rule.pattern)
    except re.error as error:
        raise ValueError(f"identity rule {rule.name!r}: pattern is no regular expression: {error}") from None
    if pattern.search("") is not None:
        raise ValueError(f"identity rule {rule.name!r}: pattern matches the empty name, so it would match every name")
    try:
        # An alternative that always matches lets `sub` look at the replacement's groups, which it does lazily.
        re.compile(f"{rule.pattern}|").sub(rule.replacement, "")
    except (re.error, IndexError) as error:
        raise ValueError(f"identity rule {rule.name!r}: replacement does not fit the pattern: {error}") from None
    return rule.name, pattern, rule.replacement
