from __future__ import annotations

from pathlib import Path

import pytest

from seetell.cli.main import main


def test_a_run_to_begin_with_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    pytest.importorskip("torch", reason="training needs the training extra")
    with pytest.raises(SystemExit) as ended:
        main(["train", "flickr8k-neuraltalk2", "--set", f"init_from={tmp_path / 'absent'}"])
    assert ended.value.code == 2
    assert f"{tmp_path / 'absent'} is neither the folder of a run" in capsys.readouterr().err
