from __future__ import annotations

from pathlib import Path

import pytest
from captioned_shapes import write_shapes


@pytest.fixture(scope="session")
def shapes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data set of twelve photos, not to be written to."""
    return write_shapes(tmp_path_factory.mktemp("shapes"))


@pytest.fixture(autouse=True)
def no_curves(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw no curves at each validation: most of a small run's time would go there."""
    monkeypatch.setattr("seetell.training.loop.draw_curves", lambda *given, **options: None)


@pytest.fixture(scope="session", autouse=True)
def quick_exports(one_registry: None) -> None:
    """Many files here write graphs."""


@pytest.fixture(scope="session")
def aligner_run(shapes: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run of an aligner that overfits the shapes; not to be written to."""
    from training_runs import configured, loop_of

    from seetell.data import read

    folder = tmp_path_factory.mktemp("aligner")
    content = {
        "task": "retrieval",
        "name": "shapes",
        "data": {"path": str(shapes), "min_count": 1, "captions_per_photo": 1, "flip": False},
        "encoder": {"image_size": 64, "cache": str(folder / "cache")},
        "optimiser": {"learning_rate": 1e-2, "betas": [0.9, 0.999], "clip": 5.0, "clip_kind": "norm"},
        "validation": {"every": 80},
        "card": {"licence": "CC0", "training_data": "twelve shapes", "terms": "none"},
        "batch_size": 10,
        "steps": 80,
        "threads": 1,
        "retrieval": {
            "aligner": {
                "width": 16,
                "components": 32,
                "windows": [2],
                "word_size": 8,
                "hidden_size": 8,
                "sentence_encoder": "convolution",
                "dropout": 0.0,
                "feature_dropout": 0.0,
                "word_dropout": 0.0,
            },
        },
    }
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("seetell.training.loop.draw_curves", lambda *given, **options: None)
        loop_of(configured(content), read(shapes), folder / "run").run()
    return folder / "run"
