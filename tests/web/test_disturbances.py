"""What goes wrong for one client, or in a model, costs the others nothing."""

from __future__ import annotations

import random
import socket
import struct
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from web.conftest import Serving, photo_file, until
from web.wire import ask, begun, form, health, opened

from seetell.tasks.captioning.predict import Captioner
from seetell.web.application import application
from seetell.web.limits import Limits

pytestmark = pytest.mark.slow

AT_ONCE = struct.pack("ii", 1, 0)
"""For SO_LINGER: closing resets the connection, as the network does when a client vanishes."""


def test_clients_cut_off_anywhere_cost_the_others_nothing(captioner: Captioner, serving: Serving):
    photos = [photo_file((25 * number, 255 - 25 * number, 60)) for number in range(10)]
    expected = [captioner.caption(photo).text for photo in photos]
    draw = random.Random(5)
    cuts = [draw.choice([0, 1, 100, len(form(photos[0])) - 1, len(form(photos[0]))]) for _ in range(80)]

    def cut(number: int) -> None:
        body = form(photos[number % 10])
        with begun(port, body, min(cuts[number], len(body))) as client:
            if number % 2:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, AT_ONCE)
            if number % 3 == 0 and cuts[number] >= len(body):
                client.recv(20)  # the beginning of the answer

    with serving(application({"caption": captioner}, limits=Limits(queue=200))) as port:
        with ThreadPoolExecutor(16) as staying, ThreadPoolExecutor(16) as leaving:
            gone = [leaving.submit(cut, number) for number in range(len(cuts))]
            answers = list(staying.map(lambda number: ask(port, form(photos[number % 10])), range(80)))
            for each in gone:
                each.result()
        assert [status for status, _ in answers] == [200] * 80
        assert [answer["caption"] for _, answer in answers] == 8 * expected
        until(lambda: health(port) == {"status": "ok", "in_flight": 0})


def test_a_model_that_wants_to_end_everything_fails_one_client(
    captioner: Captioner, serving: Serving, monkeypatch: pytest.MonkeyPatch
):
    together, let = captioner.predict_prepared, threading.Event()
    (fatal,) = captioner.prepare(photo_file((1, 2, 3))).values()

    def ending(images: Sequence[Any], **options: Any) -> Any:
        assert let.wait(20)
        if any((pixels == fatal).all() for image in images for pixels in image.values()):
            raise SystemExit(3)
        return together(images, **options)

    monkeypatch.setattr(captioner, "predict_prepared", ending)
    app = application({"caption": captioner})
    with serving(app) as port, ThreadPoolExecutor(9) as pool:
        photos = [photo_file((1, 2, 3) if number == 4 else (30 * number, 9, 9)) for number in range(9)]
        asked = [pool.submit(ask, port, form(photo)) for photo in photos]
        until(lambda: health(port)["in_flight"] == 9)
        let.set()
        statuses = [each.result(30)[0] for each in asked]
        assert statuses == [200] * 4 + [500] + [200] * 4
        assert health(port)["status"] == "ok"


def test_a_model_that_hangs_lets_nobody_wait_for_ever(
    captioner: Captioner, serving: Serving, monkeypatch: pytest.MonkeyPatch
):
    let, busy, together = threading.Event(), threading.Event(), captioner.predict_prepared

    def hanging(images: Sequence[Any], **options: Any) -> Any:
        busy.set()
        assert let.wait(60)
        return together(images, **options)

    monkeypatch.setattr(captioner, "predict_prepared", hanging)
    body = form(photo_file())
    app = application({"caption": captioner}, limits=Limits(seconds=1))
    with serving(app) as port, ThreadPoolExecutor(4) as pool:
        first = pool.submit(ask, port, body)
        assert busy.wait(20)
        codes = {answer["code"] for _, answer in [*pool.map(lambda _: ask(port, body), range(3)), first.result(30)]}
        assert "timed_out" in codes
        assert codes <= {"timed_out", "stuck"}
        until(lambda: health(port) == {"status": "stuck", "in_flight": 0})
        status, refused = ask(port, body)
        assert (status, refused["code"]) == (503, "stuck")
        let.set()
        until(lambda: health(port)["status"] == "ok")
        assert ask(port, body)[0] == 200


def test_a_model_that_hangs_does_not_keep_the_server_from_ending(
    captioner: Captioner, serving: Serving, monkeypatch: pytest.MonkeyPatch
):
    let, busy = threading.Event(), threading.Event()
    monkeypatch.setattr(captioner, "predict_prepared", lambda images, **_: [busy.set(), let.wait(60)])
    with serving(application({"caption": captioner}, limits=Limits(seconds=0.5))) as port, opened(port):
        assert ask(port, form(photo_file()))[1]["code"] == "timed_out"
        assert busy.is_set()
    let.set()
