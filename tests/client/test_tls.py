"""A sidecar behind https: trusted as the broker says, and told nothing where it is not."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from tests.client.conftest import Make
from tests.client.sidecars import REQUEST, sidecar

AMPLE = 20.0


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for 127.0.0.1 that nobody vouches for, its key behind it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sidecar")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path_factory.mktemp("tls") / "sidecar.pem"
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    file.write_bytes(made.public_bytes(Encoding.PEM) + private)
    return file


def test_a_sidecar_is_asked_over_tls_that_the_broker_trusts(broker: Make, certificate: Path) -> None:
    """By a context of the broker's own: a private authority, a certificate of its own."""
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(certificate)
    with sidecar(tls=server) as beside:
        client = broker(beside.url, tls=ssl.create_default_context(cafile=str(certificate)), timeout=AMPLE, token="t")
        assert client.ask(REQUEST).source == "sidecar"
        assert beside.asks()[-1].headers["authorization"] == "Bearer t"


def test_a_sidecar_that_is_not_trusted_is_told_nothing(broker: Make, certificate: Path) -> None:
    """Neither the request nor the token: it is as good as dead."""
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(certificate)
    with sidecar(tls=server) as beside:
        client = broker(beside.url, timeout=AMPLE, token="t")
        answer = client.ask(REQUEST)
        assert (answer.source, answer.failure) == ("fail_open", "unreachable")
        assert "certificate" in answer.why.lower()
        assert beside.asked == []
