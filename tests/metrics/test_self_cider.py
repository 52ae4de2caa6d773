from __future__ import annotations

import math

import numpy as np
import pytest

from seetell.errors import DataError
from seetell.metrics.cider import cider
from seetell.metrics.diversity import self_cider
from seetell.metrics.frequencies import DocumentFrequencies


def words(sentence: str) -> list[str]:
    return sentence.split()


def test_captions_that_share_nothing_are_wholly_varied_and_equal_ones_not_at_all():
    nothing_shared = [words("a b c d"), words("e f g h"), words("i j k l")]
    same = [words("m n o p")] * 3
    np.testing.assert_allclose(self_cider([nothing_shared, same]), [1.0, 0.0], atol=1e-7)


def test_a_worked_example():
    # all words equally rare: cosine 1/2 of single words, of a caption with itself 1, and orders 2 to 4 are empty or
    # apart: kernel ((2, 1/2), (1/2, 2)) summed over orders, eigenvalues 5/2 and 3/2
    captions = [["a", "b"], ["a", "c"]]
    share = math.sqrt(5 / 2) / (math.sqrt(5 / 2) + math.sqrt(3 / 2))
    frequencies = DocumentFrequencies(10, {})
    assert self_cider([captions], frequencies=frequencies)[0] == pytest.approx(-math.log2(share))


def test_the_kernel_is_plain_cider_between_captions():
    captions = [words("a dog runs on a hill"), words("a dog on the hill"), words("the dog"), words("a hill")]
    others = [[words("a cat on a chair"), words("cat")], [words("a boat on the lake"), words("one boat")]]
    frequencies = DocumentFrequencies.build([captions, *others])
    kernel = np.array([cider([[one]] * 4, captions, frequencies=frequencies, plain=True) for one in captions])
    roots = np.sqrt(np.linalg.svd(kernel, compute_uv=False))
    expected = -math.log(roots.max() / roots.sum()) / math.log(4)
    assert self_cider([captions, *others])[0] == pytest.approx(expected)
    assert self_cider([captions], frequencies=frequencies)[0] == pytest.approx(expected)


def test_captions_without_any_weight_are_not_varied():
    assert self_cider([[["a"], []], [["a"], ["a"]]]).tolist() == [0.0, 0.0]  # "a" is of every photo


def test_one_caption_alone_is_refused():
    with pytest.raises(DataError, match="photo 0 has 1"):
        self_cider([[["a"]]])
