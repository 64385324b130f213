"""`assayer demo`: the main job from nothing, as a newcomer sees it."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from detector.store import LogReader, running_server

LONGEST_SECONDS = 60.0

COMMAND = [sys.executable, "-m", "detector", "demo"]


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> tuple[subprocess.CompletedProcess[str], Path, float]:
    """The demonstration played once: how it ended, its data directory, and how long it took."""
    folder = tmp_path_factory.mktemp("demo") / "data"
    started = time.monotonic()
    done = subprocess.run(
        [*COMMAND, "--data", str(folder)], capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
    )
    return done, folder, time.monotonic() - started


@pytest.mark.process
@pytest.mark.slow
class TestTheDemonstration:
    """One run, looked at from every side."""

    def test_it_ends_well_and_soon(self, told: tuple[subprocess.CompletedProcess[str], Path, float]) -> None:
        """Exit 0, nothing on standard error, no question asked, under a minute."""
        done, _, took = told
        assert (done.returncode, done.stderr) == (0, "")
        assert took < LONGEST_SECONDS

    def test_four_formats_are_learnt(self, told: tuple[subprocess.CompletedProcess[str], Path, float]) -> None:
        """Counts for each format, none of them zero, and nothing rejected."""
        done, _, _ = told
        for dialect in ("native", "cloudtrail", "vault", "kubernetes"):
            figures = re.search(rf"^ *{dialect} +([\d, ]+)$", done.stdout, re.MULTILINE)
            assert figures is not None, dialect
            requests, issuances, usages, _, rejected = (int(n.replace(",", "")) for n in figures[1].split())
            assert issuances > 0
            assert usages > 0
            assert requests == rejected == 0

    def test_the_honest_are_allowed_and_the_thief_is_not(
        self, told: tuple[subprocess.CompletedProcess[str], Path, float]
    ) -> None:
        """The runner's own work goes on before and after; every request of the thief's is stepped up or denied."""
        done, _, _ = told
        honest = re.search(r"honest requests allowed: (\d+) of (\d+); of the thief's: (\d+) of (\d+)", done.stdout)
        assert honest is not None
        allowed, asked, got, wanted = map(int, honest.groups())
        assert allowed == asked > 0
        assert got == 0 < wanted

    def test_reasons_are_in_plain_words(self, told: tuple[subprocess.CompletedProcess[str], Path, float]) -> None:
        """Under the first refusal stand sentences with what was expected and what was seen."""
        done, _, _ = told
        refusal = re.split(r"STEP UP|DENY", done.stdout)[1]
        assert re.search(r"\d\.\d  [a-z][a-z' ]+\n +expected .+; seen .+\n", refusal)

    def test_a_deny_rule_stands_with_its_scope_and_expiry(
        self, told: tuple[subprocess.CompletedProcess[str], Path, float]
    ) -> None:
        """It is in force, names the requester and more, and ends by itself."""
        done, _, _ = told
        assert re.search(r"deny rule r-[0-9a-f]{12} \(enforced\), raised by assayer", done.stdout)
        assert re.search(r"stops +requester .+ · (?:issuer|network) .+", done.stdout)
        assert re.search(r"until +20\d\d-\d\d-\d\dT.+, when it ends by itself", done.stdout)

    def test_where_to_look_next_works_as_printed(
        self, told: tuple[subprocess.CompletedProcess[str], Path, float]
    ) -> None:
        """The commands that it ends with run, and show what they promise."""
        done, folder, _ = told
        commands = re.findall(r"^ .+?(?:assayer|-m detector) ((?:explain|rules) .+)$", done.stdout, re.MULTILINE)
        assert [command.split()[0] for command in commands] == ["explain", "rules"]
        for command in commands:
            said = subprocess.run(
                [*COMMAND[:-1], *command.split()], capture_output=True, text=True, check=False, cwd=folder
            )
            assert (said.returncode, said.stderr) == (0, "")
            assert len(said.stdout.splitlines()) > 3

    def test_it_leaves_nothing_running(self, told: tuple[subprocess.CompletedProcess[str], Path, float]) -> None:
        """The sidecar has ended; its log is whole."""
        _, folder, _ = told
        assert running_server(folder) is None
        reader = LogReader(folder)
        assert sum(1 for _ in reader.read()) == reader.head() > 0


@pytest.mark.process
def test_it_starts_from_nothing_or_not_at_all(tmp_path: Path) -> None:
    """A directory with something in it is left alone."""
    (tmp_path / "precious").touch()
    done = subprocess.run([*COMMAND, "--data", str(tmp_path)], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "is not empty" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["precious"]
