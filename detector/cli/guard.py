"""The door: whatever goes wrong below it is said in a line, and never shown as a traceback."""

from __future__ import annotations

import os
import sys
import tempfile
import traceback
from collections.abc import Sequence
from pathlib import Path

from detector.cli.complaint import FOUND_WRONG, INTERRUPTED, Complaint


def main() -> None:
    """Run the command line on the process's arguments and exit with its status."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """The exit status of one command line. Bad usage prints its help and gives 2."""
    from detector.cli.app import app

    try:
        app(args=list(arguments), prog_name="assayer")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(bool(end.code))
    except KeyboardInterrupt:
        return _say("interrupted", INTERRUPTED)
    except BrokenPipeError:
        # Whoever read our output has gone (`assayer rules list | head`): not an error, and nobody to tell.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FOUND_WRONG
    except Complaint as complaint:
        return _say(str(complaint), FOUND_WRONG)
    except OSError as error:
        return _say(_file_trouble(error), FOUND_WRONG)
    except Exception as error:  # noqa: BLE001 - the last door before a traceback on an operator's screen
        return _say(_unexpected(error), FOUND_WRONG)
    return 0


def _say(message: str, status: int) -> int:
    for line in message.splitlines():
        sys.stderr.write(f"assayer: {line}\n")
    return status


def _file_trouble(error: OSError) -> str:
    what = error.strerror or str(error)
    return f"{error.filename}: {what}" if error.filename else what


def _unexpected(error: Exception) -> str:
    """One line for the operator; the whole story goes to a file that a bug report can carry."""
    handle, name = tempfile.mkstemp(prefix="assayer-", suffix=".log", text=True)
    with os.fdopen(handle, "w", encoding="utf-8") as detail:
        detail.write("".join(traceback.format_exception(error)))
    return f"unexpected {type(error).__name__}: this is a defect of assayer; the detail is in {Path(name)}"
