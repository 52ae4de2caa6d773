from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from PIL import Image

from seetell.cli.main import main
from seetell.language.tokenizer import tokenize
from seetell.metrics import ALL, NAMES, DocumentFrequencies, score_captions
from seetell.metrics.significance import compare, confidence_intervals

PEOPLE = {
    "hill.jpg": ["A dog runs up a green hill.", "The dog is on a hill"],
    "sea.jpg": ["Two boats on a calm sea", "Boats at sea"],
    "cup.jpg": ["A cup of tea on a table"],
}
SAID = {"hill.jpg": "a dog on a green hill", "sea.jpg": "two boats at sea", "cup.jpg": "a cup on a table"}
OTHER = {"hill.jpg": "a cat on a green hill", "sea.jpg": "two boats at sea", "cup.jpg": "a cup of tea"}


@pytest.fixture
def references(tmp_path: Path) -> Path:
    path = tmp_path / "people.csv"
    rows = [
        f'{name},"{sentence}",{"val" if name != "cup.jpg" else "train"}' for name in PEOPLE for sentence in PEOPLE[name]
    ]
    path.write_text("\n".join(["image,caption,split", *rows]) + "\n")
    return path


def written(folder: Path, captions: dict[str, str], name: str = "results.json") -> Path:
    path = folder / name
    path.write_text(json.dumps([{"image_id": name, "caption": text} for name, text in captions.items()]))
    return path


def run(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main(["score", *map(str, arguments)])
    out, err = capsys.readouterr()
    return int(ended.value.code or 0), out, err


def test_json_holds_the_scores_unscaled(tmp_path: Path, references: Path, capsys: pytest.CaptureFixture[str]):
    status, out, _ = run(capsys, written(tmp_path, SAID), "--references", references, "--format", "json")
    assert status == 0
    expected = score_captions(PEOPLE, SAID).corpus
    assert json.loads(out) == {**expected, "photos": 3}


def test_the_table_is_times_a_hundred(tmp_path: Path, references: Path, capsys: pytest.CaptureFixture[str]):
    status, out, _ = run(capsys, written(tmp_path, SAID), "--references", references)
    assert status == 0
    header, *lines, blank, last = out.splitlines()
    shown = {name: float(value) for name, value in (line.split() for line in lines)}
    expected = score_captions(PEOPLE, SAID).corpus
    assert header.split() == ["metric", "score"]
    assert list(shown) == list(NAMES)
    assert shown == pytest.approx({name: 100 * value for name, value in expected.items()}, abs=0.0501)
    assert (blank, last) == ("", "3 photos, scores ×100")


def test_measures_are_chosen_in_any_case_and_kept_in_order(
    tmp_path: Path, references: Path, capsys: pytest.CaptureFixture[str]
):
    chosen = ("-m", "cider,BLEU_4", "-m", " Cider_Plain ,cider")
    status, out, _ = run(capsys, written(tmp_path, SAID), "-r", references, *chosen, "-f", "json")
    assert status == 0
    assert list(json.loads(out)) == ["CIDEr", "Bleu_4", "CIDEr_plain", "photos"]
    status, _, err = run(capsys, written(tmp_path, SAID), "-r", references, "-m", "CIDEr,CIDErD")
    assert status == 2
    assert "unknown metric 'CIDErD'. Did you mean 'CIDEr'?" in err


def test_a_split_is_scored_alone(tmp_path: Path, references: Path, capsys: pytest.CaptureFixture[str]):
    said = {name: SAID[name] for name in ("sea.jpg", "hill.jpg")}
    results = written(tmp_path, said)
    status, out, _ = run(capsys, results, "-r", references, "--split", "val", "-f", "json")
    assert status == 0
    assert json.loads(out)["CIDEr"] == score_captions({name: PEOPLE[name] for name in said}, said).corpus["CIDEr"]
    status, _, err = run(capsys, results, "-r", references)
    assert status == 2
    assert "--split val" in err
    status, _, err = run(capsys, results, "-r", references, "--split", "train")
    assert status == 2
    assert "2 captions of photos of the split 'val'" in err


def test_missing_captions_stop_unless_allowed(tmp_path: Path, references: Path, capsys: pytest.CaptureFixture[str]):
    results = tmp_path / "results.jsonl"
    rows = [{"image": f"/x/{name}", "caption": text} for name, text in SAID.items()]
    rows[1] = {"image": "/x/sea.jpg", "error": "not a photo"}
    results.write_text("\n".join(map(json.dumps, rows)))
    status, out, err = run(capsys, results, "-r", references)
    assert (status, out) == (2, "")
    assert err.startswith("seetell: ")
    assert "1 photo of 3 without a caption, 'sea.jpg'" in err
    status, out, err = run(capsys, results, "-r", references, "--allow-missing", "-f", "json")
    assert status == 0
    assert json.loads(out)["photos"] == 2
    assert "1 of 3 photos have no caption and were skipped" in err


def test_coco_references_and_numbers_written_as_text(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    document = {
        "images": [{"id": number, "file_name": name} for number, name in enumerate(PEOPLE)],
        "annotations": [
            {"image_id": number, "id": 10 * number + place, "caption": sentence}
            for number, sentences in enumerate(PEOPLE.values())
            for place, sentence in enumerate(sentences)
        ],
    }
    references = tmp_path / "captions_val2014.json"
    references.write_text(json.dumps(document))
    results = written(tmp_path, {str(number): text for number, text in enumerate(SAID.values())})
    status, out, err = run(capsys, results, "-r", references, "-f", "json")
    assert (status, err) == (0, "")
    assert json.loads(out) == {**score_captions(PEOPLE, SAID).corpus, "photos": 3}


def test_references_without_a_word_count_as_in_coco_caption(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    captions = [(1, "A dog runs on the grass."), (1, "."), (2, "A cat sleeps."), (2, ""), (3, "Two boats on a lake.")]
    document = {
        "images": [{"id": photo, "file_name": f"{photo}.jpg"} for photo in (1, 2, 3)],
        "annotations": [
            {"id": number, "image_id": photo, "caption": text} for number, (photo, text) in enumerate(captions, 1)
        ],
    }
    coco = tmp_path / "captions_val2014.json"
    coco.write_text(json.dumps(document))
    table = tmp_path / "captions.csv"
    table.write_text("image,caption\n" + "".join(f"{photo}.jpg,{text}\n" for photo, text in captions))
    said = {1: "a dog runs on the grass", 2: "a cat sleeps", 3: "boats on the lake"}
    results = tmp_path / "results.json"
    results.write_text(json.dumps([{"image_id": photo, "caption": text} for photo, text in said.items()]))
    for references in (coco, table):
        status, out, err = run(capsys, results, "-r", references, "-f", "json")
        assert status == 0
        assert json.loads(out)["CIDEr"] == pytest.approx(3.7137, abs=1e-4)
        assert "has no words; kept, and 1 more; see: seetell data check" in err
        status, weighted, _ = run(capsys, results, "-r", references, "-f", "json", "--frequencies-from", references)
        assert json.loads(weighted)["CIDEr"] == pytest.approx(3.7137, abs=1e-4)


@pytest.mark.parametrize("metrics", ["METEOR", "all"])
def test_a_metric_that_is_not_installed_is_said_before_any_file_is_read(
    metrics: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    status, _, err = run(capsys, tmp_path / "absent.json", "-r", tmp_path / "absent", "--metrics", metrics)
    assert status == 2
    assert "METEOR needs pycocoevalcap, which is not installed: " in err


def test_intervals_are_those_of_the_bootstrap(tmp_path: Path, references: Path, capsys: pytest.CaptureFixture[str]):
    asked = (written(tmp_path, SAID), "-r", references, "--bootstrap", "200", "--seed", "3")
    status, out, _ = run(capsys, *asked, "-f", "json")
    assert status == 0
    said = json.loads(out)
    expected = confidence_intervals(score_captions(PEOPLE, SAID), resamples=200, seed=3)
    assert said["intervals"] == {name: [found.low, found.high] for name, found in expected.items()}
    assert (said["resamples"], said["level"], said["seed"]) == (200, 0.95, 3)
    _, out, _ = run(capsys, *asked)
    rouge = expected["ROUGE_L"]
    assert f"{100 * rouge.low:.1f} … {100 * rouge.high:.1f}" in out
    assert "the photos resampled 200 times, seed 3" in out


def test_two_files_are_compared_measure_by_measure(
    tmp_path: Path, references: Path, capsys: pytest.CaptureFixture[str]
):
    other = written(tmp_path, OTHER, "other.json")
    asked = (written(tmp_path, SAID), "-r", references, "--against", other)
    status, out, _ = run(capsys, *asked, "-f", "json")
    assert status == 0
    against = json.loads(out)["against"]
    ours, theirs = score_captions(PEOPLE, SAID), score_captions(PEOPLE, OTHER)
    expected = compare(ours, theirs, trials=1000)["CIDEr"]
    assert against["CIDEr"] == theirs.corpus["CIDEr"]
    assert against["results"] == str(other)
    assert against["comparison"]["CIDEr"] == {
        "difference": ours.corpus["CIDEr"] - theirs.corpus["CIDEr"],
        "interval": [expected.interval.low, expected.interval.high],
        "p_bootstrap": expected.p_bootstrap,
        "p_randomisation": expected.p_randomisation,
    }
    _, out, _ = run(capsys, *asked)
    assert "A: results.json\nB: other.json\n" in out
    assert all(line.endswith("undecided") for line in out.splitlines()[1:7])


@pytest.mark.parametrize(("swapped", "verdict"), [(False, "A is better"), (True, "B is better")])
def test_the_table_says_which_is_better(
    swapped: bool, verdict: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    words = ["red", "blue", "green", "old", "new", "big", "small", "wet", "dry", "tall"]
    people = {f"{word}.jpg": [f"a {word} house by the sea"] for word in words}
    references = tmp_path / "people.jsonl"
    references.write_text("\n".join(json.dumps({"image": name, "captions": said}) for name, said in people.items()))
    right = written(tmp_path, {name: said[0] for name, said in people.items()}, "right.json")
    wrong = written(tmp_path, dict.fromkeys(people, "a house"), "wrong.json")
    first, second = (wrong, right) if swapped else (right, wrong)
    status, out, _ = run(capsys, first, "-r", references, "--against", second, "-m", "ROUGE_L")
    assert status == 0
    assert out.splitlines()[1].endswith(verdict)
    assert ("−" in out.splitlines()[1]) == swapped


def test_chair_is_two_metrics_that_are_better_if_low(
    tmp_path: Path, references: Path, capsys: pytest.CaptureFixture[str]
):
    said = {**SAID, "cup.jpg": "a cup and a cat on a table"}
    table = tmp_path / "photos.csv"
    asked = (written(tmp_path, said), "-r", references, "-m", "chair")
    status, out, _ = run(capsys, *asked, "-f", "json", "--output", table)
    assert status == 0
    assert json.loads(out) == {"CHAIRs": 1 / 3, "CHAIRi": 1 / 5, "photos": 3}
    rows = list(csv.DictReader(table.read_text(encoding="utf-8").splitlines()))
    assert [float(row["CHAIRs"]) for row in rows] == [0, 0, 1]
    assert [float(row["CHAIRi"]) for row in rows] == [0, 0, 1 / 3]
    _, out, _ = run(capsys, *asked, "--bootstrap", "100")
    assert [line.split()[:2] for line in out.splitlines()[1:3]] == [["CHAIRs", "33.3"], ["CHAIRi", "20.0"]]
    assert "lower is better" in out


@pytest.mark.parametrize(("swapped", "verdict"), [(False, "A is better"), (True, "B is better")])
def test_who_mentions_fewer_absent_objects_is_better(
    swapped: bool, verdict: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    people = {f"{number}.jpg": ["a dog on a bench"] for number in range(10)}
    references = tmp_path / "people.jsonl"
    references.write_text("\n".join(json.dumps({"image": name, "captions": said}) for name, said in people.items()))
    right = written(tmp_path, dict.fromkeys(people, "a dog"), "right.json")
    wrong = written(tmp_path, dict.fromkeys(people, "a cat"), "wrong.json")
    first, second = (wrong, right) if swapped else (right, wrong)
    page = tmp_path / "report.html"
    asked = (first, "-r", references, "--against", second, "-m", "CHAIR", "--report", page)
    status, out, _ = run(capsys, *asked)
    assert status == 0
    assert all(line.endswith(verdict) for line in out.splitlines()[1:3])
    html = page.read_text(encoding="utf-8")
    assert f"Where {verdict[0]} is furthest ahead" in html
    assert f"Where {'A' if swapped else 'B'} is furthest ahead" not in html


def test_files_of_one_name_are_told_apart_by_their_folders(
    tmp_path: Path, references: Path, capsys: pytest.CaptureFixture[str]
):
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        written(tmp_path / folder, SAID, "r.json")
    paths = [tmp_path / "one" / "r.json", tmp_path / "two" / "r.json"]
    _, out, _ = run(capsys, paths[0], "-r", references, "--against", paths[1], "-m", "ROUGE_L")
    assert "A: one/r.json\nB: two/r.json\n" in out
    status, _, err = run(capsys, paths[0], "-r", references, "--against", tmp_path / "two" / ".." / "one" / "r.json")
    assert status == 2
    assert "the same file" in err


def test_photos_that_one_file_lacks_are_left_out_of_both(
    tmp_path: Path, references: Path, capsys: pytest.CaptureFixture[str]
):
    ours = {name: SAID[name] for name in ("hill.jpg", "sea.jpg")}
    theirs = {name: OTHER[name] for name in ("sea.jpg", "cup.jpg")}
    results, other = written(tmp_path, ours), written(tmp_path, theirs, "other.json")
    table = tmp_path / "photos.csv"
    asked = (results, "-r", references, "--against", other, "--allow-missing", "-m", "ROUGE_L", "-o", table)
    status, _, err = run(capsys, *asked)
    assert status == 0
    assert "2 of 3 photos have no caption" in err
    (row,) = csv.DictReader(table.read_text(encoding="utf-8").splitlines())
    expected = score_captions({"sea.jpg": PEOPLE["sea.jpg"]}, {"sea.jpg": SAID["sea.jpg"]}).corpus["ROUGE_L"]
    assert row["id"] == row["image"] == "sea.jpg"
    assert float(row["ROUGE_L"]) == float(row["ROUGE_L_against"]) == expected
    status, _, err = run(capsys, written(tmp_path, {"hill.jpg": "a hill"}), *asked[1:])
    assert status == 2
    assert "no photo in common" in err


def test_frequencies_come_from_a_data_set_or_a_file(
    tmp_path: Path, references: Path, capsys: pytest.CaptureFixture[str]
):
    results = written(tmp_path, {name: SAID[name] for name in ("hill.jpg", "sea.jpg")})
    asked = (results, "-r", references, "--split", "val", "-f", "json")
    weights = DocumentFrequencies.build([[tokenize(sentence) for sentence in PEOPLE["cup.jpg"]]])
    file = tmp_path / "frequencies.json"
    weights.save(file)
    scored = [json.loads(run(capsys, *asked, *more)[1]) for more in ((), ("--frequencies-from", references))]
    assert scored[1]["frequencies_photos"] == 1
    assert scored[1]["CIDEr"] != scored[0]["CIDEr"]
    assert scored[1] == json.loads(run(capsys, *asked, "--frequencies", file)[1])
    status, _, err = run(capsys, *asked, "--frequencies", file, "--frequencies-from", references)
    assert status == 2
    assert "give one" in err


def test_variety_is_told_beside_the_scores(tmp_path: Path, references: Path, capsys: pytest.CaptureFixture[str]):
    results = written(tmp_path, {"hill.jpg": "A cup of tea on a table.", "sea.jpg": "a cup of tea on the table"})
    asked = (results, "-r", references, "--split", "val", "--diversity")
    status, out, _ = run(capsys, *asked, "-f", "json")
    assert status == 0
    found = json.loads(out)["diversity"]
    assert (found["distinct"], found["novel"], found["mean_length"], found["vocabulary"]) == (1.0, 0.5, 7.0, 7)
    _, out, _ = run(capsys, *asked)
    assert "captions not among the training captions   50.0%" in out
    other = written(tmp_path, {"hill.jpg": "a hill", "sea.jpg": "a hill"}, "other.json")
    status, out, _ = run(capsys, *asked, "--against", other)
    assert status == 0
    assert out.splitlines()[-6].split() == ["different", "words", "7", "2"]
    _, out, _ = run(capsys, written(tmp_path, SAID), "-r", references, "--diversity")
    assert "not among the training captions" not in out


def test_the_table_of_photos_holds_what_was_said_and_its_scores(
    tmp_path: Path, references: Path, capsys: pytest.CaptureFixture[str]
):
    said = {**SAID, "cup.jpg": "=cmd|'/c calc'!A0"}
    table = tmp_path / "photos.csv"
    status, _, _ = run(capsys, written(tmp_path, said), "-r", references, "--output", table)
    assert status == 0
    rows = list(csv.DictReader(table.read_text(encoding="utf-8").splitlines()))
    assert [row["caption"] for row in rows] == [SAID["hill.jpg"], SAID["sea.jpg"], "'=cmd|'/c calc'!A0"]
    per_photo = score_captions(PEOPLE, said).per_photo
    assert [{name: float(row[name]) for name in NAMES} for row in rows] == [per_photo[name] for name in PEOPLE]


def test_the_report_is_written_where_no_photo_is(tmp_path: Path, references: Path, capsys: pytest.CaptureFixture[str]):
    page = tmp_path / "report.html"
    page.write_text("old")
    other = written(tmp_path, OTHER, "other.json")
    asked = ("-r", references, "--against", other, "--report", page)
    status, _, _ = run(capsys, written(tmp_path, SAID), *asked)
    assert status == 0
    html = page.read_text(encoding="utf-8")
    assert "Scores of results.json and other.json" in html
    assert "Captions of 3 photos against people.csv, by seetell." in html
    assert "no photo" in html
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "other.json",
        "people.csv",
        "report.html",
        "results.json",
    ]


def test_the_report_shows_the_photos_that_open(tmp_path: Path, references: Path, capsys: pytest.CaptureFixture[str]):
    pictures = tmp_path / "elsewhere" / "pictures"
    pictures.mkdir(parents=True)
    Image.new("RGB", (40, 30), "green").save(pictures / "hill.jpg")
    (pictures / "sea.jpg").write_bytes(b"no photo")
    page = tmp_path / "report.html"
    status, _, _ = run(capsys, written(tmp_path, SAID), "-r", references, "--photos", pictures, "--report", page)
    html = page.read_text(encoding="utf-8")
    assert status == 0
    assert html.count("data:image/jpeg;base64,") == 1
    assert html.count("no photo") == 2


@pytest.mark.parametrize("option", ["--output", "--report"])
def test_a_file_that_cannot_be_written_is_said_first_or_last(
    option: str, tmp_path: Path, references: Path, capsys: pytest.CaptureFixture[str]
):
    results = written(tmp_path, SAID)
    status, out, err = run(capsys, results, "-r", references, option, tmp_path / "none" / "file")
    assert (status, out) == (2, "")
    assert f"{option} {tmp_path}/none/file: there is no folder" in err
    status, out, err = run(capsys, results, "-r", references, option, tmp_path)
    assert (status, out) == (2, "")
    assert "is a folder" in err
    if Path("/dev/full").exists():
        status, out, err = run(capsys, results, "-r", references, option, "/dev/full")
        assert status == 1
        assert "CIDEr" in out
        assert "/dev/full: cannot be written (No space left on device)" in err
        assert not Path("/dev/full").is_file()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xef\xbb\xbf",
        b"[]",
        b"null",
        b"[null]",
        b'[{"image_id": 1, "caption": NaN}]',
        b'[{"image_id": [1], "caption": "a"}]',
        b'[{"image_id": 1e999, "caption": "a"}]',
        b'{"image": "hill.jpg", "caption": "a"',
        b"\xff\xfe\x00",
        b"\x89PNG\r\n\x1a\n\x00\x00",
        b"image,caption\r\nhill.jpg\r\n",
        b"[" * 50_000,
    ],
)
def test_no_file_makes_a_traceback(
    content: bytes, tmp_path: Path, references: Path, capsys: pytest.CaptureFixture[str]
):
    hostile = tmp_path / "hostile.json"
    hostile.write_bytes(content)
    for asked in ((hostile, "-r", references), (written(tmp_path, SAID), "-r", hostile)):
        status, out, err = run(capsys, *asked)
        assert (status, out) == (2, "")
        assert err.startswith("seetell: ")
        assert "unexpected" not in err


def test_without_references_it_is_wrong_use(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    status, _, err = run(capsys, written(tmp_path, SAID))
    assert status == 2
    assert "--references" in err


def test_help_has_an_example(capsys: pytest.CaptureFixture[str]):
    status, out, _ = run(capsys, "--help")
    assert status == 0
    assert "Example: seetell score" in out
    assert all(name in out for name in ALL)
