"""``POST /v1/style``: photos drawn in styles."""

from __future__ import annotations

import io

import pytest
from PIL import Image
from starlette.testclient import TestClient
from web.conftest import ADDRESS, photo_file

from seetell.web.application import application

PHOTO = photo_file((200, 30, 40), size=(60, 40))


class Model:
    """Draws all in blue."""

    styles = ("waves", "glass")

    def __init__(self) -> None:
        self.asked: list[tuple[dict[str, float], int, float]] = []

    def draw(self, picture: Image.Image, styles: dict[str, float], *, side: int, strength: float) -> Image.Image:
        assert picture.size == (60, 40)
        self.asked.append((styles, side, strength))
        return Image.new("RGB", (side, side * 2 // 3), (0, 0, 250))


@pytest.fixture
def model() -> Model:
    return Model()


@pytest.fixture
def client(model: Model):
    app = application({}, styles=model)  # type: ignore[arg-type]
    with TestClient(app, base_url=ADDRESS) as client:
        yield client


def test_a_photo_is_drawn(client: TestClient, model: Model):
    assert client.get("/v1/models").json()["styles"] == ["waves", "glass"]
    answer = client.post("/v1/style?style=waves", files={"image": PHOTO})
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/jpeg")
    with Image.open(io.BytesIO(answer.content)) as picture:
        assert (picture.format, picture.size) == ("JPEG", (512, 341))
    mixed = "style=waves&style=glass&style=waves&weight=1&weight=0.5&weight=2&strength=0.3&side=96&keep_colour=true"
    answer = client.post(f"/v1/style?{mixed}", files={"image": PHOTO})
    with Image.open(io.BytesIO(answer.content)) as picture:
        red, _, blue = picture.convert("RGB").getpixel((40, 30))
        assert red > blue
    assert model.asked == [({"waves": 1.0}, 512, 1.0), ({"waves": 3.0, "glass": 0.5}, 96, 0.3)]


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("", "style: Field required"),
        ("style=wavs", "unknown style 'wavs'. Did you mean 'waves'?"),
        ("style=waves&weight=1&weight=2", "expected one for each of 1 styles, not all 0, got [1.0, 2.0]"),
        ("style=waves&weight=0", "not all 0"),
        ("style=waves&weight=-1", "weight: Input should be greater than or equal to 0"),
        ("style=waves&strength=2", "less than or equal to 1"),
        ("style=waves&side=2000", "less than or equal to 1024"),
        ("style=waves&size=200", "unknown query parameter 'size'"),
    ],
)
def test_what_cannot_be_drawn_is_refused(client: TestClient, query: str, message: str):
    refused = client.post(f"/v1/style?{query}", files={"image": PHOTO})
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid")
    assert message in refused.json()["error"]


def test_a_file_that_is_no_photo_and_fields_that_are_not_known_are_refused(client: TestClient):
    refused = client.post("/v1/style?style=waves", files={"image": b"no photo"})
    assert (refused.status_code, refused.json()["code"]) == (415, "not_a_photo")
    refused = client.post("/v1/style?style=waves", files={"image": PHOTO}, data={"text": "a"})
    assert "unknown form field 'text'" in refused.json()["error"]
