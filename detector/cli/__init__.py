"""The command line, `assayer`: one small module a command, imported light and loaded when run."""

from detector.cli.guard import main

__all__ = ["main"]
