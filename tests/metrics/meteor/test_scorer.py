"""The whole of METEOR on a few words of data made for the test, and what it says when data is missing."""

from __future__ import annotations

import gzip
import importlib.util
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from seetell.errors import DataError, SeetellError
from seetell.metrics.meteor import Meteor
from seetell.metrics.meteor.data import MeteorFiles

PAGE = Path(__file__).resolve().parents[3] / "docs" / "reference" / "metrics.md"

LISTS = {
    "nonbreaking/english.prefixes": "vs\n",
    "function/english.words": "a\nthe\nof\n",
    "synonym/english.synsets": "dog\n1\nhound\n1 2\n",
    "synonym/english.exceptions": "go\nwent\n",
}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    pytest.importorskip("snowballstemmer", reason="snowballstemmer is not installed")
    with zipfile.ZipFile(tmp_path / "meteor-1.5.jar", "w") as jar:
        for name, text in LISTS.items():
            jar.writestr(name, text)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "paraphrase-en.gz").write_bytes(gzip.compress(b"0.5\nmany\na lot of\n"))
    return tmp_path


def test_each_matcher_counts_its_words(data: Path):
    scores = Meteor(data).score(
        [[["the", "many", "hound", "runs"]]],
        [["the", "a", "lot", "of", "dog", "running"]],
    )
    #           words, function words, content: exact stem synonym paraphrase, function: the same
    candidate = [6, 3, 0, 1, 1, 1, 1, 0, 0, 2]
    reference = [4, 1, 0, 1, 1, 1, 1, 0, 0, 0]
    assert scores.statistics.tolist() == [[*candidate, *reference, 0]]
    assert scores.per_photo.tolist() == [scores.corpus]


def test_the_best_reference_counts_and_of_equal_ones_the_first(data: Path):
    scores = Meteor(data).score(
        [[["cat"], ["the", "red", "dog"], ["a", "red", "dog"]], [["x", "y", "z"], ["x"]]], [["red", "dog"], ["q"]]
    )
    assert scores.statistics[:, 10].tolist() == [3, 3]
    assert scores.statistics[0, 11] == 1
    assert scores.per_photo[1] == 0


def test_scoring_again_gives_the_same(data: Path):
    meteor = Meteor(data)
    photos = [[["many", "dogs"]]], [["a", "lot", "of", "dogs"]]
    first = meteor.score(*photos)
    meteor.score([[["cat"]]], [["cat"]])
    np.testing.assert_array_equal(meteor.score(*photos).statistics, first.statistics)


def test_stems_are_those_of_snowball_2():
    stemmer = pytest.importorskip("snowballstemmer.english_stemmer", reason="snowballstemmer is not installed")
    stem = stemmer.EnglishStemmer().stemWord
    words = ["adding", "emergency", "biologist", "running", "dying", "skies", "news", "generously"]
    assert [stem(word) for word in words] == ["ad", "emerg", "biologist", "run", "die", "sky", "news", "generous"]


def test_photos_without_reference_or_candidate_are_errors(data: Path):
    with pytest.raises(DataError, match="one candidate for each photo"):
        Meteor(data).score([[["a"]]], [])
    with pytest.raises(DataError, match="at least one reference"):
        Meteor(data).score([[]], [["a"]])


def test_a_missing_package_is_an_error_that_names_it(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(SeetellError, match=r"pip install .*\[meteor\]'"):
        Meteor()


def test_a_missing_stemmer_is_an_error_that_names_it(data: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "snowballstemmer.english_stemmer", None)
    with pytest.raises(SeetellError, match=r"pip install .*\[meteor\]'"):
        Meteor(data)


def test_a_missing_file_is_named(data: Path):
    (data / "data" / "paraphrase-en.gz").unlink()
    with pytest.raises(DataError, match=r"paraphrase-en\.gz, which does not exist"):
        Meteor(data)


def test_a_damaged_jar_is_an_error(data: Path):
    (data / "meteor-1.5.jar").write_bytes(b"no jar")
    with pytest.raises(DataError, match=r"expected METEOR 1\.5's jar"):
        Meteor(data)


def test_the_package_with_the_data_is_not_imported(data: Path):
    loaded = {name for name in sys.modules if name.startswith("pycocoevalcap")}
    Meteor(data).score([[["a"]]], [["a"]])
    assert {name for name in sys.modules if name.startswith("pycocoevalcap")} == loaded


def test_the_example_of_the_reference_page(
    data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    files = MeteorFiles.find(data)
    monkeypatch.setattr(MeteorFiles, "find", lambda folder: files)
    example = PAGE.read_text(encoding="utf-8").partition("## METEOR")[2].partition("```python\n")[2].partition("```")[0]
    exec(example, {})
    assert 0 < float(capsys.readouterr().out.split()[0]) < 1
