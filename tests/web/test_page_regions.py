"""What is where, on the page in a real browser: the list, the boxes, and what chooses among them."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect
from web.browser import NEEDS_BROWSER, PHONE, choose, no_violations
from web.conftest import DOG

from seetell.geometry.boxes import Box
from seetell.results import Point, Region, Regions, row
from seetell.tasks.dense_captioning.predict import DenseCaptioner

pytestmark = [pytest.mark.slow, NEEDS_BROWSER]
SIZE = (1024, 768)


@pytest.fixture
def found(dense_captioner: DenseCaptioner) -> Regions:
    return dense_captioner.predict(DOG, top=50)


@pytest.fixture
def dog(page: Page, found: Regions) -> Page:
    """The page with the regions of a dog's photo."""
    choose(page, DOG.read_bytes(), "dog.jpg")
    expect(page.locator("[data-command=regions] .count")).to_have_text(f"6 of {len(found)} regions shown.")
    return page


def phrases(page: Page) -> Locator:
    return page.locator("[data-command=regions] .part")


def numbered(regions: dict[int, Region]) -> list[str]:
    return [f"{number}{region.text}" for number, region in regions.items()]


def test_regions_are_a_list_and_boxes_where_they_are(dog: Page, found: Regions):
    expect(phrases(dog)).to_have_text(numbered(dict(enumerate(found.top(6), 1))))
    expect(dog.locator(".boxes[data-command=regions]")).to_have_attribute("aria-hidden", "true")
    ground = dog.locator("#ground").bounding_box()
    assert ground is not None
    scale = ground["width"] / SIZE[0]
    for place, region in enumerate(found.top(6)):
        box = dog.locator(".boxes[data-command=regions] .box").nth(place).bounding_box()
        assert box is not None
        left, top, right, bottom = (scale * edge for edge in region.box)
        assert [box["x"] - ground["x"], box["y"] - ground["y"]] == pytest.approx([left, top], abs=2)
        assert [box["width"], box["height"]] == pytest.approx([right - left, bottom - top], abs=2)


def test_key_points_lie_over_the_photo_with_their_skeleton(page: Page):
    points = (Point("left ear", 200.0, 150.0), Point("nose", 300.0, 250.0))
    region = Region("dog", (100.0, 100.0, 500.0, 400.0), 0.9, points)
    answer = row("dog.jpg", Regions((region,), SIZE, "m", ((0, 1),)))
    page.route("**/v1/regions*", lambda route: route.fulfill(json=answer))
    choose(page, DOG.read_bytes(), "dog.jpg")
    box = page.locator(".boxes[data-command=regions] .box")
    expect(box.locator(".limbs")).to_have_attribute("d", "M200 150L300 250")
    expect(box.locator(".dots")).to_have_attribute("d", "M200 150h0M300 250h0")
    limbs, ground = box.locator(".limbs").bounding_box(), page.locator("#ground").bounding_box()
    assert limbs is not None
    assert ground is not None
    scale = ground["width"] / SIZE[0]
    assert [limbs["x"] - ground["x"], limbs["y"] - ground["y"]] == pytest.approx([200 * scale, 150 * scale], abs=4)


def test_phrases_and_boxes_point_at_each_other(dog: Page, found: Regions):
    boxes = dog.locator(".boxes[data-command=regions] .box")
    phrases(dog).nth(1).hover()
    expect(boxes.nth(1)).to_have_class(re.compile(r"\bshown\b"))
    expect(boxes.nth(1).locator(".tag")).to_be_visible()
    expect(boxes.nth(0)).to_have_css("opacity", "0")
    expect(dog.locator("[data-command=regions] .description")).to_contain_text(f"confidence {found[1].score:.0%}")
    dog.mouse.move(0, 0)
    expect(boxes.nth(0)).to_have_css("opacity", "1")
    smallest = min(range(6), key=lambda place: _area(found[place].box))
    boxes.nth(smallest).hover()  # others lie around it
    expect(phrases(dog).nth(smallest)).to_have_class("part shown")
    boxes.nth(smallest).click()
    expect(phrases(dog).nth(smallest)).to_have_attribute("aria-pressed", "true")


def test_the_photo_shows_one_thing_at_a_time(dog: Page):
    region, segment = (dog.locator(f".boxes[data-command={name}] .box").first for name in ("regions", "align"))
    dog.fill("#align-text", "a red square")
    dog.press("#align-text", "Enter")
    expect(segment).to_be_visible()
    expect(region).to_be_hidden()
    phrases(dog).first.click()
    expect(region).to_be_visible()
    expect(segment).to_be_hidden()
    dog.locator("[data-command=caption] .part").first.hover()
    expect(dog.locator("#photo")).to_have_class("looking")
    expect(region).to_be_hidden()
    expect(phrases(dog).first).to_have_attribute("aria-pressed", "false")


def test_fewer_more_and_only_those_that_say_a_word(dog: Page, found: Regions):
    dog.focus("#regions-most")
    dog.keyboard.press("Home")
    expect(phrases(dog)).to_have_count(1)
    expect(dog.locator("[data-command=regions] .limit")).to_have_text("1")
    dog.keyboard.press("End")
    expect(phrases(dog)).to_have_count(len(found))
    word = found[0].text.split()[-1]
    dog.fill("#regions-filter", f"A {word[:2].upper()}")
    with_word = {
        number: region
        for number, region in enumerate(found, 1)
        if all(any(said.startswith(sought) for said in region.text.split()) for sought in ("a", word[:2]))
    }
    assert 0 < len(with_word) < len(found)
    expect(phrases(dog)).to_have_text(numbered(with_word))
    expect(dog.locator(".boxes[data-command=regions] .box")).to_have_count(len(with_word))
    expect(dog.locator("[data-command=regions] .count")).to_have_text(
        f"{len(with_word)} of {len(found)} regions shown."
    )
    dog.click("[data-command=regions] .copy-json")
    expect(dog.locator("[data-command=regions] .copy-json")).to_have_text("Copied")
    copied = json.loads(dog.evaluate("navigator.clipboard.readText()"))
    assert copied == row("dog.jpg", Regions(tuple(with_word.values()), SIZE, found.model))
    dog.fill("#regions-filter", "qwertz")
    expect(phrases(dog)).to_have_count(0)
    expect(dog.locator("[data-command=regions] .count")).to_have_text(f"0 of {len(found)} regions shown.")


def test_the_list_is_walked_with_the_keyboard(dog: Page):
    dog.focus("#regions-most")
    dog.keyboard.press("Tab")
    expect(phrases(dog).first).to_be_focused()
    expect(dog.locator(".boxes[data-command=regions] .box").first).to_have_class(re.compile(r"\bshown\b"))
    dog.keyboard.press("ArrowDown")
    dog.keyboard.press("Enter")
    expect(phrases(dog).nth(1)).to_have_attribute("aria-pressed", "true")
    expect(dog.locator("[data-command=regions] .description")).to_contain_text("a box around the")
    dog.keyboard.press("Escape")
    expect(phrases(dog).nth(1)).to_have_attribute("aria-pressed", "false")
    dog.keyboard.press("End")
    expect(phrases(dog).last).to_be_focused()


@pytest.mark.parametrize(
    "page",
    [{}, {"color_scheme": "dark"}, {**PHONE, "color_scheme": "dark"}],
    indirect=True,
    ids=["light", "dark", "phone"],
)
def test_axe_finds_no_violation_and_no_label_sticks_out(dog: Page):
    no_violations(dog)
    photo = dog.locator("#photo").bounding_box()
    assert photo is not None
    for place in range(6):
        phrases(dog).nth(place).click()
        tag = dog.locator(".boxes[data-command=regions] .shown .tag").bounding_box()
        assert tag is not None
        assert tag["x"] >= photo["x"] - 1
        assert tag["x"] + tag["width"] <= photo["x"] + photo["width"] + 1
    no_violations(dog)
    assert dog.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


@pytest.mark.parametrize("page", [PHONE], indirect=True)
def test_on_a_phone_the_photo_does_not_hide_what_the_keyboard_reaches(dog: Page):
    dog.evaluate("scrollTo(0, document.body.scrollHeight)")
    dog.focus("[data-command=regions] .copy-json")
    for place in reversed(range(6)):
        dog.keyboard.press("Shift+Tab")
        phrase = phrases(dog).nth(place)
        expect(phrase).to_be_focused()
        below = "phrase => phrase.getBoundingClientRect().top - photo.getBoundingClientRect().bottom"
        assert phrase.evaluate(below) >= 0


@pytest.mark.parametrize(
    ("status", "answer", "place", "text"),
    [
        (
            503,
            {"code": "busy", "error": "later"},
            "[data-command=regions] .problem",
            "The server is busy. Try again in a moment.",
        ),
        (200, {"image": "dog.jpg", "regions": [], "size": SIZE}, "[data-command=regions] .count", "No region found."),
    ],
)
def test_without_regions_there_is_nothing_to_choose(
    page: Page, status: int, answer: dict[str, Any], place: str, text: str
):
    page.route("**/v1/regions*", lambda route: route.fulfill(status=status, json=answer))
    choose(page, DOG.read_bytes(), "dog.jpg")
    expect(page.locator(place)).to_have_text(text)
    expect(page.locator("[data-command=caption] .part").first).to_be_visible()
    for control in ("#regions-filter", "#regions-most", "[data-command=regions] .copy-json"):
        expect(page.locator(control)).to_be_hidden()
    no_violations(page)


def test_phrases_are_shown_as_text_whatever_they_say(page: Page):
    said = "<img src=x onerror=alert(1)>"
    row = {"image": "dog.jpg", "regions": [{"text": said, "box": [0, 0, 512, 384], "score": 0.5}], "size": SIZE}
    page.route("**/v1/regions*", lambda route: route.fulfill(json=row))
    choose(page, DOG.read_bytes(), "dog.jpg")
    expect(phrases(page)).to_have_text([f"1{said}"])
    phrases(page).hover()
    expect(page.locator(".boxes[data-command=regions] .tag span")).to_have_text(said)
    expect(page.locator("[data-command=regions] .description")).to_contain_text(said)


def _area(box: Box) -> float:
    return (box[2] - box[0]) * (box[3] - box[1])
