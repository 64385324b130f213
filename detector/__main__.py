"""`python -m detector` is `assayer`."""

from detector.cli import main

if __name__ == "__main__":
    main()
