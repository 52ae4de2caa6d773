"""Pictures of words in the layouts of their data sets."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from seetell.data.mat_file import read_mat
from seetell.data.word_images import WordPhoto, read_word_images
from seetell.errors import DataError


def pictures(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 4)).save(folder / name)
    return folder


def write_mat(file: Path, arrays: dict[str, object], **options: bool) -> None:
    from scipy.io import savemat

    savemat(file, arrays, **options)


def iiit5k(folder: Path, name: str, rows: list[tuple[str, str, list[str]]], **options: bool) -> None:
    kind = [("ImgName", object), ("GroundTruth", object), ("smallLexi", object), ("mediumLexi", object)]
    table = np.zeros((1, len(rows)), dtype=kind)
    for place, (image, text, lexicon) in enumerate(rows):
        table[0, place] = (image, text, np.array(lexicon, object)[None], np.array(lexicon, object)[None])
    write_mat(folder / f"{name}.mat", {name: table}, **options)


@pytest.mark.parametrize("compressed", [False, True])
def test_iiit5k(tmp_path, compressed):
    pictures(tmp_path, "train/1_1.png", "test/2_1.png", "test/3.png")
    options = {"do_compression": compressed}
    iiit5k(tmp_path, "traindata", [("train/1_1.png", "You", ["YOU", "THEM"])], **options)
    iiit5k(
        tmp_path, "testdata", [("test/2_1.png", "Best", ["BEST", "REST"]), ("test/3.png", "A", ["A", "B"])], **options
    )
    dataset = read_word_images(tmp_path)
    assert dataset.format == "iiit5k"
    assert dataset.photos == (
        WordPhoto("test/2_1.png", tmp_path / "test/2_1.png", "Best", "test", lexicon=("BEST", "REST")),
        WordPhoto("test/3.png", tmp_path / "test/3.png", "A", "test", lexicon=("A", "B")),
        WordPhoto("train/1_1.png", tmp_path / "train/1_1.png", "You", "train", lexicon=("YOU", "THEM")),
    )


def test_svt(tmp_path):
    pictures(tmp_path, "img/19_00.jpg")
    (tmp_path / "test.xml").write_text(
        """<?xml version="1.0"?><tagset><image><imageName>img/19_00.jpg</imageName><lex>LIVING,ROOM</lex>
        <taggedRectangles><taggedRectangle height="3" width="4" x="1" y="2"><tag>LIVING</tag></taggedRectangle>
        <taggedRectangle height="0" width="4" x="1" y="2"><tag>ROOM</tag></taggedRectangle></taggedRectangles>
        </image></tagset>"""
    )
    dataset = read_word_images(tmp_path)
    assert dataset.photos == (
        WordPhoto("img/19_00.jpg#0", tmp_path / "img/19_00.jpg", "LIVING", "test", (1, 2, 5, 5), ("LIVING", "ROOM")),
    )
    assert [problem.where for problem in dataset.problems] == ["test.xml: img/19_00.jpg, word 2"]


def test_icdar(tmp_path):
    pictures(tmp_path, "word_1.png", "word_2.png", "word_3.png")
    (tmp_path / "gt.txt").write_text(
        '\ufeffword_1.png, "Tiredness"\r\nword_2.png, "say \\"no\\", no"\nword_3.png, kills\n'
        'word_4.png, "x"\nnonsense\n'
    )
    dataset = read_word_images(tmp_path)
    assert [(word.id, word.text, word.split) for word in dataset.photos] == [
        ("word_1.png", "Tiredness", "test"),
        ("word_2.png", 'say "no", no', "test"),
        ("word_3.png", "kills", "test"),
    ]
    assert [problem.kind for problem in dataset.problems] == ["missing-photo", "malformed"]


def test_icdar_2003(tmp_path):
    folder = tmp_path / "TrialTrain"
    pictures(folder, "word/1/1.jpg")
    (folder / "word.xml").write_text(
        '<?xml version="1.0"?><imagelist><image file="word/1/1.jpg" tag="self" />'
        '<image file="word/1/2.jpg" /></imagelist>'
    )
    dataset = read_word_images(folder)
    assert [(word.text, word.split) for word in dataset.photos] == [("self", "train")]
    assert len(dataset.problems) == 1


def test_images_outside_the_folder_are_not_read(tmp_path):
    pictures(tmp_path, "secret.png", "set/word.png")
    (tmp_path / "set" / "gt.txt").write_text('../secret.png, "a"\nword.png, "b"\n')
    dataset = read_word_images(tmp_path / "set")
    assert [word.text for word in dataset.photos] == ["b"]
    assert [(problem.where, problem.message) for problem in dataset.problems] == [
        ("../secret.png", "expected an image inside the data set")
    ]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("testdata.mat", b"\0" * 200, "expected a file of MATLAB"),
        ("test.xml", b"<a>", "expected XML, but"),
        ("test.xml", b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "without entities"),
        ("notes.txt", b"nothing", "expected pictures of words"),
    ],
)
def test_what_is_no_data_set(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=message):
        read_word_images(tmp_path)


def test_an_unknown_format(tmp_path):
    with pytest.raises(DataError, match="Did you mean 'iiit5k'"):
        read_word_images(tmp_path, format="iiit5")


@pytest.mark.parametrize("compressed", [False, True])
def test_damaged_files_of_matlab(tmp_path, compressed):
    iiit5k(tmp_path, "testdata", [("a.png", "word", ["b", "c"])], do_compression=compressed)
    content = (tmp_path / "testdata.mat").read_bytes()
    random = np.random.default_rng(0)
    damaged = tmp_path / "damaged.mat"
    for _ in range(200):
        changed = bytearray(content[: random.integers(128, len(content) + 1)])
        for _ in range(random.integers(0, 4)):
            changed[random.integers(128, len(changed) + 1) - 1] = random.integers(256)
        damaged.write_bytes(changed)
        try:
            read_mat(damaged)
        except DataError:
            continue


def test_numbers_of_matlab_go_down_the_columns(tmp_path):
    write_mat(tmp_path / "a.mat", {"a": np.arange(6.0).reshape(2, 3), "b": np.int16([[7]]), "c": "text"})
    found = read_mat(tmp_path / "a.mat")
    assert found["a"].tolist() == [[0, 1, 2], [3, 4, 5]]
    assert found["b"].tolist() == [[7]]
    assert found["c"] == "text"
