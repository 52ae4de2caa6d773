from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from seetell.bulk.settings import Settings
from seetell.errors import DataError, UsageError
from seetell.tasks.registry import find_task

CAPTIONING = find_task("caption")
MADE = Settings("captioning", "caption", "1", {"beam_size": 3, "sample": False, "precision": "int8"})


def difference(now: Settings, before: Settings = MADE) -> str:
    with pytest.raises(UsageError) as raised:
        now.check(before, CAPTIONING, Path("rows.jsonl"))
    return str(raised.value).removeprefix("rows.jsonl: its rows were made ").partition(";")[0]


def test_they_come_back(tmp_path: Path):
    MADE.write(tmp_path / "settings")
    read = Settings.read(tmp_path / "settings")
    assert read == MADE
    MADE.check(read, CAPTIONING, Path("rows.jsonl"))


def test_differences_are_named_as_they_are_typed():
    assert difference(replace(MADE, task="detection")) == "by captioning, not detection"
    assert difference(replace(MADE, model="./mine", identity="2")) == "with the model 'caption', not './mine'"
    assert difference(replace(MADE, identity="2")) == "with the model 'caption', not another version of it"
    sampled = replace(MADE, options={"sample": True})
    assert difference(sampled) == (
        "with --beam 3, not without --beam and without --sample, not with --sample and "
        "with --precision int8, not without --precision"
    )


def test_a_value_of_0_is_a_value():
    for value in (0, 0.0):
        with_0 = replace(MADE, options={**MADE.options, "length_penalty": value})
        assert difference(MADE, with_0) == f"with --length-penalty {value}, not without --length-penalty"
        assert difference(with_0) == f"without --length-penalty, not with --length-penalty {value}"


def test_an_option_that_came_later_counts_as_its_default():
    before = replace(MADE, options={"beam_size": 3, "precision": "int8"})
    MADE.check(before, CAPTIONING, Path("rows.jsonl"))
    assert "--min-confidence 0.5" in difference(replace(MADE, options={**MADE.options, "min_confidence": 0.5}), before)


def test_what_the_model_chooses_itself_is_no_difference():
    own = {"beam_size": 3, "precision": "int8"}
    for before, now in ((MADE.options, {}), ({}, MADE.options)):
        replace(MADE, options=now, own=own).check(replace(MADE, options=before), CAPTIONING, Path("rows.jsonl"))
    other = {**MADE.options, "beam_size": 5}
    assert difference(replace(MADE, options={}, own=own), replace(MADE, options=other)) == (
        "with --beam 5, not without --beam"
    )


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"format": 2, "task": "captioning"}', '{"format": 1, "odd": 1}'])
def test_a_damaged_file_is_named(content: str, tmp_path: Path):
    (tmp_path / "rows.jsonl.seetell").write_text(content)
    with pytest.raises(DataError, match=r"rows\.jsonl\.seetell: cannot be read"):
        Settings.read(tmp_path / "rows.jsonl.seetell")
