from __future__ import annotations

from pathlib import Path

import pytest

from seetell.cli.main import main
from seetell.export import exporter


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main(["export", *map(str, arguments)])
    written = capsys.readouterr()
    return int(ended.value.code or 0), written.out, written.err


def test_what_is_wrong_is_said_before_anything_is_loaded(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    status, _, err = run(capsys, tmp_path / "run", tmp_path / "bundle", "--precision", "int4")
    assert (status, "unknown precision 'int4'" in err) == (2, True)
    (tmp_path / "mine").mkdir()
    status, _, err = run(capsys, tmp_path / "run", tmp_path / "mine")
    assert status
    assert "exists; name another folder, or replace it with --force" in err
    status, _, err = run(capsys, tmp_path / "run", tmp_path / "bundle", "--encoder-of", "everyday-transfomer")
    assert (status, "Did you mean 'everyday-transformer'" in err) == (2, True)
    status, _, err = run(capsys, tmp_path / "run", tmp_path / "bundle")
    assert status
    assert f"{tmp_path / 'run'}: there is no such folder; expected the folder of a run" in err
    status, _, err = run(capsys, tmp_path / "mine", tmp_path / "bundle")
    assert status
    assert f"{tmp_path / 'mine'}: has no best.safetensors; expected the folder of a run" in err


@pytest.mark.parametrize("bundle", ["run", "../work/run", "link", "run/bundle", "."])
def test_the_run_is_not_replaced_by_its_bundle(
    bundle: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    weights = tmp_path / "work" / "run" / "best.safetensors"
    weights.parent.mkdir(parents=True)
    weights.write_bytes(b"weights")
    monkeypatch.chdir(tmp_path / "work")
    Path("link").symlink_to("run")
    for options in ([], ["--force"]):
        status, _, err = run(capsys, "run", bundle, *options)
        assert status
        assert f"{Path(bundle)}: is the folder of run, within it or around it" in err
        assert "such as run-bundle" in err
    assert weights.read_bytes() == b"weights"


def test_the_hint_names_the_photos_of_the_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    def written(run: Path, target: Path, **options: object) -> dict[str, object]:
        target.mkdir()
        return {"task": "captioning", "parity": {}}

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(exporter, "export_run", written)
    for folder in ("my_photos", "runs/my-captioner"):
        Path(folder).mkdir(parents=True)
    Path("runs/my-captioner/recipe.yaml").write_text("data: {path: my_photos}\n")
    _, out, _ = run(capsys, "runs/my-captioner", "my-captioner")
    assert out.endswith("Try it: seetell caption my_photos --model my-captioner\n")
    Path("runs/my-captioner/recipe.yaml").write_text("data: {path: ''}\n")  # made-up data
    _, out, _ = run(capsys, "runs/my-captioner", "another")
    assert out.endswith("Try it: seetell caption photo.jpg --model another\n")


@pytest.mark.parametrize(
    ("task", "hint"),
    [("grounding", ' Try it: seetell align photo.jpg "a dog runs through the grass" --model'), ("retrieval", "MB.\n")],
)
def test_parity_size_and_a_hint(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch, task: str, hint: str):
    def written(run: Path, target: Path, **options: object) -> dict[str, object]:
        assert options["decoding"] == {"beam_size": 3}
        assert (options["precisions"], options["replace"]) == (exporter.PRECISIONS, False)
        target.mkdir()
        (target / "model.json").write_bytes(bytes(200_000))
        return {"task": task, "parity": {"encoder_fp32_max_difference": 1e-6}}

    monkeypatch.setattr(exporter, "export_run", written)
    status, out, err = run(capsys, tmp_path / "run", tmp_path / "bundle", "--set", "beam_size=3")
    assert status == 0
    assert f"{tmp_path / 'bundle'}: 0.2 MB." in out
    assert hint in out
    assert "encoder_fp32_max_difference: 1e-06" in err
