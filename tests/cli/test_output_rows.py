from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from seetell.cli.main import main


@pytest.fixture
def run(tiny_bundle: Path, tiny_aligner: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: Any):
    for number in range(5):
        photo = tmp_path / "photos" / f"{number}.png"
        photo.parent.mkdir(exist_ok=True)
        Image.new("RGB", (30, 20), (50 * number, 10, 0)).save(photo)
    monkeypatch.chdir(tmp_path)

    def run(*arguments: object, command: str = "caption") -> tuple[int, str, str]:
        """Return the exit status of a command and what it wrote to standard output and error."""
        model = tiny_bundle if command == "caption" else tiny_aligner
        with pytest.raises(SystemExit) as caught:
            main([command, *map(str, arguments), "--model", str(model), "--threads", "1"])
        return int(caught.value.code or 0), *capsys.readouterr()

    return run


def rows(path: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in Path(path).read_text(encoding="utf-8").splitlines()]


def test_the_rows_are_those_of_standard_output(run):
    Path("photos/3.png").write_bytes(b"no photo")
    status, out, err = run("photos", "--output", "rows.jsonl")
    assert (status, out) == (1, "")
    assert err.splitlines() == [
        err.splitlines()[0],
        "rows.jsonl: 5 photos, 1 of them failed: rows.jsonl.failures.jsonl; --retry does them again",
    ]
    assert err.startswith("photos: 5 of 5")
    printed = run("photos", "--format", "jsonl")[1]
    assert rows("rows.jsonl") == [json.loads(line) for line in printed.splitlines()]
    assert rows("rows.jsonl.failures.jsonl") == [rows("rows.jsonl")[3]]


def test_run_again_it_does_what_is_missing(run, monkeypatch: pytest.MonkeyPatch):
    run("photos", "-o", "rows.jsonl")
    whole = Path("rows.jsonl").read_bytes()
    lines = whole.splitlines(keepends=True)
    Path("rows.jsonl").write_bytes(b"".join(lines[:2]) + lines[2][:20])
    assert run("photos", "-o", "rows.jsonl")[0] == 0
    assert Path("rows.jsonl").read_bytes() == whole
    monkeypatch.setattr("seetell.tasks.loading.load_for", lambda *given, **options: pytest.fail("is not needed"))
    assert run("photos", "-o", "rows.jsonl") == (0, "", "rows.jsonl: 5 photos\n")


def test_sampled_sentences_are_those_of_a_run_without_interruption(run):
    sampled = ("--sample", "--seed", 3, "--batch-size", 2)
    run("photos", "-o", "rows.jsonl", *sampled)
    whole = Path("rows.jsonl").read_bytes()
    lines = whole.splitlines(keepends=True)
    assert len({json.loads(line)["caption"] for line in lines}) > 1
    for kept in (lines[:1], lines[:3], [*lines[:2], lines[4]]):
        Path("rows.jsonl").write_bytes(b"".join(kept))
        run("photos", "-o", "rows.jsonl", *sampled)
        assert Path("rows.jsonl").read_bytes() == whole


def test_what_failed_is_done_again_on_request(run):
    content = Path("photos/1.png").read_bytes()
    Path("photos/1.png").write_bytes(b"")
    assert run("photos", "-o", "rows.jsonl")[0] == 1
    Path("photos/1.png").write_bytes(content)
    assert run("photos", "-o", "rows.jsonl")[0] == 1
    assert run("photos", "-o", "rows.jsonl", "--retry")[0] == 0
    assert [row["image"] for row in rows("rows.jsonl")] == [f"photos/{number}.png" for number in range(5)]
    assert not Path("rows.jsonl.failures.jsonl").exists()


def test_a_folder_of_files_and_shards(run):
    for number in (1, 2):
        status, _, _ = run("photos", "--output", "out/", "--rows-per-file", 2, "--shard", f"{number}/2")
        assert status == 0
    files = sorted(path.name for path in Path("out").iterdir())
    assert {"part-1-of-2-00000.jsonl", "part-2-of-2-00000.jsonl", "_settings.json"} <= set(files)
    images = [row["image"] for name in files if name.startswith("part") for row in rows(f"out/{name}")]
    assert sorted(images) == [f"photos/{number}.png" for number in range(5)]


def test_a_shard_of_standard_output(run):
    shards = [run("photos", "--shard", f"{number}/2")[1].splitlines() for number in (1, 2)]
    assert sorted(shards[0] + shards[1]) == sorted(run("photos")[1].splitlines())


def test_a_list_on_standard_input_is_resumed(run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    import io
    import sys

    for names in ("photos/0.png\nphotos/3.png\n", "photos/0.png\nphotos/2.png\nphotos/3.png\n"):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(names.encode())))
        assert run("-", "-o", "rows.jsonl")[0] == 0
    assert [row["image"] for row in rows("rows.jsonl")] == ["photos/0.png", "photos/2.png", "photos/3.png"]
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(Path("photos/0.png").read_bytes())))
    assert "--output is for photos in files; name the file instead of -" in run("-", "-o", "rows.jsonl")[2]


def test_sidecars_are_written_for_photos_that_get_a_row(run):
    run("photos/0.png", "--sidecar")
    before = Path("photos/0.xmp").read_bytes()
    assert run("photos", "--sidecar", "-o", "rows.jsonl")[0] == 0
    assert len(list(Path("photos").glob("*.xmp"))) == 5
    assert Path("photos/0.xmp").read_bytes() == before
    assert [Path(row["sidecar"]).name for row in rows("rows.jsonl")] == [f"{number}.xmp" for number in range(5)]


def test_rows_with_and_without_the_words_in_photos_do_not_mix(run, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("seetell.tasks.reading.WordReader.read", lambda self, image: [])
    assert run("photos/0.png", "-o", "with.jsonl", "--read")[0] == 0
    assert run("photos/0.png", "-o", "without.jsonl")[0] == 0
    before = {name: Path(name).read_bytes() for name in ("with.jsonl", "without.jsonl")}
    status, _, err = run("photos", "-o", "with.jsonl")
    assert (status, "its rows were made with --read, not without --read;" in err) == (2, True)
    status, _, err = run("photos", "-o", "without.jsonl", "--read")
    assert (status, "its rows were made without --read, not with --read;" in err) == (2, True)
    assert {name: Path(name).read_bytes() for name in before} == before
    assert run("photos", "-o", "with.jsonl", "--read")[0] == 0
    assert all(row["written"] == [] for row in rows("with.jsonl"))


@pytest.mark.slow
def test_photos_that_are_described_are_skipped_on_request(run):
    run("photos/0.png", "photos/3.png", "--sidecar")
    assert run("photos", "--skip-existing", "--sidecar", "-o", "rows.jsonl")[0] == 0
    assert [row["image"] for row in rows("rows.jsonl")] == ["photos/1.png", "photos/2.png", "photos/4.png"]
    status, _, err = run("photos", "--skip-existing", "--sidecar", "-o", "rows.jsonl")
    assert (status, err) == (0, "rows.jsonl: 3 photos\n"), "there is nothing left to do"
    run("photos", "--skip-existing", "--sidecar", "--overwrite", "-o", "all.jsonl")
    assert run("photos", "--skip-existing", "--sidecar")[0::2] == (
        0,
        "skipped: 5 photos are described already; --overwrite captions again\n",
    )
    run("photos", "--skip-existing", "-o", "rows.csv")
    assert len(rows("all.jsonl")) == len(Path("rows.csv").read_text().splitlines()) - 1 == 5


def test_texts_are_part_of_what_a_row_is_for(run):
    assert run("photos", "red", "-o", "rows.jsonl", command="align")[0] == 0
    assert run("photos", "red", "-o", "rows.jsonl", command="align")[2] == "rows.jsonl: 5 pairs of photo and sentence\n"
    status, _, err = run("photos", "green", "-o", "rows.jsonl", command="align")
    assert (status, err.splitlines()[-1]) == (0, "rows.jsonl: 10 pairs of photo and sentence")
    assert err.startswith("pairs of photo and sentence: 5 of 5, ")
    assert [row["sentence"] for row in rows("rows.jsonl")] == ["red"] * 5 + ["green"] * 5


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("-o", "rows.txt"), "--output rows.txt: expected a name that ends in .jsonl, .csv, .parquet, or a folder/\n"),
        (("-o", "chart.png"), "--output chart.png: expected a name that ends in"),
        (("-o", "absent/rows.jsonl"), "there is no folder absent"),
        (("-o", "absent/rows/"), "there is no folder absent"),
        (("-o", "photos"), "photos: is a folder of other files"),
        (("-o", "photos/0.png", "--rows-per-file", "2"), "expected a name that ends in"),
        (("-o", "rows.jsonl", "--report", "all.html"), "--report shows all photos of a run"),
        (("-o", "rows.jsonl", "--format", "csv"), "--format says how standard output is written"),
        (("--skip-existing",), "nothing tells which photos are done; give --output ROWS or --attention or --sidecar"),
        (("-o", "rows.png", "--skip-existing"), "--output rows.png: expected a name that ends in"),
        (("--retry",), "--retry is for rows in files; give --output"),
        (("--rows-per-file", "3"), "--rows-per-file is for rows in files; give --output"),
        (("--shard", "3/2"), "--shard: expected a part from 1/2 to 2/2, got 3/2"),
        (("-o", "rows.jsonl", "--temperature", "0.5"), "temperature"),
    ],
)
def test_wrong_use_is_named_before_any_work(run, arguments: tuple[str, ...], message: str):
    before = sorted(Path().rglob("*"))
    status, out, err = run("photos", *arguments)
    assert (status, out) == (2, "")
    assert message in err
    assert sorted(Path().rglob("*")) == before


@pytest.mark.skipif(os.name != "posix", reason="pipes have names on POSIX")
def test_a_pipe_is_no_file_of_rows(run):
    os.mkfifo("rows.jsonl")
    assert run("photos", "-o", "rows.jsonl")[0::2] == (
        2,
        "seetell: --output rows.jsonl: is no file; rows go to files, in which later runs go on\n",
    )


def test_a_folder_in_which_nothing_can_be_written_is_wrong_use(run, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("os.access", lambda path, mode: not mode & os.W_OK)
    assert run("photos", "-o", "rows/")[0::2] == (
        2,
        "seetell: --output rows/: nothing can be written there; name another place\n",
    )


def test_outputs_with_one_stem_have_lists_of_failures_of_their_own(run):
    Path("photos/3.png").write_bytes(b"no photo")
    for name in ("rows.csv", "rows.jsonl"):
        run("photos", "-o", name)
    Image.new("RGB", (30, 20)).save("photos/3.png")
    assert run("photos", "-o", "rows.jsonl", "--retry")[0] == 0
    assert [row["image"] for row in rows("rows.csv.failures.jsonl")] == ["photos/3.png"]
    assert not Path("rows.jsonl.failures.jsonl").exists()


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="the limit is one of POSIX")
def test_a_file_that_may_grow_no_more_is_named(tiny_bundle: Path, tmp_path: Path):
    Image.new("RGB", (30, 20)).save(tmp_path / "a.png")
    command = f"ulimit -f 0; exec {sys.executable} -m seetell caption a.png -m {tiny_bundle} -o rows.jsonl"
    done = subprocess.run(["sh", "-c", command], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.startswith("seetell: no larger file is possible than rows.jsonl")


def test_other_options_are_refused(run):
    run("photos", "-o", "rows.jsonl", "--beam", 2)
    status, _, err = run("photos", "-o", "rows.jsonl")
    assert status == 2
    assert err.startswith("seetell: rows.jsonl: its rows were made with --beam 2, not without --beam; do the same")
