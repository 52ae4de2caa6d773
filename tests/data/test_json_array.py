from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seetell.data import json_fields
from seetell.data.json_fields import objects_in
from seetell.errors import DataError

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.dictionaries(st.text(max_size=4), values, max_size=3), max_size=6),
    st.sampled_from([None, 2]),
    st.booleans(),
    st.integers(1, 40),
)
def test_it_is_what_json_reads(tmp_path_factory, objects, indent, ascii_only, chunk):
    path = tmp_path_factory.mktemp("array") / "a.json"
    written = json.dumps(objects, indent=indent, ensure_ascii=ascii_only)
    path.write_text(written, encoding="utf-8", errors="surrogatepass", newline="")
    if not ascii_only and any("\ud800" <= letter <= "\udfff" for letter in written):
        return
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_fields, "_CHUNK", chunk)
        assert list(objects_in(path)) == objects


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "after 0 objects: expected a list of objects, but there is the end of the file"),
        ('{"a": 1}', "expected a list of objects, but there is '{\"a\": 1}'"),
        ("[1]", "expected an object, but there is '1]'"),
        ('[{"a": 1},]', "after 1 objects: expected an object, but there is ']'"),
        ('[{"a": 1} {"a": 2}]', "expected a comma or the end of the list"),
        ('[{"a": 1}] x', "expected nothing after the list, but there is 'x'"),
        ('[{"a": 1}, {"a": ', "after 1 objects: expected JSON, but Expecting value"),
        ('[{"a": "b', "expected JSON, but Unterminated string"),
        ('[{"a": 1}', "expected a comma or the end of the list, but there is the end of the file"),
        ('[{"a": ' + "[" * 100_000, "expected JSON, but maximum recursion"),
    ],
)
def test_what_is_no_list_of_objects(tmp_path: Path, text: str, message: str):
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(DataError) as caught:
        list(objects_in(tmp_path / "a.json"))
    assert message in str(caught.value)


def test_what_cannot_be_read(tmp_path: Path):
    with pytest.raises(DataError, match="No such file"):
        list(objects_in(tmp_path / "a.json"))
    (tmp_path / "a.json").write_bytes(b'[{"a": "\xff"}]')
    with pytest.raises(DataError, match="expected JSON in UTF-8"):
        list(objects_in(tmp_path / "a.json"))
