from __future__ import annotations

import base64
import io
import re
from pathlib import Path
from urllib.parse import unquote_to_bytes

import pytest
from PIL import Image

from seetell.drawing.gallery import THUMBNAIL, Found, gallery
from seetell.drawing.page_parts import GENERATOR


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "a <b> & é.jpg"
    Image.new("RGB", (900, 600), (200, 30, 30)).save(path)
    return path


def test_the_page_holds_a_small_copy_of_each_photo_and_leads_to_it(photo: Path):
    page = gallery("red <things>", "1 of 5 photos", [Found(str(photo), 0.98765)])
    assert GENERATOR in page
    assert '<h1 dir="auto">red &lt;things&gt;</h1>' in page
    assert "0.988" in page
    assert "a &lt;b&gt; &amp; é.jpg" in page
    (link,) = re.findall(r'href="file://([^"]+)"', page)
    assert unquote_to_bytes(link).decode() == str(photo)
    (picture,) = re.findall(r'src="data:image/jpeg;base64,([^"]+)"', page)
    with Image.open(io.BytesIO(base64.b64decode(picture))) as small:
        assert small.size == (THUMBNAIL, round(THUMBNAIL * 600 / 900))


def test_photos_that_do_not_open_are_named_all_the_same(tmp_path: Path):
    page = gallery("x", "", [Found(str(tmp_path / "gone \udcff\n.jpg"), 0.5)])
    assert "no photo" in page
    page.encode()


def test_the_photo_that_was_looked_for_is_shown(photo: Path):
    page = gallery("like this", "", [], query_photo=str(photo))
    assert page.count("<img") == 1
    assert 'alt="the photo that was the query"' in page
