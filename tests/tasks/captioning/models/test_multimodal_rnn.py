from __future__ import annotations

import pytest
import torch

from seetell.errors import RecipeError
from seetell.nn.backbones import Features
from seetell.tasks.captioning.models.multimodal_rnn import MultimodalRnn, MultimodalRnnConfig


def test_the_papers_equations_by_hand():
    """One unit: W_hi = 2, W_hx = 1, W_hh = −1, b_h = 0.5, so that h_1 = ReLU(3 + 0.5 + 2·4) = 11.5, h_2 = ReLU(20 + 0.5

    − 11.5) = 9 and h_3 = ReLU(3 + 0.5 − 9) = 0; W_oh = (1, 0, 0), b_o = (0, 1, 0).
    """
    captioner = MultimodalRnn(MultimodalRnnConfig(1, 1), feature_size=1, vocabulary_size=3).eval()
    weights = {
        "image.weight": [[2.0]],
        "word_embedding.weight": [[0.0], [3.0], [20.0]],
        "word.weight": [[1.0]],
        "word.bias": [0.5],
        "recurrent.weight": [[-1.0]],
        "output.weight": [[1.0], [0.0], [0.0]],
        "output.bias": [0.0, 1.0, 0.0],
    }
    captioner.load_state_dict({name: torch.tensor(value) for name, value in weights.items()}, strict=False)
    logits = captioner(Features(torch.tensor([[4.0]]), None), torch.tensor([[[1, 2, 1]]]), torch.tensor([[[2, 1, 0]]]))
    expected = torch.tensor([[11.5, 1.0, 0.0], [9.0, 1.0, 0.0], [0.0, 1.0, 0.0]])
    torch.testing.assert_close(logits, expected, rtol=1e-3, atol=1e-3)


def test_before_training_the_last_word_still_depends_on_the_image():
    torch.manual_seed(0)
    captioner = MultimodalRnn(MultimodalRnnConfig(64, 64), feature_size=16, vocabulary_size=50).eval()
    words = torch.randint(3, 50, (1, 1, 18)).expand(2, -1, -1)
    logits = captioner(Features(torch.randn(2, 16), None), words, words).unflatten(0, (2, 18))
    difference = (logits[0] - logits[1]).abs().mean(dim=1)  # at each word
    assert difference[-1] > difference[0] / 4


@pytest.mark.parametrize("setting", [{"hidden_size": 0}, {"embedding_size": 0}, {"dropout": 1.0}])
def test_bad_settings(setting):
    with pytest.raises(RecipeError, match=f"{next(iter(setting))}"):
        MultimodalRnnConfig(**setting)
