from __future__ import annotations

import dataclasses
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from captioned_shapes import write_shapes
from PIL import Image
from training_runs import configured, loop_of, sections

from seetell.data import read
from seetell.errors import CheckpointError, RecipeError
from seetell.nn.backbones import Features
from seetell.tasks.captioning.config import DistillationConfig
from seetell.tasks.captioning.distillation import Teacher, Teachers
from seetell.tasks.captioning.models import CONFIGS, SoftTargets, caption_tensors, create_captioner
from seetell.tasks.captioning.models.captioner import token_cross_entropy
from seetell.training.batches import BatchIndices
from seetell.training.config import load_config, save_config

pytestmark = pytest.mark.slow

V, D = 7, 3
INPUTS, TARGETS = caption_tensors([[[3, 4], [5]], [[6, 3, 5], [4]]], max_words=8)


def captioner(seed: int, architecture: str = "neuraltalk2", **settings):
    torch.manual_seed(seed)
    sizes = {"neuraltalk2": {"embedding_size": 8, "hidden_size": 8}, "transformer": {"width": 8, "heads": 2}}
    config = CONFIGS[architecture](**{**sizes[architecture], **settings})
    made = create_captioner(architecture, config, feature_size=D, vocabulary_size=V, locations=4)
    made.requires_grad_(False)
    for name in made.vocab_parameters:
        made.get_parameter(name).mul_(10)  # so that it says something
    return made.eval()


class Photos:
    """Stands for an encoder's features of two photos; the mirrored ones are others."""

    def __init__(self, seed: int) -> None:
        random = torch.Generator().manual_seed(seed)
        self.seen = torch.randn(2, 2, 5, D, generator=random)  # photos, views, pooled and grid, D

    def prepare(self, drawn: BatchIndices) -> torch.Tensor:
        return self.seen[drawn.photos, drawn.mirrored.astype(int)]

    def features(self, prepared: torch.Tensor) -> Features:
        return Features(prepared[:, 0], prepared[:, 1:])


DRAWN = BatchIndices(np.array([1, 0]), np.zeros((2, 2), int), np.array([True, False]), np.zeros((2, 2)), np.arange(2))


def teachers(*captioners, **settings) -> Teachers:
    made = [Teacher(one, torch.nn.Identity(), Photos(seed)) for seed, one in enumerate(captioners)]  # type: ignore[arg-type]
    return Teachers(DistillationConfig(**settings), made)


@pytest.mark.parametrize("temperature", [1.0, 2.5])
def test_the_ensemble_predicts_the_mean_of_its_teachers(temperature: float):
    both = captioner(0), captioner(1, "transformer")
    ensemble = teachers(*both, weight=0.25, temperature=temperature)
    soft_targets = ensemble.soft_targets(ensemble.prepare(DRAWN), INPUTS, TARGETS)
    assert (soft_targets.weight, soft_targets.temperature) == (0.25, temperature)
    expected = np.zeros(soft_targets.probabilities.shape)
    for seed, one in enumerate(both):
        seen = Photos(seed).seen
        features = Features(torch.stack([seen[1, 1, 0], seen[0, 0, 0]]), torch.stack([seen[1, 1, 1:], seen[0, 0, 1:]]))
        powers = np.exp(one(features, INPUTS, TARGETS).numpy().astype(float) / temperature)
        expected += powers / powers.sum(axis=1, keepdims=True) / 2
    np.testing.assert_allclose(soft_targets.probabilities, expected, rtol=1e-5)


def test_the_loss_by_hand():
    logits, said = torch.tensor([[2.0, 0.0, -1.0], [0.5, 0.5, 3.0]], requires_grad=True), torch.tensor([0, 1])
    taught = torch.tensor([[0.5, 0.25, 0.25], [0.0, 0.0, 1.0]])  # words that are impossible, too
    teachers, people = 0.0, 0.0
    for row, word, probabilities in zip(logits.tolist(), said.tolist(), taught.tolist(), strict=True):
        people -= math.log(math.exp(row[word]) / sum(math.exp(value) for value in row)) / 2
        softened = [math.exp(value / 2) for value in row]
        for value, probability in zip(softened, probabilities, strict=True):
            teachers -= probability * math.log(value / sum(softened)) / 2
    loss = token_cross_entropy(
        logits, said, label_smoothing=0.0, soft_targets=SoftTargets(taught, weight=0.3, temperature=2.0)
    )
    assert loss.item() == pytest.approx(0.7 * people + 0.3 * 4 * teachers, rel=1e-5)
    assert token_cross_entropy(logits, said, label_smoothing=0.0).item() == pytest.approx(people, rel=1e-5)
    (gradient,) = torch.autograd.grad(
        token_cross_entropy(logits, said, label_smoothing=0.0, soft_targets=SoftTargets(taught, 1.0, 2.0)), logits
    )
    torch.testing.assert_close(gradient, 2 * (torch.softmax(logits / 2, dim=1) - taught) / 2)  # T·(q − p) a word


def test_reference_captions_are_smoothed_and_teachers_are_not():
    logits, said = torch.randn(5, V, generator=torch.Generator().manual_seed(0)), torch.tensor([0, 1, 2, 3, 4])
    soft_targets = SoftTargets(torch.softmax(logits.flip(0), dim=1), weight=1.0, temperature=1.0)
    losses = [
        token_cross_entropy(logits, said, label_smoothing=share, soft_targets=soft_targets) for share in (0.0, 0.3)
    ]
    assert losses[0] == losses[1] > 0


def test_a_student_comes_to_predict_what_its_teacher_does():
    teacher, learner = captioner(0), captioner(1, hidden_size=16, dropout=0.0)
    taught = teachers(teacher, weight=1.0)
    prepared = taught.prepare(DRAWN)
    soft_targets = taught.soft_targets(prepared, INPUTS, TARGETS)
    features = Photos(0).features(prepared[0])
    learner.requires_grad_(True).train()
    optimiser = torch.optim.Adam(learner.parameters(), 0.02)
    losses = []
    for _ in range(100):
        optimiser.zero_grad()
        loss = learner.loss(features, INPUTS, TARGETS, label_smoothing=0.0, soft_targets=soft_targets)
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    entropy = -(soft_targets.probabilities * soft_targets.probabilities.log()).sum(dim=1).mean().item()
    assert losses[0] > entropy + 0.3
    assert losses[-1] == pytest.approx(entropy, abs=5e-3)
    said = torch.softmax(learner(features, INPUTS, TARGETS), dim=1).detach()
    torch.testing.assert_close(said, soft_targets.probabilities, rtol=0, atol=0.05)


def test_teachers_have_neither_dropout_nor_gradients():
    teacher = captioner(0, dropout=0.5)
    teacher.requires_grad_(True)
    taught = teachers(teacher)
    prepared = taught.prepare(DRAWN)
    first, second = (taught.soft_targets(prepared, INPUTS, TARGETS).probabilities for _ in range(2))
    assert torch.equal(first, second)
    assert not first.requires_grad


def test_the_hash_tells_teachers_and_their_order():
    one, two = captioner(0), captioner(1)
    hashes = [teachers(*some).hash for some in ((one,), (two,), (one, two), (two, one))]
    assert len(set(hashes)) == 4
    assert teachers(one, two).hash == hashes[2]


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"weight": 0}, "distillation.weight: expected above 0, at most 1, got 0"),
        ({"weight": 1.5}, "distillation.weight"),
        ({"temperature": 0}, "distillation.temperature: expected a positive number"),
        ({"teachers": "runs/a"}, r"distillation.teachers: expected a list such as \[a, b\], got 'runs/a'"),
        ({"teachers": [3]}, "distillation.teachers: expected str, got 3"),
        ({"techers": []}, "Did you mean 'teachers'"),
    ],
)
def test_settings_that_cannot_work_are_errors(settings: dict, complaint: str):
    with pytest.raises(RecipeError, match=complaint):
        configured({"task": "captioning", "captioning": {"distillation": settings}})


def test_recipes_name_teachers_as_lists(tmp_path: Path):
    (tmp_path / "recipe.yaml").write_text("task: captioning\ncaptioning:\n  distillation:\n    teachers: [a]\n")
    settings = ["captioning.distillation.teachers=[runs/a, runs/b]"]
    config = load_config(tmp_path / "recipe.yaml", sections, settings)
    assert config.section.distillation.teachers == ("runs/a", "runs/b")
    save_config(config, tmp_path / "again.yaml")
    assert load_config(tmp_path / "again.yaml", sections) == config
    section = config.section
    with pytest.raises(RecipeError, match="nothing is learnt from them"):
        dataclasses.replace(section, self_critical=dataclasses.replace(section.self_critical, after=0))


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory):
    """Shapes that differ from their mirror images, recipes for them, and a run to learn from."""
    folder = tmp_path_factory.mktemp("world")
    shapes = write_shapes(folder / "shapes")
    for path in shapes.glob("*.png"):
        with Image.open(path) as image:
            image.paste((0, 0, 0), (0, 0, 32, 64))
            image.save(path)

    def recipe(*, cache: str = str(folder / "cache"), section=None, **changes):
        captioner = {"embedding_size": 16, "hidden_size": 16, "dropout": 0.0}
        return configured(
            {
                "task": "captioning",
                "data": {"path": str(shapes), "min_count": 1, "captions_per_photo": 2},
                "encoder": {"image_size": 32, "cache": cache},
                "captioning": {"captioner": captioner, "language_metrics": False, **(section or {})},
                "optimiser": {"betas": [0.9, 0.999], "learning_rate": 0.02, "clip": 5.0},
                "validation": {"every": 100},
                "batch_size": 4,
                "steps": 12,
                "log_every": 1,
                "threads": 1,
            },
            **changes,
        )

    loop_of(recipe(), read(shapes), folder / "teacher").run()
    return folder, recipe, read(shapes)


SLOWLY = {"learning_rate": 1e-9}
SOURCES = {
    "cached": {},
    "fine-tuned": {"section": {"finetune": {"after": 0, "optimiser": SLOWLY}}},
    "fine-tuned behind frozen stages": {"section": {"finetune": {"after": 0, "frozen_stages": 5, "optimiser": SLOWLY}}},
    "pixels": {"cache": ""},
}


@pytest.mark.parametrize("source", SOURCES)
def test_teachers_see_what_the_student_sees(world, tmp_path, source, monkeypatch):
    """One with the weights of its only teacher predicts the same: of the same photo, mirrored alike."""
    folder, recipe, dataset = world
    teacher = str(folder / "teacher")
    distillation = {"teachers": [teacher], "weight": 1.0}
    changes = dict(SOURCES[source])
    section = {**changes.pop("section", {}), "distillation": distillation}
    chosen = recipe(init_from=teacher, section=section, optimiser=SLOWLY, steps=2, **changes)
    loop = loop_of(chosen, dataset, tmp_path / "run")
    captioner = loop.training.captioner
    taught, differences = captioner.loss, []

    def loss(features, inputs, targets, *, soft_targets, **others):
        said = torch.softmax(captioner(features, inputs, targets), dim=1)
        differences.append((said - soft_targets.probabilities).abs().max().item())
        return taught(features, inputs, targets, soft_targets=soft_targets, **others)

    monkeypatch.setattr(captioner, "loss", loss)
    loop.run()
    assert len(differences) == 2
    assert max(differences) < 1e-3


def test_a_teacher_of_other_words_is_refused(world, tmp_path):
    folder, recipe, dataset = world
    rare = {"path": str(folder / "shapes"), "min_count": 10}
    chosen = recipe(data=rare, section={"distillation": {"teachers": [str(folder / "teacher")]}})
    with pytest.raises(RecipeError, match=r"another vocabulary than this run \(\d+ words there, \d+ here\).*min_count"):
        loop_of(chosen, dataset, tmp_path / "run")
    with pytest.raises(CheckpointError, match="absent is neither a run"):
        loop_of(recipe(section={"distillation": {"teachers": [str(tmp_path / "absent")]}}), dataset, tmp_path / "run")


def test_a_run_resumes_with_the_teachers_it_began_with(world, tmp_path):
    folder, recipe, dataset = world
    teacher = tmp_path / "teacher"
    teacher.symlink_to(folder / "teacher")
    chosen = recipe(section={"distillation": {"teachers": [str(teacher)]}}, steps=1)
    loop_of(chosen, dataset, tmp_path / "run").run()
    assert loop_of(chosen, dataset, tmp_path / "run").step == 1
    loop_of(recipe(steps=1, seed=5), dataset, tmp_path / "other").run()
    teacher.unlink()
    teacher.symlink_to(tmp_path / "other")
    with pytest.raises(CheckpointError, match="the teachers changed since this run began"):
        loop_of(chosen, dataset, tmp_path / "run")
