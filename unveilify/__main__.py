"""`python -m unveilify`, and the command `unveilify`: an interrupt while it is still loading is no traceback, either."""

import sys


def main() -> None:
    """Load the command line, and run it."""
    try:
        from unveilify.cli.app import main as run
    except KeyboardInterrupt:
        sys.exit(130)
    run()


if __name__ == "__main__":
    main()
