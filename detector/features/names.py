"""What a name belongs to: a resource's area, a requester's peers, a task's pattern.

Wrong where names carry no structure: then everything is its own area, and
novelty cannot be told from growth.
"""

from __future__ import annotations

import re
from functools import partial
from typing import Final

from detector.features.marks import REDACTED, habitual
from detector.features.remembering import remembered

WORDY: Final = 8_192
"""Names whose words are remembered: a name may be nothing but short words, 10 kB of them."""

_WORDS: Final = re.compile(r"[^a-z0-9]+")
_PRODUCTION: Final = frozenset({"prod", "production", "prd", "live"})
_BELOW_PRODUCTION: Final = frozenset(
    {"staging", "stage", "stg", "preprod", "nonprod", "uat", "qa", "test", "testing", "preview", "canary"}
    | {"dev", "development", "devel", "lab", "sandbox", "sbx", "research", "demo", "int"}
)
_NUMBERS: Final = re.compile(r"[0-9a-f]{8,}|\d+")
_WRITES: Final = re.compile(
    r"put|post|write|create|update|delete|patch|send|run|start|stop|modify|attach|detach|set|add|remove|terminate|rotate|sign|encrypt|publish|upload|push|deploy|exec|insert|drop",
)
_ADMINISTERS: Final = re.compile(
    r"policy|policies|role|iam:|grant|permission|admin|trail|detector|guardduty|accesskey|loginprofile|rbac|sudo|root|shutdown|impersonat|secretsmanager:delete|kms:",
)


@remembered
def area(resource: str) -> str:
    """The part of a resource's name that its siblings share: all but its last segment.

    >>> area("aws/creds/app-write"), area("arn:aws:iam::1:role/deploy"), area("payments")
    ('aws/creds', 'arn:aws:iam::1:role', 'payments')
    """
    head, _, tail = resource.rstrip("/").rpartition("/")
    if head and tail:
        return head
    head, _, tail = resource.rpartition(":")
    return head or resource


@remembered
def peers(requester: str) -> str:
    """The group a requester's name puts it in: its siblings in the name's hierarchy.

    >>> peers("spiffe://prod/app/svc1"), peers("system:serviceaccount:shop:cart")
    ('spiffe://prod/app', 'system:serviceaccount:shop')
    """
    return area(requester)


@remembered
def pattern(text: str) -> str:
    """A name without its numbers: what every run of one task shares.

    >>> pattern("deploy-71"), pattern("job/3f2a9c1d77/step-2")
    ('deploy-#', 'job/#/step-#')
    """
    return habitual(text)[:80] if text.startswith(REDACTED) else _NUMBERS.sub("#", text.lower())[:80]


@partial(remembered, most=WORDY)
def words(name: str) -> frozenset[str]:
    """The words of a name, for telling kin from stranger.

    >>> sorted(words("spiffe://prod/Checkout/svc-1"))
    ['checkout', 'prod', 'spiffe', 'svc']
    """
    return frozenset(w for w in _WORDS.split(name.lower()) if len(w) > 1 and not w.isdigit())


@remembered
def tier(name: str) -> str:
    """How near to customers a name says it is: `production`, `below production` or `anywhere`.

    >>> tier("spiffe://prod/app/cart"), tier("aws/creds/stage-cart-write"), tier("aws/creds/cart-write")
    ('production', 'below production', 'anywhere')
    """
    said = words(name)
    if said & _BELOW_PRODUCTION:
        return "below production"
    return "production" if said & _PRODUCTION else "anywhere"


@remembered
def power(action: str) -> str:
    """What an action can do, told from its name: `read`, `write` or `admin`.

    >>> power("s3:GetObject"), power("s3:PutObject"), power("iam:AttachRolePolicy")
    ('read', 'write', 'admin')
    """
    text = action.lower()
    writes = _WRITES.search(text) is not None
    if writes and _ADMINISTERS.search(text):
        return "admin"
    return "write" if writes else "read"
