"""What a command says when it cannot go on, and the exit statuses it says it with."""

from __future__ import annotations

from typing import Final

DONE: Final = 0
FOUND_WRONG: Final = 1
BAD_USAGE: Final = 2
INTERRUPTED: Final = 130


class Complaint(Exception):
    """Something expected went wrong: the message is for a person, one line a trouble, and the exit status is 1."""
