"""An event as facets: each field where it belongs, in values that recur; what is absent is a value too."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from detector.events import GrantRequest, Source, Usage
from detector.features.facets import (
    ABSENT,
    GRANT_FACETS,
    GRANT_GRADES,
    UNMINTED,
    USE_FACETS,
    USE_GRADES,
    GrantContext,
    Mint,
    grant_facets,
    mint,
    use_facets,
)
from detector.features.identity import DEFAULT_IDENTITY_RULES, Identities
from detector.features.places import place
from detector.features.pulse import Pulse

MONDAY = 1_772_409_600.0
FOLD = Identities(DEFAULT_IDENTITY_RULES).fold
BARE = GrantRequest(id="r", time=MONDAY, issuer="vault", requester="a/b", resource="kv/app/key")


def grant(*, pulse: Pulse | None = None, **more: Any) -> dict[str, str]:
    """A bare grant with some fields filled, as facets by name."""
    found = grant_facets(
        msgspec.structs.replace(BARE, **more),
        fold=FOLD,
        level=lambda resource: "high" if "prod" in resource else None,
        context=GrantContext(),
        task_age=0.0,
        pulse=pulse or Pulse(),
        now=MONDAY,
    )
    return dict(zip(GRANT_FACETS, found.values, strict=True))


def use(minted: Mint = UNMINTED, *, requester: str = "a/b", **more: Any) -> dict[str, str]:
    """A bare use with some fields filled, as facets by name."""
    found = use_facets(
        Usage(id="u", time=MONDAY, credential="c", **more),
        requester=requester,
        issuer="vault",
        minted=minted,
        state="live",
        quantities=(10.0, 1.0, 0.0),
        fold=FOLD,
    )
    return dict(zip(USE_FACETS, found.values, strict=True))


def test_codes_are_told_apart() -> None:
    """No two facets or grades, of grants and uses together, share a name: a reason's code means one thing."""
    every = (*GRANT_FACETS, *GRANT_GRADES, *USE_FACETS, *USE_GRADES)
    assert len(set(every)) == len(every)


def test_every_code_has_a_sentence() -> None:
    """Whatever can be a reason can be said in words."""
    from detector.engine.words import SENTENCES
    from detector.evidence import GRANT_CODES, USE_CODES

    assert set(GRANT_CODES) | set(USE_CODES) <= set(SENTENCES)
    assert all(SENTENCES.values())


@pytest.mark.parametrize(
    ("fields", "facet", "value"),
    [
        ({"issuer": "v2"}, "issuer", "v2"),
        ({"resource": "aws/creds/x"}, "resource", "aws/creds/x"),
        ({"resource": "aws/creds/x"}, "area", "aws/creds"),
        ({"privilege": "admin"}, "privilege", "admin"),
        ({"privilege": "admin"}, "right", "admin on kv/app/key"),
        ({}, "right", "- on kv/app/key"),
        ({"actions": ("write", "list", "read")}, "actions", "list,read,write"),
        ({"actions": ("read", "write", "list")}, "actions", "list,read,write"),
        ({"sensitivity": "low", "resource": "kv/prod"}, "sensitivity", "low"),
        ({"resource": "kv/prod"}, "sensitivity", "high"),
        ({"source": Source(ip="10.1.2.3")}, "address", "10.1.2.3"),
        ({"source": Source(ip="10.1.2.3")}, "network", "10.1.2.0/24"),
        ({"source": Source(ip="10.1.2.3")}, "site", "10.1.0.0/16"),
        ({"source": Source(ip="10.1.2.3", network="vpn")}, "network", "vpn"),
        ({"source": Source(ip="10.1.2.3", network="vpn")}, "path", "kv/app/key from vpn"),
        ({"source": Source(environment="prod")}, "environment", "prod"),
        ({"source": Source(region="eu-1")}, "region", "eu-1"),
        ({"source": Source(user_agent="curl/8.5.0")}, "client", "curl"),
        ({"source": Source(workload="cart-7")}, "workload", "cart-#"),
        ({"consumer": "arn:aws:sts::1:assumed-role/x/run-1"}, "consumer", "arn:aws:sts::1:assumed-role/x"),
        ({"authentication_method": "oidc"}, "authentication", "oidc"),
        ({"authentication_method": "oidc", "attested": True}, "authentication", "oidc attested"),
        ({"attested": False}, "authentication", "- unattested"),
        ({"on_behalf_of": ("agent:a", "agent:b")}, "chain", "agent:a>agent:b"),
        ({"task": "deploy-71"}, "task", "deploy-#"),
        ({"purpose": "Incident 9"}, "purpose", "incident #"),
        ({"break_glass": True}, "break_glass", "yes"),
        ({}, "break_glass", "no"),
        ({"ttl_seconds": 900.0}, "lifetime", "900 s"),
        ({"ttl_seconds": 0.4}, "lifetime", "0 s"),
    ],
)
def test_a_grants_field_shows_in_its_facet(fields: dict[str, Any], facet: str, value: str) -> None:
    """Each field of a request, where it belongs and as a value that recurs."""
    assert grant(**fields)[facet] == value


def test_what_a_log_does_not_say_is_absent() -> None:
    """A bare request shows its issuer, its resource and what follows from them; the rest is one and the same value."""
    said = {name for name, value in grant().items() if value != ABSENT}
    assert said <= {
        "issuer",
        "resource",
        "area",
        "break_glass",
        "right",
        "path",
        "term",
        "crossing",
        "watch",
        "opening",
    }


def test_a_long_chain_is_cut_and_counted() -> None:
    """A delegation chain of a thousand links is a short value that still says how long it was."""
    chain = grant(on_behalf_of=tuple(f"agent:{number}" for number in range(1_000)))["chain"]
    assert chain.startswith("agent:0>agent:1>")
    assert chain.endswith(">… 1000")
    assert len(chain) < 100


def test_raw_names_fold_to_one_requester() -> None:
    """Two sessions of one role are one requester with one peer group."""
    names = [f"arn:aws:sts::1:assumed-role/deploy/run-{run}" for run in (8842, 8843)]
    found = [
        grant_facets(
            msgspec.structs.replace(BARE, requester=name),
            fold=FOLD,
            level=lambda _: None,
            context=GrantContext(),
            task_age=0.0,
            pulse=Pulse(),
            now=MONDAY,
        )
        for name in names
    ]
    assert found[0] == found[1]
    assert found[0].requester == "arn:aws:sts::1:assumed-role/deploy"


MINTED = mint(
    msgspec.structs.replace(BARE, privilege="write", source=Source(ip="10.1.2.3"), consumer="worker"),
    FOLD,
)


@pytest.mark.parametrize(
    ("fields", "facet", "value"),
    [
        ({"action": "s3:PutObject"}, "action", "s3:PutObject"),
        ({"action": "s3:PutObject"}, "power", "write"),
        ({}, "power", ABSENT),
        ({"resource": "bucket/a/b"}, "used_area", "bucket/a"),
        ({"source": Source(ip="10.1.2.3")}, "used_network", "10.1.2.0/24"),
        ({"source": Source(ip="10.1.2.3")}, "whereabouts", "where it was minted"),
        ({"source": Source(ip="10.1.2.9")}, "whereabouts", "in the network it was minted in"),
        ({"source": Source(ip="10.1.9.9")}, "whereabouts", "at the site it was minted at"),
        ({"source": Source(ip="8.8.8.8")}, "whereabouts", "elsewhere"),
        ({}, "whereabouts", ABSENT),
        ({"source": Source(environment="prod")}, "used_environment", "prod"),
        ({"source": Source(user_agent="curl/8")}, "used_client", "curl"),
        ({"outcome": "denied"}, "outcome", "denied"),
        ({"action": "iam:AttachRolePolicy"}, "scope", "admin with a write credential"),
        ({"action": "get"}, "errand", "get with a credential for kv/app/key"),
        ({"consumer": "worker"}, "user", "the consumer it was minted for"),
        ({"requester": "a/b"}, "user", "its requester, not its consumer"),
        ({"consumer": "thief"}, "user", "somebody else"),
        ({}, "user", ABSENT),
    ],
)
def test_a_uses_field_shows_in_its_facet(fields: dict[str, Any], facet: str, value: str) -> None:
    """Each field of a use, held against the mint it belongs to."""
    raw = dict(fields)
    user = raw.pop("requester", None)
    found = use_facets(
        Usage(id="u", time=MONDAY, credential="c", requester=user, **raw),
        requester="a/b",
        issuer="vault",
        minted=MINTED,
        state="live",
        quantities=(10.0, 1.0, 0.0),
        fold=FOLD,
    )
    assert dict(zip(USE_FACETS, found.values, strict=True))[facet] == value


def test_a_use_of_what_nobody_minted_is_held_against_nothing() -> None:
    """Without a mint a use has no whereabouts, and its requester using it is just that."""
    shown = use(source=Source(ip="10.1.2.3"))
    assert shown["whereabouts"] == ABSENT
    assert use(consumer="a/b")["user"] == "its requester"
    assert place("10.1.2.3").network == shown["used_network"]


def test_a_mint_from_a_snapshot_is_held_against_as_it_was_before() -> None:
    """A mint that says no place says none after a restart either, when nothing is the very object it was."""
    revived = msgspec.msgpack.decode(msgspec.msgpack.encode(UNMINTED), type=Mint)
    assert revived == UNMINTED
    assert use(revived, source=Source(ip="10.1.2.3"))["whereabouts"] == ABSENT


def test_what_comes_by_itself_is_told_from_what_follows() -> None:
    """What always came after something else, and now comes by itself, lacks what should have been before it."""
    busy, long_ago = Pulse(), Pulse()
    busy.beat("kv/app/login", MONDAY - 60.0, refused=False)
    long_ago.beat("kv/app/login", MONDAY - 2 * 3_600.0, refused=False)
    assert grant(pulse=busy)["opening"] == "kv/app/key after others"
    assert grant(pulse=long_ago)["opening"] == grant()["opening"] == "kv/app/key by itself"
