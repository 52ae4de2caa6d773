from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from drawing.browsing import VIEWS, no_violations, opened
from PIL import Image
from playwright.sync_api import Browser, Locator, Page, expect
from web import browser as chromium

from seetell.alttext.captions_file import read_captions
from seetell.drawing.caption_report import CaptionReport
from seetell.errors import PhotoError
from seetell.results import Caption, Word

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(chromium.program() is None, reason="no Chromium here; $CHROMIUM can name one"),
]

CAPTIONS = {
    "dog.jpg": ("a brown dog", -1.0),
    'gate, "old".jpg': ('men before a <gate> & "walls", old', -9.0),
    "two\nlines.jpg": ("a dog\u2028in the grass", -4.0),
    "été.jpg": ("=HYPERLINK(1)", -2.0),
}
BROKEN = "broken.jpg"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium.browser() as started:
        yield started


@pytest.fixture
def report(tmp_path: Path) -> Path:
    path = tmp_path / "report.html"
    with CaptionReport(path) as written:
        for name, (text, logprob) in CAPTIONS.items():
            photo = tmp_path / name
            Image.new("RGB", (90, 60), (200, 30, 40)).save(photo)
            written.add(str(photo), Caption(text, (Word("a", logprob),), logprob, "tiny"))
        written.add(str(tmp_path / BROKEN), PhotoError("the file is cut short"))
    return path


@pytest.fixture
def page(browser: Browser, report: Path) -> Iterator[Page]:
    with opened(browser, report, **VIEWS["light"]) as page:
        yield page


def shown(page: Page) -> list[str]:
    """Return the captions on the page, in its order."""
    return [box.input_value() for box in page.locator("textarea").all()]


def told(page: Page) -> Locator:
    return page.locator(".summary")


def saved(page: Page, kind: str) -> str:
    with page.expect_download() as download:
        page.click(f"[data-save={kind}]")
    assert download.value.suggested_filename == f"captions.{kind}"
    return Path(download.value.path()).read_bytes().decode("utf-8")


def test_words_of_captions_and_names_filter(page: Page):
    every = [text for text, _ in CAPTIONS.values()]
    assert shown(page) == every
    expect(told(page)).to_have_text("5 photos · 1 failed")
    for words, kept in {
        "DOG": [0, 2],
        "dog grass": [2],
        "zebra": [],
        '<gate> & "walls"': [1],
        "  ": [0, 1, 2, 3],
        "été": [3],
        "dog": [0, 2],
        "lines": [2],
        "": [0, 1, 2, 3],
    }.items():
        page.fill("#filter", words)
        count = len(kept) + (not words.strip())
        expect(told(page)).to_have_text(f"{count} of 5 photos · 1 failed" if count < 5 else "5 photos · 1 failed")
        assert shown(page) == [every[number] for number in kept]
    page.press("#filter", "Enter")
    expect(page.locator(".photos > li")).to_have_count(5)


def test_those_that_failed_and_those_that_were_edited_can_be_shown(page: Page):
    page.select_option("#shown", "failed")
    expect(page.locator(".photos > li")).to_contain_text(["the file is cut short"])
    page.select_option("#shown", "edited")
    expect(told(page)).to_contain_text("0 of 5 photos")
    page.select_option("#shown", "all")
    page.locator("textarea").nth(1).fill("the gate")
    page.select_option("#shown", "edited")
    assert shown(page) == ["the gate"]


def test_the_least_sure_come_first(page: Page):
    page.select_option("#order", "confidence")
    by_confidence = sorted(CAPTIONS.values(), key=lambda caption: caption[1])
    assert shown(page) == [text for text, _ in by_confidence]
    page.select_option("#order", "given")
    assert shown(page) == [text for text, _ in CAPTIONS.values()]


def test_an_edit_is_marked_and_can_be_undone(page: Page):
    first = page.locator("textarea").first
    first.fill("my dog")
    expect(told(page)).to_have_text("5 photos · 1 failed · 1 caption edited, not saved")
    page.fill("#filter", "my")
    expect(page.locator(".photos > li")).to_have_count(1)
    page.get_by_role("button", name="Undo the edit").click()
    expect(first).to_have_value("a brown dog")
    expect(first).to_be_focused()
    expect(page.get_by_role("button", name="Undo the edit")).to_have_count(0)


def test_a_rejected_caption_is_a_veto(page: Page, report: Path):
    rejecting = page.get_by_role("button", name="Reject the caption of")
    expect(rejecting).to_have_count(len(CAPTIONS))
    rejecting.first.click()
    first = page.locator("textarea").first
    expect(first).to_have_value("")
    expect(page.get_by_role("button", name="Undo the rejection")).to_be_focused()
    expect(rejecting).to_have_count(len(CAPTIONS) - 1)
    expect(told(page)).to_have_text("5 photos · 1 failed · 1 caption rejected, not saved")
    page.locator("textarea").nth(1).fill("the gate")
    expect(told(page)).to_have_text("5 photos · 1 failed · 1 caption edited · 1 caption rejected, not saved")
    page.select_option("#shown", "rejected")
    expect(page.locator("textarea")).to_have_count(1)
    for kind in ("csv", "jsonl"):
        (report.parent / "captions").write_text(saved(page, kind), encoding="utf-8")
        read = read_captions(report.parent / "captions")
        assert [caption.text for caption in read.values()][:2] == ["", "the gate"]
        assert len(read) == len(CAPTIONS)
    assert json.loads(saved(page, "jsonl").split("\n")[0])["rejected"] is True
    page.get_by_role("button", name="Undo the rejection").click()
    expect(first).to_have_value("a brown dog")
    page.select_option("#shown", "all")
    expect(rejecting).to_have_count(len(CAPTIONS))


def test_further_pages_are_reached_and_save_files_of_their_own(
    browser: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("seetell.drawing.caption_report.PHOTOS_PER_PAGE", 2)
    with CaptionReport(tmp_path / "report.html") as written:
        for number in range(3):
            written.add(f"{number}.jpg", Caption(f"a dog {number}", (Word("a", -1.0),), -1.0, "tiny"))
    with opened(browser, tmp_path / "report.html") as page:
        expect(page.get_by_role("link", name="Next page")).to_have_count(2)
        no_violations(page)
        page.get_by_role("link", name="Next page").first.click()
        expect(page.locator("textarea")).to_have_value("a dog 2")
        with page.expect_download() as download:
            page.click("[data-save=csv]")
        assert download.value.suggested_filename == "captions-2.csv"


def test_all_captions_are_saved_as_csv(page: Page, report: Path):
    page.locator("textarea").first.fill('my "dog",\n a <b>  one ')
    page.fill("#filter", "gate")
    expect(page.locator(".photos > li")).to_have_count(1)
    text = saved(page, "csv")
    expect(told(page)).to_contain_text("1 caption edited")
    expect(told(page)).not_to_contain_text("not saved")
    header, *rows = csv.reader(text.splitlines(keepends=True))
    assert header == ["image", "caption", "confidence", "logprob", "reason", "error"]
    names = [str(report.parent / name) for name in [*CAPTIONS, BROKEN]]
    assert [row[0] for row in rows] == names
    assert rows[0][1:] == ['my "dog", a <b> one', "", "-1", "", ""]
    assert rows[1][1:] == ['men before a <gate> & "walls", old', "", "-9", "", ""]
    assert rows[4][1:] == ["", "", "", "", "the file is cut short"]


def test_a_withheld_caption_stays_so_until_it_is_written(browser: Browser, tmp_path: Path):
    path = tmp_path / "report.html"
    with CaptionReport(path) as written:
        for name, confidence in (("a.jpg", 0.25), ("b.jpg", 0.125)):
            written.add(name, Caption("", (), float("nan"), "tiny", confidence, reason="confidence is below 0.5"))
        written.add("c.jpg", Caption("a dog", (Word("a", -1.0),), -1.0, "tiny", 0.0625))
    with opened(browser, path, **VIEWS["light"]) as page:
        page.select_option("#order", "confidence")
        assert shown(page) == ["a dog", "", ""]
        page.locator("textarea").last.fill("my cat")
        mine, kept, _ = [json.loads(line) for line in saved(page, "jsonl").split("\n")[:-1]]
    assert kept == {
        "image": "b.jpg", "caption": "", "confidence": 0.125, "logprob": None, "reason": "confidence is below 0.5",
        "model": "tiny", "edited": False,
    }  # fmt: skip
    assert mine == {"image": "a.jpg", "caption": "my cat", "logprob": None, "model": "tiny", "edited": True}


def test_no_cell_of_the_csv_begins_a_formula(page: Page, report: Path):
    for number, text in enumerate(["=1+1", " @a", "'-b"]):
        page.locator("textarea").nth(number).fill(text)
    _, *rows = csv.reader(saved(page, "csv").splitlines(keepends=True))
    assert [row[1] for row in rows[:3]] == ["'=1+1", "'@a", "''-b"]


def test_all_captions_are_saved_as_json_lines(page: Page, report: Path):
    page.locator("textarea").nth(1).fill("the gate")
    rows: list[dict[str, Any]] = [json.loads(line) for line in saved(page, "jsonl").split("\n")[:-1]]
    assert rows[0] == {
        "image": str(report.parent / "dog.jpg"), "caption": "a brown dog", "logprob": -1, "model": "tiny",
        "edited": False,
    }  # fmt: skip
    assert (rows[1]["caption"], rows[1]["edited"]) == ("the gate", True)
    assert rows[4] == {"image": str(report.parent / BROKEN), "error": "the file is cut short"}


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_what_was_saved_is_what_alt_reads(page: Page, report: Path, kind: str):
    page.locator("textarea").first.fill("my dog")
    (report.parent / "captions").write_text(saved(page, kind), encoding="utf-8")
    read = read_captions(report.parent / "captions")
    assert read[str((report.parent / "dog.jpg").resolve())].text == "my dog"
    assert len(read) == len(CAPTIONS)


def test_everything_can_be_done_with_the_keyboard(page: Page):
    page.keyboard.press("Tab")
    expect(page.locator("#filter")).to_be_focused()
    page.keyboard.type("brown")
    expect(page.locator(".photos > li")).to_have_count(1)
    for _ in range(5):  # two choices, two buttons to save, the photo's link
        page.keyboard.press("Tab")
    expect(page.locator(".picture")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.locator("textarea")).to_be_focused()
    page.keyboard.press("End")
    page.keyboard.type(" runs")
    expect(page.locator("textarea")).to_have_value("a brown dog runs")
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Reject the caption")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Undo the edit")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("textarea")).to_have_value("a brown dog")
    page.focus("[data-save=csv]")
    with page.expect_download():
        page.keyboard.press("Enter")


def test_unsaved_edits_are_not_lost_unasked(page: Page):
    asked: list[str] = []
    page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.dismiss()))
    page.locator("textarea").first.press_sequentially("x")
    page.close(run_before_unload=True)
    page.context.pages[0].wait_for_timeout(500)
    assert asked == ["beforeunload"]


@pytest.mark.parametrize("view", VIEWS)
def test_axe_finds_no_violation_and_nothing_sticks_out(browser: Browser, report: Path, view: str):
    with opened(browser, report, **VIEWS[view]) as page:
        expect(page.locator("img[src]")).to_have_count(len(CAPTIONS))
        no_violations(page)
        page.locator("textarea").first.fill("my dog")
        page.fill("#filter", "dog")
        expect(told(page)).to_contain_text("2 of 5 photos")
        no_violations(page)


def test_without_scripts_the_captions_are_there_to_be_read(browser: Browser, report: Path):
    with browser.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(report.as_uri())
        expect(page.locator("noscript p")).to_be_visible()
        expect(page.locator(".tools")).not_to_be_visible()
        expect(page.locator("textarea").first).to_have_text("a brown dog")


def test_thousands_of_photos_are_filtered_and_put_in_order(browser: Browser, tmp_path: Path):
    path = tmp_path / "report.html"
    with CaptionReport(path) as written:
        for number in range(3000):
            text = f"a {'dog' if number % 3 else 'cat'} of {number}"
            written.add(f"{number}.jpg", Caption(text, (Word("a", -1.0),), -float(number), "tiny"))
    with opened(browser, path) as page:
        expect(told(page)).to_have_text("3,000 photos")
        page.fill("#filter", "cat")
        expect(told(page)).to_have_text("1,000 of 3,000 photos")
        page.select_option("#order", "confidence")
        expect(page.locator("textarea").first).to_have_value("a cat of 2997")
        page.fill("#filter", "")
        expect(told(page)).to_have_text("3,000 photos")
        assert len(saved(page, "csv").splitlines()) == 3001
