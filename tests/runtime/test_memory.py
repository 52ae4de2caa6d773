from __future__ import annotations

import ctypes

import pytest

from seetell.runtime.memory import return_freed_memory


def test_freed_memory_is_given_back_where_the_c_library_can(monkeypatch: pytest.MonkeyPatch):
    asked: list[int] = []

    class Library:
        def malloc_trim(self, pad: int) -> None:
            asked.append(pad)

    monkeypatch.setattr(ctypes, "CDLL", lambda name: Library())
    return_freed_memory()
    assert asked == [0]


@pytest.mark.parametrize("error", [AttributeError, OSError, TypeError])
def test_elsewhere_nothing_happens(monkeypatch: pytest.MonkeyPatch, error: type[Exception]):
    def refuse(name: object) -> None:
        raise error("no such function")

    monkeypatch.setattr(ctypes, "CDLL", refuse)
    return_freed_memory()
