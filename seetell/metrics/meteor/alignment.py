"""METEOR's search for the best alignment (Denkowski & Lavie 2014).

An alignment is a set of matches that share no word. The best one covers most words, then has fewest chunks (runs of
matches that are adjacent and in the same order in both sentences), then least total distance between the positions of
matched words. It is found by beam search over the words of the reference.

The program differs from the paper, and this search follows the program: inexact matches count half, rounded down for
each sentence, so one with a single word counts nothing; distances are charged to the alignments that skip a match, and
so are those of the matches that were tried before the chosen one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from operator import itemgetter

from seetell.metrics.meteor.matching import EXACT, Match

_BEAM = 40

# Partial alignments are ordered by one number: words covered, then chunks, then distance.
_CHUNK = 1 << 32
_COVERED = 1 << 48

_Path = tuple[int, int, int, int, "_Chosen"]
"""Sort key; bits of the candidate's words in use; next word of the reference; the candidate's word after the last
match, -1 if that match is not adjacent; chosen matches."""

_Chosen = tuple[Match, "_Chosen"] | None
_order = itemgetter(0)


@dataclass(frozen=True)
class Alignment:
    """The best alignment found.

    Attributes:
        matches: the chosen matches.
        chunks: number of runs of adjacent matches in the same order.
    """

    matches: list[Match]
    chunks: int


def align(matches: Sequence[Sequence[Match]], candidate_length: int) -> Alignment:
    """Find the best alignment.

    Args:
        matches: matches that start at each word of the reference, in the order in which they are tried.
        candidate_length: number of words in the candidate.
    """
    certain = _certain(matches, candidate_length)
    paths: list[_Path] = [(0, 0, 0, -1, None)]
    for at, here in enumerate(matches):
        if len(paths) > 1:
            paths.sort(key=_order)
            del paths[_BEAM:]
        match = certain[at]
        if match is not None:
            paths = _take(match, paths)
        elif here:
            paths = _try(here, at, paths)
        else:
            paths = [path if path[2] > at else _skip(path, at) for path in paths]
    if len(paths) > 1:
        paths.sort(key=_order)
        del paths[_BEAM:]
    best = min(((order + _CHUNK if end != -1 else order, chosen) for order, _, _, end, chosen in paths), key=_order)
    order, chosen = best
    found = []
    while chosen is not None:
        match, chosen = chosen
        found.append(match)
    return Alignment(found, order % _COVERED // _CHUNK)


def _certain(matches: Sequence[Sequence[Match]], candidate_length: int) -> list[Match | None]:
    """Return for each word of the reference its match if no other match competes with it."""
    in_reference = [0] * len(matches)
    in_candidate = [0] * candidate_length
    for here in matches:
        for start, length, candidate_start, candidate_length, _ in here:
            for word in range(start, start + length):
                in_reference[word] += 1
            for word in range(candidate_start, candidate_start + candidate_length):
                in_candidate[word] += 1
    certain: list[Match | None] = []
    for here in matches:
        match = here[0] if len(here) == 1 else None
        if match is not None:
            start, length, candidate_start, candidate_length, _ = match
            alone = max(in_reference[start : start + length]) == 1
            if not alone or max(in_candidate[candidate_start : candidate_start + candidate_length]) > 1:
                match = None
        certain.append(match)
    return certain


def _gain(match: Match) -> int:
    """Return the number of words that a match covers."""
    if match.matcher == EXACT:
        return match.length + match.candidate_length
    return match.length // 2 + match.candidate_length // 2


def _take(match: Match, paths: Sequence[_Path]) -> list[_Path]:
    """Return every path extended by a match that competes with no other."""
    start = match.candidate_start
    order = abs(match.start - start) - _gain(match) * _COVERED
    following, end = match.start + match.length, start + match.candidate_length
    return [
        (path[0] + order + (_CHUNK if path[3] not in (-1, start) else 0), path[1], following, end, (match, path[4]))
        for path in paths
    ]


def _try(here: Sequence[Match], at: int, paths: Sequence[_Path]) -> list[_Path]:
    """Return every path extended by each match that it has room for, and by none."""
    tried = [
        (
            (1 << match.candidate_length) - 1 << match.candidate_start,
            _gain(match) * _COVERED,
            abs(match.start - match.candidate_start),
            match.candidate_start,
            match.candidate_start + match.candidate_length,
            match.start + match.length,
            match,
        )
        for match in here
    ]
    found = []
    for path in paths:
        order, used, following, last, chosen = path
        if following > at:
            found.append(path)
            continue
        adjacent = last == -1
        for bits, gain, distance, start, end, after, match in tried:
            if not used & bits:
                broken = 0 if adjacent or start == last else _CHUNK
                found.append((order - gain + broken, used | bits, after, end, (match, chosen)))
                order += distance
        found.append((order if adjacent else order + _CHUNK, used, at + 1, -1, chosen))
    return found


def _skip(path: _Path, at: int) -> _Path:
    """Return a path that skips a word."""
    order, used, _, last, chosen = path
    return (order if last == -1 else order + _CHUNK, used, at + 1, -1, chosen)
