from __future__ import annotations

import pytest
import torch

from seetell.errors import CheckpointError
from seetell.training.checkpoint import read_checkpoint, write_checkpoint


def test_a_checkpoint_is_replaced_whole_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / "checkpoint.safetensors"
    write_checkpoint(path, {"a": {"x": torch.ones(2)}}, {"step": 1})
    monkeypatch.setattr("os.replace", lambda *names: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(CheckpointError, match="No space left"):
        write_checkpoint(path, {"a": {"x": torch.zeros(2)}}, {"step": 2})
    parts, metadata = read_checkpoint(path)
    assert metadata == {"step": 1}
    torch.testing.assert_close(parts["a"]["x"], torch.ones(2))
    assert [file.name for file in tmp_path.iterdir()] == ["checkpoint.safetensors"]


@pytest.mark.parametrize("content", [b"", b"garbage" * 100])
def test_damaged_checkpoints_are_named(tmp_path, content):
    path = tmp_path / "checkpoint.safetensors"
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match="not a checkpoint"):
        read_checkpoint(path)
