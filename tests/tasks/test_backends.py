from __future__ import annotations

from pathlib import Path

import pytest

from seetell.errors import UsageError
from seetell.tasks.backends import BACKENDS, backend_options, check_options, parse_reference


def test_names_of_models(tmp_path: Path):
    assert parse_reference("hf:owner/name") == (BACKENDS["hf"], "owner/name")
    assert parse_reference("openai:gemma3:4b@http://h:1/v1") == (BACKENDS["openai"], "gemma3:4b@http://h:1/v1")
    assert parse_reference("caption") is parse_reference("hub:a") is parse_reference(tmp_path) is None
    (tmp_path / "config.json").write_text("{}")
    assert parse_reference(tmp_path) == (BACKENDS["hf"], str(tmp_path))
    (tmp_path / "model.json").write_text("{}")
    assert parse_reference(tmp_path) is None, "a bundle goes before"


def test_options_shared_by_backends_are_offered_once():
    names = [option.name for option in backend_options()]
    assert len(names) == len({*names}) > 0
    assert {option.name for option in backend_options(["openai"])} < {*names}
    assert backend_options([]) == ()


def test_what_is_not_given_is_no_option():
    given = {"device": None, "trust_remote_code": False, "prompt": "what?"}
    assert check_options(BACKENDS["hf"], given, "x") == {"prompt": "what?"}
    assert check_options(None, {"device": None}, "x") == {}
    with pytest.raises(UsageError, match="--colour: x is a bundle; expected one of none"):
        check_options(None, {"colour": "red"}, "x")
