"""The configuration: one file, the environment over it, and every mistake named."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from pathlib import Path

import pytest

from detector.api.limits import Limits
from detector.engine.policy import Policy, Thresholds
from detector.wiring.files import load
from detector.wiring.model import shipped_model
from detector.wiring.problems import ConfigurationError, dotted, known_keys
from detector.wiring.reference import example_toml, markdown_table
from detector.wiring.settings import LimitSettings, Settings
from detector.wiring.toml import line_of, lines_of_keys

EVERYTHING = """\
[server]
host = "0.0.0.0"
port = 9000
data = "/var/lib/assayer"

[policy]
mode = "shadow"
step_up_budget = 0.002
thresholds = { step_up = 5.0, deny = 12.0 }

[issuers."vault:prod/aws"]
mode = "enforce"
deny = 9.5

[rules]
mode = "enforced"
lifetime_seconds = 3600

[[identity.patterns]]
name = "nightly"
pattern = '^nightly-(\\d{8})$'
replacement = "nightly"

[sensitivity]
defaults = false
patterns = [
  # what pays people
  { pattern = "payroll", level = "critical" },
]

[learning]
quarantine_seconds = 0

[log]
level = "debug"
"""


def problems(text: str, tmp_path: Path, **environment: str) -> list[str]:
    """The mistakes found in a configuration text, as an operator reads them, without the folder."""
    file = tmp_path / "assayer.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError) as found:
        load(file, environment=environment)
    return [str(problem).removeprefix(f"{tmp_path}/") for problem in found.value.problems]


def test_nothing_written_is_the_default_policy() -> None:
    """Without a file and without variables the engine decides by the policy's own defaults."""
    assert load(None, environment={}).policy_in_force() == replace(Policy(), model=shipped_model())


def test_everything_written_reaches_the_policy(tmp_path: Path) -> None:
    """Every section of a file arrives where it decides."""
    file = tmp_path / "assayer.toml"
    file.write_text(EVERYTHING, encoding="utf-8")
    settings = load(file, environment={})
    policy = settings.policy_in_force()
    assert (settings.server.host, settings.server.port, str(settings.server.data)) == (
        "0.0.0.0",  # noqa: S104 - what the file says
        9000,
        "/var/lib/assayer",
    )
    assert (policy.mode, policy.mode_for("vault:prod/aws")) == ("shadow", "enforce")
    assert policy.thresholds == Thresholds(step_up=5.0, deny=12.0)
    assert policy.issuer_thresholds == {"vault:prod/aws": Thresholds(step_up=5.0, deny=9.5)}
    assert (policy.step_up_budget, policy.false_deny_budget) == (0.002, 0.001)
    assert (policy.rules.mode, policy.rules.lifetime_seconds) == ("enforced", 3600.0)
    assert policy.identity[0].name == "nightly"
    assert len(policy.identity) == len(Policy().identity) + 1
    assert [(rule.pattern, rule.level) for rule in policy.sensitivity] == [("payroll", "critical")]
    assert policy.quarantine_seconds == 0.0


def test_the_environment_wins_over_the_file_and_the_command_line_over_both(tmp_path: Path) -> None:
    """Precedence is command line, environment, file, default, key by key."""
    file = tmp_path / "assayer.toml"
    file.write_text("[server]\nport = 1\nhost = 'a'\n", encoding="utf-8")
    variables = {"ASSAYER_SERVER__PORT": "2", "ASSAYER_SERVER__DATA": "here"}
    server = load(file, environment=variables, overrides={"server": {"data": "there"}}).server
    assert (server.host, server.port, str(server.data)) == ("a", 2, "there")


def test_a_whole_table_can_come_from_the_environment() -> None:
    """A variable named after a section is JSON, so that issuers with odd names can be set."""
    settings = load(None, environment={"ASSAYER_ISSUERS": '{"vault:prod/aws": {"mode": "observe"}}'})
    assert settings.policy_in_force().mode_for("vault:prod/aws") == "observe"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[server]\nprot = 1\n", 'assayer.toml:2: server.prot: unknown key; did you mean "port"?'),
        ("port = 1\n", "assayer.toml:1: port: unknown key; did you mean server.port?"),
        ("[sever]\nport = 1\n", 'assayer.toml:1: sever: unknown key; did you mean "server"?'),
        ("[server]\nport = 'x'\n", "assayer.toml:2: server.port: input should be a valid integer"),
        ("[server]\nport = 70000\n", "assayer.toml:2: server.port: input should be less than or equal to 65535"),
        ("[policy]\nmode = 'enforced'\n", "assayer.toml:2: policy.mode: input should be 'observe', 'shadow'"),
        (
            "[policy]\nstep_up_budget = 1\n",
            "assayer.toml:2: policy.step_up_budget: input should be less than 1",
        ),
        (
            "# a comment\n\n[issuers.\"vault:prod/aws\"]\nstep_up = 3\nmodus = 'shadow'\n",
            'assayer.toml:5: issuers."vault:prod/aws".modus: unknown key; did you mean "mode"?',
        ),
        (
            "[issuers.x]\nstep_up = -1\n",
            "assayer.toml:2: issuers.x.step_up: input should be greater than 0",
        ),
        (
            "[[identity.patterns]]\nname='a'\npattern='a'\nreplacement='b'\n[[identity.patterns]]\npattern='(('\n",
            "assayer.toml:6: identity.patterns[1].pattern: '((' is not a regular expression",
        ),
        (
            "[[identity.patterns]]\nname='a'\npattern='(a)'\nreplacement='\\2'\n",
            "assayer.toml:1: identity.patterns[0]: identity rule 'a': replacement does not fit the pattern",
        ),
        (
            "[[identity.patterns]]\nname='a'\npattern='(a)'\n",
            "assayer.toml:1: identity.patterns[0].replacement: field required",
        ),
        (
            "[sensitivity]\npatterns = [\n{pattern='a', level='huge'}]\n",
            "assayer.toml:2: sensitivity.patterns[0].level:",
        ),
        ("[server\n", "assayer.toml: not TOML: Expected ']' at the end of a table declaration (at line 1, column 8)"),
        ("server = 3\n", "assayer.toml:1: server: input should be a valid dictionary"),
    ],
)
def test_a_mistake_is_named_with_its_line_and_key(text: str, said: str, tmp_path: Path) -> None:
    """An operator is told which key on which line, what is wrong, and what was probably meant."""
    assert [line for line in problems(text, tmp_path) if said in line]


def test_every_mistake_is_named_at_once(tmp_path: Path) -> None:
    """Three mistakes are three lines: nobody wants to find them one by one."""
    found = problems("[server]\nprot = 1\nhst = 2\n", tmp_path, ASSAYER_LOGG__LEVEL="info")
    assert len(found) == 3


def test_a_wrong_variable_is_named(tmp_path: Path) -> None:
    """Errors from the environment name the variable, not a line of the file."""
    found = problems("[server]\nport = 1\n", tmp_path, ASSAYER_SERVER__PORT="many")
    assert len(found) == 1
    assert found[0].startswith("environment: ASSAYER_SERVER__PORT (server.port): input should be a valid integer")


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("ASSAYER_SERVR__PORT", "1", "ASSAYER_SERVR__PORT: unknown variable; did you mean ASSAYER_SERVER__…?"),
        ("ASSAYER_TOKN", "x", "ASSAYER_TOKN: unknown variable; did you mean ASSAYER_TOKEN?"),
        ("ASSAYER_SERVER__PROT", "1", 'ASSAYER_SERVER__PROT (server.prot): unknown key; did you mean "port"?'),
        ("ASSAYER_ISSUERS", "vault", "ASSAYER_ISSUERS: must be a JSON object"),
    ],
)
def test_an_unknown_or_unreadable_variable_is_an_error(name: str, value: str, said: str, tmp_path: Path) -> None:
    """A misspelt variable would silently leave the default in force."""
    assert said in "\n".join(problems("", tmp_path, **{name: value}))


def test_the_callers_own_variables_are_no_settings() -> None:
    """ASSAYER_TOKEN and ASSAYER_CONFIG belong to the caller and are left alone."""
    callers = {"ASSAYER_TOKEN": "asy_x", "ASSAYER_CONFIG": "nowhere.toml", "PATH": "/bin"}
    assert load(None, environment=callers) == Settings()


def test_a_binary_file_is_refused(tmp_path: Path) -> None:
    """What is no text is said to be no text."""
    file = tmp_path / "assayer.toml"
    file.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigurationError, match="not UTF-8"):
        load(file, environment={})


def test_the_commented_example_is_the_defaults(tmp_path: Path) -> None:
    """`assayer config show` prints a file that changes nothing."""
    file = tmp_path / "example.toml"
    file.write_text(example_toml(), encoding="utf-8")
    assert load(file, environment={}) == Settings()


def test_the_example_with_its_comments_taken_off_is_right_too(tmp_path: Path) -> None:
    """The entries that the example only shows are themselves valid."""
    lines = example_toml().splitlines()
    shown = [
        line[2:] if line.startswith("# [") or (line.startswith("# ") and " = " in line) else line for line in lines
    ]
    file = tmp_path / "shown.toml"
    file.write_text("\n".join(line for line in shown if "ASSAYER_" not in line), encoding="utf-8")
    settings = load(file, environment={})
    assert settings.issuers
    assert settings.identity.patterns
    assert settings.sensitivity.patterns


def test_what_is_in_force_round_trips_through_the_file_it_is_shown_as(tmp_path: Path) -> None:
    """`assayer config show` of any settings, read again, is the same settings."""
    file = tmp_path / "assayer.toml"
    file.write_text(EVERYTHING, encoding="utf-8")
    settings = load(file, environment={})
    file.write_text(example_toml(settings), encoding="utf-8")
    assert load(file, environment={}) == settings


def test_the_limits_that_are_served_are_those_that_are_documented() -> None:
    """What the file may set and what the API applies have the same names and defaults."""
    served = Limits()
    assert {name: getattr(served, name) for name in LimitSettings.model_fields} == LimitSettings().model_dump()


def test_the_table_has_a_row_for_every_key() -> None:
    """The README's table leaves no key out."""
    table = markdown_table()
    for key in known_keys(Settings):
        assert f"`{key}" in table


def test_every_key_says_what_it_is_for() -> None:
    """A key without a description would be an empty cell."""
    assert all(len(row.split("|")) == 5 and row.split("|")[3].strip() for row in markdown_table().splitlines()[2:])


def test_lines_are_found_through_comments_arrays_and_multiline_values() -> None:
    """Positions hold for every way TOML has to write a key."""
    text = (
        '# c\na.b = 1\n[t]\nm = """\nx = 1\n"""\nl = [\n 1,\n 2,\n]\n'
        '[[t.e]]\n[[t.e]] # second\n"q r" = 1\n[t.e.s]\nd = 1\n'
    )
    lines = lines_of_keys(text)
    assert tomllib.loads(text)
    assert lines["a", "b"] == 2
    assert lines["t", "m"] == 4
    assert lines["t", "l"] == 7
    assert lines["t", "e", 0] == 11
    assert lines["t", "e", 1, "q r"] == 13
    assert lines["t", "e", 1, "s", "d"] == 15
    assert line_of(("t", "e", 1, "absent"), lines) == 12
    assert line_of(("absent",), lines) is None


def test_dotted_quotes_what_toml_must_quote() -> None:
    """A key is named as the operator would write it."""
    assert dotted(("issuers", "vault:prod/aws", "mode")) == 'issuers."vault:prod/aws".mode'
