"""``python -m seetell``: the command line."""

from seetell.cli.main import main

if __name__ == "__main__":
    main()
