from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from seetell.export.card import record_scores, render_card, write_description


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


def test_recorded_scores(description, tmp_path: Path):
    write_description(tmp_path, description)
    record_scores(tmp_path, "val", {"CIDEr": 0.634837, "photos": 1000, "command": "seetell train shapes"})
    record_scores(tmp_path, "test", {"CIDEr": 0.5, "METEOR": 0.25, "photos": 12, "command": "seetell evaluate shapes"})
    text = (tmp_path / "README.md").read_text()
    assert "| split | CIDEr | photos | METEOR |\n|---|---|---|---|\n| val | 0.6348 | 1,000 |  |\n" in text
    assert "| test | 0.5 | 12 | 0.25 |\n" in text
    assert "Measured by:\n\n    seetell train shapes\n    seetell evaluate shapes\n" in text
    record_scores(tmp_path, "val", {"CIDEr": 0.7, "command": "seetell evaluate shapes --split val"})
    scores = json.loads((tmp_path / "model.json").read_text())["scores"]
    assert scores["val"] == {"CIDEr": 0.7, "command": "seetell evaluate shapes --split val"}
    assert "0.6348" not in (tmp_path / "README.md").read_text()
