"""Captioners that read frames together: a toy set learned by heart, exported, and describing films."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from training_runs import configured, loop_of

import seetell
from seetell.data import read
from seetell.errors import RecipeError, UsageError
from seetell.export.exporter import export_run
from seetell.tasks.registry import find_task
from seetell.tasks.video_captioning.frames_together import FramesTogether
from seetell.video.frames import open_video

ARCHITECTURES: dict[str, dict[str, Any]] = {
    "mean_pooling": {"layers": 1},
    "temporal_attention": {"annotation_size": 24, "attention_size": 16},
    "s2vt": {},
}


def content_of(shapes: Path, cache: Path, encoder: dict[str, str], architecture: str) -> dict[str, Any]:
    return {
        "task": "video_captioning",
        "name": "shapes",
        "data": {"path": str(shapes), "min_count": 1, "captions_per_photo": 2, "flip": False},
        "encoder": {"image_size": 64, "cache": str(cache), **encoder},
        "optimiser": {"learning_rate": 1e-2, "betas": [0.9, 0.999], "clip": 5.0},
        "validation": {"every": 100},
        "card": {"licence": "CC0", "training_data": "twelve shapes", "terms": "none"},
        "batch_size": 10,
        "steps": 100,
        "threads": 1,
        "video_captioning": {
            "architecture": architecture,
            "captioner": {"embedding_size": 24, "hidden_size": 32, "dropout": 0.0, **ARCHITECTURES[architecture]},
            "frames": 3,
            "decoding": {"beam_size": 3, "max_words": 8},
        },
    }


def plain(sentence: str) -> str:
    return sentence.lower().strip(" .")


@pytest.fixture(
    scope="module",
    params=[pytest.param(name, marks=pytest.mark.slow) for name in ARCHITECTURES],
)
def bundle(
    request: pytest.FixtureRequest,
    shapes: Path,
    small_encoder: dict[str, str],
    tmp_path_factory: pytest.TempPathFactory,
    one_registry: None,
) -> Path:
    folder = tmp_path_factory.mktemp("run")
    content = content_of(shapes, folder / "cache", small_encoder, request.param)
    loop_of(configured(content), read(shapes), folder / "run").run()
    export_run(folder / "run", folder / "bundle", find_task=find_task, precisions=("fp32",))
    return folder / "bundle"


@pytest.mark.nightly
def test_it_says_of_a_film_of_a_training_photo_what_it_learnt(bundle: Path, shapes: Path):
    description = json.loads((bundle / "model.json").read_text(encoding="utf-8"))
    assert (description["task"], description["settings"]["frames"]) == ("video_captioning", 3)
    describer = seetell.load(bundle, threads=1)
    assert isinstance(describer._teller, FramesTogether)
    named = {photo.path.stem: photo for photo in read(shapes).split("train")}
    films = {name: photo for name, photo in named.items() if name in ("red-square", "blue-circle", "green-cross")}
    right = 0
    for photo in films.values():
        whole = Image.open(photo.path).convert("RGB").resize((106, 106), Image.Resampling.BICUBIC)
        views = [whole.crop((0, (106 - side) // 2, side, (106 + side) // 2)).resize((64, 64)) for side in (64, 85, 106)]
        frames = [np.asarray(view) for view in views for _ in range(4)]
        (shot,) = describer.predict(open_video(frames, fps=10), frames=3)
        right += plain(str(shot.caption)) in map(plain, photo.captions)
    assert right >= len(films) - 1


def test_it_has_no_confidence_to_compare(bundle: Path):
    describer = seetell.load(bundle, threads=1)
    describer.check(beam_size=2, any_picture=True)
    with pytest.raises(UsageError, match="does not tell how sure it is"):
        describer.check(min_confidence=0.5)
    with pytest.raises(UsageError, match="colour"):
        describer.check(colour=1)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"frames": 0}, "frames"),
        ({"finetune": {"after": 5}}, r"finetune\.after: the encoder of frames is not trained"),
        ({"tagger": "everyday"}, "tagger: captioners of videos read no tags"),
        ({"architecture": "mean_poling"}, "Did you mean 'mean_pooling'"),
    ],
)
def test_what_a_recipe_cannot_say(
    shapes: Path, small_encoder: dict[str, str], tmp_path: Path, changes: dict[str, Any], message: str
):
    content = content_of(shapes, tmp_path, small_encoder, "mean_pooling")
    with pytest.raises(RecipeError, match=message):
        configured(content, video_captioning=changes)
    with pytest.raises(RecipeError, match=r"encoder\.cache: a captioner of videos"):
        configured(content, encoder={"cache": ""})
