"""A workload's own proof counts when fresh, its issuer's, of this requester, and for this access request alone."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from detector.stepup.key_sets import KeySet
from detector.stepup.methods import Unsatisfied
from detector.stepup.workload import FOREIGN, WorkloadProof
from tests.stepup.conftest import AUDIENCE, ISSUER, NOW, ROLE, TASK, Issuer, as_jwk, offered


def way(issuer: Issuer) -> WorkloadProof:
    """A way that believes this issuer."""
    return WorkloadProof(KeySet(str(issuer.where)), issuer=ISSUER, audience=AUDIENCE, max_age_seconds=120.0)


def check(issuer: Issuer, proof: str, **more: Any) -> str:
    """Offer a proof to a way that has seen none before."""
    return asyncio.run(way(issuer).answered_by(offered(proof=proof, **more)))


def refused(issuer: Issuer, proof: str, why: str = "", **more: Any) -> None:
    """Expect that it is not taken."""
    with pytest.raises(Unsatisfied, match=why or "proof"):
        check(issuer, proof, **more)


@pytest.mark.parametrize(("kid", "alg"), [("ec", "ES256"), ("rsa", "RS256"), ("ed", "EdDSA")])
def test_a_good_proof_is_the_workloads_own_answer(issuer: Issuer, kid: str, alg: str) -> None:
    """Another run of the role is the same requester; the record names the workload as its issuer does."""
    proof = issuer.proof(key=getattr(issuer, kid), alg=alg, header={"kid": kid})
    assert check(issuer, proof) == f"{ROLE} (workload proof)"


@pytest.mark.parametrize(
    "wrong",
    [
        {"iss": "https://other.example"},
        {"iss": None},
        {"sub": "arn:aws:sts::1:assumed-role/admin/run-1"},
        {"sub": ROLE.replace("deploy", "Deploy")},
        {"sub": ""},
        {"sub": None},
        {"sub": 7},
        {"aud": AUDIENCE},
        {"aud": f"{AUDIENCE}#arq-2"},
        {"aud": TASK},
        {"aud": None},
        {"aud": {"x": 1}},
        {"aud": AUDIENCE, "nonce": "arq-2"},
        {"aud": "other", "nonce": TASK},
        {"iat": NOW - 121},
        {"iat": NOW + 31},
        {"iat": None},
        {"iat": "soon"},
        {"iat": True},
        {"exp": NOW},
        {"exp": NOW - 1},
        {"exp": None},
    ],
    ids=str,
)
def test_a_proof_of_something_else_is_none(issuer: Issuer, wrong: dict[str, Any]) -> None:
    """Another issuer, subject, audience, access request or time; and what leaves any of them out."""
    if "sub" in wrong and wrong["sub"] == 7:
        wrong = {"sub": None, "subject": 7}
    refused(issuer, issuer.proof(**wrong))


def test_an_audience_or_a_nonce_names_the_access_request(issuer: Issuer) -> None:
    """A token service that takes any audience, and one that takes a nonce."""
    assert check(issuer, issuer.proof(aud=["x", f"{AUDIENCE}#{TASK}"]))
    assert check(issuer, issuer.proof(aud=AUDIENCE, nonce=TASK))


def test_a_proof_is_used_once(issuer: Issuer) -> None:
    """Neither the same token nor another with the same id counts a second time."""
    once = way(issuer)
    asyncio.run(once.answered_by(offered(proof=issuer.proof())))
    by_another_key = issuer.proof(key=issuer.rsa, alg="RS256", header={"kid": "rsa"})
    for again in (issuer.proof(), issuer.proof(exp=NOW + 100), by_another_key):
        with pytest.raises(Unsatisfied, match="used before"):
            asyncio.run(once.answered_by(offered(proof=again)))
    assert asyncio.run(once.answered_by(offered(proof=issuer.proof(jti="j2"))))


def unsigned(issuer: Issuer, alg: str, header: dict[str, Any] | None = None) -> str:
    """A token that nobody signed."""

    def part(value: dict[str, Any]) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()

    return f"{part({'alg': alg, 'kid': 'ec', **(header or {})})}.{part(issuer.claims())}."


@pytest.mark.parametrize("alg", ["none", "None", "NONE", "nOnE", ""])
def test_an_unsigned_proof_is_none(issuer: Issuer, alg: str) -> None:
    """RFC 8725, 3.2: "none" in any spelling."""
    refused(issuer, unsigned(issuer, alg))


@pytest.mark.parametrize("alg", ["HS256", "HS384", "HS512"])
def test_a_public_key_is_no_secret(issuer: Issuer, alg: str) -> None:
    """RFC 8725, 2.1: a MAC made with the issuer's published key, in any of its spellings, is no signature of it."""
    public = issuer.rsa.public_key()
    pem = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    for secret in (pem, pem.strip(), json.dumps(issuer.keys[1]).encode(), issuer.keys[1]["n"].encode()):
        head = {"alg": alg, "kid": "rsa", "typ": "JWT"}
        body = unsigned(issuer, alg, head).rsplit(".", 1)[0]
        mac = hmac.digest(secret, body.encode(), getattr(hashlib, f"sha{alg[2:]}"))
        refused(issuer, f"{body}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}")


def test_a_key_is_used_with_its_own_algorithm_alone(issuer: Issuer) -> None:
    """One that is published for RS256 takes no PS256, and an elliptic one no RSA."""
    issuer.keys[1]["alg"] = "RS256"
    issuer.publish()
    refused(issuer, issuer.proof(key=issuer.rsa, alg="PS256", header={"kid": "rsa"}))
    refused(issuer, issuer.proof(key=issuer.rsa, alg="RS256", header={"kid": "ec"}))


@pytest.mark.parametrize("kid", ["nobody", "", None, "../../etc/passwd", "ec' OR '1'='1"])
def test_a_wrong_kid_is_no_key(issuer: Issuer, kid: str | None) -> None:
    """An id that is not in the set finds no key; where there are several, one that names none neither."""
    refused(issuer, issuer.proof(header={"kid": kid}))


def test_without_a_kid_the_only_key_is_meant(issuer: Issuer) -> None:
    """Where there is one, there is nothing to choose."""
    issuer.keys = issuer.keys[:1]
    issuer.publish()
    assert check(issuer, issuer.proof(header={"kid": None}))


def test_a_stranger_signs_for_nobody(issuer: Issuer) -> None:
    """Another key under the issuer's id."""
    refused(issuer, issuer.proof(key=ec.generate_private_key(ec.SECP256R1())))


@pytest.mark.parametrize("field", sorted(FOREIGN))
def test_a_proof_brings_no_key_along(issuer: Issuer, field: str) -> None:
    """RFC 8725, 3.5 and 3.10: a header that holds a key, or says where to get one, is refused unread."""
    thief = ec.generate_private_key(ec.SECP256R1())
    brought = {
        "jwk": as_jwk(thief.public_key(), "ES256"),
        "jku": "https://thief.example/jwks.json",
        "x5u": "https://thief.example/cert.pem",
        "x5c": ["MIIB"],
        "crit": ["exp"],
        "b64": True,
    }
    token = issuer.proof(key=thief)
    head, body, signature = token.split(".")
    header = {**json.loads(base64.urlsafe_b64decode(head + "==")), field: brought.get(field, "x")}
    encoded = base64.urlsafe_b64encode(json.dumps(header).encode()).rstrip(b"=").decode()
    refused(issuer, f"{encoded}.{body}.{signature}", "" if field == "crit" else "its header may not hold")


@pytest.mark.parametrize("junk", ["", "x", "a.b.c", "é.é.é", "x" * 9_000, "..", "null.null.null"])
def test_what_is_no_token_is_no_proof(issuer: Issuer, junk: str) -> None:
    """However broken, however long."""
    refused(issuer, junk)


@pytest.mark.parametrize("place", [10, 60, -5])
def test_a_tampered_proof_is_none(issuer: Issuer, place: int) -> None:
    """One character of header, claims or signature."""
    proof = issuer.proof()
    other = "A" if proof[place] != "A" else "B"
    refused(issuer, proof[:place] + other + proof[place + 1 if place != -1 else len(proof) :])


@pytest.mark.filterwarnings("ignore:The RSA key is 1024 bits")
def test_weak_and_secret_keys_are_not_in_the_set(issuer: Issuer) -> None:
    """A short RSA key, a symmetric one, one for encryption, and one of an unknown kind count as not published."""
    short = rsa.generate_private_key(65_537, 1_024)  # noqa: S505 - that is what is refused
    issuer.keys = [
        {**as_jwk(short.public_key(), "RS256"), "kid": "short"},
        {"kty": "oct", "k": "c2VjcmV0", "kid": "oct"},
        {**issuer.keys[0], "use": "enc", "kid": "enc"},
        {"kty": "XX", "kid": "xx"},
    ]
    issuer.publish()
    for kid, key, alg in (("short", short, "RS256"), ("oct", b"secret" * 9, "HS256"), ("enc", issuer.ec, "ES256")):
        refused(issuer, issuer.proof(key=key, alg=alg, header={"kid": kid}))


def test_no_keys_is_no_proof(issuer: Issuer) -> None:
    """Where the issuer's keys cannot be had, nothing is believed, and it is said that it is not the proof's fault."""
    issuer.where.unlink()
    refused(issuer, issuer.proof(), "cannot be had")


def test_its_word_weighs_least(issuer: Issuer) -> None:
    """Who sits on the workload makes its proofs: they are worth the least of all words."""
    assert way(issuer).trust == "automatic"
    assert jwt.decode(issuer.proof(), options={"verify_signature": False})["sub"] == ROLE
