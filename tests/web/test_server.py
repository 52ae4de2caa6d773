"""The server on a real socket: what only shows there."""

from __future__ import annotations

import errno
import logging
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from web.conftest import Serving, photo_file, until
from web.wire import ask, begun, form, health

from seetell.errors import UsageError
from seetell.tasks.captioning.predict import Captioner
from seetell.web.application import application
from seetell.web.limits import Limits
from seetell.web.server import LogLimit, listen


@pytest.mark.slow
def test_of_many_clients_each_gets_its_own_answer(captioner: Captioner, serving: Serving):
    photos = [photo_file((25 * number, 255 - 25 * number, 60)) for number in range(10)]
    expected = [captioner.caption(photo).text for photo in photos]
    with serving(application({"caption": captioner})) as port, ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda number: ask(port, form(photos[number % 10])), range(160)))
    assert [status for status, _ in answers] == [200] * 160
    assert [answer["caption"] for _, answer in answers] == 16 * expected
    assert len(set(expected)) > 1


@pytest.mark.slow
def test_nothing_is_lost_when_a_server_is_full(captioner: Captioner, serving: Serving):
    body = form(photo_file())
    with serving(application({"caption": captioner}, limits=Limits(queue=2))) as port, ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda _: ask(port, body), range(96)))
        assert ask(port, body)[0] == 200
    codes = {answer.get("code", "answered") for _, answer in answers}
    assert "answered" in codes
    assert codes <= {"answered", "busy"}


@pytest.mark.slow
def test_a_client_that_goes_away_costs_the_others_nothing(
    captioner: Captioner, serving: Serving, monkeypatch: pytest.MonkeyPatch
):
    body, let, sizes, together = form(photo_file()), threading.Event(), [], captioner.predict_prepared

    def slow(images: Sequence[Any], **options: Any) -> Any:
        sizes.append(len(images))
        assert let.wait(20)
        return together(images, **options)

    monkeypatch.setattr(captioner, "predict_prepared", slow)
    app = application({"caption": captioner})
    with serving(app) as port, ThreadPoolExecutor(2) as pool:
        first = pool.submit(ask, port, body)
        until(lambda: sizes == [1])
        leaving = [begun(port, body, sent) for sent in (len(body), len(body), 100)]
        staying = pool.submit(ask, port, body)
        until(lambda: health(port)["in_flight"] == 5)
        for client in leaving:
            client.close()
        until(lambda: health(port)["in_flight"] == 2)
        let.set()
        assert first.result(30)[0] == staying.result(30)[0] == 200
    assert sizes == [1, 1]


def test_an_address_that_is_taken_is_wrong_use():
    with listen("127.0.0.1", 0) as taken, pytest.raises(UsageError, match="in use"):
        listen("127.0.0.1", taken.getsockname()[1])


def test_of_hundreds_of_warnings_a_second_few_are_written(caplog: pytest.LogCaptureFixture):
    now, logger = 100.0, logging.getLogger("seetell.test_log_limit")
    limit = LogLimit(2, clock=lambda: now)
    logger.addFilter(limit)
    with caplog.at_level(logging.INFO, logger.name):
        for number in range(300):
            error = OSError(errno.EMFILE, "Too many open files")
            logger.error("no descriptor is left (%d)\nsocket: 3", number, exc_info=error)
            logger.info("GET")
        now += 1
        logger.error("again %s", "100%")
        logger.error("and again")
    written = [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR]
    assert written == [
        "no descriptor is left (0): Too many open files",
        "no descriptor is left (1): Too many open files",
        "again 100% (298 further messages were not written)",
        "and again",
    ]
    assert len(caplog.records) == 304
    assert "Traceback" not in caplog.text
