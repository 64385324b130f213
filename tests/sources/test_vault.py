"""Vault and OpenBao audit: pairs, masks, tokens, leases, certificates and policies."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from detector.events import Issuance, Lifecycle, Usage
from detector.sources import Unreadable
from detector.sources import vault as dialect

Make = Callable[..., dict[str, Any]]
AT = 1772409606.123456
GIVEN = {
    "accessor": "hmac-sha256:new",
    "display_name": "approle",
    "entity_id": "c67ec5d4",
    "policies": ["default", "app"],
    "token_ttl": 1200,
}


def events(record: dict[str, Any]) -> tuple[Any, ...]:
    """What a readable entry gives."""
    decoded = dialect.decode(record)
    assert isinstance(decoded, tuple), decoded
    return decoded


def only(kind: type, record: dict[str, Any]) -> Any:
    """The one event of a kind that an entry gives."""
    (found,) = [event for event in events(record) if isinstance(event, kind)]
    return found


def login(vault: Make, **parts: Any) -> dict[str, Any]:
    """A login's response entry: no token came with it, the new one stands in `auth` and in `response.auth`."""
    request = {"client_token_accessor": ""}
    parts = {"auth": GIVEN, "response": {"auth": GIVEN}, "request": request} | parts
    return vault("auth/approle/login", operation="update", mount="auth/approle/", kind="approle", **parts)


def test_a_login(vault: Make) -> None:
    """A token in the answer is an issuance by the mount, known by its accessor; a login is no use of anything."""
    (issuance,) = events(login(vault))
    grant = issuance.grant
    assert (grant.id, grant.time, grant.issuer) == ("q1", AT, "vault:root/auth/approle")
    assert (grant.requester, grant.resource) == ("vault:entity:c67ec5d4", "auth/approle/login")
    assert (issuance.credential, grant.ttl_seconds, issuance.expires_at) == ("hmac-sha256:new", 1200.0, AT + 1200)
    assert grant.attributes == {"policies": ["default", "app"]}
    assert grant.source.ip == "10.0.0.9"


def test_uses_join_by_the_hashed_accessor(vault: Make) -> None:
    """Under one salt, the accessor in the answer is the one that comes with every call."""
    minted = only(Issuance, login(vault))
    used = only(Usage, vault("secret/data/s3", request={"client_token_accessor": "hmac-sha256:new"}))
    assert used.credential == minted.credential
    assert used.requester == minted.grant.requester
    assert (used.action, used.resource, used.outcome) == ("vault:read", "secret/data/s3", "success")


def test_a_pair_counts_once(vault: Make) -> None:
    """The request says nothing that its response does not say again; the response is the event."""
    response = login(vault)
    request = {name: value for name, value in response.items() if name != "response"} | {"type": "request"}
    assert events(request) == ()
    assert len(events(response)) == 1


def test_a_request_that_failed_before_it_was_answered(vault: Make) -> None:
    """It has no response to wait for: the request entry itself tells of the refusal, under the pair's id."""
    failed = login(vault, error="permission denied", response={}, auth={}) | {"type": "request"}
    (issuance,) = events(failed)
    assert (issuance.id, issuance.outcome, issuance.credential) == ("q1", "refused", None)
    assert issuance.grant.requester == "vault:unauthenticated"


def test_a_denied_call_without_auth(vault: Make) -> None:
    """A call with a token that Vault does not know has no `auth`: a denied use by nobody we can name."""
    refused = vault("secret/data/s3", auth=None, error="1 error occurred:\n\t* permission denied\n\n")
    refused["request"]["client_token_accessor"] = ""
    (usage,) = events(refused)
    assert (usage.outcome, usage.credential, usage.requester) == ("denied", None, "vault:unauthenticated")


def test_a_call_that_failed_otherwise(vault: Make) -> None:
    """What went wrong for other reasons than permission is an error."""
    assert only(Usage, vault("secret/data/s3", error="unsupported path")).outcome == "error"


def test_help_has_no_id(vault: Make) -> None:
    """`path-help` entries lack `request.id`: the use gets one from its content, and help on a login mints nothing."""
    record = vault("auth/approle/login", operation="help", request={"id": ""})
    (usage,) = events(record)
    assert (usage.action, len(usage.id)) == ("vault:help", 32)
    assert usage.id == events(record)[0].id


@pytest.mark.parametrize("kind", ["kmip_request", "kmip_response", "kmip-response"])
def test_kmip_entries_are_none_of_our_business(vault: Make, kind: str) -> None:
    """They are recognised, and give nothing."""
    record = vault("kmip/scope/s", operation="locate") | {"type": kind}
    assert dialect.recognises(record)
    assert events(record) == ()


@pytest.mark.parametrize("mask", ["****", "", "•••"])
def test_masked_values_join_nothing(vault: Make, mask: str) -> None:
    """A mask is the same for everybody: no id, no join key, no requester is made of one."""
    masked = login(vault, request={"id": mask, "client_token_accessor": mask, "remote_address": mask})
    issuance = only(Issuance, masked)
    assert mask not in {issuance.id, issuance.grant.source.ip}
    holder = {"accessor": mask, "entity_id": mask, "display_name": mask, "metadata": {"role": mask}}
    usage = only(Usage, vault("secret/x", auth=holder, request={"client_token_accessor": mask}))
    assert (usage.credential, usage.requester) == (None, "vault:unauthenticated")


def test_masked_accessors_join_by_entity_and_issue_time(vault: Make) -> None:
    """Where calls show no accessor, what they repeat is the entity and the second that the token was issued in."""
    outer = GIVEN | {"accessor": "****"}
    minted = only(Issuance, login(vault, auth=outer))  # though the answer shows the accessor, no use will
    holder = outer | {"token_issue_time": "2026-03-02T00:00:06Z"}
    used = only(Usage, vault("secret/x", auth=holder, request={"client_token_accessor": "****"}))
    renewed = vault(
        "auth/token/renew-self",
        operation="update",
        mount="auth/token/",
        auth=holder,
        request={"client_token_accessor": "****"},
        response={"auth": GIVEN | {"token_issue_time": "2026-03-02T00:00:06Z"}},
    )
    assert minted.credential == used.credential == only(Issuance, renewed).credential
    assert only(Issuance, renewed).grant.renewal_of == minted.credential


def test_renewals(vault: Make) -> None:
    """Renewing a token, or a lease, is an issuance that renews: of the same credential."""
    answer = {"auth": GIVEN | {"accessor": "hmac-sha256:aa"}}
    for path in ("auth/token/renew-self", "auth/token/renew", "auth/token/renew-accessor"):
        found = only(Issuance, vault(path, operation="update", mount="auth/token/", response=answer))
        assert found.credential == found.grant.renewal_of == "hmac-sha256:aa"
    lease = "aws/creds/deploy/abc"
    for path in ("sys/leases/renew", f"sys/leases/renew/{lease}", f"sys/renew/{lease}"):
        found = only(Issuance, vault(path, operation="update", response={"secret": {"lease_id": lease}}))
        assert (found.credential, found.grant.renewal_of, found.grant.resource) == (lease, lease, "aws/creds/deploy")


def test_a_dynamic_secret(vault: Make) -> None:
    """A lease is a credential; asking for it is a use of the token that asked."""
    secret = {"lease_id": "aws/creds/deploy/abc", "lease_duration": 900}
    issuance, usage = events(vault("aws/creds/deploy", kind="aws", response={"secret": secret}))
    assert (issuance.grant.issuer, issuance.grant.resource) == ("vault:root/aws", "aws/creds/deploy")
    assert (issuance.credential, issuance.grant.ttl_seconds) == ("aws/creds/deploy/abc", 900.0)
    assert usage.credential == "hmac-sha256:aa"


@pytest.mark.parametrize(
    ("path", "kind", "operation", "data", "credential"),
    [
        ("pki/issue/web", "pki", "update", {"serial_number": "hmac-sha256:5e"}, "hmac-sha256:5e"),
        ("pki/sign/web", "pki", "update", {"serial_number": "hmac-sha256:5e"}, "hmac-sha256:5e"),
        ("ssh/sign/ops", "ssh", "update", {"serial_number": "hmac-sha256:5e"}, "hmac-sha256:5e"),
        ("database/static-creds/ro", "database", "read", {"ttl": 60}, None),
        ("identity/oidc/token/ci", "identity", "read", {}, None),
        (
            "auth/approle/role/ci/secret-id",
            "approle",
            "update",
            {"secret_id_accessor": "hmac-sha256:51"},
            "hmac-sha256:51",
        ),
    ],
)
def test_the_other_issuances(  # noqa: PLR0917 - a row of the table above
    vault: Make, path: str, kind: str, operation: str, data: dict[str, Any], credential: str | None
) -> None:
    """Certificates, static credentials, identity tokens and secret ids are minted without a lease; or refused."""
    found = only(Issuance, vault(path, kind=kind, operation=operation, response={"data": data}))
    assert (found.outcome, found.credential, found.grant.resource) == ("granted", credential, path)
    refused = only(Issuance, vault(path, kind=kind, operation=operation, error="permission denied"))
    assert (refused.outcome, refused.credential) == ("refused", None)


def test_a_token_made_by_a_token(vault: Make) -> None:
    """`token create` is an issuance for the one who asked, and a use of its own token."""
    answer = {"auth": GIVEN | {"accessor": "hmac-sha256:child"}}
    issuance, usage = events(vault("auth/token/create", operation="update", mount="auth/token/", response=answer))
    assert (issuance.credential, usage.credential) == ("hmac-sha256:child", "hmac-sha256:aa")


def test_the_root_policy_is_admin(vault: Make) -> None:
    """A token that may do everything says so by its policy."""
    answer = {"auth": GIVEN | {"policies": ["root"]}}
    assert only(Issuance, login(vault, response=answer)).grant.privilege == "admin"


@pytest.mark.parametrize(
    ("path", "data", "subject"),
    [
        ("auth/token/revoke-self", {}, "hmac-sha256:aa"),
        ("auth/token/revoke-accessor", {"accessor": "hmac-sha256:zz"}, "hmac-sha256:zz"),
        ("auth/token/revoke", {"token": "hmac-sha256:tt"}, "hmac-sha256:tt"),
        ("sys/leases/revoke", {"lease_id": "aws/creds/deploy/abc"}, "aws/creds/deploy/abc"),
        ("sys/leases/revoke/aws/creds/deploy/abc", {}, "aws/creds/deploy/abc"),
    ],
)
def test_revocations(vault: Make, path: str, data: dict[str, str], subject: str) -> None:
    """What was revoked is named as it was when it was issued."""
    found = only(Lifecycle, vault(path, operation="update", request={"data": data}))
    assert (found.change, found.subject, found.actor) == ("revoked", subject, "vault:entity:c67ec5d4")


@pytest.mark.parametrize(
    ("path", "subject"),
    [
        ("sys/policies/acl/app", "app"),
        ("sys/policy/app", "app"),
        ("auth/approle/role/ci", "auth/approle/role/ci"),
        ("database/roles/ro", "database/roles/ro"),
    ],
)
def test_policies_written(vault: Make, path: str, subject: str) -> None:
    """Writes to policies, and to the roles that hand them out, are changes; reads and failures are not."""
    found = only(Lifecycle, vault(path, operation="update"))
    assert (found.change, found.subject) == ("policy_changed", subject)
    assert not any(isinstance(event, Lifecycle) for event in events(vault(path)))
    assert not any(isinstance(event, Lifecycle) for event in events(vault(path, operation="update", error="no")))


@pytest.mark.parametrize(
    ("holder", "requester"),
    [
        ({"entity_id": "e1", "display_name": "approle"}, "vault:entity:e1"),
        ({"display_name": "approle", "metadata": {"role_name": "ci"}}, "vault:role:approle/ci"),
        ({"display_name": "root", "policies": ["root"]}, "vault:token:root"),
        ({"display_name": "token", "policies": ["b", "a"]}, "vault:token:token/a,b"),
    ],
)
def test_who_calls(vault: Make, holder: dict[str, Any], requester: str) -> None:
    """The entity where there is one, else the role, else what the token is called."""
    assert only(Usage, vault("secret/x", auth=holder)).requester == requester


def test_namespaces_are_issuers_of_their_own(vault: Make) -> None:
    """The same mount in another namespace is another issuer."""
    elsewhere = {"namespace": {"id": "x", "path": "team/"}, "client_token_accessor": ""}
    found = only(Issuance, login(vault, request=elsewhere))
    assert found.grant.issuer == "vault:team/auth/approle"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"time": None}, "time: is missing"),
        ({"time": "soon"}, "time: is no time between 1990 and 2200"),
        ({"request": []}, "request: is missing"),
        ({"request": {"operation": "read"}}, "request.path: is missing"),
        ({"type": 5}, "type: is missing"),
    ],
)
def test_what_an_entry_cannot_do_without(vault: Make, change: dict[str, Any], reason: str) -> None:
    """Named, never guessed."""
    assert dialect.decode(vault("secret/x") | change) == Unreadable(reason)


def test_a_health_check_is_nobodys_use(vault: Make) -> None:
    """A call that needs no token and fails at nothing teaches nothing."""
    assert events(vault("sys/health", auth=None, request={"client_token_accessor": ""})) == ()
