from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from seetell.errors import RecipeError
from seetell.tasks.grounding.detections import box_iou
from seetell.tasks.grounding.model import (
    Grounder,
    GrounderConfig,
    GroundingOutput,
    grounding_loss,
    phrase_vector,
)

pytestmark = pytest.mark.slow

SMALL = GrounderConfig(width=8, maps=2, mixer_hidden_size=4, hidden_size=8, dropout=0.0, feature_dropout=0.0)


def grounder(config: GrounderConfig = SMALL, *, components: int = 6) -> Grounder:
    torch.manual_seed(0)
    return Grounder(config, components=components, grid=(2, 2), words=10, objects=2)


QUARTERS = torch.tensor([[0, 0, 0.5, 0.5], [0.5, 0, 1, 0.5], [0, 0.5, 0.5, 1], [0.5, 0.5, 1, 1]])
NOTHING = torch.zeros(1, 0, 6)
TAGGED = replace(SMALL, detections=2, selector_hidden_size=8)


def found(*rows: list[float]) -> torch.Tensor:
    """Return detections, each a class, a score and the number of a quarter of the image."""
    return torch.stack([torch.tensor([label, score, *QUARTERS[int(place)]]) for label, score, place in rows])[None]


@pytest.mark.parametrize("config", [SMALL, TAGGED])
def test_every_parameter_is_used(config):
    model = grounder(config)
    detections = found([1, 0.9, 0], [1, 0.4, 3]).expand(3, 2, 6)
    located = model(torch.randn(3, 4, 6), torch.randn(3, 5, 10), detections)
    shapes = [(3, 5, 4), (3, 5, 4), (3, 5), (3, 5, 7, 4), (3, 5, 7)]
    assert [part.shape for part in located if part is not None] == (shapes if config.detections else shapes[:3])
    assert (located.boxes[..., 2:] > located.boxes[..., :2]).all()
    loss = grounding_loss(located, torch.tensor([0.0, 0.0, 0.5, 0.5]).expand(3, 5, 4), torch.rand(3, 5, 4))
    loss.backward()
    still = [name for name, value in model.named_parameters() if value.grad is None or not value.grad.any()]
    assert still == []


def test_a_phrase_does_not_depend_on_others_nor_on_the_scale_of_its_sentence():
    model, cells, phrases = grounder().eval(), torch.randn(2, 4, 6), torch.randn(2, 3, 10)
    together = model(cells, phrases, NOTHING)
    alone = model(cells[1:], 7 * phrases[1:, 2:], NOTHING)
    torch.testing.assert_close(alone.boxes[0, 0], together.boxes[1, 2])
    torch.testing.assert_close(alone.heat[0, 0], together.heat[1, 2])


@pytest.mark.nightly
def test_it_learns_where_a_named_cell_is():
    model = grounder(components=3)
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-2)
    random = torch.Generator().manual_seed(0)
    for _ in range(250):
        things = torch.stack([torch.randperm(4, generator=random) for _ in range(16)])
        cells = torch.eye(4)[things][:, :, :3]
        asked = torch.randint(3, (16, 2), generator=random)
        phrases = torch.nn.functional.pad(torch.eye(3)[asked], (0, 7)) + 0.1
        places = (things[:, None] == asked[:, :, None]).float().argmax(dim=2)
        located = model(cells, phrases, NOTHING)
        loss = grounding_loss(located, QUARTERS[places], torch.eye(4)[places])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert (located.heat.argmax(dim=2) == places).all()
    overlap = box_iou(located.boxes, QUARTERS[places])
    assert overlap.mean() > 0.7
    assert (located.overlaps - overlap).abs().mean() < 0.15


@pytest.mark.nightly
def test_it_learns_to_choose_among_objects():
    """A phrase names a class; the picture itself says nothing."""
    model = grounder(TAGGED)
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-2)
    random = torch.Generator().manual_seed(0)
    for _ in range(150):
        places = torch.stack([torch.randperm(4, generator=random)[:2] for _ in range(16)])
        labels = torch.tensor([[0.0, 1.0]]).expand(16, 2)
        detections = torch.cat([labels[..., None], torch.full((16, 2, 1), 0.8), QUARTERS[places]], dim=2)
        phrases = torch.nn.functional.pad(torch.eye(2), (0, 8)).expand(16, 2, 10) + 0.1
        located = model(torch.zeros(16, 4, 6), phrases, detections)
        loss = grounding_loss(located, QUARTERS[places], torch.eye(4)[places])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    boxes, sure = located.chosen()
    assert box_iou(boxes, QUARTERS[places]).min() > 0.5
    assert sure.min() > 0.5


def test_overlap_by_hand():
    one = torch.tensor([[0.0, 0.0, 0.5, 1.0], [0.0, 0.0, 0.25, 1.0]])
    other = torch.tensor([[0.25, 0.0, 0.75, 1.0], [0.75, 0.0, 1.0, 1.0]])
    torch.testing.assert_close(box_iou(one, other), torch.tensor([1 / 3, 0.0]))
    certain = GroundingOutput(torch.zeros(1, 1, 1), one[None, 1:], torch.zeros(1, 1))
    sides, generalised = 2.5 * (0.75 + 0.0), 2 * (1 + 0.5)  # the centre moves by 0.75, sizes agree
    loss = grounding_loss(certain, other[None, 1:], torch.ones(1, 1, 1))
    torch.testing.assert_close(loss, torch.tensor(sides + generalised))


def test_the_loss_is_least_at_the_truth():
    boxes, cover = torch.tensor([[[0.0, 0.0, 0.5, 0.5]]]), torch.tensor([[[1.0, 0.0, 0.0, 0.0]]])
    right = GroundingOutput(torch.tensor([[[50.0, 0.0, 0.0, 0.0]]]), boxes, torch.ones(1, 1))
    assert grounding_loss(right, boxes, cover) < 1e-5
    for wrong in (
        right._replace(heat=torch.tensor([[[0.0, 50.0, 0.0, 0.0]]])),
        right._replace(boxes=boxes + 0.1),
        right._replace(overlaps=torch.zeros(1, 1)),
    ):
        assert grounding_loss(wrong, boxes, cover) > 0.5


def test_a_phrase_is_its_mean_and_its_last_word():
    words = torch.tensor([[1.0, 0.0], [3.0, 4.0]])
    assert phrase_vector(words).tolist() == [2.0, 2.0, 3.0, 4.0]


def test_mistakes_name_the_field():
    with pytest.raises(RecipeError, match=r"maps: expected a divisor of the width 8, got 3"):
        GrounderConfig(width=8, maps=3)
    with pytest.raises(RecipeError, match=r"dropout"):
        GrounderConfig(dropout=1.0)
