from __future__ import annotations

import pytest

from seetell.data.columns import Columns, find_columns


@pytest.mark.parametrize(
    ("names", "columns"),
    [
        (["image", "caption"], Columns("image", ("caption",), None)),
        (["Text", "File Name", "Split"], Columns("File Name", ("Text",), "Split")),
        (["photo", "caption_1", "n", "caption_2"], Columns("photo", ("caption_1", "caption_2"), None)),
        (["file_name", "Captions"], Columns("file_name", ("Captions",), None)),
        (["image_name", "comment_number", "comment"], Columns("image_name", ("comment",), None)),
        (["image", "text", "caption"], Columns("image", ("caption",), None, ("text",))),
        (["file", "image", "description"], Columns("image", ("description",), None)),
    ],
)
def test_found(names: list[str], columns: Columns):
    assert find_columns(names) == columns


def test_ignored_columns_are_noted():
    columns = find_columns(["image", "text", "caption"])
    assert isinstance(columns, Columns)
    assert columns.notes() == ["captions come from 'caption'; ignored: 'text'"]


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (
            ["id", "caption"],
            "one that names the photo (image, file, filename, photo), but found 'id', 'caption'; rename",
        ),
        (["image", "tags"], "one with its caption (caption, text, description, or caption_1, caption_2, …), but found"),
        (["a.JPG", "A dog."], "this looks like data: add a first line with the columns' names, such as image,caption"),
        ([], "but found none; rename a column"),
        (["image", "caption", "image"], "the header names the column 'image' twice; rename one"),
    ],
)
def test_what_is_wrong_with_a_header(names: list[str], message: str):
    found = find_columns(names)
    assert isinstance(found, str)
    assert message in found
