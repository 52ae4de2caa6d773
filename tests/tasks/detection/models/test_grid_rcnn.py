from __future__ import annotations

import torch

from seetell.tasks.detection.models.grid_rcnn import GridBranch, grid_boxes, grid_targets

BOXES = torch.tensor([[20.0, 20.0, 48.0, 48.0], [10.0, 10.0, 38.0, 24.0]])
OBJECTS = torch.tensor([[15.0, 22.0, 50.0, 45.0], [8.0, 12.0, 40.0, 25.0]])


def test_the_true_maps_give_the_true_boxes_within_a_cell():
    maps = grid_targets(BOXES, OBJECTS, 56)
    assert maps.shape == (2, 9, 56, 56)
    assert maps.flatten(2).sum(dim=2).tolist() == [[5.0] * 9] * 2
    centre = maps.clone() * 0.5  # of a cross, its middle is highest
    places = (maps[:, :, 1:-1, 1:-1] + maps[:, :, :-2, 1:-1] + maps[:, :, 2:, 1:-1]).eq(3)
    centre[:, :, 1:-1, 1:-1] += places
    cell = (BOXES[:, 2:] - BOXES[:, :2]).repeat(1, 2) * 2 / 56
    assert ((grid_boxes(centre, BOXES) - OBJECTS).abs() <= cell / 2 + 1e-4).all()


def test_edges_are_means_weighted_by_scores():
    maps = torch.zeros(1, 9, 4, 4)
    for point in range(9):
        row, column = divmod(point, 3)
        maps[0, point, row, column] = 0.5
    maps[0, 0, 0, 0], maps[0, 0, 0, 1] = 0.0, 0.25  # the first point lies a cell further right, and is less sure
    left, upper, right, lower = grid_boxes(maps, torch.tensor([[4.0, 4.0, 12.0, 12.0]]))[0].tolist()
    # the maps cover 0 to 16, so that cells are 4 wide: x of 6, 2 and 2 with weights of 0.25, 0.5 and 0.5
    assert torch.tensor([left, upper, right, lower]).allclose(torch.tensor([2.8, 2.0, 10.0, 10.0]))


def test_a_branch_fuses_neighbours_alone():
    torch.manual_seed(0)
    branch = GridBranch(3, width=2, convolutions=1)
    assert len(branch.sources) == 24
    cells = torch.randn(2, 3, 14, 14)
    assert branch(cells).shape == (2, 9, 56, 56)
    features = branch.layers(cells).unflatten(1, (9, 2))
    changed = features.clone()
    changed[:, 0] += 1.0
    branch.layers = torch.nn.Identity()
    before, after = branch(features.flatten(1, 2)), branch(changed.flatten(1, 2))
    differs = [not torch.equal(before[:, point], after[:, point]) for point in range(9)]
    assert differs == [True, True, False, True, False, False, False, False, False]
