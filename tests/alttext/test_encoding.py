from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seetell.alttext.encoding import decoded

HEAD = '<meta charset="{}"><p>é</p>'


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        ("é".encode(), "utf-8"),
        ("\ufeffé".encode(), "utf-8"),
        ("\ufeffé".encode("utf-16-le"), "utf-16-le"),
        ("\ufeffé".encode("utf-16-be"), "utf-16-be"),
        (HEAD.format("windows-1252").encode("cp1252"), "windows-1252"),
        (HEAD.format("Shift_JIS").replace("é", "犬").encode("shift_jis"), "shift_jis"),
        (HEAD.format("unicode_escape").encode("latin-1"), "latin-1"),
        (HEAD.format("nonsense").encode("latin-1"), "latin-1"),
        (b"\xff\xfe\x00", "latin-1"),
        (HEAD.format("gbk").encode("latin-1"), "latin-1"),
    ],
)
def test_the_encoding_is_found(content: bytes, encoding: str):
    text, found = decoded(content)
    assert found == encoding
    assert text.encode(found) == content


@given(st.binary() | st.text().map(str.encode))
def test_the_bytes_come_back(content: bytes):
    text, encoding = decoded(content)
    assert text.encode(encoding) == content
