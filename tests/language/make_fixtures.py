"""Fill ``fixtures/penn_treebank.json``: what coco-caption's tokenizer makes of the lines that are its keys.

Run from the project's folder, with Java and pycocoevalcap installed; a new line is added with any value first::

    python tests/language/make_fixtures.py
"""

from __future__ import annotations

import json
from pathlib import Path

FIXTURE = Path(__file__).parent / "fixtures" / "penn_treebank.json"


def write() -> None:
    from pycocoevalcap.tokenizer.ptbtokenizer import PTBTokenizer

    lines = list(json.loads(FIXTURE.read_text(encoding="utf-8")))
    # Each stands before a line that starts no sentence: some rules look into the next line.
    captions = [{"caption": caption} for line in lines for caption in (line, "x")]
    tokens = PTBTokenizer().tokenize({0: captions})[0]
    if tokens[1::2] != ["x"] * len(lines):
        raise SystemExit("a line of the fixture holds a line end, which shifts the tokens of all others")
    FIXTURE.write_text(json.dumps(dict(zip(lines, tokens[::2], strict=True)), indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    write()
