"""Compare with coco-caption's Penn Treebank tokenizer as it runs: every character, apostrophes, and real captions."""

from __future__ import annotations

import itertools
import os
import shutil
import string
from pathlib import Path

import pytest

from seetell.language.tokenizer import tokenize

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("java") is None, reason="the tokenizer's own program needs Java, not installed"),
]

ENDS_LINE = {*range(0x0A, 0x0E), *range(0x1C, 0x1F), 0x85, 0x2028, 0x2029}
"""Characters that end a line for the program or for its Python side, and shift the tokens of all later captions."""

CHARACTERS = [chr(code) for code in range(0x20, 0x10000) if code not in ENDS_LINE and not 0xD800 <= code <= 0xDFFF]
"""63,453 characters."""


def of_the_program(captions: list[str]) -> list[list[str]]:
    """Return what coco-caption makes of captions; each stands before a line that begins no sentence."""
    program = pytest.importorskip("pycocoevalcap.tokenizer.ptbtokenizer", reason="pycocoevalcap is not installed")
    rows = [{"caption": line} for caption in captions for line in (caption, "x")]
    lines = program.PTBTokenizer().tokenize({0: rows})[0]
    assert lines[1::2] == ["x"] * len(captions), "a caption has a line end in it"
    return [line.split() for line in lines[::2]]


def assert_equal_tokens(captions: list[str]) -> None:
    differing = {
        caption: (tokens, tokenize(caption))
        for caption, tokens in zip(captions, of_the_program(captions), strict=True)
        if tokens != tokenize(caption)
    }
    named = [(caption, [hex(ord(c)) for c in caption if c > "~"], *both) for caption, both in differing.items()]
    assert not named, f"{len(named)} of {len(captions)} captions differ, such as {named[:20]}"


@pytest.mark.nightly
@pytest.mark.parametrize("context", ["{}", "a{}b", "Ab {} cd", "1{}2", "ab{}", "{}ab", "{0}{0}"])
def test_every_character(context: str):
    assert_equal_tokens([context.format(character) for character in CHARACTERS])


def test_every_letter_before_an_apostrophe():
    """Elisions of French and Irish names, contractions, and what only looks like them, in either case."""
    letters = string.ascii_letters + "éÉ"
    endings = ["est", "Est", "EST", "a", "A", "on", "s", "S", "ll", "re", "t", "T", "mon", "un", "1", ""]
    words = ["{}{}{}", "di{}{}{}", "x {}{}{} y"]
    combined = itertools.product(words, letters, "'’`", endings)
    assert_equal_tokens([word.format(letter, mark, ending) for word, letter, mark, ending in combined])


@pytest.mark.nightly
def test_every_caption_of_flickr8k():
    root = Path(os.environ.get("SEETELL_DATA", Path(__file__).parents[3] / "shared" / "data"))
    path = root / "flickr8k" / "Flickr8k_text" / "Flickr8k.token.txt"
    if not path.is_file():
        pytest.skip(f"no Flickr8k at {path}; set SEETELL_DATA to the folder that holds flickr8k/")
    assert_equal_tokens([line.split("\t")[1] for line in path.read_text(encoding="utf-8").splitlines()])
