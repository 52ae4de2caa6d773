"""The measured system's end of ``processes.Worker``: reads requests from standard input, answers on standard output."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Sequence
from importlib.metadata import version

Caption = Callable[[Sequence[str], str], list[str]]
"""Captions one batch of files in a mode, ``greedy`` or ``beam``, and returns the sentences."""


def answer(load: Callable[[], Caption], packages: Sequence[str]) -> None:
    """Load a system and serve it.

    With one file as argument it captions that greedily, prints the sentence and exits. Otherwise it reads one JSON
    object per line, ``{"photos": [...], "mode": "greedy", "batch": 1}``, and answers each with another.

    Args:
        load: loads the system and returns a function that captions a batch.
        packages: packages whose versions to report.
    """
    files = [argument for argument in sys.argv[1:] if argument.endswith(".jpg")]
    caption = load()
    if files:
        print(caption(files, "greedy")[0])
        return
    print(json.dumps({"versions": {package: version(package) for package in packages}}), flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        photos, batch = request["photos"], request["batch"]
        started, worked = time.perf_counter(), time.process_time()
        sentences = [
            sentence
            for begin in range(0, len(photos), batch)
            for sentence in caption(photos[begin : begin + batch], request["mode"])
        ]
        seconds, cpu_seconds = time.perf_counter() - started, time.process_time() - worked
        words = sum(len(sentence.split()) for sentence in sentences)
        print(json.dumps({"seconds": seconds, "cpu_seconds": cpu_seconds, "words": words}), flush=True)
