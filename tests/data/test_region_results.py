from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seetell.data.region_results import PredictedRegions, contains_regions, densecap_results, read_region_results
from seetell.errors import DataError
from seetell.results import Region, Regions

DOG = {"text": "a dog", "box": [1, 2, 3.5, 4], "score": 0.5}


def write(folder: Path, document: Any) -> Path:
    path = folder / "results.json"
    path.write_text(document if isinstance(document, str) else json.dumps(document))
    return path


def lines(*rows: Any) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


def test_json_lines_are_in_the_photos_own_pixels(tmp_path: Path):
    path = write(
        tmp_path, lines({"image": "a/1.jpg", "regions": [DOG]}, {"image": 2, "regions": []}, {"image": 3, "error": "x"})
    )
    results = read_region_results(path)
    region = Region("a dog", (1, 2, 3.5, 4), 0.5)
    assert results.captions == {"a/1.jpg": PredictedRegions((region,)), 2: PredictedRegions(())}
    assert results.failed == (3,)
    assert results.captions["a/1.jpg"].in_pixels((9, 9)) == (region,)
    assert region.to_dict() == DOG


def test_densecaps_boxes_count_pixels_from_one_on_the_resized_photo(tmp_path: Path):
    row = {
        "img_name": "1.jpg",
        "boxes": [[1, 1, 720, 360], [181, 91, 360, 180]],
        "scores": [2.5, -1],
        "captions": ["a", ""],
    }
    results = read_region_results(write(tmp_path, {"results": [row], "opt": {"image_size": 720}}))
    found = results.captions["1.jpg"]
    assert found.in_pixels((1440, 720)) == (
        Region("a", (0, 0, 1440, 720), 2.5),
        Region("", (360, 180, 1080, 540), -1),
    )
    assert [region.box for region in found.in_pixels((180, 360))] == [(0, 0, 360, 180), (90, 45, 270, 135)]
    half = read_region_results(write(tmp_path, {"results": [row], "opt": {"image_size": 1440}}))
    assert half.captions["1.jpg"].in_pixels((1440, 720))[0].box == (0, 0, 720, 360)
    assert densecap_results([("1.jpg", Regions(found.in_pixels((1440, 720)), (1440, 720), "densecap"))]) == {
        "results": [row],
        "opt": {"image_size": 720},
    }


def test_what_torch_writes(tmp_path: Path):
    rows = [
        {"img_name": "1.jpg", "boxes": {}, "scores": {}, "captions": {}},
        {"img_name": "2.jpg", "boxes": [[1, 1, 2, 2]], "scores": [[0.5]], "captions": ["a"]},
    ]
    results = read_region_results(write(tmp_path, json.dumps({"opt": {"image_size": 72}, "results": rows}, indent=1)))
    assert results.captions["1.jpg"].regions == ()
    assert results.captions["2.jpg"].regions[0].score == 0.5


sides = st.floats(0, 2000, allow_nan=False).map(lambda value: round(value, 3))


@pytest.mark.slow
@settings(max_examples=80, deadline=None)
@given(
    st.lists(
        st.tuples(sides, sides, sides, sides, st.text(st.characters(exclude_categories=["Cs"])), st.floats(-9, 9))
    ),
    st.tuples(st.integers(1, 5000), st.integers(1, 5000)),
    st.integers(1, 2000),
)
def test_what_is_written_is_read(tmp_path_factory, found, size, image_size):
    regions = Regions(
        tuple(Region(caption, (x, y, x + w + 1, y + h + 1), score) for x, y, w, h, caption, score in found),
        size,
        "densecap",
    )
    path = tmp_path_factory.mktemp("results") / "results.json"
    path.write_text(json.dumps(densecap_results([("1.jpg", regions)], image_size=image_size)))
    read = read_region_results(path).captions["1.jpg"].in_pixels(size)
    assert [(region.text, region.score) for region in read] == [(region.text, region.score) for region in regions]
    for one, other in zip(read, regions, strict=True):
        assert one.box == pytest.approx(other.box, rel=1e-9, abs=1e-6 * max(size) / image_size)


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ("", "expected JSON, but Expecting value"),
        ([1], "results.json:1: expected an object with the photo's name"),
        (json.dumps([1], indent=1), "it is a list of 1 items"),
        ({"results": []}, "there is no photo in it"),
        ({"results": [{"img_name": "a"}]}, "expected 'boxes', 'scores' and 'captions' as lists"),
        ({"results": [3]}, "results[0]: expected an object with the photo's name"),
        ({"results": [], "opt": {"image_size": "x"}}, 'opt.image_size: expected the longer side in pixels, got "x"'),
        (
            {"results": [{"img_name": "a", "boxes": [[1, 1, 2, 2]], "scores": [], "captions": ["a"]}]},
            "expected as many captions and scores as the 1 boxes",
        ),
        (lines({"image": "a", "regions": 3}), "expected 'regions' as a list, got 3"),
        (lines({"image": "a", "regions": [3]}), "expected objects with 'text', 'box' and 'score'"),
        (lines({"image": "a", "regions": [DOG | {"box": [1, 2, 3]}]}), "expected a box as 4 numbers, got [1, 2, 3]"),
        (lines({"image": "a", "regions": [DOG | {"box": [1, 2, 3, 1e999]}]}), "expected a box as 4 numbers"),
        (lines({"image": "a", "regions": [DOG | {"box": [3, 2, 3, 4]}]}), "expected a box with an area"),
        (lines({"image": "a", "regions": [DOG | {"score": None}]}), "expected the score as a number, got nothing"),
        (lines({"image": "a", "regions": [DOG | {"text": None}]}), "expected what a region shows as text"),
        (lines({"image": "a", "regions": [DOG | {"text": "\ud800"}]}), "expected what a region shows as text in valid"),
        (lines({"image": "a", "regions": []}) * 2, "results.json:2: duplicate photo 'a'"),
        (lines({"image": "a", "regions": []}) + "{", "results.json:2: expected JSON"),
        (lines({"regions": []}), "expected an object with the photo's name as 'image'"),
    ],
)
def test_what_breaks_the_format(tmp_path: Path, document: Any, message: str):
    with pytest.raises(DataError) as caught:
        read_region_results(write(tmp_path, document))
    assert message in str(caught.value)


def test_a_folder_is_no_file(tmp_path: Path):
    with pytest.raises(DataError, match="it is a folder"):
        read_region_results(tmp_path)


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        (lines({"image": "a", "regions": [DOG]}), True),
        (lines({"image": "a", "error": "x"}, {"image": "b", "regions": []}), True),
        (json.dumps({"results": []}, indent=1), True),
        (lines({"image": "a", "caption": "x"}), False),
        ('[{"image_id": 1, "caption": "x"}]', False),
        ("image,caption\na,b\n", False),
        ("", False),
    ],
)
def test_regions_are_distinguished_from_captions(tmp_path: Path, document: str, expected: bool):
    assert contains_regions(write(tmp_path, document)) is expected


def test_what_cannot_be_read_holds_no_regions(tmp_path: Path):
    assert not contains_regions(tmp_path / "absent.json")


junk = st.recursive(
    st.none() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ["image", "regions", "box", "text", "score", "results", "boxes", "scores", "captions", "opt"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(junk)
def test_junk_is_refused(tmp_path_factory, document):
    path = write(tmp_path_factory.mktemp("junk"), document)
    contains_regions(path)
    try:
        results = read_region_results(path)
    except DataError:
        return
    assert results.captions or results.failed
