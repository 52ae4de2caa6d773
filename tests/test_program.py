from __future__ import annotations

import pytest

from seetell.errors import PhotoError, RecipeError, UsageError
from seetell.program import run_program


@pytest.mark.parametrize(("error", "status"), [(UsageError, 2), (RecipeError, 2), (PhotoError, 1)])
def test_an_error_is_a_line(error: type[Exception], status: int, capsys: pytest.CaptureFixture[str]):
    def main() -> None:
        raise error("a.png: no such file")

    with pytest.raises(SystemExit) as ended:
        run_program(main)
    assert ended.value.code == status
    assert capsys.readouterr().err == "seetell: a.png: no such file\n"


def test_what_is_interrupted_ends_quietly(capsys: pytest.CaptureFixture[str]):
    def main() -> None:
        raise KeyboardInterrupt

    with pytest.raises(SystemExit) as ended:
        run_program(main)
    assert (ended.value.code, capsys.readouterr().err) == (130, "")
