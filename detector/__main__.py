"""`python -m detector` is the `assayer` command."""

from detector.cli import main

main()
