from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import yaml

from seetell.cli.label_outputs import YoloLabels
from seetell.cli.main import main
from seetell.data.object_results import COCO_NUMBERS
from seetell.data.voc import parse_annotation
from seetell.data.yolo import read_yolo
from seetell.errors import PhotoError
from seetell.language.object_names import CLASSES
from seetell.results import Region, Regions

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "images").mkdir()
    for name in ("dog", "gate"):
        shutil.copy(EXAMPLES / f"{name}.jpg", tmp_path / "images")
    (tmp_path / "images" / "broken.jpg").write_bytes(b"no photo")
    (tmp_path / "notes.txt").write_text("mine")
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> tuple[int, str, str]:
        """Return the exit status of the command and what it wrote to standard output and error."""
        with pytest.raises(SystemExit) as caught:
            main(["detect", "images", *arguments, "--threads", "1"])
        return int(caught.value.code or 0), *capsys.readouterr()

    return run


@pytest.mark.slow
def test_objects_are_counted(run):
    status, out, err = run("--format", "counts")
    assert status == 1
    assert [line.split("\t")[0] for line in out.splitlines()] == ["images/dog.jpg", "images/gate.jpg"]
    assert run("--format", "counts", "--threshold", "1")[1] == "images/dog.jpg\tnothing\nimages/gate.jpg\tnothing\n"
    assert "1 dog" in out.splitlines()[0].split("\t")[1]
    assert "broken.jpg" in err


def test_all_formats_say_the_same(run, tmp_path: Path):
    status, out, _ = run("--format", "jsonl", "--coco", "coco.json", "--yolo", ".", "--voc", "voc")
    assert status == 1
    rows = [row for row in map(json.loads, out.splitlines()) if "error" not in row]
    found = [(Path(row["image"]).stem, each["text"], each["box"]) for row in rows for each in row["regions"]]
    assert {stem for stem, *_ in found} == {"dog", "gate"}
    results = json.loads((tmp_path / "coco.json").read_text())
    assert [(each["image_id"], each["category_id"]) for each in results] == [
        (stem, COCO_NUMBERS[text]) for stem, text, _ in found
    ]
    for each, (_, _, (left, top, right, bottom)) in zip(results, found, strict=True):
        assert each["bbox"] == pytest.approx([left, top, right - left, bottom - top], abs=0.006)
    dataset = read_yolo(tmp_path)
    assert (dataset.classes, dataset.problems) == (CLASSES, ())
    assert {photo.split for photo in dataset.photos} == {"train", "val"}, "all photos are there for both"
    sizes = {Path(row["image"]).stem: row["size"] for row in rows}
    labels = [
        (photo.path.stem, name, [edge * side for edge, side in zip(box, sizes[photo.path.stem] * 2, strict=True)])
        for photo in dataset.photos
        if photo.split == "val" and photo.path.stem in sizes
        for name, box in zip(photo.classes, photo.boxes, strict=True)
    ]
    boxes = []
    for stem, size in sizes.items():
        annotation, problems = parse_annotation((tmp_path / "voc" / f"{stem}.xml").read_bytes(), stem)
        assert annotation is not None
        assert (annotation.file_name, annotation.size, problems) == (f"{stem}.jpg", tuple(size), [])
        boxes += [(stem, each.name, list(each.box)) for each in annotation.objects]
    for read, within in ((labels, 0.01), (boxes, 0.501)):
        assert [each[:2] for each in read] == [each[:2] for each in found]
        for one, other in zip(read, found, strict=True):
            assert one[2] == pytest.approx(other[2], abs=within)


@pytest.mark.slow
def test_what_is_there_stays(run, tmp_path: Path):
    _, out, _ = run("--format", "jsonl", "--voc", "voc", "--yolo", "yolo")
    row = json.loads(out.splitlines()[1])
    assert (row["voc"], row["yolo"]) == (str(Path("voc/dog.xml")), str(Path("yolo/labels/dog.txt")))
    files = {path: path.read_bytes() for path in (*tmp_path.glob("voc/*"), *tmp_path.glob("yolo/*/*"))}
    assert run("--format", "jsonl", "--voc", "voc", "--yolo", "yolo")[1] == out, "the same is no contradiction"
    (tmp_path / "voc" / "dog.xml").write_text("mine")
    _, out, _ = run("--format", "jsonl", "--voc", "voc")
    error = json.loads(out.splitlines()[1])["error"]
    assert error == f"{Path('voc/dog.xml')} is there and says something else; give --voc another folder"
    changed = {path: path.read_bytes() for path in files}
    assert changed == {**files, tmp_path / "voc" / "dog.xml": b"mine"}


def test_they_go_with_rows_that_later_runs_add_to(run, tmp_path: Path):
    assert run("-o", "rows.jsonl", "--voc", "voc")[0] == 1
    assert sorted(path.name for path in (tmp_path / "voc").iterdir()) == ["dog.xml", "gate.xml"]
    assert "--coco shows all photos of a run" in run("-o", "rows.jsonl", "--coco", "coco.json")[2]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--voc", "images/dog.jpg"), "--voc images/dog.jpg: is a file; expected the name of a folder"),
        (("--yolo", "a/b"), "--yolo a/b: there is no folder a; make it first"),
        (("--coco", "notes.txt"), "--coco notes.txt: is there and does not end in .json"),
        (("--coco", "a/b.json"), "--coco a/b.json: there is no folder a; make it first"),
        (("--coco", "a.json", "--results", "a.json"), "--results a.json: --coco writes there; name another file"),
    ],
)
def test_wrong_places_are_named_before_any_work(run, arguments: tuple[str, ...], message: str):
    status, out, err = run(*arguments)
    assert (status, out) == (2, "")
    assert message in err


@pytest.mark.slow
def test_images_that_coco_calls_the_same_are_not_mixed(run, tmp_path: Path):
    (tmp_path / "images" / "more").mkdir()
    shutil.copy(EXAMPLES / "gate.jpg", tmp_path / "images" / "more" / "dog.jpg")
    status, _, err = run("--coco", "coco.json")
    assert status == 1
    assert "images/more/dog.jpg: --coco calls it dog, as images/dog.jpg; rename one" in err
    assert {each["image_id"] for each in json.loads((tmp_path / "coco.json").read_text())} == {"dog", "gate"}


@pytest.mark.slow
def test_other_classes_are_not_mixed(run, tmp_path: Path):
    (tmp_path / "yolo").mkdir()
    for written in ("names: [robot]\n", 'train: images\nval: images\nnames:\n  0: "robot"\n', "\n\n[1]", "\n\n"):
        (tmp_path / "yolo" / "data.yaml").write_text(written)
        status, _, err = run("--yolo", "yolo")
        assert status == 2
        assert "its data.yaml names other classes" in err
        assert (tmp_path / "yolo" / "data.yaml").read_text() == written


def test_a_model_without_a_list_of_classes_has_those_that_it_told(tmp_path: Path):
    def labels(image: str, *names: str) -> str:
        regions = Regions(tuple(Region(name, (0.0, 0.0, 5.0, 5.0), 1.0) for name in names), (10, 10), "model")
        files: dict[str, str] = {}
        output.add(image, regions, files)
        return Path(files["yolo"]).read_text()

    from contextlib import ExitStack

    for _ in range(2):
        output = YoloLabels("--yolo", tmp_path / "yolo")
        with ExitStack() as opened:
            output.open(None, opened)
            assert labels("a.jpg", "robot", "dog").startswith("0 0.25")
            assert [line[0] for line in labels("b.jpg", "dog", "robot", 'a "dog": \u00fc').splitlines()] == [
                "1",
                "0",
                "2",
            ]
    assert yaml.safe_load((tmp_path / "yolo" / "data.yaml").read_text())["names"] == dict(
        enumerate(["robot", "dog", 'a "dog": ü'])
    )
    with pytest.raises(PhotoError, match="is there and says something else"):
        labels("c/b.jpg", "dog")
