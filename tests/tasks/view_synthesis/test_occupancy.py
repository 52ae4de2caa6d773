from __future__ import annotations

import math

import numpy as np

from seetell.geometry.cameras import Camera, look_at, turn
from seetell.tasks.view_synthesis.occupancy import Occupancy


def ball(points: np.ndarray, radius: float = 0.5) -> np.ndarray:
    return (np.linalg.norm(points, axis=-1) < radius).astype(np.float32)


def test_points_fall_into_cells():
    cells = np.zeros((4, 4, 4), bool)
    cells[3, 0, 1] = True
    occupancy = Occupancy(cells, 2.0)
    points = np.array([[1.5, -1.5, -0.5], [1.01, -1.99, -0.01], [0.99, -1.5, -0.5], [-0.5, -1.5, 1.5]], np.float32)
    assert occupancy(points).tolist() == [True, True, False, False]


def test_nothing_is_outside_of_the_cube():
    points = np.array([[0, 0, 0.99], [0, 0, 1.0], [-1.01, 0, 0]], np.float32)
    assert Occupancy.whole(4, 1.0)(points).tolist() == [True, False, False]


def test_cells_that_a_field_leaves_empty_are_pruned_but_for_neighbours():
    cells = Occupancy.whole(16, 1.0).pruned(lambda points: 50 * ball(points)).cells
    middles = (np.stack(np.meshgrid(*[np.arange(16)] * 3, indexing="ij"), axis=-1) + 0.5) / 8 - 1
    assert cells[ball(middles) > 0].all()
    distances = np.linalg.norm(middles, axis=-1)
    assert not cells[distances > 0.5 + math.sqrt(3) / 8].any()
    assert cells.sum() > ball(middles).sum()


def test_what_was_empty_stays_so():
    first = Occupancy.whole(8, 1.0).pruned(lambda points: 50 * ball(points, 0.3))
    again = first.pruned(lambda points: np.full(len(points), 50, np.float32))
    assert (again.cells == first.cells).all()


def test_a_field_that_has_learnt_nothing_prunes_nothing():
    assert Occupancy.whole(4, 1.0).pruned(lambda points: np.zeros(len(points), np.float32)).cells.all()


def silhouette(camera: Camera, radius: float) -> np.ndarray:
    rays = camera.rays()
    nearest = np.linalg.norm(np.cross(rays.origins, rays.directions), axis=1)
    return (nearest < radius).reshape(camera.size[::-1])


def test_the_visual_hull_of_a_ball_holds_it_and_little_more():
    poses = [pose for elevation in (-40, 0, 40) for pose in turn(8, distance=4, elevation=elevation)]
    cameras = [Camera(pose, 80.0, (48, 48)) for pose in poses]
    hull = Occupancy.whole(24, 1.0).carved((camera, silhouette(camera, 0.5)) for camera in cameras).cells
    middles = (np.stack(np.meshgrid(*[np.arange(24)] * 3, indexing="ij"), axis=-1) + 0.5) / 12 - 1
    distances = np.linalg.norm(middles, axis=-1)
    half = math.sqrt(3) / 24
    assert hull[distances < 0.5 + half].all()  # every cell that the ball touches
    assert not hull[distances > 0.85].any()


def test_what_no_camera_sees_is_not_carved():
    narrow = Camera(look_at([4, 0, 0]), 400.0, (8, 8))  # sees a hundredth of the cube
    cells = Occupancy.whole(8, 1.0).carved([(narrow, np.zeros((8, 8), bool))]).cells
    assert cells.mean() > 0.9
    assert Occupancy.whole(8, 1.0).carved([(narrow, np.ones((8, 8), bool))]).cells.all()


def test_cells_as_text():
    cells = np.random.default_rng(0).random((6, 6, 6)) < 0.3
    assert (Occupancy.from_text(Occupancy(cells, 1.0).to_text(), 6, 1.0).cells == cells).all()
