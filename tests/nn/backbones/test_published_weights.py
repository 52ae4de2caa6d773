import threading
import time
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="encoders need the training extra")

import torch

from seetell.nn.backbones import create_encoder
from seetell.nn.backbones.published_weights import check_timm_weights
from seetell.runtime.download import DownloadError

NOWHERE = "http://127.0.0.1:9"


@pytest.fixture(autouse=True)
def _empty_caches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setenv("HF_ENDPOINT", NOWHERE)
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "torch"))


@pytest.fixture
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    asking, wait = threading.current_thread(), time.sleep

    def sleep(seconds: float) -> None:
        if threading.current_thread() is asking:  # others wait for what other tests began
            raise AssertionError(f"waited {seconds} s for another try")
        wait(seconds)

    monkeypatch.setattr(time, "sleep", sleep)


@pytest.mark.usefixtures("_no_pauses")
def test_weights_of_timm_that_cannot_be_had_are_asked_for_once():
    with pytest.raises(DownloadError) as caught:
        create_encoder("resnet18")
    said = str(caught.value)
    assert "the ImageNet weights of resnet18 are not on this disk" in said
    assert f"hf:timm/resnet18.a1_in1k: {NOWHERE} cannot be reached" in said
    assert "efficientnet_lite0 to 2 need no network" in said


@pytest.mark.usefixtures("_no_pauses")
def test_weights_of_torchvision_that_cannot_be_had_are_asked_for_once(monkeypatch: pytest.MonkeyPatch):
    import torchvision

    monkeypatch.setattr(torchvision.models.ResNet18_Weights.DEFAULT.value, "url", f"{NOWHERE}/resnet18-f37072fd.pth")
    with pytest.raises(DownloadError, match=r"weights of resnet18 .*127\.0\.0\.1:9/resnet18-f37072fd\.pth: cannot be"):
        create_encoder("torchvision/resnet18")


@pytest.mark.slow
def test_a_server_that_does_not_answer_is_not_waited_for_without_end(monkeypatch: pytest.MonkeyPatch):
    import socket

    monkeypatch.setattr("seetell.runtime.backends.hub_pull.ANSWER_TIMEOUT", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{silent.getsockname()[1]}")
        with pytest.raises(DownloadError, match=r"weights of resnet18 .*cannot be reached"):
            create_encoder("resnet18")


@pytest.mark.slow
def test_weights_of_torchvision_on_this_disk_need_no_network(tmp_path: Path):
    import torchvision

    checkpoints = tmp_path / "torch" / "checkpoints"
    checkpoints.mkdir(parents=True)
    model = torchvision.models.resnet18()
    torch.save(model.state_dict(), checkpoints / "resnet18-f37072fd.pth")
    encoder = create_encoder("torchvision/resnet18")
    assert torch.equal(encoder.state_dict()["model.conv1.weight"], model.conv1.weight)


def test_weights_of_timm_on_this_disk_need_no_network(tmp_path: Path):
    snapshot = tmp_path / "hub" / "models--timm--resnet18.a1_in1k" / "snapshots" / "c0ffee"
    snapshot.mkdir(parents=True)
    config = {"hf_hub_id": "timm/resnet18.a1_in1k"}
    (snapshot / "config.json").touch()
    with pytest.raises(DownloadError):
        check_timm_weights("resnet18", config)
    (snapshot / "model.safetensors").touch()
    check_timm_weights("resnet18", config)
