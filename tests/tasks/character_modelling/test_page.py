"""The commands of docs/how-to/sample-characters.md, on a few lines."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest
from in_process import run_python
from test_docs import blocks, commands_of

from seetell.cli.main import main

pytestmark = pytest.mark.slow

PAGE = "docs/how-to/sample-characters.md"
SHORT = ("steps=2", "batch_size=4", "character_modelling.hidden=8", "character_modelling.sequence=8")


def test_the_commands_of_the_page(lines: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys, one_registry):
    monkeypatch.chdir(tmp_path)
    text = lines.read_text(encoding="utf-8")
    Path("text.txt").write_text(f"{text}def read(a):\n", encoding="utf-8")
    _, *commands = commands_of(PAGE, "cat ")
    commands += commands_of(PAGE, "seetell sample") + commands_of(PAGE, "seetell visualise")
    printed = {}
    for command in commands:
        words = shlex.split(command)[1:]
        for setting in SHORT if words[0] == "train" else ():
            words += ["--set", setting]
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main(words)
        printed[command], err = capsys.readouterr()
        assert not ended.value.code, err
    first, several, evaluated, *_ = (
        out for command, out in printed.items() if command.split()[1] not in ("train", "export")
    )
    assert first.startswith("def read(")
    assert len(several.splitlines()) == 3
    assert json.loads(evaluated)["bits_per_character"] > 0
    assert Path("neurons.png").exists()
    assert Path("quotes.svg").exists()


def test_the_python_of_the_page(characters_bundle: Path, tmp_path: Path, capsys):
    (block,) = (block for block in blocks() if block.page == PAGE and block.language == "python")
    (tmp_path / "my-char-rnn").symlink_to(characters_bundle)
    run_python(block.text.replace("def ", "The "), tmp_path)
    assert len(capsys.readouterr().out.rstrip("\n")) <= 204
