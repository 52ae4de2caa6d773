from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seetell.errors import SeetellError, UsageError
from seetell.language.beam_search import topk
from seetell.language.decoding import Decoding, Hypothesis, State, decode
from seetell.language.hypotheses import Beams
from seetell.language.sampling import filtered_probabilities

END, START, UNK = 0, 1, 2
Model = Callable[[int, tuple[int, ...]], np.ndarray]


def history_model(vocabulary: int, *, seed: int = 0, sharpness: float = 1.5) -> Model:
    """A model whose next word depends on the photo and on every word before it."""

    def logprobs(photo: int, words: tuple[int, ...]) -> np.ndarray:
        logits = np.random.default_rng((seed, photo, len(words), *words)).normal(size=vocabulary) * sharpness
        return (logits - np.log(np.exp(logits).sum())).astype(np.float32)

    return logprobs


def stepper(model: Model, photos: list[int], max_words: int, batches: list[int] | None = None):
    """The model as `decode` calls it: the state is the photo and what was said, so a row mixed up changes the words."""

    def step(tokens: np.ndarray, state: State) -> tuple[np.ndarray, State]:
        photo, said, length = state
        if batches is not None:
            batches.append(len(tokens))
        said, length = said.copy(), length.copy()
        rows = np.arange(len(tokens))
        words = tokens != START
        said[rows[words], length[words]] = tokens[words]
        length[words] += 1
        out = np.stack(
            [model(int(p), tuple(int(w) for w in s[:n])) for p, s, n in zip(photo, said, length, strict=True)]
        )
        return out, (photo, said, length)

    count = len(photos)
    return step, (np.array(photos), np.zeros((count, max_words + 1), np.int64), np.zeros(count, np.int64))


def run(model: Model, photos: list[int], decoding: Decoding, **options) -> list[list[Hypothesis]]:
    step, state = stepper(model, photos, decoding.max_words)
    return decode(step, state, decoding, **options)


def every_sentence(model: Model, photo: int, vocabulary: int, max_words: int, penalty: float, ngrams: int = 0):
    """All sentences of up to `max_words` words, scored one by one."""
    found = []
    for length in range(max_words + 1):
        for words in itertools.product(range(3, vocabulary), repeat=length):
            grams = [words[i : i + ngrams] for i in range(length - ngrams + 1)] if ngrams else []
            if len(grams) != len(set(grams)):
                continue
            logprob = sum(float(model(photo, words[:i])[word]) for i, word in enumerate(words))
            logprob += float(model(photo, words)[END])
            found.append((logprob / (length + 1) ** penalty, words, logprob))
    return sorted(found, reverse=True)


@pytest.mark.parametrize("penalty", [0.0, 0.7, 1.0])
@pytest.mark.parametrize("ngrams", [0, 1, 2])
def test_a_wide_beam_finds_what_enumeration_finds(penalty: float, ngrams: int):
    for seed in range(5):
        model = history_model(6, seed=seed)
        decoding = Decoding(beam_size=64, length_penalty=penalty, max_words=3, no_repeat_ngram_size=ngrams)
        for photo, hypotheses in enumerate(run(model, [0, 1], decoding)):
            expected = every_sentence(model, photo, 6, 3, penalty, ngrams)
            score, words, logprob = expected[0]
            assert hypotheses[0].tokens == words
            assert hypotheses[0].logprob == pytest.approx(logprob, abs=1e-5)
            assert hypotheses[0].score == pytest.approx(score, abs=1e-5)
            scored = {words: score for score, words, _ in expected}
            for hypothesis in hypotheses:
                assert hypothesis.score == pytest.approx(scored[hypothesis.tokens], abs=1e-5)


def test_each_word_carries_its_log_probability_and_the_sum_counts_the_end():
    model = history_model(8)
    for method in ("greedy", "beam", "sample"):
        best = run(model, [3], Decoding(method=method, temperature=2.0, max_words=6))[0][0]
        said = [float(model(3, best.tokens[:i])[word]) for i, word in enumerate(best.tokens)]
        assert best.logprobs == pytest.approx(said)
        assert best.logprob == pytest.approx(sum(said) + float(model(3, best.tokens)[END]))


@pytest.mark.slow
@settings(deadline=None, max_examples=40)
@given(
    seed=st.integers(0, 10**6), beam_size=st.integers(1, 6), photos=st.lists(st.integers(0, 4), min_size=1, max_size=4)
)
def test_a_threshold_that_nothing_is_below_changes_nothing(seed: int, beam_size: int, photos: list[int]):
    model = history_model(7, seed=seed)
    decoding = Decoding(beam_size=beam_size, max_words=5)
    assert run(model, photos, decoding.with_options(beam_threshold=1e6)) == run(model, photos, decoding)


@pytest.mark.parametrize("seed", range(8))
def test_every_beam_is_within_the_threshold_of_the_best_one(seed: int):
    model, threshold = history_model(9, seed=seed), 0.8
    kept: dict[tuple[int, int], list[float]] = {}

    def spying(photo: int, words: tuple[int, ...]) -> np.ndarray:
        if words:
            logprobs = [float(model(photo, words[:place])[word]) for place, word in enumerate(words)]
            kept.setdefault((photo, len(words)), []).append(sum(logprobs))
        return model(photo, words)

    decoding = Decoding(beam_size=6, beam_threshold=threshold, max_words=6)
    pruned, batches, all_batches = run(spying, [0, 1, 2], decoding), [], []
    assert all(max(totals) - min(totals) <= threshold + 1e-6 for totals in kept.values())
    for chosen, rows in ((decoding, batches), (decoding.with_options(beam_threshold=0), all_batches)):
        step, state = stepper(model, [0, 1, 2], 6, rows)
        decode(step, state, chosen)
    assert sum(batches) < sum(all_batches)
    assert all(pruned)


def test_hand_worked_beam_beats_greedy():
    # greedy says "4" (0.6) then ends (0.3): 0.18; the likelier sentence is "3" (0.4) then END (0.9): 0.36
    table = {(): [0, 0, 0, 0.4, 0.6], (3,): [0.9, 0, 0, 0.05, 0.05], (4,): [0.3, 0, 0, 0.1, 0.2]}

    def model(photo: int, words: tuple[int, ...]) -> np.ndarray:
        with np.errstate(divide="ignore"):
            return np.log(np.array(table.get(words, [1, 0, 0, 0, 0]), np.float32))

    greedy = run(model, [0], Decoding(method="greedy", length_penalty=0.0))[0]
    beam = run(model, [0], Decoding(beam_size=2, length_penalty=0.0))[0]
    assert [h.tokens for h in greedy] == [(4,)]
    assert np.exp(greedy[0].logprob) == pytest.approx(0.18)
    assert beam[0].tokens == (3,)
    assert np.exp(beam[0].logprob) == pytest.approx(0.36)
    assert beam[0].score == pytest.approx(beam[0].logprob)


@pytest.mark.slow
@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 10_000), vocabulary=st.integers(4, 12), max_words=st.integers(1, 6), ngrams=st.integers(0, 2)
)
def test_beam_one_is_greedy(seed: int, vocabulary: int, max_words: int, ngrams: int):
    model = history_model(vocabulary, seed=seed)
    options = {"max_words": max_words, "no_repeat_ngram_size": ngrams}
    beam = run(model, [0, 1, 2], Decoding(method="beam", beam_size=1, **options))
    assert beam == run(model, [0, 1, 2], Decoding(method="greedy", **options))
    for photo, (hypothesis,) in enumerate(beam):
        for place, word in enumerate((*hypothesis.tokens, END)[:max_words]):
            logprobs = model(photo, hypothesis.tokens[:place]).copy()
            logprobs[[START, UNK]] = -np.inf
            if ngrams:
                said = hypothesis.tokens[:place]
                for candidate in range(3, vocabulary):
                    grams = [(*said, candidate)[i : i + ngrams] for i in range(place - ngrams + 2)]
                    if len(grams) != len(set(grams)):
                        logprobs[candidate] = -np.inf
            assert word == logprobs.argmax()


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    method=st.sampled_from(["greedy", "beam", "sample"]),
    beam_size=st.integers(1, 6),
    photos=st.lists(st.integers(0, 50), min_size=1, max_size=5),
    ngrams=st.integers(0, 3),
)
def test_a_batch_matches_one_by_one(seed, method, beam_size, photos, ngrams):
    model = history_model(9, seed=seed)
    decoding = Decoding(method=method, beam_size=beam_size, max_words=7, no_repeat_ngram_size=ngrams, seed=seed)
    together = run(model, photos, decoding, sample_ids=photos)
    assert together == [run(model, [photo], decoding, sample_ids=[photo])[0] for photo in photos]
    for hypotheses in together:
        assert 1 <= len(hypotheses) <= beam_size or method != "beam"
        assert len({hypothesis.tokens for hypothesis in hypotheses}) == len(hypotheses)
        assert [h.score for h in hypotheses] == sorted((h.score for h in hypotheses), reverse=True)


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), method=st.sampled_from(["greedy", "beam", "sample"]), ngrams=st.integers(1, 4))
def test_blocked_ngrams_are_never_repeated(seed: int, method: str, ngrams: int):
    def babbler(photo: int, words: tuple[int, ...]) -> np.ndarray:  # likes to repeat itself, hates to end
        logits = np.random.default_rng((seed, words[-1] if words else 0)).normal(size=7) * 3
        logits[END] = -8
        return (logits - np.log(np.exp(logits).sum())).astype(np.float32)

    decoding = Decoding(method=method, beam_size=3, max_words=14, no_repeat_ngram_size=ngrams, seed=seed)
    for hypotheses in run(babbler, [0, 1], decoding):
        for hypothesis in hypotheses:
            words = hypothesis.tokens
            grams = [words[i : i + ngrams] for i in range(len(words) - ngrams + 1)]
            assert len(grams) == len(set(grams))


@pytest.mark.parametrize("method", ["greedy", "beam", "sample"])
def test_special_tokens_are_never_generated_and_sentences_stay_within_max_words(method: str):
    def stubborn(photo: int, words: tuple[int, ...]) -> np.ndarray:
        return np.log(np.array([0.001, 0.5, 0.4, 0.05, 0.049], np.float32))

    for hypotheses in run(stubborn, [0, 1], Decoding(method=method, max_words=4, beam_size=3)):
        for hypothesis in hypotheses:
            assert set(hypothesis.tokens) <= {3, 4}
            assert len(hypothesis.tokens) <= 4
            assert hypothesis.logprob == pytest.approx(sum(hypothesis.logprobs) + np.log(0.001), rel=1e-5)


@pytest.mark.parametrize("method", ["greedy", "beam", "sample"])
def test_no_sentence_ends_in_a_word_that_another_must_follow(method: str):
    def breaks_off(photo: int, words: tuple[int, ...]) -> np.ndarray:  # says 3 and 4 in turn, and likes to end
        word = 3 if len(words) % 2 == 0 else 4
        out = np.full(5, -9.0, np.float32)
        out[END], out[word] = np.log(0.6), np.log(0.3)
        return out

    words = ["<end>", "<start>", "<unk>", "a", "dog"]
    options = {"method": method, "max_words": 6, "beam_size": 3, "remove_bad_endings": True}
    for hypotheses in run(breaks_off, list(range(20)), Decoding(**options), words=words):
        assert not {hypothesis.tokens[-1] for hypothesis in hypotheses if hypothesis.tokens} & {3}
    plain = run(breaks_off, list(range(20)), Decoding(**options | {"remove_bad_endings": False}), words=words)
    if method != "sample":
        assert plain[0][0].tokens != (3, 4)
    cut = run(breaks_off, [0], Decoding(**options | {"max_words": 1}), words=words)[0]
    assert all(hypothesis.logprob == -np.inf for hypothesis in cut if hypothesis.tokens == (3,))


def test_content_words_are_said_once():
    words = ["<end>", "<start>", "<unk>", "a", "dog", "dog2"]

    def babbler(photo: int, said: tuple[int, ...]) -> np.ndarray:  # a dog a dog a dog
        out = np.full(6, -6.0, np.float32)
        out[4 if said and said[-1] == 3 else 3] = -0.1
        return out

    plain = run(babbler, [0], Decoding(beam_size=3, max_words=6), words=words)[0][0].tokens
    assert plain.count(4) > 1
    for method in ("greedy", "beam", "sample"):
        decoding = Decoding(method=method, beam_size=3, max_words=6, no_repeat_content_words=True)
        tokens = run(babbler, [0], decoding, words=words)[0][0].tokens
        assert tokens.count(4) <= 1


@pytest.mark.parametrize("method", ["greedy", "beam", "sample"])
def test_penalties_are_as_if_the_model_had_them(method: str):
    """Of each image and sentence another one, so that none may be mixed up."""
    model, costs = history_model(8), history_model(8, seed=9)

    def dearer(photo: int, words: tuple[int, ...]) -> np.ndarray:
        return model(photo, words) + costs(photo, words)

    def penalty(beams: Beams) -> np.ndarray:
        rows = zip(beams.image.tolist(), beams.tokens.tolist(), strict=True)
        return np.stack([-costs(photos[image], tuple(tokens)) for image, tokens in rows])

    photos = [4, 7, 1, 9]
    decoding = Decoding(method=method, beam_size=4, max_words=6, seed=3)
    assert run(model, photos, decoding, penalty=penalty) == run(dearer, photos, decoding)
    assert run(model, photos, decoding) != run(dearer, photos, decoding)


@pytest.mark.parametrize("value", ["no", 0, 1.0])
def test_switches_are_true_or_false(value: object):
    with pytest.raises(UsageError, match="fluency must be true or false"):
        Decoding(fluency=value)


@pytest.mark.parametrize("method", ["greedy", "beam", "sample"])
def test_a_model_that_cannot_end_is_cut_at_max_words(method: str):
    def endless(photo: int, words: tuple[int, ...]) -> np.ndarray:
        return np.array([-np.inf, -np.inf, -np.inf, np.log(0.7), np.log(0.3)], np.float32)

    for hypotheses in run(endless, [0, 1], Decoding(method=method, max_words=3, beam_size=2)):
        assert hypotheses[0].logprob == -np.inf
        assert len(hypotheses[0].tokens) == 3
    if method != "sample":
        assert hypotheses[0].tokens == (3, 3, 3)


@pytest.mark.parametrize("method", ["greedy", "beam", "sample"])
def test_an_image_without_continuations_keeps_its_words_and_does_not_affect_the_others(method: str):
    def model(photo: int, words: tuple[int, ...]) -> np.ndarray:
        dead_end = photo == 1 and len(words) == 2
        out = np.full(5, -np.inf, np.float32)
        if not dead_end:
            out[3] = 0.0
        if len(words) == 3:
            out[END] = 1.0
        return out

    alive, dead, also_alive = run(model, [0, 1, 2], Decoding(method=method, max_words=5, beam_size=2))
    assert dead[0].tokens == (3, 3)
    assert dead[0].logprob == -np.inf
    for hypotheses in (alive, also_alive):
        assert hypotheses[0].tokens[:3] == (3, 3, 3)
        assert np.isfinite(hypotheses[0].logprob)


def test_finished_and_hopeless_beams_leave_the_batch():
    def model(photo: int, words: tuple[int, ...]) -> np.ndarray:
        long = photo == 1 and len(words) < 5
        probabilities = [0.01, 0, 0, 0.98, 0.01] if long else [0.98, 0, 0, 0.01, 0.01]
        with np.errstate(divide="ignore"):
            return np.log(np.array(probabilities, np.float32))

    batches: list[int] = []
    decoding = Decoding(beam_size=3, max_words=10, length_penalty=0.0)
    step, state = stepper(model, [0, 1], 10, batches)
    short, long = decode(step, state, decoding)
    assert short[0].tokens == ()
    assert long[0].tokens == (3, 3, 3, 3, 3)
    assert batches[0] == 2
    assert max(batches[1:]) <= 3  # the first photo is done after one word
    assert len(batches) <= 7  # and the second soon after its sentence


@pytest.mark.slow
def test_sampling_frequencies_approach_the_probabilities():
    probabilities = np.array([0.1, 0.2, 0.1, 0.4, 0.15, 0.05])

    def model(photo: int, words: tuple[int, ...]) -> np.ndarray:
        out = probabilities if not words else np.array([1, 1e-30, 1e-30, 1e-30, 1e-30, 1e-30])
        return np.log(out).astype(np.float32)

    drawn = run(model, list(range(20_000)), Decoding(method="sample", max_words=1, seed=5))
    first = np.bincount([(*h[0].tokens, END)[0] for h in drawn], minlength=6) / len(drawn)
    allowed = probabilities * [1, 0, 0, 1, 1, 1]
    assert first == pytest.approx(allowed / allowed.sum(), abs=0.015)


def test_sampling_repeats_under_its_seed_and_differs_under_another():
    model = history_model(30, sharpness=0.3)
    photos = list(range(6))
    once = run(model, photos, Decoding(method="sample", seed=1))
    assert once == run(model, photos, Decoding(method="sample", seed=1))
    assert once != run(model, photos, Decoding(method="sample", seed=2))
    assert len({hypotheses[0].tokens for hypotheses in run(model, [4] * 6, Decoding(method="sample"))}) > 1


@pytest.mark.parametrize("options", [{"temperature": 1e-4}, {"top_k": 1}, {"top_p": 1e-6}])
def test_sampling_without_freedom_is_greedy(options: dict[str, float]):
    model = history_model(12)
    sampled = run(model, [0, 1, 2], Decoding(method="sample", **options))
    assert sampled == run(model, [0, 1, 2], Decoding(method="greedy"))


def test_temperature_top_k_and_top_p_weigh_as_defined():
    logprobs = np.log(np.array([[0.1, 0.4, 0.3, 0.2]]))

    def weigh(temperature: float = 1.0, top_k: int = 0, top_p: float = 1.0) -> np.ndarray:
        weights = filtered_probabilities(logprobs, temperature=temperature, top_k=top_k, top_p=top_p)[0]
        return weights / weights.sum()

    assert weigh() == pytest.approx([0.1, 0.4, 0.3, 0.2])
    assert weigh(temperature=0.5) == pytest.approx(np.array([0.01, 0.16, 0.09, 0.04]) / 0.3)
    assert weigh(top_k=2) == pytest.approx([0, 4 / 7, 3 / 7, 0])
    assert weigh(top_p=0.65) == pytest.approx([0, 4 / 7, 3 / 7, 0])
    assert weigh(top_p=0.75) == pytest.approx([0, 4 / 9, 3 / 9, 2 / 9])
    assert weigh(top_k=2, top_p=0.5) == pytest.approx([0, 1, 0, 0])
    assert filtered_probabilities(np.full((1, 3), -np.inf), temperature=1.0, top_k=0, top_p=0.5).sum() == 0


def test_top_words_breaks_ties_by_number():
    words, logprobs = topk(np.array([[1.0, 3.0, 3.0, -np.inf], [0.0, 0.0, 0.0, 0.0]], np.float32), 3)
    assert words.tolist() == [[1, 2, 0], [0, 1, 2]]
    assert logprobs.tolist() == [[3.0, 3.0, 1.0], [0.0, 0.0, 0.0]]


def test_a_row_with_few_possible_words_offers_each_once():
    _, logprobs = topk(np.array([[-1.0, -np.inf, -2.0, -np.inf]]), 4)
    assert logprobs.tolist() == [[-1.0, -2.0, -np.inf, -np.inf]]


def test_nan_is_an_error_and_the_models_own_array_stays_as_it_was():
    given_out = np.log(np.full((1, 5), 0.2, np.float32))
    given_out.flags.writeable = False
    decode(lambda tokens, state: (np.repeat(given_out, len(tokens), 0), state), (np.zeros(1),), Decoding(max_words=2))
    with pytest.raises(SeetellError, match="NaN"):
        decode(lambda tokens, state: (np.full((1, 5), np.nan), state), (np.zeros(1),), Decoding())


def test_no_photos_give_no_sentences():
    for method in ("greedy", "beam", "sample"):
        assert run(history_model(5), [], Decoding(method=method)) == []


def test_options_survive_json_and_name_what_is_wrong():
    decoding = Decoding(method="sample", temperature=0.7, seed=9)
    assert Decoding.from_dict(decoding.to_dict()) == decoding
    assert Decoding.from_dict({}) == Decoding()
    with pytest.raises(UsageError, match="beam_size"):
        Decoding().with_options(beam_sise=3)
    for wrong in (
        {"method": "bean"},
        {"beam_size": 0},
        {"beam_size": "5"},
        {"beam_size": True},
        {"max_words": 0},
        {"beam_size": 101},
        {"beam_threshold": -0.5},
        {"beam_threshold": float("inf")},
        {"length_penalty": -1.0},
        {"length_penalty": 1e9},
        {"temperature": 0.0},
        {"temperature": float("nan")},
        {"top_p": 0.0},
        {"top_p": 1.5},
        {"top_k": -1},
        {"seed": -1},
    ):
        with pytest.raises(UsageError, match=next(iter(wrong))):
            Decoding(**wrong)


def test_an_old_option_names_the_new_one():
    with pytest.raises(UsageError, match=r"'block_ngrams': it is now called 'no_repeat_ngram_size'"):
        Decoding().with_options(block_ngrams=3)
