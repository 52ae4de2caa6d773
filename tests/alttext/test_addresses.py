from __future__ import annotations

from pathlib import Path

import pytest

from seetell.alttext.addresses import is_data, local_file
from seetell.errors import PhotoError

SITE = Path("/site")


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("a.jpg", "/site/sub/a.jpg"),
        (" ./a.jpg\n", "/site/sub/a.jpg"),
        ("../a.jpg?v=1#x", "/site/a.jpg"),
        ("b%20c%C3%A9.jpg", "/site/sub/b cé.jpg"),
        ("d\\e.jpg", "/site/sub/d/e.jpg"),
        ("/f.jpg", "/site/f.jpg"),
        ("/../../f.jpg", "/site/f.jpg"),
        ("%2e%2e/g.jpg", "/site/g.jpg"),
        ("a/../h%3Fi.jpg", "/site/sub/h?i.jpg"),
    ],
)
def test_addresses_of_the_site_are_files(address: str, expected: str):
    assert local_file(address, folder=SITE / "sub", root=SITE) == Path(expected)


@pytest.mark.parametrize(
    "address",
    ["https://a/b.jpg", "HTTP://a/b.jpg", "//a/b.jpg", "data:image/png;base64,xx", "cid:1", "\tht\ntps://a/b.jpg"],
)
def test_others_lead_elsewhere(address: str):
    assert local_file(address, folder=SITE, root=None) is None
    assert is_data(address) == address.startswith("data")


def test_a_base_comes_first():
    assert local_file("a.jpg", folder=SITE / "sub", root=SITE, base="/img/x.html") == SITE / "img/a.jpg"
    assert local_file("a.jpg", folder=SITE / "sub", root=SITE, base="../img/") == SITE / "img/a.jpg"
    assert local_file("/a.jpg", folder=SITE / "sub", root=SITE, base="/img/") == SITE / "a.jpg"
    assert local_file("a.jpg", folder=SITE, root=SITE, base="https://a/") is None


@pytest.mark.parametrize(
    ("address", "said"), [("/a.jpg", "--root"), ("#x", "names no file"), ("a%00.jpg", "zero byte")]
)
def test_addresses_of_no_file_are_errors(address: str, said: str):
    with pytest.raises(PhotoError, match=said):
        local_file(address, folder=SITE, root=None)
