"""``scripts/domain_adaptation``: the folders of both domains, and the recipes that read them with every method."""

from __future__ import annotations

import csv
import json
from collections import Counter
from pathlib import Path

import flickr8k_to_coco
import pytest
from PIL import Image
from training_runs import sections

from seetell.data import read
from seetell.data.records import PhotoRecord
from seetell.tasks.classification.data import read_class_folders
from seetell.training.adaptation_config import USE_TARGET
from seetell.training.adaptation_methods import METHODS
from seetell.training.config import load_config
from seetell.training.recipes import find_recipe


@pytest.mark.parametrize(
    ("captions", "label"),
    [
        (["a man and his dog", "a dog runs"], "dog"),
        (["a man", "a woman on a bench"], "bench"),
        (["a man", "two people"], "person"),
        (["a dog and a cat", "a dog and a cat"], None),
        (["a dog", "a dog", "a cat and a dog", "a cat"], "dog"),
        (["a dog", "grass", "a field"], None),
    ],
)
def test_the_main_object(captions, label):
    assert flickr8k_to_coco.main_object(captions) == label


def test_the_source_in_the_proportions_of_the_target():
    photos = [PhotoRecord(number, Path(), (f"a {name}",), "train") for number, name in enumerate(["dog", "cat"] * 8)]
    counts = Counter(photo.captions[0] for photo in flickr8k_to_coco.matched(photos, Counter({"cat": 2})))
    assert counts == {"a cat": 6, "a dog": flickr8k_to_coco.FEWEST}


def test_the_folders_of_both_domains(tmp_path):
    data, out = tmp_path / "data", tmp_path / "domains"
    (data / "flickr8k").mkdir(parents=True)
    (data / "coco" / "photos").mkdir(parents=True)
    (data / "coco" / "unlabelled").mkdir()
    with open(data / "flickr8k" / "captions.csv", "w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["image", "caption", "split"])
        for number in range(8):
            Image.new("RGB", (8, 8)).save(data / "flickr8k" / f"{number}.png")
            rows.writerow([f"{number}.png", ("a dog", "a cat")[number % 2], "val" if number > 5 else "train"])
    images, annotations = [], []
    for number, captions in enumerate([["a cat"] * 5, ["a dog"]]):
        Image.new("RGB", (8, 8)).save(data / "coco" / "photos" / f"{number}.png")
        images.append({"id": number, "file_name": f"{number}.png"})
        annotations += [{"id": 10 * number + k, "image_id": number, "caption": c} for k, c in enumerate(captions)]
    (data / "coco" / "captions.json").write_text(json.dumps({"images": images, "annotations": annotations}))
    Image.new("RGB", (8, 8)).save(data / "coco" / "unlabelled" / "7.png")
    flickr8k_to_coco.main(data, out)
    source = read_class_folders(out / "classes")
    assert (len(source.split("train")), len(source.split("val")), source.labels) == (6, 2, ("cat", "dog"))
    assert sorted(path.relative_to(out).as_posix() for path in out.rglob("*.png") if "es/" not in str(path)) == [
        "everyday/cat/0.png",
        "labelled/dog/1.png",
        *(
            f"matched/{split}/{name}/{number}.png"
            for split, name, number in [
                ("train", "cat", 1),
                ("train", "cat", 3),
                ("train", "cat", 5),
                ("train", "dog", 0),
                ("train", "dog", 2),
                ("train", "dog", 4),
                ("val", "cat", 7),
                ("val", "dog", 6),
            ]
        ),
        "target/1.png",
        "target/7.png",
    ]
    (held_out,) = read(out / "everyday.json").photos
    assert held_out.captions == ("a cat",) * 5
    assert [photo.captions for photo in read(out / "few.json").photos] == [("a dog",)]


@pytest.mark.parametrize("recipe", ["flickr8k-to-coco-classes", "flickr8k-to-coco-captions"])
def test_recipes_take_every_method(recipe):
    for method in METHODS:
        target = ["adaptation.target=domains/target"] if method in USE_TARGET else []
        source = ["init_from=run"] if method == "adapters" else []
        config = load_config(find_recipe(recipe), sections, [f"adaptation.method={method}", *target, *source])
        assert config.adaptation.method == method
