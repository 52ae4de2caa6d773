"""METEOR's paraphrases, phrases of one to seven words.

The table has five million entries, few of which matter to given sentences. It is streamed, and an entry is kept if both
its phrases occur in the sentences.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterable, Sequence
from pathlib import Path

from seetell.errors import DataError

LONGEST = 7
"""Number of words in the longest phrase of the table."""

_CHUNK = 1 << 20  # bytes

Paraphrases = dict[str, dict[str, int]]
"""For each phrase its paraphrases with their rank in the table; empty for one that only is a paraphrase."""


def read_paraphrases(file: Path, sentences: Iterable[Sequence[str]]) -> Paraphrases:
    """Read the entries of the table whose phrases occur in sentences.

    Args:
        file: gzip file with three lines per entry: probability, phrase, paraphrase; words separated by single spaces.
        sentences: the words of each sentence.

    Raises:
        DataError: the file cannot be read.
    """
    phrases = _phrases(sentences)
    found: list[tuple[bytes, bytes]] = []
    rest = b""
    try:
        with gzip.open(file) as table:
            while chunk := table.read(_CHUNK):
                lines = (rest + chunk).split(b"\n")
                whole = (len(lines) - 1) // 3 * 3
                entries = zip(lines[1:whole:3], lines[2:whole:3], strict=True)
                found += [entry for entry in entries if entry[0] in phrases and entry[1] in phrases]
                rest = b"\n".join(lines[whole:])
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(
            f"METEOR's paraphrase table {file} cannot be read: {error}; reinstall it with: "
            "pip install --force-reinstall pycocoevalcap"
        ) from error
    paraphrases: Paraphrases = {}
    for phrase, other in found:
        ranks = paraphrases.setdefault(phrase.decode(), {})
        ranks[other.decode()] = len(ranks)
        paraphrases.setdefault(other.decode(), {})
    return paraphrases


def _phrases(sentences: Iterable[Sequence[str]]) -> set[bytes]:
    """Return every run of at most ``LONGEST`` words, encoded as in the table."""
    phrases: set[bytes] = set()
    for sentence in sentences:
        words = [word.encode() for word in sentence]
        phrases.update(words)
        for length in range(2, LONGEST + 1):
            for end in range(length, len(words) + 1):
                phrases.add(b" ".join(words[end - length : end]))
    return phrases
