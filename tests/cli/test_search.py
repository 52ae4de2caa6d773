from __future__ import annotations

import json
import os
import re
import shutil
import webbrowser
from pathlib import Path

import pytest
from runtime.tiny_aligner import write_tiny_aligner
from search.conftest import TINTS, paint
from search.toy import ColourEmbedder
from small_films import tinted, write_film

from seetell import extras
from seetell.cli.main import main
from seetell.results import Region, Regions
from seetell.tasks import loading


@pytest.fixture
def album(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Photos in the folder ``album``, an index of one's own, and a model that knows colours."""
    for name, tint in {"rose.png": "red", "grass.png": "green", "deep/sea.png": "blue"}.items():
        paint(tmp_path / "album" / name, tint)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SEETELL_INDEX", str(tmp_path / "index"))
    monkeypatch.setattr(loading, "load_for", lambda task, model, **options: ColourEmbedder(model, model))
    return tmp_path / "album"


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    """Return the exit status of a command and what it wrote to standard output and error."""
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    return int(caught.value.code or 0), *capsys.readouterr()


def test_indexing_tells_what_was_done(album: Path, capsys: pytest.CaptureFixture[str]):
    status, out, err = run(capsys, "index", "album")
    assert (status, err) == (0, "")
    assert out == f"3 added. The index at {album.parent / 'index'} has 3 photos.\n"
    (album / "broken.jpg").write_bytes(b"broken")
    (album / "rose.png").rename(album / "rosa.png")
    (album / "grass.png").unlink()
    status, out, err = run(capsys, "index", "album", "absent")
    assert status == 1
    assert out.startswith("1 moved, 1 gone, 2 failed, 1 unchanged. The index")
    assert sorted(err.splitlines()) == [
        f"{album / 'broken.jpg'}: not a photo; expected JPEG, PNG, WebP, GIF, BMP, TIFF, PPM, JPEG 2000 or AVIF",
        "absent: there is no such folder or file; its index entries are kept",
    ]
    status, out, err = run(capsys, "index", "album")
    assert (status, err) == (0, "")
    assert out.startswith("3 unchanged (1 of them failed before). The index")
    assert run(capsys, "index", "album", "--retry")[0] == 1


def test_patterns_and_files_are_indexed(album: Path, capsys: pytest.CaptureFixture[str]):
    assert run(capsys, "index", "album/*.png")[1].startswith("2 added.")
    assert run(capsys, "index", "album/deep/sea.png")[1].startswith("1 added.")


def test_photos_are_listed_the_best_first(album: Path, capsys: pytest.CaptureFixture[str]):
    run(capsys, "index", "album")
    status, out, err = run(capsys, "search", "something red", "--top", "2")
    assert (status, err) == (0, "")
    first, second = out.splitlines()
    assert first == f"0.998\t{album / 'rose.png'}"
    assert second.startswith("0.0")


def test_programs_get_json_lines(album: Path, capsys: pytest.CaptureFixture[str]):
    shutil.copy(album / "rose.png", album / "deep" / "née\udcff.png")
    run(capsys, "index", "album")
    (album / "grass.png").unlink()
    out = run(capsys, "search", "red", "--format", "jsonl")[1]
    rows = [json.loads(line) for line in out.splitlines()]
    by_name = {os.path.basename(row["image"]): row for row in rows}
    assert [*rows[0]] == ["image", "score", "copies"]
    assert {rows[0]["image"], *rows[0]["copies"]} == {str(album / "rose.png"), str(album / "deep" / "née\udcff.png")}
    assert by_name["grass.png"]["error"] == "no such file"
    assert "(no longer there)" in run(capsys, "search", "red")[1]


def test_unknown_words_are_told_and_left_out(album: Path, capsys: pytest.CaptureFixture[str]):
    run(capsys, "index", "album")
    status, out, err = run(capsys, "search", "red xyzzy", "--top", "1")
    assert (status, err) == (0, "not known, left out: xyzzy\n")
    assert out == run(capsys, "search", "red", "--top", "1")[1]
    row = json.loads(run(capsys, "search", "red xyzzy", "--top", "1", "--format", "jsonl")[1])
    assert row["unknown_words"] == ["xyzzy"]


@pytest.mark.parametrize(
    ("query", "message"),
    [
        (["the xyzzy"], "not known: xyzzy; describe what a photo shows in other English words"),
        (["grean"], "not known: grean (did you mean 'green'?)"),
        (["it is of"], "'it is of' names nothing that a photo can show"),
        (["xyzzy", "--image", "album/rose.png"], "not known: xyzzy"),
    ],
)
def test_a_search_for_nothing_known_is_refused(
    album: Path, capsys: pytest.CaptureFixture[str], query: list[str], message: str
):
    run(capsys, "index", "album")
    status, out, err = run(capsys, "search", *query)
    assert (status, out) == (2, "")
    assert message in err


def test_a_photo_finds_those_like_it(album: Path, capsys: pytest.CaptureFixture[str]):
    run(capsys, "index", "album")
    assert "sea.png" in run(capsys, "search", "--image", "album/deep/sea.png")[1].splitlines()[0]
    status, _, err = run(capsys, "search", "--image", "absent.png")
    assert (status, err) == (1, "seetell: absent.png: no such file\n")


def test_words_in_photos_are_found(album: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    class Reader:
        name = "toy"

        def predict_many(self, photos):
            for photo in photos:
                lines = ("Invoice 0815",) if photo.endswith("grass.png") else ()
                yield Regions(tuple(Region(line, (0, 0, 8, 8), 0.9) for line in lines), (8, 8), self.name)

    embedder = loading.load_for
    monkeypatch.setattr(
        loading,
        "load_for",
        lambda task, *given, **options: Reader() if task.written else embedder(task, *given, **options),
    )
    status, told, _ = run(capsys, "index", "album", "--read")
    assert (status, told.splitlines()[0]) == (0, "words were found in 1 more photo")
    status, listed, told = run(capsys, "search", "invoice 0815")
    assert (status, told) == (0, "1 photo has the words written in it\n")
    score, photo, words = listed.splitlines()[0].split("\t")
    assert (score, Path(photo).name, words) == ("0.000", "grass.png", "Invoice 0815")
    _, rows, _ = run(capsys, "search", "invoice 0815", "--format", "jsonl")
    row = json.loads(rows.splitlines()[0])
    assert (row["written"], "unknown_words" in row) == ("Invoice 0815", False)
    status, _, err = run(capsys, "search", "invoice 0816")
    assert (status, "no photo has all these words written in it; not known: invoice, 0816" in err) == (2, True)


def test_words_are_not_known_to_those_hits_that_are_found_by_their_looks(
    album: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    written = {1: "red 0815"}
    monkeypatch.setattr("seetell.search.photo_index.find_words", lambda store, query: iter(written.items()))
    run(capsys, "index", "album")
    _, rows, told = run(capsys, "search", "red 0815", "--format", "jsonl")
    assert told == "1 photo has the words written in it; for the others, not known, left out: 0815\n"
    first, *others = (json.loads(row) for row in rows.splitlines())
    assert (first["written"], "unknown_words" in first) == ("red 0815", False)
    assert [row["unknown_words"] for row in others] == [["0815"]] * 2
    assert run(capsys, "search", "red 0815", "--top", "1")[2] == "1 photo has the words written in it\n"
    written[2] = "0815 RED"
    assert run(capsys, "search", "red 0815", "--top", "2")[2] == "2 photos have the words written in them\n"
    assert run(capsys, "search", "red")[2] == ""


def test_the_gallery_shows_what_was_found(
    album: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    run(capsys, "index", "album")
    run(capsys, "search", "green & more", "--gallery", "found.html")
    page = Path("found.html").read_text("utf-8")
    assert "green &amp; more" in page
    assert re.findall(r'href="file://[^"]+/([^/"]+)"', page)[0] == "grass.png"
    shown: list[str] = []
    monkeypatch.setattr(webbrowser, "open", lambda address: not shown.append(address))
    run(capsys, "search", "green", "--open-report", "--gallery", "found.html")
    assert shown == [Path("found.html").absolute().as_uri()]
    monkeypatch.setattr(webbrowser, "open", lambda address: False)
    err = run(capsys, "search", "green", "--open-report")[2]
    place = Path(err.removeprefix("no browser could be started; the page is ").strip())
    assert "<title>green</title>" in place.read_text("utf-8")
    place.unlink()
    assert run(capsys, "search", "green", "--gallery", "absent/found.html")[0] == 2


def test_wrong_use(album: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    status, _, err = run(capsys, "search", "red")
    assert (status, "make one: seetell index FOLDER" in err) == (1, True)
    assert run(capsys, "search")[0] == run(capsys, "search", " ")[0] == run(capsys, "index")[0] == 2
    run(capsys, "index", "album")
    status, _, err = run(capsys, "search", "red", "--model", "other")
    assert (status, "was made with align" in err) == (1, True)


def test_another_place_for_the_index(album: Path, capsys: pytest.CaptureFixture[str]):
    run(capsys, "index", "album", "--index", "mine")
    assert not Path("index").exists()
    assert run(capsys, "search", "blue", "--top", "1", "--index", "mine")[1].endswith("sea.png\n")


def test_an_aligner_indexes_and_searches(
    tiny_aligner: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.chdir(tmp_path)
    for tint in ("red", "green", "blue"):
        paint(tmp_path / "album" / f"{tint}.png", tint)
    (tmp_path / "album" / "broken.png").write_bytes(b"broken")
    options = ("--index", str(tmp_path / "index"), "--model", str(tiny_aligner), "--threads", "1")
    status, out, err = run(capsys, "index", "album", *options)
    assert (status, out.partition(".")[0]) == (1, "3 added, 1 failed")
    assert err.startswith(f"{tmp_path / 'album' / 'broken.png'}: not a photo")
    status, out, _ = run(capsys, "search", "a blue square", "--top", "1", *options)
    assert status == 0
    assert out.endswith("blue.png\n")


def test_models_that_make_no_vectors_of_whole_photos_are_refused(
    tiny_bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.chdir(tmp_path)
    paint(tmp_path / "album" / "red.png", "red")
    regions = write_tiny_aligner(tmp_path / "regions", compared=("regions",))
    for command, model, message in (
        (
            "index",
            tiny_bundle,
            "is a model for captioning (seetell caption); expected one for retrieval",
        ),
        (
            "search",
            tiny_bundle,
            "is a model for captioning (seetell caption); expected one for retrieval",
        ),
        ("index", regions, "compares words with regions only, which an index does not hold"),
    ):
        status, _, err = run(capsys, command, "album", "--index", "index", "--model", str(model), "--threads", "1")
        assert status == 2
        assert message in err


def test_without_pyav_films_are_skipped_and_what_reads_them_is_named(
    album: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setitem(extras.EXTRAS, "video", ("no_such_module",))
    (album / "film.mp4").write_bytes(b"film")
    status, _, err = run(capsys, "index", str(album))
    assert status == 0
    assert "1 video" in err
    assert "Films are indexed with PyAV: " in err
    assert "[video]" in err


@pytest.mark.slow
def test_of_a_film_the_second_is_named(album: Path, capsys: pytest.CaptureFixture[str]):
    pytest.importorskip("av")
    film = write_film(album / "deep" / "film.mp4", tinted((TINTS["green"], 20), (TINTS["yellow"], 20)))
    told = run(capsys, "index", "album/**/*")[1]
    assert told == f"4 added. The index at {album.parent / 'index'} has 3 photos and 1 film.\n"
    status, out, _ = run(capsys, "search", "red green", "--top", "1", "--gallery", "found.html")
    assert (status, re.sub(r"^\d\.\d+", "", out)) == (0, f"\t{film} 0:03\n")
    page = Path("found.html").read_text(encoding="utf-8")
    assert "film.mp4 0:03" in page
    assert f"{film.as_uri()}#t=3.00" in page
    assert "The best match among 3 photos and 1 film." in page
    assert page.count("<img") == 1
    (row,) = map(json.loads, run(capsys, "search", "red green", "--top", "1", "--format", "jsonl")[1].splitlines())
    assert (row["video"], row["seconds"], "image" in row) == (str(film), 3.0, False)
    film.unlink()
    assert run(capsys, "search", "red green", "--top", "1")[1].endswith("film.mp4 0:03 (no longer there)\n")
    assert run(capsys, "index", "album")[1].endswith("has 3 photos.\n")
