"""``seetell`` and ``python -m seetell``: the command line, which Ctrl-C ends quietly also while it is loaded."""

import sys
from typing import NoReturn


def main() -> NoReturn:
    """Run the command line and exit; see :func:`seetell.cli.main.main`."""
    try:
        from seetell.cli.main import main

        main()
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
