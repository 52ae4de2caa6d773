from __future__ import annotations

from seetell.metrics.meteor.matching import EXACT, PARAPHRASE, STEM, SYNONYM, Candidate, Match, Paraphrases, Sentence
from seetell.metrics.meteor.words import Vocabulary

NOTHING = Vocabulary({}, {})


def match(
    reference: str, candidate: str, vocabulary: Vocabulary = NOTHING, paraphrases: Paraphrases | None = None
) -> list[list[Match]]:
    table = paraphrases or {}
    found = Candidate(Sentence.of(tuple(candidate.split()), table), vocabulary, table)
    return found.matches(Sentence.of(tuple(reference.split()), table))


def test_vocabulary_pairs_words_with_a_stem_or_a_meaning_in_common():
    stems = {"runs": "run", "run": "run", "jog": "jog"}
    meanings = {"run": frozenset("12"), "jog": frozenset("2"), "runs": frozenset("1")}
    found = Vocabulary.of(stems, stem=stems.__getitem__, meanings=meanings.__getitem__)
    assert found.same_stem == {"run": {"runs"}, "runs": {"run"}}
    assert found.synonyms == {"run": {"runs", "jog"}, "jog": {"run"}, "runs": {"run"}}


def test_a_sentence_knows_its_phrases_by_start_then_length():
    found = Sentence.of(("a", "lot", "of"), {"a lot of": {}, "a": {}, "lot of": {}, "lot": {}, "many": {}})
    assert found.phrases == ((0, 1, "a"), (0, 3, "a lot of"), (1, 1, "lot"), (1, 2, "lot of"))


def test_words_are_matched_at_every_place():
    assert match("a b", "b a a") == [
        [Match(0, 1, 1, 1, EXACT), Match(0, 1, 2, 1, EXACT)],
        [Match(1, 1, 0, 1, EXACT)],
    ]


def test_equal_words_come_first_then_stems_then_synonyms():
    vocabulary = Vocabulary({"dog": frozenset({"dogs"})}, {"dog": frozenset({"dogs", "hound"})})
    assert match("dog", "hound dogs dog", vocabulary) == [
        [
            Match(0, 1, 2, 1, EXACT),
            Match(0, 1, 1, 1, STEM),
            Match(0, 1, 0, 1, SYNONYM),
            Match(0, 1, 1, 1, SYNONYM),
        ]
    ]


def test_equal_sentences_have_only_equal_words():
    vocabulary = Vocabulary({}, {"a": frozenset({"b"}), "b": frozenset({"a"})})
    table: Paraphrases = {"a": {"b": 0}, "b": {}}
    assert match("a b", "a b", vocabulary, table) == [[Match(0, 1, 0, 1, EXACT)], [Match(1, 1, 1, 1, EXACT)]]
    assert any(found.matcher == PARAPHRASE for here in match("a b", "b a", vocabulary, table) for found in here)


def test_paraphrases_of_the_references_phrase_come_in_the_tables_order_then_those_of_the_candidates():
    table: Paraphrases = {
        "many": {"a lot of": 0, "lots of": 1},
        "a lot of": {"many": 4},
        "lots of": {},
        "several": {"many": 0},
    }
    assert match("many", "lots of a lot of several", paraphrases=table) == [
        [
            Match(0, 1, 2, 3, PARAPHRASE),
            Match(0, 1, 0, 2, PARAPHRASE),
            Match(0, 1, 2, 3, PARAPHRASE),
            Match(0, 1, 5, 1, PARAPHRASE),
        ]
    ]


def test_the_candidates_phrases_are_gone_through_by_place_length_and_rank():
    table: Paraphrases = {"x": {"p q": 0, "p": 1}, "x y": {"p": 0}, "p": {}, "p q": {}}
    assert match("p q", "x y", paraphrases=table)[0] == [
        Match(0, 2, 0, 1, PARAPHRASE),
        Match(0, 1, 0, 1, PARAPHRASE),
        Match(0, 1, 0, 2, PARAPHRASE),
    ]
