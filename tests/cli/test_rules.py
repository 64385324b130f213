"""`assayer rules`: on the store itself, and through a running server, with the same words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import pytest

from detector.cli.background import background_sidecar
from detector.wiring.compose import embedded
from detector.wiring.files import load
from tests.cli.conftest import Assayer

RULE = re.compile(r"r-[0-9a-f]{12}")


@pytest.fixture(
    params=[pytest.param("store", id="on the store"), pytest.param("server", marks=pytest.mark.process, id="served")]
)
def where(request: pytest.FixtureRequest, assayer: Assayer, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A data directory with a log, alone or with a server running on it whose operator we are."""
    token = assayer("token", "create", "--role", "operator", "--data", "data").out.strip()
    Path("assayer.toml").write_text("", encoding="utf-8")
    embedded(load(None, environment={}, overrides={"server": {"data": Path("data")}}), warn=pytest.fail).close()
    monkeypatch.setenv("ASSAYER_TOKEN", token)
    served = background_sidecar(config=Path("assayer.toml"), data=Path("data"))
    with served if request.param == "server" else nullcontext():
        yield "data"


def test_a_rule_goes_through_its_life(assayer: Assayer, where: str) -> None:
    """Raised in shadow, enforced, put back in shadow, withdrawn; each step is shown and listed."""
    raised = assayer(
        *("rules", "raise", "--requester", "deploy", "--issuer", "vault", "--for", "30m"),
        *("--because", "drill", "--data", where),
    )
    assert raised.status == 0
    rule = RULE.findall(raised.out)[0]
    assert "scope        requester deploy · issuer vault" in raised.out
    assert "state        shadow" in raised.out
    assert "state        enforced" in assayer("rules", "enforce", rule, "--data", where).out
    assert "state        shadow" in assayer("rules", "shadow", rule, "--data", where).out
    assert "because      drill" in assayer("rules", "show", rule, "--data", where).out
    withdrawn = assayer("rules", "withdraw", rule, "--because", "drill over", "--data", where)
    assert "state        withdrawn" in withdrawn.out
    assert rule in assayer("rules", "list", "--data", where).out
    assert rule not in assayer("rules", "list", "--state", "enforced", "--data", where).out
    again = assayer("rules", "enforce", rule, "--data", where)
    assert (again.status, again.out) == (1, "")
    assert "withdrawn" in again.err


def test_an_unknown_rule_is_said_to_be_unknown(assayer: Assayer, where: str) -> None:
    """A wrong id is a line and 1."""
    said = assayer("rules", "show", "r-0", "--data", where)
    assert (said.status, said.out) == (1, "")
    assert "no deny rule 'r-0'" in said.err


@pytest.mark.process
def test_a_server_wants_an_operator(assayer: Assayer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a token, and with one of another role, the refusal says which role it takes and how to get it."""
    Path("assayer.toml").write_text("", encoding="utf-8")
    Path("data").mkdir()
    with background_sidecar(config=Path("assayer.toml"), data=Path("data")):
        nobody = assayer("rules", "list", "--data", "data")
        broker = assayer("token", "create", "--role", "broker", "--data", "data").out
        Path("token").write_text(broker, encoding="utf-8")
        other = assayer("rules", "list", "--data", "data", "--token-file", "token")
    for said in (nobody, other):
        assert (said.status, said.out) == (1, "")
        assert "needs a token with the role analyst" in said.err
        assert "assayer token create --role analyst" in said.err


def test_no_log_is_no_rules(assayer: Assayer) -> None:
    """A wrong directory is named, and nothing is made in it."""
    said = assayer("rules", "list", "--data", "nowhere")
    assert said.status == 1
    assert "nowhere: no log here" in said.err
    assert not Path("nowhere").exists()
