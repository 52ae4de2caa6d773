"""Masks and key points: what they learn from, by hand, and that they learn ten pictures."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tasks.detection.models.test_detectors import learnt_by, read_by, small
from ten_pictures import CLASSES, SIDE, details, objects
from torchvision.models.detection.keypoint_rcnn import KeypointRCNNHeads, KeypointRCNNPredictor
from torchvision.models.detection.mask_rcnn import MaskRCNNHeads, MaskRCNNPredictor

from seetell.errors import RecipeError
from seetell.geometry.heat_maps import points_of
from seetell.geometry.masks import encode, paste
from seetell.metrics.instances import Instance, mask_average_precision
from seetell.nn.roi_pooling import as_rois
from seetell.tasks.detection.models import DETECTORS, create_detector
from seetell.tasks.detection.models.detector import DetectorSpec
from seetell.tasks.detection.models.keypoint_rcnn import point_targets
from seetell.tasks.detection.models.mask_rcnn import mask_targets

SIZE = (SIDE, SIDE)


def test_a_cell_is_inside_if_half_of_it_is():
    mask = torch.zeros(1, 8, 8)
    mask[0, :, :4] = 1  # the left half of an image of 8 pixels
    boxes = torch.tensor([[0.0, 0, 8, 8]])
    assert mask_targets(mask, boxes, (8, 8), cells=4)[0, 0].tolist() == [1, 1, 0, 0]
    # moved by a pixel, the second of four cells of two pixels covers one that is inside, from one half on
    assert mask_targets(mask, boxes + 1, (8, 8), cells=4)[0, 0].tolist() == [1, 1, 0, 0]
    assert mask_targets(mask, boxes + 1.2, (8, 8), cells=4)[0, 0].tolist() == [1, 0, 0, 0]
    # the same of a mask at half the resolution of the input
    assert mask_targets(mask[:, ::2, ::2], boxes, (8, 8), cells=4)[0, 0].tolist() == [1, 1, 0, 0]


def test_what_is_pasted_is_what_was_learnt():
    """A mask along the borders of cells comes back to the pixel."""
    mask = torch.zeros(1, *SIZE)
    mask[0, 10:24, 6:20] = 1
    box = (6.0, 10.0, 34.0, 38.0)
    cells = mask_targets(mask, torch.tensor([box]), SIZE)[0]
    np.testing.assert_array_equal(paste(cells.numpy(), box, SIZE), mask[0].numpy() == 1)


def test_the_cell_of_a_point():
    boxes = torch.tensor([[10.0, 20.0, 66.0, 76.0]])  # 56 pixels: a pixel for each cell
    points = torch.tensor(
        [[[10.0, 20.0, 2], [12.9, 21.1, 1], [66.0, 76.0, 2], [66.1, 30.0, 2], [9.9, 30.0, 2], [30, 30, 0]]]
    )
    cells, learnt = point_targets(points, boxes)
    assert learnt.tolist() == [[True, True, True, False, False, False]]
    assert cells[0, :3].tolist() == [0, 1 * 56 + 2, 55 * 56 + 55]


def test_points_lie_in_the_middle_of_the_greatest_cell():
    maps = np.zeros((2, 56, 56), np.float32)
    maps[0, 3, 40] = maps[1, 55, 0] = 20
    points = points_of(maps, (10, 20, 66, 76))
    np.testing.assert_allclose(points[:, :2], [[50.5, 23.5], [10.5, 75.5]])
    assert (points[:, 2] > 0.99).all()
    np.testing.assert_allclose(points_of(maps, (0, 0, 560, 28))[0, :2], [405, 1.75], atol=5)


def test_key_points_must_be_known():
    spec, options = DetectorSpec({8: 3, 16: 3, 32: 3}, SIZE, 3), DETECTORS["keypoint_rcnn"][0]()
    with pytest.raises(RecipeError, match="needs a data set with key points"):
        create_detector("keypoint_rcnn", options, spec)


def counted(*modules: torch.nn.Module) -> int:
    return sum(each.numel() for module in modules for each in module.parameters())


@pytest.mark.slow
def test_branches_of_the_papers_sizes_are_torchvisions():
    spec = DetectorSpec({8: 3, 16: 3, 32: 3}, SIZE, 80, key_points=17)
    mask_config, point_config = (DETECTORS[name][0] for name in ("mask_rcnn", "keypoint_rcnn"))
    masks = create_detector("mask_rcnn", mask_config(width=256, hidden=8, mask_width=256), spec)
    theirs = MaskRCNNHeads(256, [256] * 4, 1), MaskRCNNPredictor(256, 256, 80)
    assert counted(masks.masks) == counted(*theirs)
    points = create_detector("keypoint_rcnn", point_config(width=256, hidden=8, point_width=512), spec)
    theirs = KeypointRCNNHeads(256, [512] * 8), KeypointRCNNPredictor(512, 17)
    assert counted(points.points) == counted(*theirs)


def learnt(model: str) -> tuple[torch.nn.Module, list[torch.Tensor]]:
    """Return a detector that has learnt the ten pictures, and its trunk."""
    detector = small(model)
    optimiser = torch.optim.Adam(detector.parameters(), 5e-3)
    torch.manual_seed(0)
    for _ in range(150):
        optimiser.zero_grad()
        losses = detector.losses(read_by(detector), learnt_by(detector))
        torch.stack([mean for mean, _ in losses.values()]).sum().backward()
        optimiser.step()
    detector.eval()
    with torch.inference_mode():
        return detector, detector.trunk(read_by(detector))


@pytest.mark.nightly
def test_masks_are_learnt_by_heart():
    detector, trunk = learnt("mask_rcnn")
    targets = learnt_by(detector)
    with torch.inference_mode():
        cells = detector.look(trunk, as_rois(targets.boxes), torch.cat(targets.labels)).numpy()
    true, found = {}, {}
    place = 0
    for number, each in enumerate(objects()):
        masks = details("masks")[number].numpy() == 1
        true[number] = [
            Instance(CLASSES[label], encode(mask), SIZE) for (label, _), mask in zip(each, masks, strict=True)
        ]
        found[number] = [
            Instance(CLASSES[label], encode(paste(cells[place + row], box, SIZE)), SIZE)
            for row, (label, box) in enumerate(each)
        ]
        place += len(each)
    assert mask_average_precision(true, found).ap > 0.8


@pytest.mark.nightly
def test_key_points_are_learnt_by_heart():
    detector, trunk = learnt("keypoint_rcnn")
    targets = learnt_by(detector)
    with torch.inference_mode():
        maps = detector.look(trunk, as_rois(targets.boxes), torch.cat(targets.labels)).numpy()
    boxes = torch.cat(targets.boxes).tolist()
    found = np.array([points_of(each, tuple(box)) for each, box in zip(maps, boxes, strict=True)])
    off = np.linalg.norm(found[..., :2] - torch.cat(targets.details).numpy()[..., :2], axis=-1)
    assert np.quantile(off, 0.9) < 2
