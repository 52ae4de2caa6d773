from __future__ import annotations

import itertools
import json
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from bulk.toy_executor import CAPTIONING, SETTINGS, Toy, caption, images

from seetell.bulk.formats import format_of
from seetell.bulk.items import Item
from seetell.bulk.opening import open_output
from seetell.bulk.row_log import RowLog
from seetell.errors import DataError, SeetellError, UsageError

FILES = ("rows.jsonl", "rows.csv", "rows.parquet")


@pytest.fixture(params=FILES)
def output(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    if request.param.endswith("parquet"):
        pytest.importorskip("pyarrow")
    return tmp_path / request.param


@pytest.mark.slow
def test_a_run_writes_a_row_for_each_item(output: Path):
    asked, summary = caption("abcab", output)
    assert (asked, summary.rows, summary.failed) == (["a", "b", "c"], 3, 0)
    assert images(output) == ["a", "b", "c"]
    assert sorted(path.name for path in output.parent.iterdir()) == [output.name, f"{output.name}.seetell"]


def test_keywords_and_words_are_read_as_they_were_written(output: Path):
    rows = [
        {"image": "a.jpg", "caption": "a dog", "keywords": ["dog", "tennis ball"], "confidence": 0.5},
        {"image": "b.jpg", "caption": "a cat", "confidence": 0.5},
        {"image": "c.jpg", "caption": "a sign", "written": ["=STOP; OR", "ELSE"], "written_confidence": [0.75, 1.0]},
    ]
    written = format_of(output.suffix, CAPTIONING)
    written.write(output, rows)
    assert list(written.read(output)) == rows


def test_an_interrupted_run_is_resumed(output: Path):
    with suppress(KeyboardInterrupt):
        caption("abcdef", output, Toy(stop_after=2))
    asked, summary = caption("abcdef", output)
    assert (asked, summary.rows) == (["c", "d", "e", "f"], 6)
    assert images(output) == list("abcdef")
    assert caption("abcdef", output)[0] == []


@pytest.mark.parametrize("name", [*FILES, "folder/"])
def test_any_number_of_interruptions_leave_each_row_once(name: str, tmp_path: Path):
    for stops in itertools.product((0, 3), (1, 2), (0, 3)):
        output = tmp_path / "-".join(map(str, stops)) / name
        output.parent.mkdir()
        rows_per_file = {"rows_per_file": 2} if name.endswith("/") else {}
        path = f"{output}/" if rows_per_file else output
        for stop in stops:
            with suppress(KeyboardInterrupt):
                caption("abcdefghi", path, Toy(stop_after=stop), **rows_per_file)
        assert len(caption("abcdefghi", path, **rows_per_file)[0]) == 9 - sum(stops)
        assert images(output) == list("abcdefghi")


def test_new_items_come_where_the_input_has_them_and_rows_of_others_stay(output: Path):
    caption("bdf", output)
    asked, summary = caption("abcdeg", output)
    assert (asked, summary.rows) == (["a", "c", "e", "g"], 7)
    assert images(output) == list("abcdfeg")  # f is gone, and stays behind d


def test_rows_follow_the_input_when_it_is_named_in_another_order(output: Path):
    caption("abc", output)
    assert caption("cab", output)[0] == []
    assert images(output) == ["c", "a", "b"]


def test_results_may_come_in_any_order(output: Path):
    caption("abcdef", output, Toy(reorder=lambda done: done[::-1]))
    assert images(output) == list("abcdef")
    with suppress(KeyboardInterrupt):
        caption("abcdefghi", output, Toy(reorder=lambda done: done[::-1], stop_after=2))
    assert caption("abcdefghi", output)[0] == ["g"]
    assert images(output) == list("abcdefghi")


def test_failures_have_rows_and_an_index(output: Path):
    index = output.parent / f"{output.name}.failures.jsonl"
    _, summary = caption("a1 bad1 a2 bad2", output)
    assert (summary.rows, summary.failed, summary.failures) == (4, 2, index)
    failures = [json.loads(line) for line in index.read_text().splitlines()]
    assert failures == [{"image": "bad1", "error": "is broken"}, {"image": "bad2", "error": "is broken"}]
    assert images(output) == ["a1", "bad1", "a2", "bad2"]
    assert caption("a1 bad1 a2 bad2", output)[0] == []  # resuming does not try them again
    assert len(index.read_text().splitlines()) == 2


def test_failures_are_tried_again_on_request(output: Path):
    caption("a1 bad1 a2 bad2", output)
    asked, summary = caption("a1 bad1 a2 bad2", output, Toy(bad="bad2"), retry=True)
    assert (asked, summary.rows, summary.failed) == (["bad1", "bad2"], 4, 1)
    assert images(output) == ["a1", "bad1", "a2", "bad2"]
    assert len(summary.failures.read_text().splitlines()) == 1
    asked, summary = caption("a1 bad1 a2 bad2", output, Toy(bad="none"), retry=True)
    assert (asked, summary.failed, summary.failures.exists()) == (["bad2"], 0, False)


def test_a_retry_that_is_interrupted_leaves_the_rest_pending(output: Path):
    caption("a1 bad1 a2 bad2", output)
    with suppress(KeyboardInterrupt):
        caption("a1 bad1 a2 bad2", output, Toy(bad="none", stop_after=1), retry=True)
    assert caption("a1 bad1 a2 bad2", output, Toy(bad="none"))[0] == ["bad2"]
    assert images(output) == ["a1", "bad1", "a2", "bad2"]


def test_other_settings_are_refused_before_anything_changes(output: Path):
    caption("ab", output)
    before = output.read_bytes()
    with pytest.raises(UsageError, match=r"rows were made with --beam 2, not with --beam 3; do the same"):
        open_output(str(output), replace(SETTINGS, options={"beam_size": 3}), CAPTIONING)
    with pytest.raises(UsageError, match="with the model 'toy', not 'other'"):
        open_output(str(output), replace(SETTINGS, model="other", identity="2"), CAPTIONING)
    assert output.read_bytes() == before
    open_output(str(output), replace(SETTINGS, model="./toy"), CAPTIONING).close()


def test_a_deleted_output_begins_again_with_any_settings(output: Path):
    caption("ab", output)
    output.unlink()
    with open_output(str(output), replace(SETTINGS, options={}), CAPTIONING) as rows:
        assert list(rows.pending([Item("a")])) == [(0, Item("a"))]


def test_what_no_run_wrote_is_not_touched(output: Path):
    output.write_text("mine\n")
    with pytest.raises(UsageError, match=r"exists, and no run that can be resumed wrote it"):
        caption("ab", output)
    assert output.read_text() == "mine\n"
    assert [path.name for path in output.parent.iterdir()] == [output.name]


def test_a_disk_that_fails_at_the_end_leaves_no_lock(output: Path, monkeypatch: pytest.MonkeyPatch):
    def fail(log: RowLog) -> None:
        raise OSError("input/output error")

    opened = open_output(str(output), SETTINGS, CAPTIONING)
    with monkeypatch.context() as patch:
        patch.setattr(RowLog, "close", fail)
        with pytest.raises(OSError, match="input/output error"):
            opened.close()
    caption("ab", output)


def test_a_second_process_is_told(output: Path):
    with (
        open_output(str(output), SETTINGS, CAPTIONING),
        pytest.raises(SeetellError, match="another seetell is writing it"),
    ):
        open_output(str(output), SETTINGS, CAPTIONING)
    caption("ab", output)


def test_a_table_that_is_damaged_is_named(tmp_path: Path):
    pytest.importorskip("pyarrow")
    for name in FILES[1:]:
        caption("ab", tmp_path / name)
        (tmp_path / name).write_bytes(b"damaged\n")
        with pytest.raises(DataError, match=name):
            caption("ab", tmp_path / name)


def test_a_table_killed_before_its_log_is_gone_is_made_again(tmp_path: Path):
    output = tmp_path / "rows.csv"
    with suppress(KeyboardInterrupt):
        caption("abc", output, Toy(stop_after=2))
    log = tmp_path / "rows.csv.rows.jsonl"
    unfinished = log.read_bytes()
    caption("abc", output)
    log.write_bytes(unfinished)
    assert caption("abc", output)[0] == ["c"]
    assert images(output) == ["a", "b", "c"]
