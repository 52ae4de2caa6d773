from __future__ import annotations

from typing import Any

import pytest
import torch
from training_runs import (
    StoppedError,
    assert_same_run,
    assert_two_train_as_one,
    configured,
    logged,
    loop_of,
    merged,
    stop_at,
)

from seetell.errors import RecipeError
from seetell.tasks.text_recognition.data import read_words_of
from seetell.tasks.text_recognition.models.crnn import Crnn, CrnnConfig
from seetell.tasks.text_recognition.train import Training, decoded, encoded

SMALL = {"hidden_size": 16, "attention_size": 8, "embedding_size": 8}
ARCHITECTURES = {
    "crnn": {},
    "attention_decoder": {"text_recognition": {"architecture": "attention_decoder", "attention_decoder": SMALL}},
}


@pytest.mark.slow
@pytest.mark.parametrize("architecture", ["crnn", "attention_decoder"])
def test_a_stopped_run_resumes_exactly(tmp_path, text_recipe, architecture):
    config = configured(text_recipe, **ARCHITECTURES[architecture])
    words = read_words_of(config)
    loop_of(config, words, tmp_path / "whole").run()
    with pytest.raises(StoppedError):
        loop_of(config, words, tmp_path / "stopped", on_step=stop_at(5)).run()
    resumed = loop_of(config, words, tmp_path / "stopped")
    assert resumed.step == 3
    resumed.run()
    assert_same_run(tmp_path / "stopped", tmp_path / "whole")


@pytest.mark.nightly  # two processes start
def test_two_processes_train_as_one(tmp_path, text_recipe):
    config = configured(text_recipe, log_every=1, steps=4)  # longer, rounding grows
    assert_two_train_as_one(config, read_words_of(config), tmp_path)


@pytest.mark.nightly  # some seconds
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_overfits_a_few_pictures(tmp_path, text_recipe, word_set, architecture):
    content = merged(merged(text_recipe, ARCHITECTURES[architecture]), {"text_recognition": {"fit": "squash"}})
    data = {"path": str(word_set)}
    config = configured(content, data=data, steps=200, batch_size=12, validation={"every": 50, "photos": -1})
    loop_of(config, read_words_of(config), tmp_path / "run").run()
    assert logged(tmp_path / "run", "word_accuracy")[-1][1] == 1.0


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_every_parameter_is_trained(text_recipe, architecture):
    config = configured(text_recipe, **ARCHITECTURES[architecture])
    training = Training(config, read_words_of(config))
    training.begin(training.phases()[0])
    (term,) = training.loss(0, training.batch(0))
    term.mean.backward()
    assert term.items == 8
    for module in training.modules.values():
        assert all(parameter.grad is not None and parameter.grad.any() for parameter in module.parameters())


@pytest.mark.slow
def test_a_run_begins_with_the_weights_of_another(tmp_path, text_recipe):
    config = configured(text_recipe, steps=1)
    first = loop_of(config, read_words_of(config), tmp_path / "first")
    first.run()
    config = configured(text_recipe, init_from=str(tmp_path / "first"), seed=9)
    second = Training(config, read_words_of(config))
    for name, module in second.modules.items():
        for ours, theirs in zip(module.parameters(), first.training.modules[name].parameters(), strict=True):
            assert torch.equal(ours, theirs)


def test_the_published_configuration_has_as_many_parameters_as_the_paper_says():
    from seetell.nn.backbones import create_encoder

    encoder = create_encoder("crnn", weights="none")
    model = Crnn(CrnnConfig(), feature_size=encoder.channels, characters=36)
    parameters = sum(each.numel() for module in (encoder, model) for each in module.parameters())
    assert round(parameters / 1e6, 1) == 8.3
    assert encoder.grid_size == (1, 24)


def test_words_that_do_not_fit_into_the_columns_teach_nothing():
    model = Crnn(CrnnConfig(hidden_size=4), feature_size=3, characters=2)
    targets, lengths = encoded(["ab", "aaaa"], {"a": 1, "b": 2})
    losses = model.losses(torch.randn(2, 5, 3), targets, lengths)
    assert losses[0] > 0
    assert losses[1] == 0


def test_texts_become_classes_and_texts_again():
    targets, lengths = encoded(["ab", "b"], {"a": 1, "b": 2})
    assert targets.tolist() == [[1, 2], [2, 0]]
    assert [decoded(row[:length], "ab") for row, length in zip(targets.tolist(), lengths.tolist(), strict=True)] == [
        "ab",
        "b",
    ]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"text_recognition": {"characters": "a"}}, "two or more different ones"),
        ({"text_recognition": {"characters": "aab"}}, "two or more different ones"),
        ({"text_recognition": {"crnn": {"layers": 0}}}, "text_recognition.crnn.layers"),
        ({"text_recognition": {"synthetic": {"difficulty": -1}}}, "text_recognition.synthetic.difficulty"),
    ],
)
def test_wrong_fields_are_named(text_recipe: dict[str, Any], changes, message):
    with pytest.raises(RecipeError, match=message):
        configured(text_recipe, **changes)


def test_rendered_words_have_no_end(text_recipe):
    config = configured(text_recipe, validation={"photos": -1})
    with pytest.raises(RecipeError, match=r"validation\.photos: there is no end"):
        Training(config, read_words_of(config))
