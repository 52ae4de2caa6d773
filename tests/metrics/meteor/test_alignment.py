from __future__ import annotations

from seetell.metrics.meteor.alignment import align
from seetell.metrics.meteor.matching import EXACT, PARAPHRASE, STEM, SYNONYM, Match


def exact_matches(reference: str, candidate: str) -> list[list[Match]]:
    said = candidate.split()
    return [
        [Match(at, 1, place, 1, EXACT) for place, other in enumerate(said) if other == word]
        for at, word in enumerate(reference.split())
    ]


def pairs(reference: str, candidate: str) -> tuple[set[tuple[int, int]], int]:
    found = align(exact_matches(reference, candidate), len(candidate.split()))
    return {(match.start, match.candidate_start) for match in found.matches}, found.chunks


def test_equal_sentences_are_one_chunk():
    assert pairs("a dog and a cat", "a dog and a cat") == ({(0, 0), (1, 1), (2, 2), (3, 3), (4, 4)}, 1)


def test_of_several_places_the_one_that_makes_fewest_chunks_is_taken():
    assert pairs("the cat", "the dog saw the cat") == ({(0, 3), (1, 4)}, 1)


def test_chunks_end_where_words_are_left_out_or_in_another_order():
    assert pairs("a b c d", "a x c d") == ({(0, 0), (2, 2), (3, 3)}, 2)
    assert pairs("a b c d", "c d a b") == ({(0, 2), (1, 3), (2, 0), (3, 1)}, 2)
    assert pairs("a b", "a x b") == ({(0, 0), (1, 2)}, 2)


def test_more_words_come_before_fewer_chunks():
    assert pairs("a b c", "b a c") == ({(0, 1), (1, 0), (2, 2)}, 3)


def test_a_word_is_used_once():
    found, chunks = pairs("a a a", "a")
    assert (len(found), chunks) == (1, 1)


def test_nothing_to_match():
    assert pairs("a b", "c d") == (set(), 0)
    assert pairs("a", "") == (set(), 0)
    assert pairs("", "a") == (set(), 0)


def test_a_single_inexact_match_is_taken_where_nothing_competes():
    certain = Match(0, 1, 0, 1, STEM)
    assert align([[certain]], 1).matches == [certain]


def test_a_single_inexact_match_counts_nothing_where_two_compete():
    matches = [[Match(0, 1, 0, 1, STEM), Match(0, 1, 0, 1, SYNONYM)]]
    assert align(matches, 1).matches == []


def test_a_long_paraphrase_counts_half_its_words():
    phrase = Match(0, 4, 0, 2, PARAPHRASE)
    one_word = Match(0, 1, 0, 1, EXACT)
    assert align([[one_word, phrase], [], [], []], 2).matches == [phrase]
    shorter = Match(0, 2, 0, 1, PARAPHRASE)
    assert align([[one_word, shorter], []], 2).matches == [one_word]


def test_words_that_a_phrase_covers_are_passed_over():
    phrase = Match(0, 2, 1, 2, PARAPHRASE)
    after = Match(2, 1, 3, 1, EXACT)
    found = align([[Match(0, 1, 0, 1, STEM), phrase], [Match(1, 1, 0, 1, STEM)], [after]], 4)
    assert (found.matches, found.chunks) == ([after, phrase], 1)


def test_among_equals_the_first_tried_is_taken():
    near, far = Match(1, 1, 0, 1, EXACT), Match(1, 1, 2, 1, EXACT)
    assert align([[], [near, far]], 3).matches == [near]
    assert align([[], [far, near]], 3).matches == [far]


def test_more_alignments_than_the_beam_holds():
    reference, candidate = "a b " * 12, "b a " * 12
    found = align(exact_matches(reference, candidate), 24)
    assert len({match.candidate_start for match in found.matches}) == len(found.matches)
    assert len(found.matches) >= 22
