from __future__ import annotations

import pytest
import torch
from training_runs import configured, logged, loop_of

from seetell.data import read
from seetell.errors import RecipeError
from seetell.tasks.captioning.distillation import load_teachers
from seetell.training.adaptation_config import USE_TARGET
from seetell.training.features import CachedFeatures, unpack_features

SMALL = {"architecture": "transformer", "captioner": {"width": 16, "heads": 2, "feedforward": 16}}


@pytest.fixture
def shapes_recipe(shapes, tmp_path, small_encoder):
    def make(**changes):
        content = {
            "task": "captioning",
            "data": {"path": str(shapes), "min_count": 1, "flip": False},
            "encoder": {**small_encoder, "cache": str(tmp_path / "cache"), "adapter": 2},
            "captioning": {**SMALL, "language_metrics": False},
            "batch_size": 4,
            "steps": 2,
            "log_every": 1,
            "threads": 1,
        }
        return configured(content, **changes)

    return make


def run(shapes, shapes_recipe, folder, method, **changes):
    target = str(shapes) if method in USE_TARGET else ""
    adaptation = {"method": method, "target": target, "groups": 2, "style_stage": 2, "style_probability": 1.0}
    loop = loop_of(shapes_recipe(adaptation=adaptation, **changes), read(shapes), folder)
    loop.run()
    return loop.training


@pytest.mark.slow
def test_methods_change_what_captioners_learn(shapes, tmp_path, shapes_recipe):
    losses = {}
    for method in ("none", "mmd", "instance_weighting", "group_dro", "mixstyle"):
        training = run(shapes, shapes_recipe, tmp_path / method, method)
        assert training.encoder.adapter.up.weight.abs().max() > 0
        named = "word_loss" if method in ("mmd", "instance_weighting", "group_dro") else "loss"
        losses[method] = [loss for _, loss in logged(tmp_path / method, named)]
    assert losses["mmd"][0] == pytest.approx(losses["none"][0], abs=1e-5)  # the target's term stands beside
    assert len({values[-1] for values in losses.values()}) == 5


@pytest.mark.slow
def test_adapters_keep_captioner_and_vocabulary(shapes, tmp_path, shapes_recipe):
    before = run(shapes, shapes_recipe, tmp_path / "source", "none")
    few = {"init_from": str(tmp_path / "source"), "data": {"min_count": 100}}  # its captions alone have no words
    after = run(shapes, shapes_recipe, tmp_path / "refined", "adapters", **few)
    assert after.vocabulary.words == before.vocabulary.words
    kept, found = before.captioner.state_dict(), after.captioner.state_dict()
    assert all(torch.equal(found[key], value) for key, value in kept.items())
    assert not torch.equal(after.encoder.adapter.up.weight, before.encoder.adapter.up.weight)


@pytest.mark.slow
def test_a_teacher_sees_through_its_adapter(shapes, tmp_path, shapes_recipe):
    taught = run(shapes, shapes_recipe, tmp_path / "teacher", "none")
    config = shapes_recipe(captioning={"distillation": {"teachers": [str(tmp_path / "teacher")]}})
    photos = taught.prepared.train.photos
    device = torch.device("cpu")
    teachers = load_teachers(config, photos, taught.vocabulary, device=device, progress=lambda done, total: None)
    (teacher,) = teachers._teachers
    seen, adapted = (next(iter(source.batches(50))) for source in (teacher.source, taught._feature_source(photos)))
    torch.testing.assert_close(seen.pooled, adapted.pooled)
    assert not torch.equal(seen.pooled, next(iter(_unadapted(taught).batches(50))).pooled)


def _unadapted(training):
    return CachedFeatures(training.prepared.cache, training.prepared.train.photos, unpack_features)


def test_rewards_do_not_adapt(shapes_recipe):
    with pytest.raises(RecipeError, match=r"captioning.self_critical.after: with an adaptation.method"):
        shapes_recipe(adaptation={"method": "group_dro"}, captioning={"self_critical": {"after": 1}})
