from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
from bulk.toy_executor import CAPTIONING, SETTINGS, Toy, caption, images

from seetell.bulk.items import Item, Shard
from seetell.bulk.opening import open_output
from seetell.errors import SeetellError, UsageError


def test_files_have_so_many_rows(tmp_path: Path):
    _, summary = caption("abcdefg", tmp_path / "out.csv", rows_per_file=3)
    names = [path.name for path in sorted((tmp_path / "out.csv").glob("part*"))]
    assert names == ["part-00000.csv", "part-00001.csv", "part-00002.csv"]
    assert images(tmp_path / "out.csv") == list("abcdefg")
    assert summary.rows == 7


def test_what_is_added_comes_in_further_files(tmp_path: Path):
    caption("bc", f"{tmp_path}/out/")
    first = (tmp_path / "out" / "part-00000.jsonl").read_bytes()
    assert caption("abc", f"{tmp_path}/out/")[0] == ["a"]
    assert (tmp_path / "out" / "part-00000.jsonl").read_bytes() == first
    assert images(tmp_path / "out") == ["b", "c", "a"]


def test_failures_are_tried_again_in_further_files(tmp_path: Path):
    out = tmp_path / "out"
    caption("a bad1 bad2 bad3", f"{out}/", rows_per_file=2)
    asked, summary = caption("a bad1 bad2 bad3", f"{out}/", Toy(bad="bad3"), rows_per_file=2, retry=True)
    assert (asked, summary.rows, summary.failed) == (["bad1", "bad2", "bad3"], 4, 1)
    assert sorted(images(out)) == ["a", "bad1", "bad2", "bad3"]
    assert (out / "_failures.jsonl").read_text() == '{"image": "bad3", "error": "is broken"}\n'


def test_a_kill_between_a_file_and_the_end_of_its_log_leaves_rows_once(tmp_path: Path):
    out = tmp_path / "out"
    with suppress(KeyboardInterrupt):
        caption("abcd", f"{out}/", Toy(stop_after=2), rows_per_file=2)
    log = (out / "_rows.jsonl").read_bytes()
    with suppress(KeyboardInterrupt):
        caption("abcd", f"{out}/", Toy(stop_after=1), rows_per_file=2)
    assert (out / "part-00000.jsonl").read_bytes() == log
    (out / "_rows.jsonl").write_bytes(log)
    assert caption("abcd", f"{out}/", rows_per_file=2)[0] == ["c", "d"]
    assert images(out) == list("abcd")


def test_shards_share_a_folder(tmp_path: Path):
    out, everything = f"{tmp_path}/out/", [f"{number}.jpg" for number in range(40)]
    asked = []
    for number in (1, 2, 3):
        shard = Shard(number, 3)
        mine = [item.image for item in shard.of(map(Item, everything))]
        asked += caption(mine, out, shard=shard, rows_per_file=5)[0]
    assert sorted(asked) == sorted(everything)
    assert sorted(images(tmp_path / "out")) == sorted(everything)
    assert (tmp_path / "out" / "part-2-of-3-00000.jsonl").exists()
    assert caption(everything, out)[0] == []  # one process goes on with all of them


def test_two_shards_run_at_once(tmp_path: Path):
    with (
        open_output(f"{tmp_path}/out/", SETTINGS, CAPTIONING, shard=Shard(1, 2)),
        open_output(f"{tmp_path}/out/", SETTINGS, CAPTIONING, shard=Shard(2, 2)),
        pytest.raises(SeetellError, match="another seetell"),
    ):
        open_output(f"{tmp_path}/out/", SETTINGS, CAPTIONING, shard=Shard(2, 2))


@pytest.mark.parametrize(
    ("first", "second"), [(Shard(1, 2), Shard()), (Shard(), Shard(1, 2)), (Shard(1, 3), Shard(1, 2))]
)
def test_processes_that_divide_the_input_otherwise_do_not_write_at_once(tmp_path: Path, first: Shard, second: Shard):
    out = f"{tmp_path}/out/"
    with open_output(out, SETTINGS, CAPTIONING, shard=first):
        for _ in range(2):
            with pytest.raises(SeetellError, match=r"another seetell is writing (1/2|1/3|all) of it"):
                open_output(out, SETTINGS, CAPTIONING, shard=second)
    (tmp_path / "out" / "_lock-1-of-5").touch()  # as a killed process leaves it
    with open_output(out, SETTINGS, CAPTIONING, shard=second):
        assert not (tmp_path / "out" / "_lock-1-of-5").exists()


def test_a_folder_of_other_files_is_refused(tmp_path: Path):
    (tmp_path / "photo.jpg").touch()
    with pytest.raises(UsageError, match="is a folder of other files"):
        caption("ab", tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["photo.jpg"]
