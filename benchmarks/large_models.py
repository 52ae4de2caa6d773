"""Seconds, memory and size of large captioners of transformers, beside the bundled model, all through seetell.

    .venv/bin/python benchmarks/large_models.py --threads 1

prints one JSON line. The large models have the dimensions of the published ones, but random weights, which do not
affect their speed, and vocabularies of made-up words; they write a fixed number of tokens. Each runs in a process of
its own, one after the other, with the bundled model first and last. Processor seconds say what an idle machine takes,
even if this one is busy. It needs the extra ``hf``, 3 GB of memory and 1 GB of disk.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from figures import machine
from photo_set import write_photos
from processes import MEGABYTE, environment

HERE = Path(__file__).resolve().parent
BUNDLED = "caption"
TOKENS = {"smolvlm_256m": 30}
"""Written by a model that takes instructions; the others write ``CAPTION_TOKENS``."""
CAPTION_TOKENS = 12


def words(count: int, *first: str) -> list[str]:
    """Return a vocabulary: some tokens, and made-up words to fill it."""
    return [*first, *(f"word{place}" for place in range(count - len(first)))]


def tokenizer(count: int, *first: str, **named: Any) -> Any:
    """Return a tokenizer of made-up words; ``named`` are its special tokens."""
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    vocabulary = {word: place for place, word in enumerate(words(count, *first))}
    made = Tokenizer(models.WordLevel(vocabulary, unk_token=first[0]))
    made.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return PreTrainedTokenizerFast(tokenizer_object=made, unk_token=first[0], **named)


def blip_base() -> tuple[Any, ...]:
    """Return Salesforce/blip-image-captioning-base; its text decoder has 12 heads, the class's default is 8."""
    import transformers as hf

    texts = hf.BertTokenizer(
        vocab={word: place for place, word in enumerate(words(30524, "[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"))}
    )
    config = hf.BlipConfig(text_config={"num_attention_heads": 12})
    return hf.BlipForConditionalGeneration(config), hf.BlipProcessor(hf.BlipImageProcessor(), texts)


def git_base() -> tuple[Any, ...]:
    """Return microsoft/git-base-coco."""
    import transformers as hf

    texts = hf.BertTokenizer(
        vocab={word: place for place, word in enumerate(words(30522, "[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"))}
    )
    return hf.GitForCausalLM(hf.GitConfig()), hf.GitProcessor(hf.CLIPImageProcessor(), texts)


def vit_gpt2() -> tuple[Any, ...]:
    """Return nlpconnect/vit-gpt2-image-captioning."""
    import transformers as hf

    texts = tokenizer(50257, "<|endoftext|>", bos_token="<|endoftext|>", eos_token="<|endoftext|>")
    decoder = hf.GPT2Config(add_cross_attention=True, is_decoder=True, bos_token_id=0, eos_token_id=0)
    config = hf.VisionEncoderDecoderConfig.from_encoder_decoder_configs(hf.ViTConfig(), decoder)
    config.decoder_start_token_id = config.pad_token_id = config.eos_token_id = 0
    network = hf.VisionEncoderDecoderModel(config=config)
    network.generation_config.decoder_start_token_id = network.generation_config.pad_token_id = 0
    return network, hf.ViTImageProcessor(), texts


def florence_base() -> tuple[Any, ...]:
    """Return florence-community/Florence-2-base, which searches with three beams."""
    import transformers as hf

    special = ["<s>", "<pad>", "</s>", "<unk>", "<image>"]
    texts = tokenizer(51289, *special, bos_token="<s>", eos_token="</s>", pad_token="<pad>", image_token="<image>")
    vision = {"embed_dim": [128, 256, 512, 1024], "depths": [1, 1, 9, 1], "projection_dim": 768}
    text = {
        "model_type": "bart", "vocab_size": 51289, "d_model": 768, "encoder_layers": 6, "decoder_layers": 6,
        "encoder_attention_heads": 12, "decoder_attention_heads": 12, "encoder_ffn_dim": 3072, "decoder_ffn_dim": 3072,
    }  # fmt: skip
    network = hf.Florence2ForConditionalGeneration(
        hf.Florence2Config(vision_config=vision, text_config=text, image_token_id=4)
    )
    network.generation_config.num_beams, network.generation_config.no_repeat_ngram_size = 3, 3
    images = hf.CLIPImageProcessor(size={"height": 768, "width": 768}, do_center_crop=False)
    images.image_seq_length = 577
    return network, hf.Florence2Processor(images, texts)


def smolvlm_256m() -> tuple[Any, ...]:
    """Return HuggingFaceTB/SmolVLM-256M-Instruct: a photo of 4:3 becomes 13 images of 512 px."""
    import transformers as hf

    tiles = [f"<row_{row}_col_{column}>" for row in range(1, 7) for column in range(1, 7)]
    special = ["<unk>", "<pad>", "<image>", "<fake_token_around_image>", "<global-img>", "<end_of_utterance>", *tiles]
    texts = tokenizer(49280, *special, bos_token="<pad>", eos_token="<end_of_utterance>", pad_token="<pad>")
    texts.add_special_tokens({"additional_special_tokens": special[2:]})
    vision = {
        "hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 12, "num_attention_heads": 12,
        "image_size": 512, "patch_size": 16,
    }  # fmt: skip
    text = {
        "model_type": "llama", "hidden_size": 576, "intermediate_size": 1536, "num_hidden_layers": 30,
        "num_attention_heads": 9, "num_key_value_heads": 3, "vocab_size": 49280, "tie_word_embeddings": False,
    }  # fmt: skip
    config = hf.Idefics3Config(
        vision_config=vision,
        text_config=text,
        scale_factor=4,
        image_token_id=2,
        pad_token_id=1,
        tie_word_embeddings=False,
    )
    images = hf.Idefics3ImageProcessor(size={"longest_edge": 2048}, max_image_size={"longest_edge": 512})
    template = (
        "{% for message in messages %}{% for part in message.content %}"
        "{% if part.type == 'image' %} <image> {% else %}{{ part.text }}{% endif %}{% endfor %}{% endfor %}"
    )
    return hf.Idefics3ForConditionalGeneration(config), hf.Idefics3Processor(
        images, texts, image_seq_len=64, chat_template=template
    )


MODELS: dict[str, Callable[[], tuple[Any, ...]]] = {
    make.__name__: make for make in (blip_base, git_base, vit_gpt2, florence_base, smolvlm_256m)
}


def prepare(name: str, folder: Path) -> None:
    """Write a model with random weights."""
    import torch

    torch.manual_seed(0)
    for part in MODELS[name]():
        part.save_pretrained(folder)


def measure(model: str, photos: list[Path], threads: int, tokens: int) -> dict[str, float]:
    """Caption photos one by one in this process; the first, which warms up, is not counted."""
    import resource

    import seetell

    options = {} if model == BUNDLED else {"max_tokens": tokens, "device": "cpu", "task": "caption"}
    captioner = seetell.load(model, threads=threads, **options)
    captioner.caption(photos[0])
    start, used = time.perf_counter(), time.process_time()
    for photo in photos[1:]:
        captioner.caption(photo)
    count = len(photos) - 1
    network = None if model == BUNDLED else captioner.model.network
    return {
        "seconds": round((time.perf_counter() - start) / count, 3),
        "processor_seconds": round((time.process_time() - used) / count, 3),
        "memory_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / MEGABYTE),
        "parameters_million": 0 if network is None else round(network.num_parameters() / 1e6),
    }


def measured(model: str, photos: Path, threads: int, tokens: int) -> dict[str, float]:
    """Run :func:`measure` in a process of its own."""
    command = [sys.executable, __file__, "--measure", model, "--photos", str(photos), "--tokens", str(tokens)]
    answer = subprocess.run(
        [*command, "--threads", str(threads)],
        env={**environment(threads), "PYTHONPATH": os.environ.get("PYTHONPATH", "")},
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    result: dict[str, float] = json.loads(answer)
    return result


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--count", type=int, default=5, help="Photos per model.")
    parser.add_argument("--models", nargs="*", choices=list(MODELS), default=list(MODELS))
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    parser.add_argument("--photos", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--tokens", type=int, default=CAPTION_TOKENS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        photos = sorted(options.photos.glob("*.jpg"))
        print(json.dumps(measure(options.measure, photos, options.threads, options.tokens)))
        return
    report: dict[str, Any] = {"machine": machine(options.threads), "threads": options.threads, "models": {}}
    with tempfile.TemporaryDirectory() as temporary:
        photos = Path(temporary) / "photos"
        photos.mkdir()
        write_photos(HERE.parent / "examples", photos, options.count + 1)
        before = measured(BUNDLED, photos, options.threads, 0)
        for name in options.models:
            folder = Path(temporary) / "model"
            write = f"import pathlib, large_models; large_models.prepare({name!r}, pathlib.Path({str(folder)!r}))"
            subprocess.run([sys.executable, "-c", write], cwd=HERE, check=True, capture_output=True)
            tokens = TOKENS.get(name, CAPTION_TOKENS)
            weights = sum(file.stat().st_size for file in folder.glob("*.safetensors")) / 1e6
            report["models"][name] = {
                **measured(str(folder), photos, options.threads, tokens), "tokens": tokens, "weights_mb": round(weights)
            }  # fmt: skip
            for file in folder.iterdir():
                file.unlink()
        after = measured(BUNDLED, photos, options.threads, 0)
    report["bundled"] = [before, after]
    base = (before["processor_seconds"] + after["processor_seconds"]) / 2
    for figures in report["models"].values():
        figures["times_the_bundled"] = round(figures["processor_seconds"] / base, 1)
    print(json.dumps(report))


if __name__ == "__main__":
    main()
