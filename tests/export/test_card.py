from __future__ import annotations

from typing import Any

import pytest

from seetell.export.card import render_card


@pytest.fixture
def description() -> dict[str, Any]:
    return {
        "name": "shapes",
        "task": "dense_captioning",
        "architecture": "densecap",
        "encoder": "efficientnet_lite2",
        "vocabulary": {"size": 2537},
        "settings": {"decoding": {"method": "beam", "beam_size": 3, "length_penalty": 1.0, "max_words": 20}},
        "parameters": {"encoder": 4_800_000, "model": 2_900_000},
        "licence": "CC0",
        "training_data": "twelve shapes",
        "terms": "none",
        "command": "seetell train shapes",
        "started_from": "",
        "distilled_from": [],
        "trained_steps": 1300,
        "scores": {},
        "parity": {"encoder_int8_cosine_distance": 0.00788},
    }


def test_the_whole_card(description):
    assert render_card(description) == (
        "# shapes\n\n"
        "A `densecap` model for dense captioning on `efficientnet_lite2`: 7.7 M parameters, 2,537 words, trained for "
        "1,300 steps.\n\n"
        "- **Licence of the weights:** CC0\n"
        "- **Training data:** twelve shapes\n"
        "- **Terms of the data:** none\n"
        "- **Trained by:** `seetell train shapes`\n"
        "- **Decoding by default:** beam, beam size 3, length penalty 1, at most 20 words\n\n"
        "Differences between the graphs and the trained model:\n\n"
        "- encoder int8 cosine distance: 0.0079\n"
    )


def test_what_a_model_was_made_from(description):
    made = {"started_from": "first", "distilled_from": ["one", "two"]}
    text = render_card({**description, **made})
    assert "1,300 steps, initialised from `first`, distilled from `one` and `two`.\n" in text


def test_a_classifier_has_classes_and_no_decoding(description):
    del description["vocabulary"]
    text = render_card({**description, "labels": {"size": 1000}, "settings": {}})
    assert "7.7 M parameters, 1,000 classes, trained" in text
    assert "Decoding" not in text
