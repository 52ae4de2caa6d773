from __future__ import annotations

import json

import pytest
from PIL import Image

from seetell.cli.main import main
from seetell.nn.backbones import catalogue


@pytest.fixture
def two_encoders(monkeypatch):
    names = ("lenet5", "cifar_resnet20")
    monkeypatch.setattr(catalogue, "CATALOGUE", [entry for entry in catalogue.CATALOGUE if entry.name in names])


def listed(capsys, *arguments: str) -> str:
    with pytest.raises(SystemExit) as stopped:
        main(["models", "backbones", *arguments])
    assert stopped.value.code == 0
    return capsys.readouterr().out


@pytest.mark.slow
def test_encoders_are_listed_with_what_they_cost(capsys, two_encoders):
    header, lenet, resnet = listed(capsys).splitlines()
    assert header.split() == ["NAME", "PIXELS", "PRINTED", "HERE", "GFLOPS", "MS", "PAPER"]
    assert lenet.split()[:5] == ["lenet5", "32", "0.060", "0.062", "0.001"]
    assert resnet.split()[:5] == ["cifar_resnet20", "32", "0.27", "0.270", "0.081"]
    assert float(resnet.split()[5]) > 0


@pytest.mark.slow
def test_times_can_be_left_out(capsys, two_encoders):
    assert "MS" not in listed(capsys, "--no-timing").split()
    lines = listed(capsys, "--no-timing", "--format", "table").splitlines()
    assert lines[0] == "| encoder | paper | pixels | printed, M | here, M | GFLOPs |"
    assert lines[3] == "| `cifar_resnet20` | He et al. 2015 | 32 | 0.27 | 0.270 | 0.081 |"


@pytest.mark.slow
def test_programs_read_json(capsys, two_encoders):
    lenet, resnet = json.loads(listed(capsys, "--format", "json"))
    assert (lenet["parameters"], resnet["parameters"], resnet["classes"]) == (61_706, 269_722, 10)
    assert resnet["milliseconds"] > 0
    assert resnet["gflops"] == pytest.approx(0.0811, abs=5e-4)


@pytest.mark.slow  # the picture itself is in tests/nn/backbones/test_picture.py
def test_they_are_drawn(capsys, two_encoders, tmp_path):
    listed(capsys, "--picture", str(tmp_path / "encoders.png"))
    with Image.open(tmp_path / "encoders.png") as picture:
        assert picture.format == "PNG"
        assert picture.width > 600


@pytest.mark.parametrize(("name", "message"), [("a.foo", "expected a name that ends in"), ("no/a.png", "no folder")])
def test_a_picture_that_cannot_be_written_is_refused_before_anything_is_measured(
    tmp_path, monkeypatch, name, message, capsys
):
    monkeypatch.setattr("seetell.nn.backbones.measures.size_of", lambda entry: pytest.fail("measured"))
    with pytest.raises(SystemExit, match="2"):
        main(["models", "backbones", "--picture", str(tmp_path / name)])
    assert f"--picture {tmp_path / name}: " in (told := capsys.readouterr().err)
    assert message in told
