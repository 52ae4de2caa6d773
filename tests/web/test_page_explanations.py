"""On the page in a real browser: where what was chosen comes from, and the photo drawn in styles."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Request, expect
from web.browser import NEEDS_BROWSER, PHONE, choose, described, no_violations, opened
from web.conftest import DOG, Serving, photo_file
from web.test_styling import Model

import seetell
from seetell.results import Regions
from seetell.tasks.captioning.predict import Captioner
from seetell.tasks.dense_captioning.predict import DenseCaptioner
from seetell.web.application import application

pytestmark = [pytest.mark.slow, NEEDS_BROWSER]
PHOTO = photo_file(size=(60, 40))


def explanations(page: Page) -> list[Request]:
    """Return the list to which requests for explanations are added."""
    asked: list[Request] = []
    page.on("request", lambda request: asked.append(request) if "/v1/explain" in request.url else None)
    return asked


def test_a_chosen_word_shows_the_methods_side_by_side(page: Page, captioner: Captioner):
    asked = explanations(page)
    choose(page, PHOTO)
    described(page, captioner.caption(PHOTO))
    words, maps = page.locator("[data-command=caption] .part"), page.locator("[data-command=caption] .maps")
    expect(maps).to_be_hidden()
    words.nth(0).click()
    captions = maps.locator("figcaption")
    expect(captions).to_have_count(2)
    expect(captions.nth(0)).to_have_text("attention")
    expect(captions.nth(1)).to_contain_text("occlusion, ")
    expect(page.locator("#status")).to_contain_text("Maps of “")
    boxes = [figure.bounding_box() for figure in maps.locator("figure").all()]
    assert boxes[0]["y"] == boxes[1]["y"]  # type: ignore[index]
    no_violations(page)
    words.nth(1).click()
    expect(captions).to_have_count(2)
    assert len(asked) == 1  # all words come together
    words.nth(1).click()
    expect(maps).to_be_hidden()
    choose(page, photo_file((0, 0, 250)))
    expect(maps).to_be_hidden()


def test_a_chosen_region_shows_the_maps_of_its_box(page: Page, dense_captioner: DenseCaptioner):
    choose(page, DOG.read_bytes(), "dog.jpg")
    section = page.locator("[data-command=regions]")
    section.locator(".part").nth(1).click()
    outline = section.locator(".maps .outline")
    expect(outline).to_be_visible()
    found: Regions = dense_captioner.predict(DOG, top=2)
    left, top, right, bottom = found[1].box
    shot, drawn = section.locator(".maps .shot").bounding_box(), outline.bounding_box()
    assert shot is not None
    assert drawn is not None
    assert drawn["x"] - shot["x"] == pytest.approx(left / 1024 * shot["width"], abs=2)
    assert drawn["width"] == pytest.approx((right - left) / 1024 * shot["width"], abs=4)
    assert drawn["height"] == pytest.approx((bottom - top) / 768 * shot["height"], abs=4)


def test_phrases_are_explained_with_their_sentence(page: Page):
    choose(page, photo_file((250, 0, 0)))
    page.fill("#align-text", "a red square")
    page.press("#align-text", "Enter")
    section = page.locator("[data-command=align]")
    with page.expect_response("**/v1/explain*") as answer:
        section.locator(".part").first.press("Enter")  # pointing at it changes the page's height, and so what is where
    expect(section.locator(".maps figcaption")).to_have_count(1)
    assert answer.value.json()["answer"] == "a red square"


def test_what_cannot_be_explained_is_said(page: Page):
    page.route("**/v1/explain*", lambda route: route.fulfill(status=503, json={"code": "busy", "error": "later"}))
    choose(page, PHOTO)
    page.locator("[data-command=caption] .part").first.click()
    state = page.locator("[data-command=caption] .maps .state")
    expect(state).to_have_text("The server is busy. Try again in a moment.")
    page.unroute("**/v1/explain*")
    page.locator("[data-command=caption] .part").nth(1).click()
    expect(page.locator("[data-command=caption] .maps figcaption")).to_have_count(2)


def answered(methods: list[str]) -> dict[str, Any]:
    maps = [{"method": method, "box": [0, 0, 60, 40], "values": [[0.5, -1], [0, 0.25]]} for method in methods]
    part = {"text": "red", "score": -0.1, "maps": maps}
    return {"image": "photo.png", "answer": "red", "explained": [part], "size": [60, 40], "model": "a"}


def test_methods_that_are_slower_come_one_by_one(browser: Browser, serving: Serving):
    app = application({"classify": seetell.load("classify", threads=1)})
    with serving(app) as port, opened(browser, port) as page:
        page.route(
            "**/v1/classify*",
            lambda route: route.fulfill(
                json={"image": "photo.png", "labels": [{"text": "red", "score": 0.9}], "model": "a"}
            ),
        )
        page.route("**/v1/explain?command=classify&word=red", lambda route: route.fulfill(json=answered(["occlusion"])))
        page.route(
            "**/v1/explain?command=classify&word=red&method=*",
            lambda route: route.fulfill(json=answered([route.request.url.rpartition("=")[2]])),
        )
        choose(page, PHOTO)
        page.locator(".labels button").click()
        captions = page.locator("[data-command=classify] .maps figcaption")
        expect(captions).to_have_text(["occlusion, 1.00"])
        page.get_by_role("button", name="Further methods").click()
        expect(captions).to_have_text(
            [
                "occlusion, 1.00",
                "saliency",
                "gradient x input",
                "integrated gradients",
                "guided backpropagation",
                "grad cam",
            ]
        )
        no_violations(page)


@pytest.mark.parametrize("options", [{}, PHONE])
def test_sliders_draw_the_photo(browser: Browser, serving: Serving, options: dict[str, Any]):
    model = Model()
    with serving(application({}, styles=model)) as port, opened(browser, port, **options) as page:  # type: ignore[arg-type]
        expect(page.locator("#style")).to_be_hidden()
        choose(page, PHOTO)
        page.get_by_role("button", name="Draw").click()
        picture = page.get_by_alt_text("The photo, drawn in waves")
        expect(picture).to_be_visible()
        page.locator("#style-glass").focus()
        page.keyboard.press("End")
        expect(page.get_by_alt_text("The photo, drawn in waves and glass")).to_be_visible()
        page.locator("#style-strength").focus()
        page.keyboard.press("Home")
        expect(page.locator("#style .save")).to_have_attribute("download", "drawn.jpg")
        page.wait_for_timeout(300)
        assert model.asked[0] == ({"waves": 1.0}, 512, 1.0)
        assert model.asked[-1][0] == {"waves": 1.0, "glass": 1.0}
        assert model.asked[-1][2] == 0
        no_violations(page)
        for name in ("waves", "glass"):
            page.locator(f"#style-{name}").focus()
            page.keyboard.press("Home")
        expect(page.locator("#style .problem")).to_have_text("Give one of the styles some weight.")
        choose(page, photo_file((0, 0, 250)))
        expect(page.locator("#style .picture")).to_be_hidden()
