"""Programs beside the command line, ``python -m seetell.…``: their errors look as those of the commands."""

from __future__ import annotations

import sys
from collections.abc import Callable

from seetell.errors import RecipeError, SeetellError, UsageError


def run_program(main: Callable[[], None]) -> None:
    """Run a program; an error that the user can fix is a line on standard error.

    Args:
        main: reads the command line.

    Raises:
        SystemExit: 1 something failed, 2 wrong use, 130 interrupted.
    """
    try:
        main()
    except SeetellError as error:
        print(f"seetell: {error}".encode(errors="backslashreplace").decode(), file=sys.stderr)
        sys.exit(2 if isinstance(error, (UsageError, RecipeError)) else 1)
    except KeyboardInterrupt:
        sys.exit(130)
