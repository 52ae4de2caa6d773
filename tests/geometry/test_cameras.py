from __future__ import annotations

import numpy as np
import pytest

from seetell.geometry.cameras import Camera, Rays, look_at, through_cube, turn

FRONT = Camera(look_at([4, 0, 0]), focal=2.0, size=(4, 2))


def test_rays_go_through_the_middles_of_pixels():
    rays = FRONT.rays()
    assert rays.origins.shape == rays.directions.shape == (8, 3)
    np.testing.assert_allclose(rays.origins, np.tile([4, 0, 0], (8, 1)))
    # from +x towards the origin: right is +y, up is +z; the first pixel is 1.5 left of and 0.5 above the middle
    first = np.array([-2.0, -1.5, 0.5])
    np.testing.assert_allclose(rays.directions[0], first / np.linalg.norm(first), rtol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(rays.directions, axis=1), 1, rtol=1e-6)


def test_points_on_a_ray_appear_where_the_ray_begins():
    camera = Camera(look_at([1, 2, 3]), focal=20.0, size=(6, 4))
    rays = camera.rays()
    columns, rows, depths = camera.project(rays.origins + 2.5 * rays.directions)
    np.testing.assert_allclose(columns.reshape(4, 6), np.tile(np.arange(6) + 0.5, (4, 1)), atol=1e-4)
    np.testing.assert_allclose(rows.reshape(4, 6).T, np.tile(np.arange(4) + 0.5, (6, 1)), atol=1e-4)
    assert ((depths > 2.4) & (depths < 2.5)).all()  # along the axis, less than along the ray


def test_what_lies_behind_has_a_negative_depth():
    assert FRONT.project(np.array([[5.0, 0, 0]]))[2] == pytest.approx(-1)


def test_a_resized_camera_sees_the_same_from_left_to_right():
    larger = FRONT.resized((8, 8))
    assert larger.focal / 8 == FRONT.focal / 4
    assert len(larger.rays().origins) == 64


def test_a_turn_looks_at_the_origin_from_all_sides():
    poses = turn(4, distance=2, elevation=30)
    np.testing.assert_allclose([pose[2, 3] for pose in poses], 1)  # 2 sin 30°
    for pose in poses:
        np.testing.assert_allclose(pose[:3, :3].T @ pose[:3, :3], np.eye(3), atol=1e-12)
        assert np.linalg.det(pose[:3, :3]) == pytest.approx(1)
        np.testing.assert_allclose(-pose[:3, 2] * 2, -pose[:3, 3], atol=1e-12)  # it looks along −z
        assert pose[2, 1] > 0  # up is up
    np.testing.assert_allclose([pose[:2, 3] for pose in poses[::2]], [[3**0.5, 0], [-(3**0.5), 0]], atol=1e-12)


def test_where_rays_enter_and_leave_a_cube():
    origins = np.array([[3, 0, 0], [3, 2, 0], [0, 0, 0], [3, 0, 0], [3, 1, 0], [0, 3, 3]], np.float32)
    directions = np.array([[-1, 0, 0], [-1, 0, 0], [0, 0, 1], [1, 0, 0], [-1, 0, 0], [0, -1, -1]], np.float32)
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    near, far = through_cube(Rays(origins, directions), 1.0)
    middle, beside, within, behind, along, corner = zip(near, far, strict=True)
    assert middle == (2, 4)
    assert beside[0] == beside[1]
    assert within == (0, 1)
    assert behind[0] == behind[1]
    assert along == (2, 4)  # in the face itself
    np.testing.assert_allclose(corner, (2 * 2**0.5, 4 * 2**0.5), rtol=1e-6)
