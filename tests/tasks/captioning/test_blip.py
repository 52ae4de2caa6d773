from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

transformers = pytest.importorskip("transformers", reason="needs the extra hf")
pytest.importorskip("onnxscript", reason="needs the extra train")

import torch  # noqa: E402
from runtime import tiny_hub  # noqa: E402

import seetell  # noqa: E402
from seetell.cli.main import main  # noqa: E402
from seetell.errors import UsageError  # noqa: E402
from seetell.runtime.bundle import Bundle  # noqa: E402

pytestmark = pytest.mark.slow  # each export takes some seconds

PROMPT = "a dog on"


@pytest.fixture(scope="module")
def describer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A BLIP with random weights whose sentences depend on the image; not to be written to."""
    folder = tiny_hub.make("blip", tmp_path_factory.mktemp("models") / "describer")
    network = transformers.BlipForConditionalGeneration.from_pretrained(folder)
    torch.manual_seed(1)
    for name, weights in network.named_parameters():
        if weights.ndim > 1:
            torch.nn.init.normal_(weights, std=0.25 if "vision" in name or "crossattention" in name else 0.15)
    with torch.no_grad():
        network.text_decoder.cls.predictions.bias[network.config.text_config.sep_token_id] = 4.0  # sentences end soon
    network.save_pretrained(folder)
    (folder / "README.md").write_text("---\nlicense: bsd-3-clause\n---\n# Describer\n")
    return folder


def export(source: Path, target: Path, *options: str) -> Path:
    with pytest.raises(SystemExit) as ended:
        main(["export", str(source), str(target), *options, "--debug"])  # which lets errors through
    assert not ended.value.code
    return target


@pytest.fixture(scope="module")
def bundle(describer: Path, one_registry: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export(describer, tmp_path_factory.mktemp("bundles") / "blip")


@pytest.fixture(scope="module")
def prompted(describer: Path, one_registry: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export(describer, tmp_path_factory.mktemp("bundles") / "prompted", "--precision", "fp32", "--prompt", PROMPT)


@pytest.fixture(scope="module")
def photos() -> list[Image.Image]:
    """Photos of the size that the model sees, so that nothing is resized."""
    rng = np.random.default_rng(0)
    return [Image.fromarray(rng.integers(0, 256, (32, 32, 3), np.uint8)) for _ in range(6)]


def generated(describer: Path, photos: list[Image.Image], prompt: str = "", **options: Any) -> list[str]:
    """Return the sentences of transformers, without what they begin with."""
    network = transformers.BlipForConditionalGeneration.from_pretrained(describer)
    processor = transformers.AutoProcessor.from_pretrained(describer)
    inputs = processor(images=photos, return_tensors="pt")
    tokenizer = processor.tokenizer
    begin = [network.config.text_config.bos_token_id, *tokenizer(prompt, add_special_tokens=False)["input_ids"]]
    never = [tokenizer.unk_token_id, network.config.text_config.bos_token_id]
    ids = network.generate(
        pixel_values=inputs["pixel_values"],
        input_ids=torch.tensor([[*begin, 3]] * len(photos)),  # the last one is cut off
        max_new_tokens=12,
        suppress_tokens=never,
        **options,
    )
    texts = tokenizer.batch_decode(ids[:, len(begin) :], skip_special_tokens=True)
    return [" ".join(text.removeprefix("##").split()) for text in texts]


@pytest.mark.nightly
def test_the_sentences_are_those_of_transformers(describer: Path, bundle: Path, photos: list[Image.Image]):
    captioner = seetell.load(bundle, precision="fp32")
    for batch_size in (1, 4):
        found = captioner.caption_many(photos, method="greedy", max_words=12, batch_size=batch_size)
        greedy = [caption.text for caption in found]
        assert greedy == generated(describer, photos, do_sample=False, num_beams=1)
    assert len(set(greedy)) > 1
    beams = [caption.text for caption in captioner.caption_many(photos, max_words=12, beam_size=3, length_penalty=0.0)]
    assert beams == generated(describer, photos, num_beams=3, length_penalty=0.0, early_stopping="never")


@pytest.mark.nightly
def test_a_prompt_is_what_sentences_go_on_from(
    describer: Path, bundle: Path, prompted: Path, photos: list[Image.Image]
):
    found = [caption.text for caption in seetell.load(prompted).caption_many(photos, method="greedy", max_words=12)]
    assert found == generated(describer, photos, PROMPT, do_sample=False, num_beams=1)
    assert found != [caption.text for caption in seetell.load(bundle).caption_many(photos, method="greedy")]


def test_words_are_put_together(bundle: Path, photos: list[Image.Image]):
    for caption in seetell.load(bundle).caption_many(photos):
        assert " ".join(word.text for word in caption.words) == caption.text
        assert "##" not in caption.text
        assert sum(word.logprob for word in caption.words) >= caption.logprob - 1e-6


def test_what_the_bundle_says(bundle: Path, prompted: Path):
    description = Bundle.load(bundle).description
    assert (description["task"], description["architecture"]) == ("captioning", "blip")
    assert (description["licence"], description["trained_steps"]) == ("bsd-3-clause", None)
    assert description["parity"]["logprob_max_difference"] < 1e-4
    assert 0 < description["parity"]["logprob_max_difference_int8"] < 5
    assert {graph: tuple(files)[:2] for graph, files in description["graphs"].items()} == dict.fromkeys(
        ("encoder", "decoder_start", "decoder_step"), ("int8", "fp32")
    )
    assert description["preprocessing"]["mean"][0] == pytest.approx(0.48145466 * 255)
    assert Bundle.load(prompted).precisions("decoder_step") == ("fp32",)
    assert "Made by:** `seetell export" in Bundle.load(prompted).card()
    assert f"--prompt '{PROMPT}'" in Bundle.load(prompted).card()
    for path in (bundle, prompted):
        Bundle.load(path).verify()


def test_the_int8_copy_is_smaller_and_says_nearly_the_same(bundle: Path, photos: list[Image.Image]):
    small, exact = (
        [caption.logprob for caption in seetell.load(bundle, precision=precision).caption_many(photos, method="greedy")]
        for precision in ("int8", "fp32")
    )
    assert np.abs(np.subtract(small, exact)).max() > 0
    assert (bundle / "decoder_step.int8.onnx").stat().st_size < (bundle / "decoder_step.onnx").stat().st_size


def test_options_for_words_are_refused(bundle: Path):
    with pytest.raises(UsageError, match="writes in pieces of words"):
        seetell.load(bundle).check(no_repeat_content_words=True)


@pytest.mark.parametrize(
    ("options", "said"),
    [(["--encoder-of", "everyday-transformer"], "has an encoder of its own"), (["--precision", "int4"], "int4")],
)
def test_options_that_make_no_sense(
    options: list[str], said: str, describer: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    with pytest.raises(SystemExit) as ended:
        main(["export", f"hf:{describer}", str(tmp_path / "new"), *options])
    assert ended.value.code == 2
    assert said in capsys.readouterr().err


def test_other_models_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as ended:
        main(["export", str(tiny_hub.make("vit", tmp_path / "vit")), str(tmp_path / "new")])
    assert ended.value.code == 2
    assert "those that can be exported: blip" in capsys.readouterr().err
    with pytest.raises(SystemExit) as ended:
        main(["export", str(tiny_hub.make("git", tmp_path / "git")), str(tmp_path / "new")])
    assert ended.value.code == 2
    assert "expected a captioner of BLIP's" in capsys.readouterr().err
