from __future__ import annotations

import math

import pytest
import torch
from torch.nn import functional as F

from seetell.tasks.classification.export import ClassifierGraph
from seetell.tasks.classification.model import LinearClassifier


def classifier(*, dropout: float = 0.0) -> LinearClassifier:
    torch.manual_seed(0)
    made = LinearClassifier(6, 4, dropout=dropout)
    made.norm.fit(torch.randn(50, 6) * 3 + 1)
    return made


def test_every_parameter_gets_a_gradient():
    made = classifier(dropout=0.2).train()
    F.cross_entropy(made(torch.randn(8, 6)), torch.tensor([0, 1, 2, 3] * 2)).backward()
    assert all(parameter.grad.abs().sum() > 0 for parameter in made.parameters())


def test_the_folded_layer_computes_the_same():
    made, pooled = classifier().eval(), torch.randn(5, 6)
    made.temperature.fill_(0.7)
    torch.testing.assert_close(made.folded()(pooled), made(pooled))


def test_the_graph_is_right_within_eight_bits():
    made, pooled = classifier().eval(), torch.randn(5, 6)
    logits = made(pooled)
    (rounded,) = ClassifierGraph(made)(pooled)
    step = made.folded().weight.abs().amax(dim=1) / 127
    assert ((rounded - logits).abs() <= 0.5 * step * pooled.abs().sum(dim=1, keepdim=True) + 1e-5).all()


@pytest.mark.slow
@pytest.mark.parametrize("true", [0.4, 1.0, 2.5])
def test_calibration_finds_the_temperature_that_labels_were_drawn_with(true):
    made = classifier().eval()
    random = torch.Generator().manual_seed(1)
    logits = 3 * torch.randn(20_000, 4, generator=random)
    labels = torch.multinomial((logits / true).softmax(dim=1), 1, generator=random)[:, 0]
    calibrated = made.calibrate(logits, labels)
    assert made.temperature.item() == pytest.approx(true, rel=0.05)
    torch.testing.assert_close(calibrated, logits / made.temperature)
    again = made.calibrate(calibrated, labels)
    torch.testing.assert_close(again, calibrated)


def test_a_few_images_change_little():
    made = classifier().eval()
    made.calibrate(torch.tensor([[9.0, 0.0], [0.0, 9.0]]), torch.tensor([0, 1]))
    assert abs(math.log(made.temperature.item())) < 0.1


def test_training_sees_no_temperature():
    made, pooled = classifier(), torch.randn(3, 6)
    before = made.train()(pooled)
    made.temperature.fill_(2.0)
    torch.testing.assert_close(made.train()(pooled), before)
    torch.testing.assert_close(made.eval()(pooled), before / 2)
