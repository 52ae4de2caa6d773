"""The page in a real browser, with small models behind it."""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from web.browser import NEEDS_BROWSER, PHONE, choose, described, no_violations
from web.conftest import Serving, photo_file

from seetell.results import row
from seetell.tasks.captioning.predict import Captioner
from seetell.tasks.grounding.predict import PhraseGrounder
from seetell.web.access import Access
from seetell.web.application import application

pytestmark = [pytest.mark.slow, NEEDS_BROWSER]
GIVE = """(element, [content, kind, event]) => {
    const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
    const given = new DataTransfer();
    given.items.add(new File([bytes], "given.png", { type: "image/png" }));
    element.dispatchEvent(new kind_of[event](event, { [kind]: given, bubbles: true, cancelable: true }));
}""".replace("kind_of", "({ paste: ClipboardEvent, drop: DragEvent })")

OPACITY = """([x, y]) => {
    const copy = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
    const map = document.getElementById("map");
    [copy.canvas.width, copy.canvas.height] = [map.width, map.height];
    copy.drawImage(map, 0, 0);
    return copy.getImageData(x * map.width, y * map.height, 1, 1).data[3];
}"""


def _centre(place: int) -> list[float]:
    """Return how far across and down a photo the centre of one of two rows of three locations is."""
    row, column = divmod(int(place), 3)
    return [(column + 0.5) / 3, (row + 0.5) / 2]


def test_a_chosen_photo_is_described_to_eyes_and_ears(page: Page, captioner: Captioner):
    photo = photo_file()
    choose(page, photo)
    caption = captioner.caption(photo)
    described(page, caption)
    alt = f"{caption.text[:1].upper()}{caption.text[1:]}."
    expect(page.locator("#status")).to_have_text(f"Description: {alt}")
    expect(page.locator("#ground")).to_have_attribute("alt", alt)
    page.click("[data-command=caption] .copy-text")
    expect(page.locator("[data-command=caption] .copy-text")).to_have_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == alt
    page.click("[data-command=caption] .copy-json")
    expect(page.locator("[data-command=caption] .copy-json")).to_have_text("Copied")
    copied = json.loads(page.evaluate("navigator.clipboard.readText()"))
    assert copied == row("photo.png", caption)


def test_pointing_at_a_word_shows_where_it_came_from(page: Page, captioner: Captioner):
    photo = photo_file()
    choose(page, photo)
    described(page, captioner.caption(photo))
    expect(page.locator("[data-command=caption] .description")).to_have_text(
        "Point at a word, or choose it, to see where the model looked."
    )
    word = page.locator("[data-command=caption] .part").first
    word.hover()
    expect(page.locator("#photo")).to_have_class("looking")
    expect(page.locator("[data-command=caption] .description")).to_contain_text("the model looked")
    attention = captioner.caption(photo, attention=True).words[0].attention
    assert attention is not None
    most, least = (page.evaluate(OPACITY, _centre(place)) for place in (attention.argmax(), attention.argmin()))
    assert most > least + 30
    page.mouse.move(0, 0)
    expect(page.locator("#photo")).not_to_have_class("looking")


def test_everything_can_be_done_with_the_keyboard(page: Page, captioner: Captioner):
    choose(page, photo_file())
    described(page, captioner.caption(photo_file()))
    page.focus("#choose")
    for _ in range(2):  # past the camera's button
        page.keyboard.press("Tab")
    words = page.locator("[data-command=caption] .part")
    expect(words.nth(0)).to_be_focused()
    expect(page.locator("[data-command=caption] .description")).to_contain_text("the model looked")
    page.keyboard.press("ArrowRight")
    expect(words.nth(1)).to_be_focused()
    page.keyboard.press("Enter")
    expect(words.nth(1)).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("Escape")
    expect(words.nth(1)).to_have_attribute("aria-pressed", "false")
    page.keyboard.press("End")
    expect(words.last).to_be_focused()
    expect(page.locator("[data-command=regions] .count")).not_to_have_text("Looking at the photo…")
    for _ in range(30):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.id") == "align-text":
            break
    page.keyboard.type("a red square")
    page.keyboard.press("Enter")
    expect(page.locator("[data-command=align] .part").first).to_be_visible()


def test_a_sentence_of_ones_own_gets_boxes(page: Page, grounder: PhraseGrounder):
    photo = photo_file((250, 0, 0))
    choose(page, photo)
    page.fill("#align-text", "a red square")
    page.press("#align-text", "Enter")
    regions = grounder.predict(photo, "a red square").regions
    expect(page.locator("[data-command=align] .part")).to_have_text(
        [f"{number}{region.text}" for number, region in enumerate(regions, 1)]
    )
    ground = page.locator("#ground").bounding_box()
    box = page.locator(".boxes[data-command=align] .box").first.bounding_box()
    assert ground is not None
    assert box is not None
    left, top, right, bottom = regions[0].box
    scale = ground["width"] / 60
    assert box["x"] - ground["x"] == pytest.approx(left * scale, abs=2)
    assert box["width"] == pytest.approx((right - left) * scale, abs=2)
    assert box["height"] == pytest.approx((bottom - top) * scale, abs=2)
    page.fill("#align-text", "a red qwertz")
    page.press("#align-text", "Enter")
    expect(page.locator("[data-command=align] .count")).to_contain_text("Not known, left out: qwertz.")
    page.fill("#align-text", "qwertz")
    page.press("#align-text", "Enter")
    expect(page.locator("[data-command=align] .problem")).to_contain_text("Not known: qwertz")
    expect(page.locator(".boxes[data-command=align] .box")).to_have_count(0)


def test_a_search_finds_photos_and_one_of_them_is_described(page: Page):
    page.fill("#query", "xyzzy")
    page.press("#query", "Enter")
    expect(page.locator("#search-problem")).to_contain_text("Not known: xyzzy")
    page.fill("#query", "green squares")
    page.press("#query", "Enter")
    expect(page.locator("#search-status")).to_contain_text("Read as: squares as square.")
    expect(page.locator("#found li")).to_have_count(3)
    first = page.locator("#found button").first
    expect(first).to_contain_text("grass.png")
    expect(first.locator("img")).to_have_attribute("src", re.compile("^blob:"))
    first.click()
    expect(page.locator("[data-command=caption] .part").first).to_be_visible()
    expect(page.locator("#align-text")).to_have_value("green squares")  # where in the photo it is what was searched for
    expect(page.locator("[data-command=align] .part").first).to_be_visible()


@pytest.mark.parametrize("event", ["paste", "drop"])
def test_a_photo_can_be_pasted_or_dropped(page: Page, captioner: Captioner, event: str):
    photo = photo_file((10, 200, 90))
    kind = {"paste": "clipboardData", "drop": "dataTransfer"}[event]
    page.locator("body").evaluate(GIVE, [base64.b64encode(photo).decode(), kind, event])
    described(page, captioner.caption(photo))


def test_a_photo_can_be_taken(page: Page):
    page.click("#shoot")
    expect(page.locator("#camera")).to_be_visible()
    expect(page.locator("#take")).to_be_enabled()
    no_violations(page)
    page.click("#take")
    expect(page.locator("#camera")).not_to_be_visible()
    expect(page.locator("[data-command=caption] .part").first).to_be_visible()


def test_what_goes_wrong_is_said_and_the_next_photo_described(page: Page, captioner: Captioner):
    for content, said in (
        (b"no photo", "Not a photo; expected"),
        (photo_file()[:40], "damaged"),
        (bytes(2**21), "megabytes"),
    ):
        choose(page, content)
        expect(page.locator("#problem")).to_contain_text(said)
        expect(page.locator("#stage")).not_to_be_visible()
    no_violations(page)
    choose(page, photo_file())
    described(page, captioner.caption(photo_file()))
    expect(page.locator("#problem")).to_be_empty()


@pytest.mark.parametrize(
    "page",
    [{}, {"color_scheme": "dark"}, PHONE, {**PHONE, "color_scheme": "dark", "reduced_motion": "reduce"}],
    indirect=True,
    ids=["light", "dark", "phone", "dark phone"],
)
def test_axe_finds_no_violation_and_nothing_sticks_out(page: Page, grounder: PhraseGrounder):
    expect(page.locator("#search")).to_be_visible()
    no_violations(page)
    choose(page, photo_file((250, 0, 0)), "a-very-long-name-without-any-place-to-break-it-" * 4)
    page.fill("#align-text", "a red square")
    page.press("#align-text", "Enter")
    expect(page.locator("[data-command=align] .part").first).to_be_visible()
    page.fill("#query", "blue")
    page.press("#query", "Enter")
    expect(page.locator("#found img[src]")).to_have_count(3)
    page.locator("[data-command=caption] .part").first.click()
    expect(page.locator("#photo")).to_have_class("looking")
    no_violations(page)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


@pytest.mark.parametrize("page", [{"reduced_motion": "reduce"}], indirect=True)
def test_nothing_moves_for_who_wants_no_motion(page: Page, captioner: Captioner):
    choose(page, photo_file())
    described(page, captioner.caption(photo_file()))
    animation = "getComputedStyle(document.querySelector('[data-command=caption] .part')).animationName"
    assert page.evaluate(animation) == "none"


def test_where_a_key_is_needed_the_page_asks_for_it(browser: Browser, captioner: Captioner, serving: Serving):
    app = application({"caption": captioner}, access=Access(key="a key that nobody guesses"))
    with serving(app) as port, browser.new_context() as context:
        page = context.new_page()
        page.goto(f"http://127.0.0.1:{port}/")
        expect(page.locator("#door")).to_be_visible()
        no_violations(page)
        for key in ("a wrong one", "a key that nobody guesses"):
            page.fill("#key", key)
            page.press("#key", "Enter")
        expect(page.locator("#door")).not_to_be_visible()
        choose(page, photo_file())
        described(page, captioner.caption(photo_file()))


WITHHELD = {
    "image": "photo.png",
    "caption": None,
    "reason": "no photo: text or a drawing",
    "confidence": None,
    "model": "m",
}
TAGS = {
    "image": "photo.png",
    "caption": "two dogs on a beach",
    "confidence": 0.76,
    "kind": "tags",
    "logprob": None,
    "words": [],
}


def test_a_withheld_caption_says_why_and_a_reading_of_tags_is_one_part(page: Page, captioner: Captioner):
    section = page.locator("[data-command=caption]")
    page.route("**/v1/caption*", lambda route: route.fulfill(json=WITHHELD))
    choose(page, photo_file())
    expect(section.locator(".count")).to_have_text("No caption: no photo: text or a drawing.")
    expect(section.locator(".part")).to_have_count(0)
    expect(section.locator(".copy-text")).to_be_hidden()
    page.click("[data-command=caption] .copy-json")
    expect(section.locator(".copy-json")).to_have_text("Copied")
    assert json.loads(page.evaluate("navigator.clipboard.readText()")) == WITHHELD
    no_violations(page)
    page.unroute("**/v1/caption*")
    page.route("**/v1/caption*", lambda route: route.fulfill(json={**TAGS, "model": "m"}))
    choose(page, photo_file((0, 0, 200)))
    expect(section.locator(".count")).to_have_text(
        "Made of what the detectors found. 76% sure that all of it is there."
    )
    expect(section.locator(".part")).to_have_text(["two dogs on a beach"])
    section.locator(".part").hover()
    expect(section.locator(".description")).to_contain_text("not sure enough of a sentence")
    page.unroute("**/v1/caption*")
    told = {**TAGS, "kind": "sentence", "confidence": None, "model": "m"}  # of a server without log-probabilities
    page.route("**/v1/caption*", lambda route: route.fulfill(json=told))
    choose(page, photo_file((0, 200, 0)))
    expect(section.locator(".part")).to_have_text(["two dogs on a beach"])
    expect(section.locator(".count")).to_have_text("")
    section.locator(".part").hover()
    expect(section.locator(".description")).to_have_text("")
    page.unroute("**/v1/caption*")
    choose(page, photo_file())
    described(page, captioner.caption(photo_file()))
    expect(section.locator(".count")).to_have_text("")


def test_another_pages_script_is_answered(page: Page, captioner: Captioner):
    how_to = (Path(__file__).parents[2] / "docs" / "how-to" / "serve.md").read_text(encoding="utf-8")
    script = how_to.partition("```js\n")[2].partition("```")[0].replace("http://127.0.0.1:8000/", "")
    given = base64.b64encode(photo_file()).decode()
    file = f"new File([Uint8Array.from(atob('{given}'), (letter) => letter.charCodeAt(0))], 'photo.png')"
    said = page.evaluate(f"async () => {{ const file = {file}; {script}; return caption ?? error; }}")
    assert said == captioner.caption(photo_file()).text


def test_the_pages_scripts_are_small_and_name_no_other_site():
    files = (Path(__file__).parents[2] / "seetell" / "web" / "page").iterdir()
    contents = [file.read_text(encoding="utf-8") for file in files]
    assert sum(map(len, contents)) < 75_000
    assert not any(part in content for content in contents for part in ("http://", "https://") if "svg" not in content)
