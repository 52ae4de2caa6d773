from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from seetell.data import read
from seetell.data.snippets import snippet_line
from seetell.errors import CheckpointError, DataError, RecipeError
from seetell.tasks.retrieval.config import AlignmentRecipe, alignment_recipe_from_dict
from seetell.tasks.retrieval.feature_cache import DescribedPhotos
from seetell.tasks.retrieval.train import AlignmentTrainer
from seetell.tasks.retrieval.validation import rank, score_all, sentence_tensors
from seetell.training.checkpoint import read_checkpoint
from seetell.training.config import Recipe, save_recipe
from seetell.training.recipe_kinds import load_any_recipe
from seetell.training.run_log import draw_curves, read_log


def recipe(shapes: Path, cache: Path, **changes) -> AlignmentRecipe:
    content = {
        "kind": "align",
        "name": "shapes",
        "data": {"path": str(shapes), "min_count": 1, "captions_per_photo": 1},
        "encoder": {"image_size": 64, "cache": str(cache)},
        "aligner": {"width": 16, "components": 32, "windows": [2], "word_size": 8, "hidden_size": 8, "heads": 2},
        "optimiser": {"name": "adam", "learning_rate": 1e-2, "alpha": 0.9, "clip": 5.0, "clip_kind": "norm"},
        "validation": {"every": 4},
        "batch_size": 4,
        "steps": 10,
        "checkpoint_every": 3,
        "log_every": 1,
        "threads": 1,
    }
    for key, value in changes.items():
        content[key] = {**content.get(key, {}), **value} if isinstance(value, dict) else value
    return alignment_recipe_from_dict(content)


@pytest.fixture
def shapes_recipe(shapes, tmp_path, small_encoder):
    def make(**changes) -> AlignmentRecipe:
        changes["encoder"] = {**small_encoder, **changes.get("encoder", {})}
        return recipe(shapes, tmp_path / "cache", **changes)

    return make


def described(trainer: AlignmentTrainer) -> DescribedPhotos:
    return DescribedPhotos(
        trainer.aligner.whiten_regions,
        trainer.prepared.cache,
        trainer.prepared.train.photos,
        views=1,
        device=torch.device("cpu"),
    )


def values(folder: Path, key: str) -> list[tuple[int, float]]:
    return [(line["step"], line[key]) for line in read_log(folder / "log.jsonl") if key in line]


class StoppedError(Exception):
    pass


def stop_at(step: int):
    def on_step(done: int, loss: float) -> None:
        if done == step:
            raise StoppedError

    return on_step


MODES = {
    "averaged": {"averaging": 0.9},
    "as the paper": {
        "aligner": {
            "similarity": "region_word",
            "sentence_encoder": "brnn",
            "word_score": "sum",
            "normalise_regions": False,
        },
        "ranking": {"loss": "max_margin"},
        "optimiser": {"name": "momentum", "learning_rate": 1e-3},
    },
    "hardest of all captions, unmirrored": {
        "data": {"captions_per_photo": 2, "flip": False},
        "aligner": {"similarity": "global", "sentence_encoder": "transformer"},
        "ranking": {"loss": "hardest_negative", "margin": 0.2},
    },
}


@pytest.mark.parametrize("mode", MODES)
def test_a_stopped_run_goes_on_as_if_it_had_not_stopped(shapes, tmp_path, shapes_recipe, mode):
    chosen, dataset = shapes_recipe(**MODES[mode]), read(shapes)
    AlignmentTrainer(chosen, dataset, tmp_path / "whole").run()
    for step in (5, 8):  # between checkpoints, so that steps are done again
        with pytest.raises(StoppedError):
            AlignmentTrainer(chosen, dataset, tmp_path / "stopped", on_step=stop_at(step)).run()
    resumed = AlignmentTrainer(chosen, dataset, tmp_path / "stopped")
    assert resumed.step == 6
    resumed.run()
    for key in ("loss", "sum"):
        assert values(tmp_path / "stopped", key) == values(tmp_path / "whole", key)
    for name in ("checkpoint", "best"):
        ours, facts = read_checkpoint(tmp_path / "stopped" / f"{name}.safetensors")
        theirs, expected = read_checkpoint(tmp_path / "whole" / f"{name}.safetensors")
        assert facts == expected
        assert ours.keys() == theirs.keys()
        for part, arrays in theirs.items():
            assert all(torch.equal(ours[part][key], value) for key, value in arrays.items()), part


def test_learns_the_shapes_by_heart(shapes, tmp_path):
    """With the real encoder: every training photo finds its sentences, and they find it."""
    chosen = recipe(
        shapes,
        tmp_path / "cache",
        encoder={"weights": "imagenet"},
        aligner={"dropout": 0.0, "feature_dropout": 0.0, "word_dropout": 0.0},
        data={"flip": False},
        validation={"every": 80},
        batch_size=10,
        steps=80,
        checkpoint_every=1000,
    )
    trainer = AlignmentTrainer(chosen, read(shapes), tmp_path / "run")
    trainer.run()
    train = trainer.prepared.train
    found = rank(trainer.aligner.eval(), described(trainer).batches(4), train.captions, max_words=16)
    assert found.sum == 600


def test_the_folder_holds_what_is_promised(shapes, tmp_path, shapes_recipe, monkeypatch):
    monkeypatch.setattr("seetell.training.loop.draw_curves", draw_curves)
    seen = []
    AlignmentTrainer(shapes_recipe(), read(shapes), tmp_path / "run", on_validation=seen.append).run()
    names = {path.name for path in (tmp_path / "run").iterdir()}
    expected = {"recipe.yaml", "vocabulary.json", "log.jsonl", "curves.png", "checkpoint.safetensors"}
    assert names == expected | {"best.safetensors"}
    assert [line["step"] for line in seen] == [4, 8, 10]
    _, facts = read_checkpoint(tmp_path / "run" / "best.safetensors")
    assert facts["scores"]["sum"] == max(line["sum"] for line in seen)
    ways = [seen[0][f"{way}_R@{k}"] for way in ("annotation", "search") for k in (1, 5, 10)]
    assert seen[0]["sum"] == pytest.approx(sum(ways))
    with Image.open(tmp_path / "run" / "curves.png") as curves:
        assert len(curves.convert("RGB").getcolors(1 << 20)) > 10


def test_the_encoder_of_an_earlier_run_is_taken_and_kept(shapes, tmp_path, shapes_recipe):
    from seetell.nn.backbones import weights_hash
    from seetell.tasks.captioning.train import Trainer
    from seetell.training.config import recipe_from_dict

    content = {"encoder": shapes_recipe().to_dict()["encoder"], "batch_size": 4, "steps": 2, "threads": 1}
    tuned = {"finetune": {"after": 0, "optimiser": {"learning_rate": 1e-3}}, "validation": {"language": False}}
    small = {"captioner": {"embedding_size": 8, "hidden_size": 8}, "data": {"min_count": 1}}
    captioner = Trainer(recipe_from_dict(content | tuned | small), read(shapes), tmp_path / "captioner")
    captioner.run()
    chosen = shapes_recipe(start_from=str(tmp_path / "captioner"), steps=2)
    trainer = AlignmentTrainer(chosen, read(shapes), tmp_path / "run")
    trainer.run()
    assert weights_hash(trainer.encoder) == weights_hash(captioner.encoder)
    parts, _ = read_checkpoint(tmp_path / "run" / "best.safetensors")
    assert parts["encoder"].keys() == captioner.encoder.state_dict().keys()

    fixed = dataclasses.replace(
        chosen, aligner=dataclasses.replace(chosen.aligner, freeze_word_embeddings=True), averaging=0.9
    )
    trainer = AlignmentTrainer(fixed, read(shapes), tmp_path / "fixed")
    begun = trainer.aligner.embedding.weight.clone()
    trainer.run()
    parts, _ = read_checkpoint(tmp_path / "fixed" / "best.safetensors")
    assert torch.equal(parts["aligner"]["embedding.weight"], begun)


def test_word_vectors_of_an_earlier_run(shapes, tmp_path, shapes_recipe):
    from seetell.language.vocabulary import Vocabulary
    from seetell.training.pretrained import EarlierModel, load_words

    theirs = Vocabulary(("<end>", "<start>", "<unk>", "a", "red", "on"))
    ours = Vocabulary(("<end>", "<start>", "<unk>", "on", "new", "red"))
    vectors = torch.randn(6, 4, generator=torch.Generator().manual_seed(0)) * 3 + 1
    embedding = torch.nn.Embedding(6, 4)
    random = embedding.weight.detach().clone()
    earlier = EarlierModel(tmp_path, theirs, {"word_embedding.weight": vectors}, {})
    load_words(embedding, ours, earlier)
    centred = (vectors - vectors.mean(dim=0)) / (vectors - vectors.mean(dim=0)).std()
    torch.testing.assert_close(embedding.weight[[0, 1, 2, 3, 5]], centred[[0, 1, 2, 5, 4]])
    torch.testing.assert_close(embedding.weight[4], random[4])
    with pytest.raises(CheckpointError, match=r"set aligner\.word_size to 4, or start_words to false"):
        load_words(torch.nn.Embedding(6, 3), ours, earlier)


def test_another_recipe_or_other_sentences_are_refused(shapes, tmp_path, shapes_recipe):
    AlignmentTrainer(shapes_recipe(steps=3), read(shapes), tmp_path / "run").run()
    with pytest.raises(CheckpointError, match=r"aligner\.width \(16 there, 8 here\).*--restart"):
        AlignmentTrainer(shapes_recipe(steps=3, aligner={"width": 8}), read(shapes), tmp_path / "run")
    with pytest.raises(CheckpointError, match="the vocabulary and data changed"):
        AlignmentTrainer(shapes_recipe(steps=3), _fewer(shapes), tmp_path / "run")
    assert AlignmentTrainer(shapes_recipe(steps=5), read(shapes), tmp_path / "run").step == 3


def _fewer(shapes: Path):
    import dataclasses

    dataset = read(shapes)
    return dataclasses.replace(dataset, photos=dataset.photos[3:])


def test_scores_do_not_depend_on_batches(shapes, tmp_path, shapes_recipe):
    trainer = AlignmentTrainer(shapes_recipe(steps=2), read(shapes), tmp_path / "run")
    train = trainer.prepared.train
    sentences = [caption for photo in train.captions for caption in photo]
    source = described(trainer)
    whole = score_all(trainer.aligner.eval(), source.batches(50), sentences, max_words=16)
    parts = score_all(trainer.aligner, source.batches(3), sentences[:7], max_words=16)
    assert whole.shape == (10, 20)
    np.testing.assert_allclose(whole[:, :7], parts, rtol=1e-4, atol=1e-4)


def test_sentences_are_cut_and_empty_ones_are_unknown():
    tokens, lengths = sentence_tensors([[5, 6, 7], [], [8]], max_words=2)
    assert tokens.tolist() == [[5, 6], [2, 0], [8, 0]]
    assert lengths.tolist() == [2, 1, 1]


def test_a_recipe_says_what_it_is_of(tmp_path, shapes_recipe):
    save_recipe(shapes_recipe(), tmp_path / "align.yaml")
    assert load_any_recipe(tmp_path / "align.yaml") == shapes_recipe()
    save_recipe(Recipe(), tmp_path / "caption.yaml")
    assert load_any_recipe(tmp_path / "caption.yaml") == Recipe()
    assert load_any_recipe(tmp_path / "align.yaml", ["aligner.windows=[2, 5]"]).aligner.windows == (2, 5)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ("kind=caption", "kind: unknown value 'caption'"),
        ("aligner.windows=[few]", "aligner.windows: expected int, got 'few'"),
        ("aligner.similarty=global", "Did you mean 'similarity'"),
        ("ranking.loss=margin", "ranking.loss: unknown value 'margin'"),
        ("ranking.margin=0", "ranking.margin: expected a positive number"),
        ("batch_size=1", "batch_size: an aligner compares photos"),
        ("schedule.decay=cosine", "cosine ends with the last step"),
        ("data.crop=true", "cached features, which cannot be cropped"),
        ("encoder.cache=", "encoder.cache: an aligner learns from cached features"),
        ("validation.photos=0", "validation.photos: expected at least 1, or -1"),
    ],
)
def test_mistakes_name_the_field(tmp_path, settings, message):
    (tmp_path / "align.yaml").write_text("kind: align")
    with pytest.raises(RecipeError) as raised:
        load_any_recipe(tmp_path / "align.yaml", [settings])
    assert message in str(raised.value)


def test_phrases_of_regions_are_refused(shapes, tmp_path, shapes_recipe):
    data = tmp_path / "phrases.jsonl"
    data.write_text(snippet_line(shapes / "red-cross.png", (0, 0, 9, 9), "a cross", split="train"))
    with pytest.raises(DataError, match="an aligner learns from captions of whole photos"):
        AlignmentTrainer(shapes_recipe(), read(data), tmp_path / "run")
