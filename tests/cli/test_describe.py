"""Videos given to ``seetell caption`` and ``seetell describe``."""

from __future__ import annotations

import base64
import csv
import io
import json
import shutil
from pathlib import Path

import pytest
from PIL import Image
from small_films import write_greys

from seetell.cli.main import _meant, main
from seetell.cli.served_models import load_predictors
from seetell.errors import UsageError
from seetell.tasks.registry import tasks

pytest.importorskip("av")


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two shots of one and a half seconds each."""
    return write_greys(tmp_path_factory.mktemp("films") / "film.mp4", [20] * 15 + [220] * 15)


def run(*arguments: object) -> int:
    with pytest.raises(SystemExit) as caught:
        main([*map(str, arguments)])
    return int(caught.value.code or 0)


def test_a_film_given_to_caption_is_told_shot_by_shot(
    film: Path, tiny_bundle: Path, capsys: pytest.CaptureFixture[str]
):
    assert run("caption", "--model", tiny_bundle, film, "--any-picture", "--beam", 1) == 0
    lines = [line.split("\t") for line in capsys.readouterr().out.splitlines()]
    assert [line[:2] for line in lines] == [[str(film), "0:00–0:01"], [str(film), "0:01–0:03"]]
    assert all(line[2] for line in lines)


@pytest.mark.slow
def test_rows_for_programs_and_subtitles_for_players(film: Path, tiny_bundle: Path, capsys: pytest.CaptureFixture[str]):
    asked = ("describe", film, "--model", tiny_bundle, "--frames", 1, "--beam", 1, "--format")
    assert run(*asked, "jsonl") == 0
    row = json.loads(capsys.readouterr().out)
    assert (row["video"], row["model"], row["frame_count"]) == (str(film), "tiny", 30)
    first, second = row["shots"]
    assert (first["from"], first["to"], second["from"], second["to"]) == (0.0, 1.5, 1.5, 3.0)
    assert run(*asked, "csv") == 0
    table = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [(line["from"], line["caption"]) for line in table] == [
        ("0.0", first["caption"]),
        ("1.5", second["caption"]),
    ]
    assert run(*asked, "vtt") == 0
    assert capsys.readouterr().out == (
        f"WEBVTT\n\n00:00:00.000 --> 00:00:01.499\n{first['caption']}\n\n"
        f"00:00:01.500 --> 00:00:02.999\n{second['caption']}\n"
    )
    assert run(*asked, "srt") == 0
    assert capsys.readouterr().out.startswith("1\n00:00:00,000 --> 00:00:01,499\n")


@pytest.mark.slow
def test_what_is_withheld_or_cut_off_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    for number in range(12):
        Image.new("RGB", (64, 48), (128, 128, 128)).save(tmp_path / f"{number}.png")
    (tmp_path / "3.png").write_bytes(b"no picture")
    assert run("describe", tmp_path, "--fps", 10, "--threads", 1, "--output", tmp_path / "a.html") == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert f"{tmp_path}: 0:00–0:01: withheld: no photo: a blank picture" in captured.err
    assert f"{tmp_path}: 1 of 12 pictures cannot be used" in captured.err
    page = (tmp_path / "a.html").read_text(encoding="utf-8")
    assert "<video" not in page  # pictures are not played
    assert "no photo: a blank picture" in page
    assert "0 of 1 shots described" in page


def test_photos_beside_a_film_are_captioned_and_the_film_is_named(
    film: Path, tmp_path: Path, tiny_bundle: Path, capsys: pytest.CaptureFixture[str]
):
    paths = [tmp_path / name for name in ("IMG_1.jpg", "VID_2.mp4", "IMG_3.jpg")]
    shutil.copy(film, paths[1])
    for path in (paths[0], paths[2]):
        Image.new("RGB", (32, 24), (200, 40, 40)).save(path)
    assert run("caption", *paths, "--model", tiny_bundle, "--each-alone", "--sidecar") == 1
    captured = capsys.readouterr()
    assert [line.partition("\t")[0] for line in captured.out.splitlines()] == [str(paths[0]), str(paths[2])]
    assert f"{paths[1]}: video is not supported; seetell describe says what it shows" in captured.err
    assert sorted(path.name for path in tmp_path.glob("*.xmp")) == ["IMG_1.xmp", "IMG_3.xmp"]


def test_a_photo_is_captioned_as_ever(tmp_path: Path, tiny_bundle: Path, capsys: pytest.CaptureFixture[str]):
    Image.new("RGB", (32, 24), (200, 40, 40)).save(tmp_path / "a.gif")
    assert run("caption", tmp_path / "a.gif", "--model", tiny_bundle, "--format", "jsonl") == 0
    assert json.loads(capsys.readouterr().out)["image"] == str(tmp_path / "a.gif")
    assert run("caption", tmp_path / "absent.mp4", "--model", tiny_bundle) == 1
    assert "no such file or folder" in capsys.readouterr().err
    assert run("caption", tmp_path / "absent.mp4", "--model", tiny_bundle, "--attention", tmp_path / "pages") == 2


@pytest.mark.slow
def test_files_for_players_and_a_page(film: Path, tiny_bundle: Path, tmp_path: Path):
    shutil.copy(film, tmp_path / "a film.mp4")
    asked = ("describe", tmp_path / "a film.mp4", "--model", tiny_bundle, "--frames", 1, "--beam", 1, "--output")
    for name in ("a.vtt", "a.srt", "a.jsonl", "a.csv", "a.html"):
        assert run(*asked, tmp_path / name) == 0
    row = json.loads((tmp_path / "a.jsonl").read_text(encoding="utf-8"))
    said = [shot["caption"] for shot in row["shots"]]
    track = (tmp_path / "a.vtt").read_text(encoding="utf-8")
    assert track.startswith(f"WEBVTT\n\n00:00:00.000 --> 00:00:01.499\n{said[0]}\n")
    assert (tmp_path / "a.srt").read_text(encoding="utf-8").count("-->") == 2
    assert (tmp_path / "a.csv").read_text(encoding="utf-8").count("\n") == 3
    page = (tmp_path / "a.html").read_text(encoding="utf-8")
    assert 'src="a%20film.mp4"' in page
    assert base64.b64encode(track.encode()).decode() in page
    assert page.count("<img") == 2
    assert run(*asked, tmp_path / "a.mot") == 2


def test_a_server_of_videos_describes_them(tiny_bundle: Path):
    others = (task.command for task in tasks().values() if task.command)
    chosen = {**dict.fromkeys(others, "none"), "describe": str(tiny_bundle)}
    assert [*load_predictors(chosen, 1, {}, videos=True)] == ["describe"]
    with pytest.raises(UsageError, match="commands for videos are served with --videos"):
        load_predictors(chosen, 1, {}, videos=False)


@pytest.mark.parametrize("ending", [".mkv", ".avi", ".flv", ".ts", ".mpg", ".wmv", ".ogv"])
def test_every_kind_of_film_beside_a_photo_is_told(
    ending: str, tmp_path: Path, tiny_bundle: Path, capsys: pytest.CaptureFixture[str]
):
    import av

    Image.new("RGB", (32, 24), (200, 40, 40)).save(tmp_path / "a.jpg")
    with av.open(str(tmp_path / f"b{ending}"), "w") as container:
        codec = {".ogv": "libvpx", ".flv": "flv", ".wmv": "wmv2"}.get(ending, "mpeg2video")
        stream = container.add_stream(codec, rate=25, width=64, height=48, pix_fmt="yuv420p")
        picture = av.VideoFrame.from_image(Image.new("RGB", (64, 48), (200, 40, 40)))
        container.mux([*stream.encode(picture), *stream.encode()])
    assert run("caption", tmp_path / "a.jpg", tmp_path / f"b{ending}", "--model", tiny_bundle) == 1
    assert f"b{ending}: video is not supported; seetell describe says" in capsys.readouterr().err


def test_pictures_that_need_an_extra_are_photos_too(tmp_path: Path):
    assert _meant(tasks()["captioning"], [str(tmp_path / "IMG_1.HEIC"), "b.mov"]).name == "captioning"
    assert _meant(tasks()["captioning"], ["b.mov", "--format", "csv"]).name == "video_captioning"
