from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seetell.errors import DataError
from seetell.metrics import retrieval as module
from seetell.metrics.retrieval import Ranking, retrieval


def test_a_hand_worked_example():
    scores = np.array(
        [
            # sentences 0 and 1 are of photo 0, 2 of photo 1, 3 and 4 of photo 2
            [0.2, 0.8, 0.9, 0.1, 0.3],  # best own 0.8 behind 0.9: rank 2
            [0.5, 0.1, 0.6, 0.2, 0.1],  # 0.6 first: rank 1
            [0.9, 0.7, 0.8, 0.4, 0.5],  # best own 0.5 behind three: rank 4
        ]
    )
    # sentence 0: 0.2 behind 0.5 and 0.9: 3; 1: first; 2: 0.6 behind 0.9 and 0.8: 3; 3: first; 4: first
    found = retrieval(scores, np.array([0, 0, 1, 2, 2]))
    assert found.annotation == Ranking(pytest.approx(100 / 3), 100, 100, 2, pytest.approx(7 / 3))
    assert found.search == Ranking(60, 100, 100, 1, pytest.approx(9 / 5))
    assert found.sum == pytest.approx(100 / 3 + 60 + 400)
    assert found.to_dict()["search"] == {"r1": 60, "r5": 100, "r10": 100, "median_rank": 1, "mean_rank": 1.8}


def test_ties_count_against_the_model():
    found = retrieval(np.zeros((20, 100)), np.repeat(np.arange(20), 5))
    assert found.annotation == Ranking(0, 0, 0, 96, 96)  # the 95 sentences of others come first
    assert found.search == Ranking(0, 0, 0, 20, 20)
    assert found.sum == 0


def reference(scores: np.ndarray, owners: np.ndarray) -> tuple[list[int], list[int]]:
    """The ranks, one comparison at a time."""
    annotation = []
    for photo, row in enumerate(scores):
        best = max(score for score, owner in zip(row, owners, strict=True) if owner == photo)
        annotation.append(1 + sum(score >= best for score, owner in zip(row, owners, strict=True) if owner != photo))
    search = [
        1 + sum(scores[photo, s] >= scores[owner, s] for photo in range(len(scores)) if photo != owner)
        for s, owner in enumerate(owners)
    ]
    return annotation, search


@pytest.mark.slow
@given(st.data(), st.integers(1, 6), st.integers(0, 8))
def test_blocks_change_nothing_and_ranks_are_those_of_the_definition(data: st.DataObject, photos: int, more: int):
    owners = np.array(data.draw(st.permutations([*range(photos), *([data.draw(st.integers(0, photos - 1))] * more)])))
    values = st.lists(st.integers(-2, 2), min_size=photos * len(owners), max_size=photos * len(owners))
    scores = np.array(data.draw(values), np.float32).reshape(photos, -1)
    annotation, search = reference(scores, owners)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_BLOCK", data.draw(st.integers(1, 60)))
        found = retrieval(scores, owners)
    assert found.annotation == Ranking.of(np.array(annotation))
    assert found.search == Ranking.of(np.array(search))


def test_folds_are_sets_of_their_own():
    rng = np.random.default_rng(0)
    scores = rng.normal(size=(7, 21))
    owners = rng.permutation(np.repeat(np.arange(7), 3))
    parts = []
    for start in (0, 3):
        mine = (owners >= start) & (owners < start + 3)
        parts.append(retrieval(scores[start : start + 3][:, mine], owners[mine] - start))
    found = retrieval(scores, owners, fold=3)
    for way in ("annotation", "search"):
        for figure in ("r1", "r5", "mean_rank", "median_rank"):
            mean = sum(getattr(getattr(part, way), figure) for part in parts) / 2
            assert getattr(getattr(found, way), figure) == pytest.approx(mean)
    assert retrieval(scores, owners, fold=7) == retrieval(scores, owners)


def test_a_memory_map_of_half_precision_and_whole_numbers_will_do(tmp_path):
    scores = np.lib.format.open_memmap(tmp_path / "s.npy", "w+", np.float16, (4, 8))
    scores[:] = np.arange(32).reshape(4, 8) % 7
    owners = np.arange(8) % 4
    assert retrieval(scores, owners) == retrieval(np.asarray(scores, np.int64), owners)


@pytest.mark.parametrize(
    ("scores", "owners", "fold", "message"),
    [
        (np.zeros((2, 3)), [0, 1], None, r"got shapes \(2, 3\) and \(2,\)"),
        (np.zeros(3), [0, 1, 1], None, "expected scores of photos × sentences"),
        (np.zeros((0, 0)), [], None, "expected scores of photos × sentences"),
        (np.zeros((2, 2)), [0, 2], None, "expected indices from 0 to 1, got from 0 to 2"),
        (np.zeros((2, 2)), [-1, 0], None, "got from -1 to 0"),
        (np.zeros((3, 2)), [0, 2], None, "photo 1 has none"),
        (np.full((1, 1), np.nan), [0], None, "some are NaN"),
        (np.zeros((2, 2)), [0, 1], 3, "expected from 1 to the 2 photos, got 3"),
        (np.zeros((2, 2)), [0, 1], 0, "got 0"),
    ],
)
def test_what_cannot_be_ranked(scores: np.ndarray, owners: list[int], fold: int | None, message: str):
    with pytest.raises(DataError, match=message):
        retrieval(scores, np.array(owners, np.int64), fold=fold)
