from __future__ import annotations

import math

import torch

from seetell.tasks.retrieval.models.words import NORM, WordEvidence, fill_up

WORDS = ["dog", "boats"]
VOCABULARY = ["<end>", "<start>", "<unk>", "a", "dogs", "boat", "glass"]


def evidence() -> WordEvidence:
    made = WordEvidence(2, len(VOCABULARY))
    made.name(WORDS, VOCABULARY)
    made.fit(torch.tensor([[0.2, 0.5], [0.4, 0.1]]))
    return made


def test_products_are_the_mutual_information():
    made = evidence()
    images = made.of_images(torch.tensor([[0.8, 0.3]]))
    tokens = torch.tensor([[3, 4, 4, 0], [3, 5, 4, 0], [6, 0, 0, 0]])
    products = images @ made.of_sentences(tokens, tokens > 0).T

    def log(probability: float, prior: float) -> float:
        return math.log((probability + 0.01) / (prior + 0.01))

    dog, no_dog, no_boat = log(0.8, 0.3), log(0.2, 0.7), log(0.7, 0.7)
    expected = [[dog + no_boat, dog + log(0.3, 0.3), no_dog + no_boat]]
    torch.testing.assert_close(products, torch.tensor(expected), rtol=1e-5, atol=1e-5)


def test_padding_has_no_words():
    made = evidence()
    tokens = torch.tensor([[3, 4]])
    real = torch.tensor([[True, False]])
    assert made.of_sentences(tokens, real)[0, :2].tolist() == [0, 0]


def test_vectors_are_filled_up_to_one_length():
    vectors = torch.tensor([[1.0, 0.0], [0.5, -0.5]])
    filled = fill_up(vectors)
    torch.testing.assert_close(filled.norm(dim=1), torch.ones(2))
    torch.testing.assert_close(filled[:, :2] * NORM, vectors)
    certain = evidence().of_images(torch.tensor([[1.0, 0.0]])) * 100
    assert certain.norm() > NORM  # what is longer is shortened before it is filled up
    assert evidence().of_images(torch.ones(1, 2)).norm() <= NORM
