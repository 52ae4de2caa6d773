from __future__ import annotations

import pytest
import torch

from seetell.nn.backbones import Features
from seetell.nn.standardisation import Standardise
from seetell.tasks.captioning.models import CONFIGS, create_captioner


@pytest.mark.parametrize("shape", [(200, 5), (50, 4, 5)])
def test_each_feature_has_mean_0_and_deviation_1(shape):
    random = torch.Generator().manual_seed(0)
    vectors = torch.randn(shape, generator=random) * torch.tensor([0.1, 1, 8, 2, 2]) + torch.arange(5)
    standardise = Standardise(5)
    assert torch.equal(standardise(vectors), vectors)
    standardise.fit(vectors)
    ours = standardise(vectors).flatten(0, -2)
    torch.testing.assert_close(ours.mean(dim=0), torch.zeros(5), atol=1e-5, rtol=0)
    torch.testing.assert_close(ours.std(dim=0, correction=0), torch.ones(5))


def test_a_feature_that_does_not_vary_stays_small():
    vectors = torch.tensor([[1.0, 5.0], [3.0, 5.0]])
    standardise = Standardise(2)
    standardise.fit(vectors)
    torch.testing.assert_close(standardise.deviation, torch.tensor([1.0, 0.005]), atol=1e-5, rtol=0)
    assert torch.equal(standardise(vectors)[:, 1], torch.zeros(2))


@pytest.mark.parametrize("architecture", ["neuraltalk2", "show_attend_tell", "up_down"])
def test_captioners_do_not_care_in_what_units_an_encoder_measures(architecture):
    random = torch.Generator().manual_seed(0)
    pooled, grid = torch.randn(8, 3, generator=random), torch.randn(8, 4, 3, generator=random)
    scale, offset = torch.tensor([0.5, 3.0, 8.0]), torch.tensor([10.0, -2.0, 0.0])
    said = []
    for features in (Features(pooled, grid), Features(pooled * scale + offset, grid * scale + offset)):
        torch.manual_seed(1)
        captioner = create_captioner(
            architecture, CONFIGS[architecture](), feature_size=3, vocabulary_size=9, locations=4
        ).eval()
        captioner.fit_normalisation(features)
        row = torch.zeros(1, dtype=torch.long)
        memory, state = captioner.start(features)
        said.append(captioner.step(row + 1, row, memory, tuple(part[:1] for part in state)).logprobs)
    torch.testing.assert_close(*said, atol=1e-4, rtol=1e-4)
