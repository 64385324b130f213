"""Keys are made once, private, at least 2048 bits, and rotated without a moment in which nobody could verify."""

from __future__ import annotations

import stat
from pathlib import Path

import jwt
import pytest

from detector.signals.keys import BITS, KeysUnreadable, SigningKeys
from detector.signals.tokens import signed

CLAIMS = {"iss": "https://assayer.example", "aud": "a"}


def verified(token: str, keys: SigningKeys) -> bool:
    """Whether a receiver that reads the published keys now takes a token."""
    published = {key.key_id: key for key in jwt.PyJWKSet.from_dict(keys.jwks()).keys}
    kid = jwt.get_unverified_header(token)["kid"]
    if kid not in published:
        return False
    return jwt.decode(token, published[kid].key, algorithms=["RS256"], audience="a") == CLAIMS


def test_two_keys_are_published_and_one_signs(keys: SigningKeys) -> None:
    """The one that signs, and the next: whoever caches the set knows that one before it is used."""
    kid, key = keys.signing()
    published = [found["kid"] for found in keys.jwks()["keys"]]
    assert len(published) == 2
    assert kid == published[0]
    assert key.key_size == BITS == 2_048


def test_keys_are_private_and_stay(tmp_path: Path, keys: SigningKeys) -> None:
    """0600, and the same after a restart."""
    path = tmp_path / "signals.keys"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert SigningKeys(path).jwks() == keys.jwks()


def test_rotation_breaks_no_token(tmp_path: Path, keys: SigningKeys) -> None:
    """A token signed before a rotation is verified after it, and the key that signs then was published before."""
    before = {key["kid"] for key in keys.jwks()["keys"]}
    old = signed(CLAIMS, keys)
    kid = keys.rotate()
    assert kid in before
    assert keys.signing()[0] == kid
    assert verified(old, keys)
    assert verified(signed(CLAIMS, keys), keys)
    assert len(keys.jwks()["keys"]) == 3
    keys.rotate()
    assert not verified(old, keys)
    assert len(keys.jwks()["keys"]) == 3


def test_a_running_server_takes_up_a_rotation(tmp_path: Path, keys: SigningKeys) -> None:
    """The file is looked at again when it has changed."""
    SigningKeys(tmp_path / "signals.keys").rotate()
    assert keys.signing()[0] == keys.jwks()["keys"][1]["kid"]


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'[{"kid":"a","pem":"x"},{"kid":"b","pem":"y"}]'])
def test_a_damaged_file_is_not_believed(tmp_path: Path, content: bytes) -> None:
    """Nor replaced in silence: receivers would refuse everything signed from then on."""
    path = tmp_path / "signals.keys"
    path.touch(mode=0o600)
    path.write_bytes(content)
    with pytest.raises(KeysUnreadable, match=r"signals\.keys"):
        SigningKeys(path)


def test_keys_that_others_can_read_are_not_used(tmp_path: Path, keys: SigningKeys) -> None:
    """Whoever read them may have signed with them."""
    path = tmp_path / "signals.keys"
    path.chmod(0o644)
    with pytest.raises(KeysUnreadable, match="others may read"):
        SigningKeys(path)
