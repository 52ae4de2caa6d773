"""A task that no part of seetell knows goes through train, export, evaluate, predict, draw and serve.

It is the plug-in in ``tests/toy``, which docs/contributing/add-a-task.md explains file by file.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from seetell_brightness import task
from starlette.testclient import TestClient
from training_runs import StoppedError, configured, loop_of, stop_at, trained_in

import seetell
from seetell import drawing
from seetell.cli.main import main
from seetell.export.exporter import export_run
from seetell.results import row
from seetell.runtime.bundle import Bundle
from seetell.tasks import registry
from seetell.training.checkpoint import read_checkpoint
from seetell.web.application import application

TASK = replace(task.TASK, package="seetell_brightness")


@pytest.fixture(scope="module", autouse=True)
def registered():
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(registry, "_registered", {})
        patched.setattr(registry, "_plugged_in", dict)  # it may be installed
        registry.register(TASK)
        yield


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("greys")
    for number, grey in enumerate((10, 30, 50, 200, 220, 240, 20, 40, 60, 210, 230, 250)):
        Image.new("RGB", (40, 40), (grey, grey, grey)).save(folder / f"{number:02}.png")
    return folder


@pytest.fixture(scope="module")
def recipe(images: Path, small_encoder: dict[str, str]) -> dict[str, Any]:
    return {
        "task": "brightness",
        "name": "brightness",
        "data": {"path": str(images)},
        "encoder": {**small_encoder, "cache": ""},
        "optimiser": {"learning_rate": 0.1, "clip": 0.0},
        "validation": {"every": 20},
        "batch_size": 8,
        "steps": 60,
        "checkpoint_every": 7,
        "threads": 1,
        "brightness": {"bias": True},
    }


@pytest.fixture(scope="module")
def run(images: Path, recipe: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "brightness"
    file = folder.parent / "brightness.yaml"
    file.write_text(json.dumps(recipe))  # which is YAML
    with pytest.raises(SystemExit) as ended:
        main(["train", str(file), "--output", str(folder)])
    assert not ended.value.code
    return folder


@pytest.fixture(scope="module")
def bundle(run: Path) -> Path:
    target = run.parent / "bundle"
    with pytest.raises(SystemExit) as ended:
        main(["export", str(run), str(target), "--precision", "fp32"])
    assert not ended.value.code
    return target


@pytest.mark.slow
def test_it_learns_and_a_stopped_run_resumes_to_the_same_weights(images, recipe, run, tmp_path):
    assert trained_in(run, "brightness").metadata["scores"]["accuracy"] == 1.0
    config = configured(recipe)
    dataset = TASK.load("train").read(config)
    with pytest.raises(StoppedError):
        loop_of(config, dataset, tmp_path / "run", on_step=stop_at(30)).run()
    loop_of(config, dataset, tmp_path / "run").run()
    there, here = (read_checkpoint(folder / "checkpoint.safetensors")[0] for folder in (run, tmp_path / "run"))
    for name, value in there["brightness"].items():
        torch.testing.assert_close(here["brightness"][name], value, rtol=0, atol=0)


def test_a_typo_in_its_section_names_the_field(recipe):
    with pytest.raises(seetell.SeetellError, match="Did you mean 'bias'"):
        configured(recipe, brightness={"bais": False})


@pytest.mark.slow
def test_the_bundle_says_what_torch_says(run, bundle, images):
    trained, judge = trained_in(run, "brightness"), seetell.load(bundle, threads=1)
    for path in sorted(images.glob("*.png")):
        with torch.no_grad():
            pooled = trained.encoder(torch.from_numpy(judge.prepare(path)[None])).pooled
            expected = torch.softmax(trained.model(pooled), dim=1)[0]
        scores = {label.text: label.score for label in judge.predict(path).labels}
        np.testing.assert_allclose([scores["dark"], scores["bright"]], expected, atol=1e-3)


@pytest.mark.slow
def test_its_card_says_what_its_settings_mean(run, tmp_path, monkeypatch):
    module = "seetell_brightness.export.about_settings"
    monkeypatch.setattr(module, lambda settings: [f"**Settings:** {len(settings)}"], raising=False)
    task = replace(TASK, card="export:about_settings")
    export_run(run, tmp_path / "bundle", find_task=lambda _: task, precisions=("fp32",))
    assert "\n- **Settings:** 0\n" in Bundle.load(tmp_path / "bundle").card()


@pytest.mark.slow
def test_its_command_is_there(bundle, images, capsys, tmp_path):
    picture, page = tmp_path / "chart.png", tmp_path / "chart.html"
    for output in (picture, page):
        with pytest.raises(SystemExit) as ended:
            main(
                ["brighten", str(images / "00.png"), "-m", str(bundle), "--top", "1", "-f", "jsonl", "-o", str(output)]
            )
        assert not ended.value.code
        assert json.loads(capsys.readouterr().out)["labels"][0]["text"] == "dark"
    with Image.open(picture) as drawn:
        assert drawn.width > 100
    assert "dark" in page.read_text(encoding="utf-8")
    rows = tmp_path / "rows.jsonl"
    for expected in (12, 12):  # the second run finds nothing to do
        with pytest.raises(SystemExit):
            main(["brighten", str(images), "--model", str(bundle), "--output", str(rows)])
        assert len(rows.read_text(encoding="utf-8").splitlines()) == expected
    with pytest.raises(SystemExit):
        main(["evaluate", str(bundle), "--data", str(images)])
    assert json.loads(capsys.readouterr().out) == {"accuracy": 1.0, "photos": 4}


@pytest.mark.slow
def test_it_is_drawn_and_served(bundle, images):
    judge = seetell.load(bundle, threads=1)
    result = judge.predict(images / "03.png")
    with Image.open(images / "03.png") as image:
        assert drawing.picture(image.convert("RGB"), result).size[0] > 0
        assert "bright" in drawing.page(image.convert("RGB"), result, name="03.png")
    with TestClient(application({"brighten": judge}), base_url="http://localhost") as client:
        content = (images / "03.png").read_bytes()
        answer = client.post("/v1/brighten?top=2", files={"image": ("03.png", content)})
        assert answer.json() == row("03.png", result)
        assert "/v1/brighten" in client.get("/openapi.json").json()["paths"]
