"""``benchmarks/reproductions.py`` and its page: the command prints it, it is whole, and other pages say the same."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest

from seetell.runtime.bundle import bundled_models
from seetell.training.recipes import shipped_recipes

REPOSITORY = Path(__file__).resolve().parents[2]
PAGE = REPOSITORY / "docs" / "reference" / "reproductions.md"
sys.path.insert(0, str(REPOSITORY / "benchmarks"))

import reproductions  # noqa: E402

MEASURED = reproductions.read_measured(reproductions.MEASURED)
PUBLISHED = reproductions.read_page(reproductions.PUBLISHED)
STATED = {
    **{name: entry for name, entry in MEASURED.items() if entry.stated},
    **{f"{of.system}, in print": row for of in PUBLISHED.systems for row in of.published if row.stated},
}


@pytest.mark.slow
def test_the_page_is_what_the_command_prints(capsys: pytest.CaptureFixture[str]):
    reproductions.main([])
    assert capsys.readouterr().out == PAGE.read_text(encoding="utf-8"), (
        "run: python benchmarks/reproductions.py > docs/reference/reproductions.md"
    )


def test_what_was_measured_is_written_as_the_command_writes_it():
    assert reproductions.MEASURED.read_text(encoding="utf-8") == reproductions.written(MEASURED)


def test_every_measurement_says_on_what():
    for name, entry in MEASURED.items():
        assert entry.data, name
        assert entry.scores, name


def test_every_system_says_what_differs():
    for group in PUBLISHED.groups:
        for system in group.systems:
            assert system.differs or group.about, system.system
            assert not (system.shown and system.ours), system.system
            assert system.differs or system.ours, f"{system.system} does not say why it has no run"


def test_every_recipe_has_a_row_or_a_reason():
    systems = list(PUBLISHED.systems)
    runs = {name for system in systems for name in system.ours}
    assert runs == set(MEASURED)
    of_systems = {recipe for system in systems for recipe in system.recipes} | {
        MEASURED[name].recipe for name in runs if MEASURED[name].recipe
    }
    assert of_systems | set(PUBLISHED.other_recipes) == set(shipped_recipes())
    assert not of_systems & set(PUBLISHED.other_recipes)


def test_commands_name_what_is_there():
    """Recipes that ship, bundles that ship or that the command exports, and the runs that they begin from."""
    recipes, bundled = shipped_recipes(), bundled_models()
    for name, entry in MEASURED.items():
        trained = re.findall(r"seetell train (\S+)", entry.command)
        exported = [f"./{folder}" for folder in re.findall(r"seetell export runs/\S+ (\S+)", entry.command)]
        assert set(trained) <= set(recipes), name
        for model in re.findall(r"seetell evaluate (\S+)", entry.command):
            assert model in bundled or model in exported, name
        for run in reproductions.runs_before(entry.command):
            assert run in recipes or run in reproductions.NOT_SHIPPED, f"{name}: {run}"


def test_runs_that_come_before():
    assert reproductions.runs_before("seetell train flickr8k-neuraltalk2 --set data.path=PATH") == [
        "flickr8k-neuraltalk2-frozen",
        "flickr8k-neuraltalk2-finetuned",
    ]
    assert reproductions.runs_before("seetell train flickr8k-align-dvsa") == [
        "flickr8k-transformer-frozen",
        "flickr8k-transformer-finetuned",
        "flickr8k-transformer-lite0-finetuned",
        "flickr8k-transformer-distilled",
    ]
    assert reproductions.runs_before("python benchmarks/object_following.py runs/films-udt") == ["films-udt"]
    assert reproductions.runs_before("seetell train camvid-unet && seetell export runs/camvid-unet camvid-unet") == []
    assert reproductions.runs_before("seetell evaluate flickr8k-dense --data PATH") == []


def numbers(line: str) -> list[str]:
    """Return the numbers of a line of a page."""
    return re.findall(r"\d+(?:,\d{3})*(?:\.\d+)?", line)


def says(found: list[str], value: float) -> bool:
    """Return whether a number is among them, as it is or as a share of one."""
    return any(
        float(number.replace(",", "")) in (value, round(value / 100, 3), round(value / 100, 4)) for number in found
    )


@pytest.mark.parametrize("name", STATED)
def test_other_pages_say_the_same(name: str):
    entry = STATED[name]
    page, beginning = entry.stated
    lines = [
        numbers(line)
        for line in (REPOSITORY / page).read_text(encoding="utf-8").splitlines()
        if line.replace("¹", "").startswith(beginning)
    ]
    assert lines, f"{page} has no line that begins with {beginning}"
    values = [number for score in entry.scores.values() for number in (score if isinstance(score, list) else [score])]
    assert any(all(says(line, value) for value in values) for line in lines), f"{page} does not say {values}: {lines}"


def test_runs_are_taken_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """Of the log the last validation, of an evaluation's file what it says; what was filled in by hand stays."""
    measured = tmp_path / "measured.yaml"
    before = reproductions.Measured(
        {"CIDEr-D": 1.0}, "some photos", "seetell train known", "1", "known", "", ["page", "row"]
    )
    measured.write_text(reproductions.written({"known": before}), encoding="utf-8")
    monkeypatch.setattr(reproductions, "MEASURED", measured)
    log = [
        {"step": 0, "loss": 1.0, "cpu_seconds": 30.0},
        {"step": 4, "Bleu_1": 0.5, "CIDEr": 0.2, "validation_loss": 2.0},
        {"step": 8, "loss": 1.0, "cpu_seconds": 90.0},
        {"step": 9, "CIDEr": 0.4444, "Bleu_4": 0.1, "Bleu_1": 0.6, "Bleu_2": 0.4, "Bleu_3": 0.2},
    ]
    for name, began_from in (("known", ""), ("evaluated", "runs/known")):
        (tmp_path / name).mkdir()
        recipe = f"name: {name}\ninit_from: '{began_from}'\n"
        (tmp_path / name / "recipe.yaml").write_text(recipe, encoding="utf-8")
        (tmp_path / name / "log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in log), encoding="utf-8")
    (tmp_path / "evaluated" / "scores.json").write_text('{"mean_iou": 0.4826, "photos": 3}', encoding="utf-8")
    reproductions.main(["--take", str(tmp_path / "known"), str(tmp_path / "evaluated")])
    assert capsys.readouterr().out == ""
    taken = reproductions.read_measured(measured)
    assert taken["known"].scores == {"BLEU-1–4": [60.0, 40.0, 20.0, 10.0], "CIDEr-D": 44.4}
    assert (taken["known"].data, taken["known"].minutes, taken["known"].stated) == (
        "some photos",
        "1.0",
        ["page", "row"],
    )
    assert taken["evaluated"].scores == {"mean IoU": 48.3}
    assert taken["evaluated"].minutes == "1.0 + 1.0"
    assert taken["evaluated"].command == "seetell train evaluated"


def test_a_log_with_one_time_is_counted_whole(tmp_path: Path):
    """Older logs have the processor time in their last line alone."""
    (tmp_path / "recipe.yaml").write_text("name: old\ninit_from: ''\n", encoding="utf-8")
    log = [{"step": 0, "loss": 1.0}, {"step": 9, "loss": 0.5, "cpu_seconds": 78.0}, {"step": 9, "top_1": 0.5}]
    (tmp_path / "log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in log), encoding="utf-8")
    name, entry = reproductions.take(tmp_path, {})
    assert (name, entry.minutes, entry.scores) == ("old", "1.3", {"top-1": 50.0})
