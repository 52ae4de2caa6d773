from __future__ import annotations

from typing import Any

import pytest
from matplotlib.figure import Figure

from seetell.nn.backbones.picture import draw_encoders

ROWS = [
    {"name": f"cifar_net{number}", "paper": f"One et al. {2012 + number}", "image_size": 32, "gflops": 0.1}
    | {"parameters": 1_000_000 * (1 + number % 2), "milliseconds": 4.0 + number}
    for number in range(6)
] + [
    {"name": "torchvision/big", "paper": "Two 2015, A", "image_size": 224, "gflops": 3.0}
    | {"parameters": 60_000_000, "milliseconds": 90.0}
]


@pytest.fixture
def drawn(monkeypatch) -> list[Figure]:
    figures: list[Figure] = []
    save = Figure.savefig

    def remember(figure: Figure, *given: Any, **options: Any) -> None:
        figures.append(figure)
        save(figure, *given, **options)

    monkeypatch.setattr(Figure, "savefig", remember)
    return figures


@pytest.mark.slow
def test_every_encoder_has_a_dot_and_a_name_of_its_own_place(drawn, tmp_path):
    draw_encoders(ROWS, tmp_path / "picture.png")
    small, large, bar = drawn[0].axes
    assert [text.get_text() for text in small.texts] == [f"net{number}" for number in range(6)]
    assert [text.get_text() for text in large.texts] == ["big"]
    boxes = [text.get_window_extent() for text in small.texts]
    assert not any(one.overlaps(other) for one in boxes for other in boxes if one is not other)
    assert "milliseconds" in small.get_xlabel()
    assert bar.get_ylabel() == "year of the paper"


@pytest.mark.slow
def test_without_times_operations_are_drawn(drawn, tmp_path):
    draw_encoders([{k: v for k, v in row.items() if k != "milliseconds"} for row in ROWS], tmp_path / "picture.svg")
    assert drawn[0].axes[0].get_xlabel() == "GFLOPs for an image"
    assert (tmp_path / "picture.svg").read_text().startswith("<?xml")
