"""Issuers of workload tokens, and the access request that their proofs are about."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from detector.engine.tasks import Task
from detector.features.identity import DEFAULT_IDENTITY_RULES, Identities
from detector.stepup.methods import Offered

NOW = 1_772_409_600.0
ISSUER = "https://spire.example"
AUDIENCE = "assayer"
TASK = "arq-1"
RUN = "arn:aws:sts::1:assumed-role/deploy/run-8842"
ROLE = "arn:aws:sts::1:assumed-role/deploy/run-8843"

identities = Identities(DEFAULT_IDENTITY_RULES)


def names(name: str) -> frozenset[str]:
    """As the engine compares them."""
    bare = name.strip()
    return frozenset(form.casefold() for form in (bare, identities.fold(bare), identities.fold(bare.casefold())))


def task(**more: Any) -> Task:
    """An access request of a deploy role, made by a broker for somebody."""
    plain: dict[str, Any] = {
        "decision": "d-1",
        "requester": identities.fold(RUN),
        "issuer": "vault",
        "resource": "aws/creds/app",
        "broker": "vault-1",
        "scope": "s",
        "evidence": 7_000,
        "created": NOW - 60,
        "expires": NOW + 3_600,
        "methods": ("human", "workload_proof", "second_broker"),
        "parties": ("agent:planner", "alice@example.org"),
    }
    return Task(**{**plain, **more})


def offered(caller: str = "ana", proof: str = "", **more: Any) -> Offered:
    """Somebody offers an answer to it."""
    return Offered(name=TASK, task=task(**more), caller=caller, names=names, fold=identities.fold, now=NOW, proof=proof)


class Issuer:
    """Signs workload tokens, and publishes its keys in a file."""

    def __init__(self, folder: Path) -> None:
        self.where = folder / "jwks.json"
        self.ec = ec.generate_private_key(ec.SECP256R1())
        self.rsa = rsa.generate_private_key(65_537, 2_048)
        self.ed = ed25519.Ed25519PrivateKey.generate()
        self.keys: list[dict[str, Any]] = [
            {**as_jwk(self.ec.public_key(), "ES256"), "kid": "ec"},
            {**as_jwk(self.rsa.public_key(), "RS256"), "kid": "rsa"},
            {**as_jwk(self.ed.public_key(), "EdDSA"), "kid": "ed"},
        ]
        self.publish()

    def publish(self) -> None:
        """Write the key set."""
        self.where.write_text(json.dumps({"keys": self.keys}), encoding="utf-8")

    def claims(self, **more: Any) -> dict[str, Any]:
        """Those of a good proof, with what is different about it; `None` leaves a claim out."""
        good = {"iss": ISSUER, "sub": ROLE, "aud": f"{AUDIENCE}#{TASK}", "iat": NOW - 5, "exp": NOW + 300, "jti": "j1"}
        return {name: value for name, value in {**good, **more}.items() if value is not None}

    def proof(self, *, key: Any = None, alg: str = "ES256", header: dict[str, Any] | None = None, **more: Any) -> str:
        """A proof, signed."""
        found = {"kid": "ec", **(header or {})}
        found = {name: value for name, value in found.items() if value is not None}
        return jwt.encode(self.claims(**more), self.ec if key is None else key, algorithm=alg, headers=found)


def as_jwk(public: Any, alg: str) -> dict[str, Any]:
    """A public key as a JWK."""
    made: dict[str, Any] = jwt.get_algorithm_by_name(alg).to_jwk(public, as_dict=True)  # type: ignore[call-overload]
    return made


@pytest.fixture
def issuer(tmp_path: Path) -> Issuer:
    """An issuer of workload tokens."""
    return Issuer(tmp_path)
