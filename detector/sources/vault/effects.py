"""What a call to Vault does: mint, renew, revoke, change a policy, or merely use."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from detector.sources.base import Record
from detector.sources.fields import mapping, seconds, texts
from detector.sources.vault.call import Call
from detector.sources.vault.tokens import accessor, issued, shown

_LOGIN: Final = re.compile(r"auth/.+/login(?:/.*)?|auth/.+/oidc/callback")
_CREATE: Final = re.compile(r"auth/token/create(?:-orphan)?(?:/.+)?")
_RENEW: Final = re.compile(r"auth/token/renew(?:-self|-accessor)?(?:/.+)?")
_LEASE_RENEW: Final = re.compile(r"sys/(?:leases/)?renew(?:/(.+))?")
_SECRET_ID: Final = re.compile(r"auth/.+/role/[^/]+/(?:custom-)?secret-id")
_OIDC_TOKEN: Final = re.compile(r"identity/oidc/token/.+")
_SIGNED: Final = re.compile(
    r"(?:issuer/[^/]+/)?(?:issue|sign|sign-verbatim|sign-intermediate)(?:/.+)?|root/.*|creds/.+"
)
_CREDS: Final = re.compile(r"(?:static-)?creds/.+|sts/.+|(?:static-)?role(?:set)?/.+/(?:token|key)|token/.+|key/.+")
_SIGNERS: Final = frozenset({"pki", "ssh"})
_DYNAMIC: Final = frozenset(
    [
        "aws",
        "azure",
        "gcp",
        "database",
        "consul",
        "nomad",
        "rabbitmq",
        "alicloud",
        "ldap",
        "ad",
        "kubernetes",
        "mongodbatlas",
        "terraform",
        "openldap",
    ]
)
_REVOKE: Final = re.compile(r"auth/token/revoke(-self|-accessor|-orphan)?(?:/(.+))?")
_LEASE_REVOKE: Final = re.compile(r"sys/(?:leases/)?revoke(?:-force|-prefix)?(?:/(.+))?")
_POLICY: Final = re.compile(r"sys/polic(?:y|ies/[a-z]+)/(.+)")
_ROLE: Final = re.compile(r"(?:auth/.+|[^/]+)/(?:role|roles|map/policies/.+)/[^/]+")
_WRITES: Final = frozenset({"create", "update", "patch", "delete"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Minting:
    """What a minting call minted, or would have. `login` is one that no token was needed for."""

    resource: str
    credential: str | None = None
    ttl: float | None = None
    renewal_of: str | None = None
    policies: tuple[str, ...] = ()
    method: str | None = None
    auth: Record | None = None
    login: bool = False


def minting(call: Call) -> Minting | None:
    """What the call minted or renewed; what it would have, where it failed; None where it is no such call."""
    return _token(call) or _lease_renewal(call) or _secret(call)


def revoked(call: Call) -> Iterator[str]:
    """The credentials that the call ended, by the names they were issued under."""
    if call.operation not in _WRITES:
        return
    data = mapping(call.request, "data")
    if match := _REVOKE.fullmatch(call.path):
        kind, tail = match[1], match[2]
        own = accessor(call.auth, call.request) if kind == "-self" else None
        subject = own or tail or shown(data, "accessor") or shown(data, "token")
    elif match := _LEASE_REVOKE.fullmatch(call.path):
        subject = match[1] or shown(data, "lease_id")
    else:
        return
    if subject is not None:
        yield subject


def changed(call: Call) -> Iterator[str]:
    """The policy, or the role that hands policies out, that the call wrote or deleted."""
    if call.operation not in _WRITES:
        return
    if match := _POLICY.fullmatch(call.path):
        yield match[1]
    elif _ROLE.fullmatch(call.path) and not _CREATE.fullmatch(call.path) and call.mount != "identity":
        yield call.path


def _token(call: Call) -> Minting | None:
    """A token given or renewed: whatever the path, `response.auth` says so; of a failure only the path can."""
    given = mapping(call.response, "auth")
    wrapped = mapping(call.response, "wrap_info")
    login, renewal = _LOGIN.fullmatch(call.path) is not None, _RENEW.fullmatch(call.path) is not None
    asked = login or renewal or _CREATE.fullmatch(call.path) is not None
    if not given and not asked:
        return None
    if not given and call.error is None and not wrapped:
        return None  # a login in several steps: this answer was not a token yet
    if call.operation in {"help", "alias-lookahead", "resolve-role"}:
        return None
    name = issued(given, call.auth, call.time) or shown(wrapped, "wrapped_accessor")
    policies = texts(given, "policies") or texts(given, "token_policies")
    return Minting(
        resource=call.path,
        credential=name,
        ttl=seconds(given.get("token_ttl")),
        renewal_of=(name or accessor(call.auth, call.request)) if renewal else None,
        policies=tuple(policy for policy in policies if set(policy) != {"*"}),
        method=call.engine or None,
        auth=given,
        login=login or not call.auth or (accessor(call.auth, call.request) in {None, name} and not renewal),
    )


def _lease_renewal(call: Call) -> Minting | None:
    match = _LEASE_RENEW.fullmatch(call.path)
    if match is None:
        return None
    lease = (
        shown(mapping(call.response, "secret"), "lease_id")
        or match[1]
        or shown(mapping(call.request, "data"), "lease_id")
    )
    # The role that a lease belongs to is its name without its own last part.
    return Minting(resource=(lease or call.path).rpartition("/")[0] or call.path, credential=lease, renewal_of=lease)


def _secret(call: Call) -> Minting | None:
    """A credential made by a secrets engine: with a lease, or of an engine that is known to make them."""
    secret, data = mapping(call.response, "secret"), mapping(call.response, "data")
    lease = shown(secret, "lease_id")
    inside = call.path.removeprefix(f"{call.mount}/")
    ttl = seconds(secret.get("lease_duration")) or seconds(data.get("ttl"))
    if lease is not None:
        return Minting(resource=call.path, credential=lease, ttl=ttl)
    if call.operation in {"help", "list", "delete"}:
        return None
    if call.engine in _SIGNERS and call.operation in _WRITES and _SIGNED.fullmatch(inside):
        return Minting(resource=call.path, credential=shown(data, "serial_number"), ttl=ttl)
    if call.engine in _DYNAMIC and _CREDS.fullmatch(inside):
        return Minting(resource=call.path, ttl=ttl)
    if _SECRET_ID.fullmatch(call.path) and call.operation in _WRITES:
        key = shown(data, "secret_id_accessor")
        return Minting(resource=call.path, credential=key, ttl=seconds(data.get("secret_id_ttl")))
    if _OIDC_TOKEN.fullmatch(call.path):
        return Minting(resource=call.path, ttl=ttl)
    return None
