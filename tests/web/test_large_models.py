"""The server with models of transformers."""

from __future__ import annotations

import pytest
from web.conftest import Serving, photo_file
from web.wire import ask, form

import seetell
from seetell.web.application import application

pytestmark = pytest.mark.slow


def test_models_of_transformers_answer(tiny_hub, serving: Serving):
    captioner = seetell.load(tiny_hub("blip"), threads=1, max_tokens=4)
    detector = seetell.load(tiny_hub("yolos"), task="detect", threads=1)
    with serving(application({"caption": captioner, "detect": detector})) as port:
        status, row = ask(port, form(photo_file()))
        assert (status, row["model"]) == (200, captioner.name)
        assert row["caption"]
        assert ask(port, form(photo_file()), path="/v1/detect")[1]["model"] == detector.name
