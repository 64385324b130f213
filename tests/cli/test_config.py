"""`assayer config`: what is wrong, and what may stand there."""

from __future__ import annotations

from pathlib import Path

import pytest

from detector.wiring.reference import example_toml
from tests.cli.conftest import Assayer


def test_a_good_file_is_said_to_be_good(assayer: Assayer, tmp_path: Path) -> None:
    """Check ends with 0 and names what it checked."""
    (tmp_path / "a.toml").write_text("[server]\nport = 1\n", encoding="utf-8")
    said = assayer("config", "check", "a.toml")
    assert (said.status, said.out) == (0, "a.toml: good\n")


def test_a_wrong_key_is_named(assayer: Assayer, tmp_path: Path) -> None:
    """Check ends with 1 and names key, line and what was probably meant."""
    (tmp_path / "a.toml").write_text("[server]\n\nprot = 1\n", encoding="utf-8")
    said = assayer("config", "check", "a.toml")
    assert (said.status, said.err) == (1, 'assayer: a.toml:3: server.prot: unknown key; did you mean "port"?\n')


def test_the_variable_names_the_file(assayer: Assayer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a FILE, the one that ASSAYER_CONFIG names is checked."""
    (tmp_path / "b.toml").write_text("[server]\nport = 1\n", encoding="utf-8")
    monkeypatch.setenv("ASSAYER_CONFIG", "b.toml")
    assert assayer("config", "check").out == "b.toml: good\n"


def test_every_command_that_configures_refuses_the_same(
    assayer: Assayer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Unknown keys and variables are errors at the start of any command, not only in check."""
    monkeypatch.setenv("ASSAYER_SERVR__PORT", "1")
    for words in (("serve",), ("token", "list"), ("rules", "list"), ("explain", "d-1"), ("ingest", "x")):
        said = assayer(*words)
        assert said.status == 1
        assert "ASSAYER_SERVR__PORT: unknown variable; did you mean ASSAYER_SERVER__…?" in said.err


def test_show_prints_the_example(assayer: Assayer) -> None:
    """Show prints the commented defaults, ready to be redirected into a file."""
    said = assayer("config", "show")
    assert (said.status, said.out) == (0, example_toml())


def test_show_prints_what_is_in_force(assayer: Assayer, tmp_path: Path) -> None:
    """Show of a file prints its values in the example's form."""
    (tmp_path / "a.toml").write_text('[issuers."vault:prod/aws"]\nmode = "shadow"\n', encoding="utf-8")
    said = assayer("config", "show", "--config", "a.toml")
    assert '[issuers."vault:prod/aws"]\nmode = "shadow"\n' in said.out
