from __future__ import annotations

import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from search.conftest import paint
from search.toy import ColourEmbedder

import seetell
from seetell.errors import PhotoError, PhotoIndexError
from seetell.search import update as update_module
from seetell.search.photo_index import PhotoIndex
from seetell.search.store import Store
from seetell.search.update import Update


class Runs:
    """An index and what running it over an album does."""

    def __init__(self, location: Path, album: Path) -> None:
        self.location, self.album = location, album

    def __call__(self, *roots: Path, embedder: ColourEmbedder | None = None, **options) -> tuple[Update, list[str]]:
        """Return what a run did and the names of the photos it asked the model for."""
        embedder = embedder or ColourEmbedder()
        done = PhotoIndex(self.location, embedder).update([str(root) for root in roots or [self.album]], **options)
        return done, sorted(os.path.basename(photo) for photo in embedder.asked)

    def photos(self) -> dict[str, int]:
        """Return the photos that can be found, relative to the album, and the number of each one's content."""
        with Store(self.location) as store:
            rows = store.rows("SELECT folder, name, content FROM photos WHERE missing_since IS NULL")
        paths = ((os.path.join(os.fsdecode(folder), os.fsdecode(name)), number) for folder, name, number in rows)
        return {os.path.relpath(path, self.album.resolve()): number for path, number in paths}


@pytest.fixture
def runs(tmp_path: Path, album: Path) -> Runs:
    return Runs(tmp_path / "index", album)


ALL = {"rose.png", "grass.png", "deep/sun.png", "deep/er/sea.PNG"}


def test_a_second_run_encodes_nothing(runs: Runs):
    told: list[tuple[int, int]] = []
    done, asked = runs(progress=lambda *counts: told.append(counts))
    assert (done.added, done.encoded, len(asked), told) == (4, 4, 4, [(4, 4)])
    assert set(runs.photos()) == ALL
    again, asked = runs()
    assert again == Update(unchanged=4)
    assert asked == []


def test_only_what_is_new_or_changed_is_encoded(runs: Runs):
    runs()
    paint(runs.album / "rose.png", "blue", 3)
    paint(runs.album / "new" / "leaf.png", "green", 4)
    done, asked = runs()
    assert (done.added, done.changed, done.unchanged) == (1, 1, 3)
    assert asked == ["leaf.png", "rose.png"]
    with Store(runs.location) as store:
        assert store.vector_count() == 5, "the vector of what the photo was before is gone"


def test_a_photo_that_was_only_touched_is_not_encoded(runs: Runs):
    runs()
    os.utime(runs.album / "rose.png", ns=(1, 1))
    done, asked = runs()
    assert (done.unchanged, done.changed, asked) == (4, 0, [])
    assert runs()[0] == Update(unchanged=4)


def test_moved_photos_are_noticed(runs: Runs, tmp_path: Path):
    runs()
    before = runs.photos()
    (runs.album / "rose.png").rename(runs.album / "deep" / "née.png")
    (runs.album / "deep" / "er").rename(runs.album / "shore")
    done, asked = runs()
    assert (done.moved, done.added, done.missing, done.unchanged, asked) == (2, 0, 0, 2, [])
    after = runs.photos()
    assert set(after) == {"grass.png", "deep/sun.png", "deep/née.png", "shore/sea.PNG"}
    assert after["deep/née.png"] == before["rose.png"]


def test_an_index_goes_with_photos_that_are_now_elsewhere(runs: Runs, tmp_path: Path):
    runs()
    runs.album.rename(tmp_path / "other machine")
    shutil.copytree(runs.location, tmp_path / "copied index")
    there = Runs(tmp_path / "copied index", tmp_path / "other machine")
    done, asked = there()
    assert (done.moved, done.added, asked) == (4, 0, [])
    assert set(there.photos()) == ALL


def test_deleted_photos_are_not_found_but_remembered_for_a_while(runs: Runs, monkeypatch: pytest.MonkeyPatch):
    runs()
    sea = (runs.album / "deep" / "er" / "sea.PNG").read_bytes()
    shutil.rmtree(runs.album / "deep")
    done, _ = runs()
    assert (done.missing, done.unchanged) == (2, 2)
    assert set(runs.photos()) == {"rose.png", "grass.png"}
    assert runs()[0] == Update(unchanged=2)

    (runs.album / "again.png").write_bytes(sea)
    done, asked = runs()
    assert (done.moved, done.added, asked) == (1, 0, [])
    monkeypatch.setattr(update_module, "REMEMBERED", -1.0)
    (runs.album / "again.png").unlink()
    runs()
    with Store(runs.location) as store:
        assert store.rows("SELECT count(*) FROM photos") == [(2,)]
        assert store.vector_count() == 2


def test_a_disk_that_was_away_is_not_indexed_again(runs: Runs, tmp_path: Path):
    runs()
    contents = tmp_path / "contents"
    runs.album.rename(contents)
    ruby = paint(tmp_path / "elsewhere" / "ruby.png", "red", 7)
    done, _ = runs(runs.album, ruby)
    assert [*done.failures] == [str(runs.album)]
    assert "its index entries are kept" in done.failures[str(runs.album)]
    assert (done.added, done.missing, len(runs.photos())) == (1, 0, 5)
    ruby.unlink()
    runs(ruby.parent)
    runs.album.mkdir()
    assert runs()[0].missing == 4
    assert runs.photos() == {}
    runs.album.rmdir()
    contents.rename(runs.album)
    done, asked = runs()
    assert (done, asked) == (Update(unchanged=4), [])
    assert set(runs.photos()) == ALL


def test_other_folders_do_not_change(runs: Runs, tmp_path: Path):
    ruby = paint(tmp_path / "elsewhere" / "ruby.png", "red", 7)
    beside = paint(tmp_path / "album2" / "x.png", "red", 8)
    runs(runs.album, ruby.parent, beside.parent)
    ruby.unlink()
    beside.unlink()
    done, _ = runs(runs.album)
    assert done == Update(unchanged=4)
    assert len(runs.photos()) == 6
    assert runs(ruby.parent, beside.parent)[0].missing == 2


def test_files_and_folders_within_folders_count_once(runs: Runs):
    done, asked = runs(runs.album / "rose.png", runs.album, runs.album / "deep", runs.album / "deep" / "..")
    assert len(runs.photos()) == 4
    assert asked == ["grass.png", "rose.png", "sea.PNG", "sun.png"]
    assert done.added == 4
    (runs.album / "rose.png").unlink()
    done, _ = runs(runs.album / "grass.png")
    assert (done.unchanged, done.missing) == (1, 0)


def test_broken_photos_do_not_affect_the_others_and_are_retried_when_they_change(runs: Runs):
    (runs.album / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 broken")
    (runs.album / "empty.jpg").touch()
    done, asked = runs()
    assert done.added == 4
    assert set(done.failures) == {str(runs.album.resolve() / name) for name in ("broken.jpg", "empty.jpg")}
    assert "empty" in done.failures[str(runs.album.resolve() / "empty.jpg")]
    assert len(asked) == 6

    done, asked = runs()
    assert (done, asked) == (Update(unchanged=6, failed_before=2), [])
    done, asked = runs(retry=True)
    assert (len(done.failures), asked) == (2, ["broken.jpg", "empty.jpg"])
    shutil.copy(runs.album / "empty.jpg", runs.album / "empty too.jpg")
    done, asked = runs()
    assert ([*done.failures], asked) == ([str(runs.album.resolve() / "empty too.jpg")], [])
    paint(runs.album / "broken.jpg", "red", 9)
    done, asked = runs()
    assert (done.changed, done.failed_before, asked) == (1, 2, ["broken.jpg"])


def test_a_failure_that_passes_when_tried_again_is_forgotten(runs: Runs):
    class Failing(ColourEmbedder):
        def photo_vectors(self, photos):
            super().photo_vectors(photos)
            return [PhotoError(f"{photo}: not today") for photo in photos]

    assert len(runs(embedder=Failing())[0].failures) == 4
    done, asked = runs(retry=True)
    assert (done.failures, len(asked)) == ({}, 4)
    assert PhotoIndex(runs.location, ColourEmbedder()).search("red", top=1)[0].photo.endswith("rose.png")


@pytest.mark.skipif(os.name == "nt", reason="the file system takes no such names")
def test_odd_names(runs: Runs):
    odd = [
        os.fsdecode(b"bytes-\xff.png"),
        "new\nline.png",
        "quote'\".png",
        "é.png",
        "e\u0301.png",
        "%41?#.png",
        " .png",
    ]
    for number, name in enumerate(odd, 20):
        paint(runs.album / "odd \udcfe" / name, "red", number)
    done, _ = runs()
    assert done.added == 4 + len(odd)
    assert {os.path.basename(photo) for photo in runs.photos()} >= set(odd)
    assert runs()[0] == Update(unchanged=4 + len(odd))
    shutil.rmtree(runs.album / "odd \udcfe")
    assert runs()[0].missing == len(odd)


@pytest.mark.skipif(os.name == "nt", reason="making links needs rights there")
def test_links(runs: Runs, tmp_path: Path):
    (runs.album / "loop").symlink_to(runs.album, target_is_directory=True)
    (runs.album / "self.png").symlink_to("self.png")
    (runs.album / "nowhere.png").symlink_to("absent.png")
    (runs.album / "link.png").symlink_to("rose.png")
    done, asked = runs()
    assert set(runs.photos()) == {*ALL, "link.png"}
    assert [*done.failures] == [str(runs.album.resolve() / "self.png")]
    assert len(asked) == 4
    (tmp_path / "way").symlink_to(runs.album, target_is_directory=True)
    done, asked = runs(tmp_path / "way")
    assert (done.unchanged, done.added, done.missing) == (5, 0, 0)


@pytest.mark.skipif(os.name == "nt", reason="there are no such files")
def test_pipes_and_sockets_do_not_block(runs: Runs, monkeypatch: pytest.MonkeyPatch):
    os.mkfifo(runs.album / "pipe.png")
    monkeypatch.chdir(runs.album)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("socket.png")
        done, _ = runs()
    assert {os.path.basename(path) for path in done.failures} == {"pipe.png", "socket.png"}
    assert done.added == 4


def test_an_unreadable_folder_keeps_its_photos(runs: Runs, monkeypatch: pytest.MonkeyPatch):
    runs()
    listed, refused = os.scandir, str(runs.album.resolve() / "deep")

    def scandir(path):
        if str(path) == refused:
            raise PermissionError(13, "Permission denied", path)
        return listed(path)

    monkeypatch.setattr(os, "scandir", scandir)
    done, _ = runs()
    assert done.failures == {refused: "the folder cannot be read"}
    assert (done.unchanged, done.missing) == (2, 0)
    assert set(runs.photos()) == ALL


def test_an_unreadable_photo_is_tried_again_in_every_run(runs: Runs, monkeypatch: pytest.MonkeyPatch):
    opened, refused = os.open, str(runs.album.resolve() / "rose.png")

    def refusing(path, *arguments, **options):
        if str(path) == refused:
            raise PermissionError(13, "Permission denied", path)
        return opened(path, *arguments, **options)

    with monkeypatch.context() as patched:
        patched.setattr(os, "open", refusing)
        done, _ = runs()
    assert done.failures == {refused: "cannot be read (Permission denied)"}
    done, asked = runs()
    assert (done.added, done.unchanged, asked) == (1, 3, ["rose.png"])


def test_photos_that_vanish_or_change_while_they_are_read(runs: Runs):
    class Meddling(ColourEmbedder):
        def photo_vectors(self, photos):
            (runs.album / "rose.png").unlink()
            paint(runs.album / "grass.png", "blue", 6)
            return super().photo_vectors(photos)

    done, _ = runs(embedder=Meddling())
    assert done.failures == {str(runs.album.resolve() / "grass.png"): "was changed while it was read; run again"}
    assert set(runs.photos()) == {"deep/sun.png", "deep/er/sea.PNG"}
    done, asked = runs()
    assert (done.added, asked) == (1, ["grass.png"])


def test_a_photo_that_vanishes_after_the_folders_were_walked(runs: Runs, monkeypatch: pytest.MonkeyPatch):
    scanned = update_module.scan

    def scan_then_delete(*arguments, **options):
        found = scanned(*arguments, **options)
        (runs.album / "rose.png").unlink()
        return found

    monkeypatch.setattr(update_module, "scan", scan_then_delete)
    done, _ = runs()
    assert (done.added, done.failures) == (3, {})


@pytest.mark.parametrize("vector", [np.zeros(3, np.float32), np.full(3, np.nan, np.float32)])
def test_a_photo_without_a_direction_is_a_failure(runs: Runs, vector: np.ndarray):
    class Blind(ColourEmbedder):
        def photo_vectors(self, photos):
            return [vector for _ in photos]

    assert set(runs(embedder=Blind())[0].failures.values()) == {"the model found no vector for it"}


def test_vectors_of_another_size_are_refused(runs: Runs):
    class Larger(ColourEmbedder):
        def photo_vectors(self, photos):
            return [np.ones(4, np.float32) for _ in photos]

    runs()
    paint(runs.album / "new.png", "red", 11)
    with pytest.raises(PhotoIndexError, match="an index of 3 dimensions"):
        runs(embedder=Larger())
    assert set(runs.photos()) == ALL


@pytest.mark.slow
def test_a_full_disk_leaves_the_index_as_it_was(runs: Runs, monkeypatch: pytest.MonkeyPatch):
    runs()
    for number in range(300):
        paint(runs.album / "many" / f"{number}.png", "red", 1000 + number)
    begun = Store.transaction

    def on_a_small_disk(self):
        self.rows("PRAGMA max_page_count = 8")
        return begun(self)

    with monkeypatch.context() as patched:
        patched.setattr(Store, "transaction", on_a_small_disk)
        with pytest.raises(PhotoIndexError, match="the disk is full"):
            runs()
    assert PhotoIndex(runs.location, ColourEmbedder()).search("blue", top=1)[0].photo.endswith("sea.PNG")
    kept = len(runs.photos())
    assert set(runs.photos()) >= ALL
    done, _ = runs()
    assert (done.added, done.unchanged) == (304 - kept, kept)


PROGRAM = """
import sys, time
from search.toy import ColourEmbedder
from seetell.search import update
from seetell.search.photo_index import PhotoIndex

class Slow(ColourEmbedder):
    def photo_vectors(self, photos):
        time.sleep(0.01)
        return super().photo_vectors(photos)

update.BATCH = 4
PhotoIndex(sys.argv[1], Slow()).update([sys.argv[2]], progress=lambda done, total: print(done, flush=True))
"""


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="there is no such signal")
def test_a_run_that_is_killed_is_finished_by_the_next(runs: Runs):
    for number in range(160):
        paint(runs.album / "many" / f"{number}.png", ["red", "green", "blue", "yellow"][number % 4], 1000 + number)
    folders = [str(Path(__file__).parents[1]), str(Path(seetell.__file__).parents[1])]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(folders)}
    randomness = random.Random(0)
    before, kept = 0, []
    for _ in range(5):
        command = [sys.executable, "-c", PROGRAM, str(runs.location), str(runs.album)]
        with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            for _ in range(randomness.randint(1, 5)):
                process.stdout.readline()
            time.sleep(randomness.random() * 0.02)
            process.send_signal(signal.SIGKILL)
        after = runs.photos()
        assert len(after) >= before + 4
        assert len(set(after.values())) == len(after)
        before = len(after)
        kept.append(after)
    done, asked = runs()
    assert len(asked) == done.added == 164 - before
    assert done.unchanged == before
    final = runs.photos()
    assert len(final) == len(set(final.values())) == 164
    assert all(final[photo] == number for some in kept for photo, number in some.items())
    with Store(runs.location) as store:
        assert store.rows("PRAGMA integrity_check") == [("ok",)]
        assert store.vector_count() == 164
