"""The README taken apart: what it runs, what it shows, and the parts that are generated.

`python -m tests.house.readme` writes the generated parts again.
"""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from detector.wiring.reference import markdown_table

README = Path(__file__).resolve().parents[2] / "README.md"
BIN = Path(sys.executable).parent

# <!-- run --> above a fence: the block runs; <!-- serve -->: it starts the server that later blocks talk to;
# <!-- prints --> above a fence: what the block before it printed, `...` standing for what varies.
STEP = re.compile(
    r"<!-- (?P<mark>run|serve|prints) -->\n+```(?P<language>\w+)\n(?P<text>.*?)^```$", re.DOTALL | re.MULTILINE
)
SAME_AS = re.compile(r"(<!-- same as: (?P<command>[^\n]+) -->\n+```text\n).*?(^```$)", re.DOTALL | re.MULTILINE)
TABLE = re.compile(r"(<!-- configuration -->\n).*?(<!-- end of configuration -->)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Step:
    """One marked block of the README, in the order a reader meets it."""

    mark: str
    language: str
    text: str


def steps(text: str) -> list[Step]:
    """The marked blocks of a README's text."""
    return [Step(found["mark"], found["language"], found["text"]) for found in STEP.finditer(text)]


def output_of(command: str) -> str:
    """What one of our own commands prints."""
    program, *arguments = shlex.split(command)
    return subprocess.run([str(BIN / program), *arguments], capture_output=True, text=True, check=True).stdout


def refreshed(text: str) -> str:
    """The README's text with its generated parts made again: command help and the configuration table."""
    text = SAME_AS.sub(lambda found: found[1] + output_of(found["command"]).strip("\n") + "\n" + found[3], text)
    return TABLE.sub(lambda found: found[1] + "\n" + markdown_table() + "\n" + found[2], text)


if __name__ == "__main__":
    README.write_text(refreshed(README.read_text("utf-8")), "utf-8")
