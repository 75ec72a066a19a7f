"""``python -m harness <command>``."""

import sys


def start() -> int:
    """Exit code of the command; 130 also when Ctrl-C comes while the program is still being loaded."""
    try:
        from harness.cli.main import main  # noqa: PLC0415  # loading it takes most of a short command's time

        return main(sys.argv[1:])
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(start())
