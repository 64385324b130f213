"""What we hand out comes back as it was, or is not believed: tokens of ours for their own purpose, and no others."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import stat
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from detector.stepup.keys import KEY_NAME, SealKeys, SealKeysUnreadable
from detector.stepup.seals import APPROVAL, BINDING, SKEW_SECONDS, Binding, SealBroken, SealExpired, Seals
from tests.stepup.conftest import NOW

BOUND = Binding("d-1", "5c0be", "vault-1", NOW + 600.0, "2026-03-02T00:10:00.000Z")


@pytest.fixture
def seals() -> Seals:
    """Ours."""
    return Seals(SealKeys.fresh())


def approval(seals: Seals) -> str:
    """The state of an approval."""
    return seals.approve("apr-1", task="arq-1", decision="d-1", scope="5c0be", now=NOW, until=NOW + 600)


def test_a_binding_token_comes_back_as_it_was(seals: Seals) -> None:
    """Until its time is over, by our own clock and a little skew."""
    token = seals.bind(BOUND, now=NOW)
    assert seals.binding(token, now=NOW) == BOUND
    assert seals.binding(token, now=BOUND.expires + SKEW_SECONDS) == BOUND
    with pytest.raises(SealExpired):
        seals.binding(token, now=BOUND.expires + SKEW_SECONDS + 1)


def test_a_binding_token_has_the_claims_that_the_profile_recommends(seals: Seals) -> None:
    """ARAP, JWT Claim Reference: "`aud`: REQUIRED", `iss`, `iat`, `exp`, `jti`, `denial_expires_at`."""
    claims = jwt.decode(seals.bind(BOUND, now=NOW), options={"verify_signature": False})
    assert claims["aud"] == claims["iss"] == seals.identity
    assert (claims["iat"], claims["exp"], claims["denial_expires_at"]) == (NOW, BOUND.expires, BOUND.told)
    assert claims["evaluation_id"] == "d-1"
    other = jwt.decode(seals.bind(BOUND, now=NOW), options={"verify_signature": False})
    assert len(claims["jti"]) >= 22
    assert claims["jti"] != other["jti"]


def test_an_approvals_state_names_it_also_when_it_is_over(seals: Seals) -> None:
    """That it is over is for the decision to say, with what to do about it."""
    assert seals.approval(approval(seals), now=NOW + 9_999) == "apr-1"
    assert approval(seals) == approval(seals), "the same for every look at it"


def test_neither_passes_for_the_other(seals: Seals) -> None:
    """RFC 8725, 3.11: explicit types."""
    with pytest.raises(SealBroken):
        seals.approval(seals.bind(BOUND, now=NOW), now=NOW)
    with pytest.raises(SealBroken):
        seals.binding(approval(seals), now=NOW)


@pytest.mark.parametrize("place", [8, 40, 200, 400, -8])
def test_a_tampered_token_is_broken(seals: Seals, place: int) -> None:
    """A character of the header, of a claim, of the signature."""
    token = seals.bind(BOUND, now=NOW)
    place %= len(token)
    tampered = token[:place] + ("A" if token[place] != "A" else "B") + token[place + 1 :]
    with pytest.raises(SealBroken):
        seals.binding(tampered, now=NOW)


def part(value: dict[str, Any]) -> str:
    """One part of a token."""
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def forged(seals: Seals, key: Any, alg: str, kind: str = BINDING, **claims: Any) -> str:
    """A token of these claims under our own key's id, signed by whom one likes."""
    good = {
        "iss": seals.identity,
        "aud": seals.identity,
        "iat": NOW,
        "exp": NOW + 600,
        "jti": "j",
        "evaluation_id": "d-1",
        "scope": "5c0be",
        "azp": "vault-1",
        "denial_expires_at": BOUND.told,
    }
    whole = {name: value for name, value in {**good, **claims}.items() if value is not None}
    return jwt.encode(whole, key, algorithm=alg, headers={"kid": seals.keys.kid, "typ": kind})


def test_nobody_else_signs_for_us(seals: Seals) -> None:
    """Another key, another algorithm, a MAC with what we publish, and nothing at all."""
    public = seals.keys.public.public_bytes_raw()
    pem = seals.keys.public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    assert seals.binding(forged(seals, seals.keys.private, "EdDSA"), now=NOW) == BOUND
    header = {"alg": "none", "kid": seals.keys.kid, "typ": BINDING}
    claims = jwt.decode(forged(seals, seals.keys.private, "EdDSA"), options={"verify_signature": False})
    tokens = [
        forged(seals, Ed25519PrivateKey.generate(), "EdDSA"),
        forged(seals, ec.generate_private_key(ec.SECP256R1()), "ES256"),
        forged(seals, public, "HS256"),
        jwt.encode(claims, public.hex().encode(), algorithm="HS512", headers={**header, "alg": "HS512"}),
        f"{part(header)}.{part(claims)}.",
        f"{part({**header, 'alg': 'None'})}.{part(claims)}.",
    ]
    body = f"{part({**header, 'alg': 'HS256'})}.{part(claims)}"
    for secret in (pem, public):
        mac = hmac.digest(secret, body.encode(), hashlib.sha256)
        tokens.append(f"{body}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}")
    for token in tokens:
        with pytest.raises(SealBroken):
            seals.binding(token, now=NOW)


@pytest.mark.parametrize(
    "wrong",
    [
        {"aud": "urn:assayer:other"},
        {"aud": None},
        {"iss": "urn:assayer:other"},
        {"iss": None},
        {"exp": None},
        {"jti": None},
        {"scope": None},
        {"azp": None},
        {"evaluation_id": None},
        {"kind": APPROVAL},
        {"kind": "JWT"},
    ],
    ids=str,
)
def test_every_claim_is_needed_and_is_ours(seals: Seals, wrong: dict[str, Any]) -> None:
    """ARAP: "MUST reject a `binding_token` JWT that lacks `aud` or whose `aud` does not include" us."""
    with pytest.raises(SealBroken):
        seals.binding(forged(seals, seals.keys.private, "EdDSA", **wrong), now=NOW)


@pytest.mark.parametrize("junk", ["", "x", "a.b.c", "é.é.é", "x" * 5_000, "null.null.null"])
def test_what_is_no_token_is_broken(seals: Seals, junk: str) -> None:
    """Never another error."""
    for opened in (seals.binding, seals.approval):
        with pytest.raises(SealBroken):
            opened(junk, now=NOW)


def test_the_published_key_verifies_what_we_sign(seals: Seals) -> None:
    """With `kid`, `use` and `alg`; and nothing private is published."""
    (published,) = seals.keys.jwks()["keys"]
    assert {name: published[name] for name in ("kty", "crv", "use", "alg", "kid")} == {
        "kty": "OKP",
        "crv": "Ed25519",
        "use": "sig",
        "alg": "EdDSA",
        "kid": seals.keys.kid,
    }
    assert "d" not in published
    token = approval(seals)
    claims = jwt.decode(
        token, jwt.PyJWK(published), algorithms=["EdDSA"], audience=seals.identity, options={"verify_exp": False}
    )
    assert claims["jti"] == "apr-1"


def test_the_key_is_kept_and_is_private(tmp_path: Path) -> None:
    """Made once, mode 0600, the same after a restart; another directory has another."""
    first = SealKeys.kept(tmp_path)
    assert stat.S_IMODE((tmp_path / KEY_NAME).stat().st_mode) == 0o600
    assert SealKeys.kept(tmp_path).kid == first.kid
    (tmp_path / "other").mkdir()
    assert SealKeys.kept(tmp_path / "other").kid != first.kid


def test_a_key_that_is_not_to_be_believed_is_refused(tmp_path: Path) -> None:
    """One that everybody may read, one that is none, one of another kind, and one behind a link."""
    path = tmp_path / KEY_NAME
    SealKeys.kept(tmp_path)
    path.chmod(0o604)
    with pytest.raises(SealKeysUnreadable, match="everybody may read"):
        SealKeys.kept(tmp_path)
    path.chmod(0o600)
    other = ec.generate_private_key(ec.SECP256R1())
    pem = other.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    for data, why in ((b"x", "holds no key"), (pem, "Ed25519")):
        path.write_bytes(data)
        with pytest.raises(SealKeysUnreadable, match=why):
            SealKeys.kept(tmp_path)
    path.rename(tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(SealKeysUnreadable):
        SealKeys.kept(tmp_path)
