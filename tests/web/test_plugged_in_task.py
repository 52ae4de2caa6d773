"""A task that a plug-in registers is served, described and shown on the page without an edit in seetell/web."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser, expect
from starlette.testclient import TestClient
from web.browser import NEEDS_BROWSER, choose, no_violations, opened
from web.conftest import ADDRESS, Serving, photo_file

from seetell.errors import UsageError
from seetell.photos.opening import PhotoSource, open_photo
from seetell.results import Label, Labels, row
from seetell.tasks import registry
from seetell.tasks.registry import Option, Task
from seetell.web.application import application

HUES = Task(
    name="main_colours",
    command="hue",
    summary="Name the main colours of images.",
    result="labels",
    example="seetell hue photo.jpg",
    options=(
        Option("top", int, "Colours per image.", 3, minimum=1, maximum=3, served=True),
        Option("order", str, "Which come first.", choices=("highest", "lowest"), served=True),
        Option("gamma", float, "Not for clients.", 1.0),
    ),
    package=__name__,
)


class Hues:
    """Says how much of an image's light is red, green and blue; with a text, of which colour to say nothing."""

    name = "hues"
    threads = 1
    bundle = SimpleNamespace()
    box: tuple[float, float, float, float] | None = None

    def __init__(self) -> None:
        self.batches: list[tuple[int, dict[str, Any]]] = []

    def check(self, **options: Any) -> None:
        if options.get("top") == 2:
            raise UsageError("top: two is odd")

    def prepare(self, image: PhotoSource, text: str = "") -> tuple[np.ndarray, str]:
        return np.asarray(open_photo(image)).reshape(-1, 3).mean(axis=0), text

    def predict_prepared(self, batch: Sequence[tuple[np.ndarray, str]], **options: Any) -> list[Labels]:
        self.batches.append((len(batch), options))
        return [self._labels(pixel / pixel.sum(), text, **options) for pixel, text in batch]

    def _labels(self, shares: np.ndarray, text: str, *, top: int, order: str = "highest") -> Labels:
        labels = [Label(name, float(share)) for name, share in zip(("red", "green", "blue"), shares, strict=True)]
        labels.sort(key=lambda label: label.score, reverse=order == "highest")
        kept = tuple(label for label in labels if label.text != text)[:top]
        return Labels(kept, self.name, self.box, None if self.box is None else (80, 40))


@pytest.fixture
def plugged_in(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Task:
    """The task, registered for one test, with the changes that the test asks for."""
    task = Task(**{**vars(HUES), **getattr(request, "param", {})})
    monkeypatch.setattr(registry, "_registered", {})
    registry.register(task)
    return task


@pytest.fixture
def hues() -> Hues:
    return Hues()


@pytest.fixture
def client(plugged_in: Task, hues: Hues) -> Iterator[TestClient]:
    with TestClient(application({"hue": hues}), base_url=ADDRESS) as client:
        yield client


def ask(client: TestClient, query: str = "", **data: str) -> Any:
    return client.post(f"/v1/hue{query}", files={"image": ("a.png", photo_file((200, 40, 10)))}, data=data)


def test_it_is_answered_with_its_row(client: TestClient):
    expected = Labels((Label("red", 0.8), Label("green", 0.16), Label("blue", 0.04)), "hues")
    assert ask(client).json() == row("a.png", expected)
    assert ask(client, "?top=1").json() == row("a.png", expected.top(1))
    assert ask(client, "?order=lowest&top=1").json()["labels"] == [{"text": "blue", "score": 0.04}]


@pytest.mark.parametrize("query", ["?top=0", "?top=4", "?top=many", "?order=random", "?top=2"])
def test_options_are_checked(client: TestClient, hues: Hues, query: str):
    refused = ask(client, query)
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid")
    assert hues.batches == []


def test_options_that_are_not_served_are_unknown(client: TestClient, hues: Hues):
    refused = ask(client, "?gamma=7")
    assert (refused.status_code, refused.json()["error"]) == (
        422,
        "unknown query parameter 'gamma'. Known: order, top.",
    )
    assert hues.batches == []


@pytest.mark.parametrize("plugged_in", [{"text_input": "except"}], indirect=True)
def test_a_text_goes_with_the_image(client: TestClient):
    assert [label["text"] for label in ask(client, **{"except": "red"}).json()["labels"]] == ["green", "blue"]
    refused = ask(client)
    assert (refused.status_code, refused.json()["code"]) == (422, "no_text")
    assert "'except'" in refused.json()["error"]
    form = client.get("/openapi.json").json()["paths"]["/v1/hue"]["post"]["requestBody"]["content"]
    assert form["multipart/form-data"]["schema"]["required"] == ["image", "except"]


def test_it_is_listed_and_described(client: TestClient):
    listed = client.get("/v1/models").json()["tasks"]["hue"]
    assert listed == {
        "model": "hues",
        "title": "Main colours",
        "summary": HUES.summary,
        "input": "image",
        "result": "labels",
        "text_input": None,
        "written": False,
        "options": {
            "top": {"type": "integer", "default": 3, "minimum": 1, "maximum": 3},
            "order": {"type": "string", "enum": ["highest", "lowest"]},
        },
    }
    described = client.get("/openapi.json").json()["paths"]["/v1/hue"]["post"]
    assert described["summary"] == HUES.summary
    assert [parameter["name"] for parameter in described["parameters"]] == ["top", "order"]
    assert described["parameters"][0]["schema"]["maximum"] == 3
    example = described["responses"]["200"]["content"]["application/json"]["example"]
    assert set(example) == set(ask(client).json())


@pytest.mark.parametrize("plugged_in", [{"result": "tracks"}], indirect=True)
def test_a_shape_of_its_own_is_answered_too(client: TestClient):
    assert ask(client).status_code == 200
    assert "/v1/hue" in client.get("/openapi.json").json()["paths"]


@pytest.mark.parametrize("plugged_in", [{"command": "search"}], indirect=True)
def test_it_cannot_take_an_address_of_the_server(plugged_in: Task, hues: Hues):
    with pytest.raises(UsageError, match="address of the server's own"):
        application({"search": hues})


def test_an_unknown_command_is_wrong_use(hues: Hues):
    with pytest.raises(UsageError, match="unknown task 'hue'"):
        application({"hue": hues})


@pytest.mark.slow
@NEEDS_BROWSER
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_its_labels_are_bars_on_the_page(browser: Browser, plugged_in: Task, hues: Hues, serving: Serving, scheme: Any):
    with serving(application({"hue": hues})) as port, opened(browser, port, color_scheme=scheme) as page:
        choose(page, photo_file((200, 40, 10)))
        expect(page.locator("[data-command=hue] h2")).to_have_text("Main colours")
        expect(page.locator("[data-command=hue] li")).to_have_text(["red 80.0%", "green 16.0%", "blue 4.0%"])
        widths = [bar.bounding_box() for bar in page.locator("[data-command=hue] .bar").all()]
        assert len({box["width"] for box in widths if box}) == 1
        no_violations(page)


@pytest.mark.slow
@NEEDS_BROWSER
def test_the_box_of_the_first_label_lies_over_the_photo(
    browser: Browser, plugged_in: Task, hues: Hues, serving: Serving
):
    hues.box = (20.0, 10.0, 60.0, 30.0)
    with serving(application({"hue": hues})) as port, opened(browser, port) as page:
        choose(page, photo_file((200, 40, 10)))
        outline = page.locator("#photo .box")
        expect(outline).to_be_visible()
        expect(outline).to_have_attribute("aria-label", "the box of “red”")
        box, photo = outline.bounding_box(), page.locator("#photo").bounding_box()
        assert box is not None
        assert photo is not None
        assert (box["x"] - photo["x"]) / photo["width"] == pytest.approx(0.25, abs=0.02)
        assert box["width"] / photo["width"] == pytest.approx(0.5, abs=0.02)
        assert box["height"] / photo["height"] == pytest.approx(0.5, abs=0.05)
        no_violations(page)
