from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tiny_scene import ANGLE, DISTANCE, RADIUS, SIZE, write_scene

from seetell.data.posed_photos import open_shots, read_posed_photos
from seetell.errors import DataError


@pytest.fixture
def scene(tmp_path: Path) -> Path:
    return write_scene(tmp_path / "ball", size=12)


def change(scene: Path, split: str = "train", **changes) -> None:
    path = scene / f"transforms_{split}.json"
    content = json.loads(path.read_text())
    frame = changes.pop("frame", {})
    content["frames"][1] = content["frames"][1] | frame if isinstance(frame, dict) else frame
    path.write_text(json.dumps(content | changes))


def test_cameras_and_photos(scene):
    dataset = read_posed_photos(scene)
    assert [len(dataset.split(split)) for split in ("train", "val", "test")] == [8, 2, 2]
    photo = dataset.photos[1]
    assert (photo.id, photo.path, photo.split, photo.angle) == ("train/r_1", scene / "train/r_1.png", "train", ANGLE)
    assert np.linalg.norm(photo.pose[:3, 3]) == pytest.approx(DISTANCE)
    camera = photo.camera((12, 12))
    assert 12 / 2 / camera.focal == pytest.approx(np.tan(ANGLE / 2))


def test_photos_stand_before_white(scene):
    (shot,) = open_shots(read_posed_photos(scene).photos[:1])
    assert shot.camera.size == (12, 12)
    assert shot.colours.shape == (12, 12, 3)
    assert shot.colours[0, 0].tolist() == [1, 1, 1]
    assert set(np.unique(shot.opacity)) == {0, 1}
    # a ball's outline is that of the cone around it
    seen = np.tan(np.arcsin(RADIUS / DISTANCE)) / np.tan(ANGLE / 2)
    assert shot.opacity.mean() == pytest.approx(np.pi / 4 * seen**2, rel=0.1)


def test_half_transparent_pixels_are_mixed_with_white(scene):
    Image.new("RGBA", (12, 12), (255, 0, 0, 51)).save(scene / "train/r_0.png")
    (shot,) = open_shots(read_posed_photos(scene).photos[:1])
    np.testing.assert_allclose(shot.colours[0, 0], [1, 0.8, 0.8], atol=1e-6)
    assert shot.opacity[0, 0] == pytest.approx(0.2)


def test_opaque_photos_say_nothing_of_the_background(scene):
    Image.new("RGB", (12, 12), (255, 0, 0)).save(scene / "train/r_0.png")
    (shot,) = open_shots(read_posed_photos(scene).photos[:1])
    assert (shot.opacity == 1).all()


def test_a_folder_of_other_things(tmp_path):
    with pytest.raises(DataError, match=r"expected a folder with transforms_train\.json"):
        read_posed_photos(tmp_path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"camera_angle_x": "wide"}, "train.json: expected camera_angle_x, a field of view.*got a str"),
        ({"camera_angle_x": 40}, "a field of view above 0 and below π radians, got 40$"),
        ({"camera_angle_x": True}, "expected camera_angle_x"),
        ({"frames": []}, "frames: expected a list of at least one, got an empty list"),
        ({"frames": 3}, "frames: expected a list of at least one, got an int"),
        ({"frame": "r_1"}, "frame 1: expected an object with file_path and transform_matrix, got a str"),
        ({"frame": {"file_path": None}}, "frame 1: expected file_path, the name of a photo, got a NoneType"),
        ({"frame": {"file_path": "./train/r_99"}}, "frame 1: there is no photo .*r_99, with or without .png"),
        (
            {"frame": {"file_path": "../other"}},
            r"train.json: frame 1: .* a photo inside the scene's folder, got '\.\./o",
        ),
        (
            {"frame": {"file_path": "./train/../../other.png"}},
            "frame 1: expected file_path, a photo inside the scene's",
        ),
        (
            {"frame": {"file_path": "/other.png"}},
            "frame 1: expected file_path, a photo inside the scene's folder, got '/",
        ),
        ({"frame": {"transform_matrix": [[1, 2], [3, 4]]}}, "frame 1: expected transform_matrix, a 4 × 4 matrix"),
        ({"frame": {"transform_matrix": [[1, 2], [3]]}}, "frame 1: expected transform_matrix, a 4 × 4 matrix"),
        ({"frame": {"transform_matrix": np.full((4, 4), np.nan).tolist()}}, "of finite numbers, got NaN or ∞ among"),
        ({"frame": {"transform_matrix": np.diag([1, 1, 1, 1e300]).tolist()}}, "expected numbers within ±1e.06, got 1e"),
        ({"frame": {"transform_matrix": (2 * np.eye(4)).tolist()}}, "no axes of a camera"),
        ({"frame": {"transform_matrix": np.diag([1, 1, -1, 1]).tolist()}}, "no axes of a camera, right-handed"),
    ],
)
def test_what_is_wrong_is_found_before_photos_are_opened(scene, changes, message):
    Image.new("RGB", (12, 12)).save(scene.parent / "other.png")
    change(scene, **changes)
    with pytest.raises(DataError, match=message):
        read_posed_photos(scene)


def test_links_to_photos_elsewhere_are_not_followed(scene, tmp_path):
    (scene / "train/r_1.png").rename(tmp_path / "other.png")
    (scene / "train/r_1.png").symlink_to("../../other.png")
    with pytest.raises(DataError, match=r"transforms_train\.json: frame 1: .*r_1\.png is a link out of the scene's"):
        read_posed_photos(scene)


def test_the_scene_itself_may_be_a_link_and_photos_links_within_it(scene, tmp_path):
    (scene / "train/r_1.png").unlink()
    (scene / "train/r_1.png").symlink_to("r_0.png")
    (tmp_path / "link").symlink_to(scene)
    assert len(read_posed_photos(tmp_path / "link").photos) == 12


def test_a_photo_that_does_not_open_is_named(scene):
    (scene / "train/r_3.png").write_bytes(b"no photo")
    with pytest.raises(DataError, match=r"train/r_3: .*not a photo.*a scene is learnt from all"):
        open_shots(read_posed_photos(scene).photos)


def test_photos_have_one_size(scene):
    Image.new("RGBA", (SIZE, 6)).save(scene / "train/r_3.png")
    with pytest.raises(DataError, match=r"r_3.png: is 24×6, r_0.png is 12×12"):
        open_shots(read_posed_photos(scene).photos)


def test_too_many_pixels_are_refused(scene, monkeypatch):
    monkeypatch.setattr("seetell.data.posed_photos.MOST_PIXELS", 12 * 12 * 8)
    open_shots(read_posed_photos(scene).split("train"))
    with pytest.raises(DataError, match="12 photos of 12×12 are too many pixels"):
        open_shots(read_posed_photos(scene).photos)
