"""`assayer token`: made once, shown once, listed and revoked."""

from __future__ import annotations

from pathlib import Path

from detector.api.tokens import Tokens
from tests.cli.conftest import Assayer


def test_a_token_is_printed_once_and_works(assayer: Assayer, tmp_path: Path) -> None:
    """The secret alone is on standard output, so that it can be piped; it opens what its roles say."""
    said = assayer("token", "create", "--role", "broker", "--role", "ingest", "--name", "vault", "--data", "d")
    secret = said.out.strip()
    assert said.status == 0
    assert said.out == f"{secret}\n"
    assert Tokens(tmp_path / "d" / "tokens.json").identify(secret).roles == ("broker", "ingest")
    assert secret not in said.err


def test_the_list_holds_no_secret(assayer: Assayer) -> None:
    """Listing shows ids, names, roles and states."""
    secret = assayer("token", "create", "--role", "analyst", "--expires", "90d", "--data", "d").out.strip()
    listed = assayer("token", "list", "--data", "d").out
    assert "analyst" in listed
    assert "valid" in listed
    assert secret not in listed


def test_a_token_is_revoked_by_name(assayer: Assayer) -> None:
    """A revoked token stays in the list, as revoked."""
    assayer("token", "create", "--role", "broker", "--name", "ci", "--data", "d")
    assert assayer("token", "revoke", "ci", "--data", "d").status == 0
    assert "revoked" in assayer("token", "list", "--data", "d").out


def test_an_ambiguous_or_unknown_name_is_refused(assayer: Assayer) -> None:
    """Nobody's token is revoked by a guess."""
    for _ in range(2):
        assayer("token", "create", "--role", "broker", "--name", "ci", "--data", "d")
    assert "say which by id" in assayer("token", "revoke", "ci", "--data", "d").err
    unknown = assayer("token", "revoke", "nobody", "--data", "d")
    assert (unknown.status, unknown.out) == (1, "")
