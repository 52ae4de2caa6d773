"""Models of transformers with random weights, made from their configurations and saved as the Hub has them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import transformers as hf
from tokenizers import Tokenizer, decoders, models, pre_tokenizers

WORDS = [
    "a",
    "the",
    "dog",
    "cat",
    "man",
    "woman",
    "ball",
    "grass",
    "red",
    "runs",
    "sits",
    "on",
    "in",
    "with",
    "is",
    ".",
]
CLASSES = {0: "person", 1: "dog", 2: "N/A", 3: "ball"}
SIDE = 32
_SMALL = {"hidden_size": 32, "intermediate_size": 37, "num_hidden_layers": 2, "num_attention_heads": 4}
_VISION = {**_SMALL, "image_size": SIDE, "patch_size": 16}
_IMAGE = {"height": SIDE, "width": SIDE}

hf.logging.disable_progress_bar()


def bert_tokenizer() -> Any:
    letters = [*map(chr, range(97, 123))]
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS, *letters, *(f"##{letter}" for letter in letters)]
    return hf.BertTokenizer(vocab={word: place for place, word in enumerate(dict.fromkeys(words))})


def byte_tokenizer(*special: str, bos: str = "<s>", eos: str = "</s>", **tokens: str) -> Any:
    """A tokenizer of bytes and a few words, as GPT-2's."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    names = dict.fromkeys([bos, "<pad>", eos, "<unk>", *alphabet, *(f"Ġ{word}" for word in WORDS)])
    tokenizer = Tokenizer(models.BPE({name: place for place, name in enumerate(names)}, [], unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    made = hf.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token=bos, eos_token=eos, pad_token="<pad>", unk_token="<unk>", **tokens
    )
    made.add_tokens(list(special), special_tokens=True)
    return made


def save(folder: Path, network: Any, *processors: Any) -> Path:
    for part in (network, *processors):
        part.save_pretrained(folder)
    return folder


def blip(folder: Path) -> Path:
    tokenizer = bert_tokenizer()
    text = {**_SMALL, "vocab_size": len(tokenizer), "encoder_hidden_size": 32, "projection_dim": 32}
    text |= {"bos_token_id": 2, "eos_token_id": 3, "sep_token_id": 3, "pad_token_id": 0}
    config = hf.BlipConfig(text_config=text, vision_config={**_VISION, "projection_dim": 32}, projection_dim=32)
    network = hf.BlipForConditionalGeneration(config)
    return save(folder, network, hf.BlipProcessor(hf.BlipImageProcessor(size=_IMAGE), tokenizer))


def git(folder: Path) -> Path:
    tokenizer = bert_tokenizer()
    config = hf.GitConfig(
        **_SMALL, vocab_size=len(tokenizer), vision_config=_VISION, bos_token_id=2, eos_token_id=3, pad_token_id=0
    )
    images = hf.CLIPImageProcessor(size={"shortest_edge": SIDE}, crop_size=_IMAGE)
    return save(folder, hf.GitForCausalLM(config), hf.GitProcessor(images, tokenizer))


def encoder_decoder(folder: Path) -> Path:
    """As nlpconnect/vit-gpt2-image-captioning: no processor, but its parts."""
    tokenizer = byte_tokenizer(bos="<|endoftext|>", eos="<|endoftext|>")
    decoder = hf.GPT2Config(
        vocab_size=len(tokenizer), n_embd=32, n_layer=2, n_head=4, n_positions=80, add_cross_attention=True,
        is_decoder=True, bos_token_id=0, eos_token_id=0,
    )  # fmt: skip
    config = hf.VisionEncoderDecoderConfig.from_encoder_decoder_configs(hf.ViTConfig(**_VISION), decoder)
    config.decoder_start_token_id, config.pad_token_id, config.eos_token_id = 0, 0, 0
    network = hf.VisionEncoderDecoderModel(config=config)
    network.generation_config.decoder_start_token_id = network.generation_config.pad_token_id = 0
    return save(folder, network, hf.ViTImageProcessor(size=_IMAGE), tokenizer)


def florence(folder: Path) -> Path:
    places = [f"<loc_{place}>" for place in range(1000)]
    tokenizer = byte_tokenizer("<image>", *places, image_token="<image>")
    vision = {
        "depths": [1, 1, 1, 1], "embed_dim": [16, 16, 16, 16], "num_heads": [2, 2, 2, 2], "num_groups": [2, 2, 2, 2],
        "window_size": 2, "projection_dim": 32, "max_temporal_embeddings": 4, "max_position_embeddings": 8,
    }  # fmt: skip
    text = {
        "model_type": "bart", "vocab_size": len(tokenizer), "d_model": 32, "encoder_layers": 1, "decoder_layers": 1,
        "encoder_attention_heads": 4, "decoder_attention_heads": 4, "encoder_ffn_dim": 37, "decoder_ffn_dim": 37,
        "bos_token_id": 0, "pad_token_id": 1, "eos_token_id": 2, "decoder_start_token_id": 2, "forced_eos_token_id": 2,
    }  # fmt: skip
    config = hf.Florence2Config(
        vision_config=vision, text_config=text, image_token_id=tokenizer.convert_tokens_to_ids("<image>")
    )
    network = hf.Florence2ForConditionalGeneration(config)
    images = hf.CLIPImageProcessor(size={"height": 64, "width": 64}, do_center_crop=False)
    images.image_seq_length = 5
    return save(folder, network, hf.Florence2Processor(images, tokenizer))


CHAT = (
    "{% for message in messages %}{{ message.role }}: {% for part in message.content %}"
    "{% if part.type == 'image' %}<image>{% else %}{{ part.text }}{% endif %}{% endfor %}\n{% endfor %}"
    "{% if add_generation_prompt %}assistant:{% endif %}"
)


def smolvlm(folder: Path) -> Path:
    """As HuggingFaceTB/SmolVLM-256M-Instruct, whose type is ``idefics3``."""
    special = ["<fake_token_around_image>", "<image>", "<global-img>", "<end_of_utterance>"]
    special += [f"<row_{row}_col_{column}>" for row in range(1, 5) for column in range(1, 5)]
    tokenizer = byte_tokenizer(*special)
    text = {**_SMALL, "model_type": "llama", "num_key_value_heads": 4, "vocab_size": len(tokenizer), "pad_token_id": 1}
    config = hf.Idefics3Config(
        vision_config=_VISION, text_config=text, scale_factor=1,
        image_token_id=tokenizer.convert_tokens_to_ids("<image>"), pad_token_id=1,
    )  # fmt: skip
    network = hf.Idefics3ForConditionalGeneration(config)
    images = hf.Idefics3ImageProcessor(size={"longest_edge": 2 * SIDE}, max_image_size={"longest_edge": SIDE})
    processor = hf.Idefics3Processor(images, tokenizer, image_seq_len=4, chat_template=CHAT)
    return save(folder, network, processor)


def llava(folder: Path) -> Path:
    tokenizer = byte_tokenizer("<image>")
    text = {**_SMALL, "model_type": "llama", "num_key_value_heads": 4, "vocab_size": len(tokenizer), "pad_token_id": 1}
    config = hf.LlavaConfig(
        vision_config={**_VISION, "model_type": "clip_vision_model", "projection_dim": 32}, text_config=text,
        image_token_id=tokenizer.convert_tokens_to_ids("<image>"),
    )  # fmt: skip
    images = hf.CLIPImageProcessor(size={"shortest_edge": SIDE}, crop_size=_IMAGE)
    processor = hf.LlavaProcessor(
        images, tokenizer, patch_size=16, vision_feature_select_strategy="default", num_additional_image_tokens=1,
        chat_template=CHAT,
    )  # fmt: skip
    return save(folder, hf.LlavaForConditionalGeneration(config), processor)


def qwen(folder: Path) -> Path:
    """Qwen2-VL, whose images have as many tokens as they are large."""
    special = ["<|image_pad|>", "<|video_pad|>", "<|vision_start|>", "<|vision_end|>"]
    tokenizer = byte_tokenizer(*special, image_token="<|image_pad|>", video_token="<|video_pad|>")
    places = {f"{name}_token_id": tokenizer.convert_tokens_to_ids(f"<|{token}|>") for name, token in {
        "image": "image_pad", "video": "video_pad", "vision_start": "vision_start", "vision_end": "vision_end"
    }.items()}  # fmt: skip
    text = {
        **_SMALL, "num_key_value_heads": 2, "vocab_size": len(tokenizer), "bos_token_id": 0, "eos_token_id": 2,
        "pad_token_id": 1, "rope_parameters": {"rope_type": "default", "mrope_section": [1, 1, 2], "rope_theta": 1e4},
    }  # fmt: skip
    vision = {"depth": 2, "embed_dim": 32, "hidden_size": 32, "num_heads": 4, "patch_size": 14, "mlp_ratio": 2}
    config = hf.Qwen2VLConfig(text_config=text, vision_config=vision, **places)
    images = hf.Qwen2VLImageProcessor(size={"shortest_edge": 28 * 28, "longest_edge": 8 * 28 * 28})
    videos = hf.Qwen2VLVideoProcessor()
    template = CHAT.replace("<image>", "<|vision_start|><|image_pad|><|vision_end|>")
    processor = hf.Qwen2VLProcessor(images, tokenizer, videos, chat_template=template)
    return save(folder, hf.Qwen2VLForConditionalGeneration(config), processor)


def paligemma(folder: Path) -> Path:
    tokenizer = byte_tokenizer("<image>")
    text = {
        **_SMALL, "model_type": "gemma", "num_key_value_heads": 1, "head_dim": 8, "vocab_size": len(tokenizer),
        "pad_token_id": 1, "bos_token_id": 0, "eos_token_id": 2,
    }  # fmt: skip
    vision = {**_VISION, "model_type": "siglip_vision_model", "projection_dim": 32, "vision_use_head": False}
    config = hf.PaliGemmaConfig(
        vision_config=vision, text_config=text, image_token_id=tokenizer.convert_tokens_to_ids("<image>"),
        projection_dim=32, hidden_size=32,
    )  # fmt: skip
    images = hf.SiglipImageProcessor(size=_IMAGE)
    images.image_seq_length = 4
    return save(folder, hf.PaliGemmaForConditionalGeneration(config), hf.PaliGemmaProcessor(images, tokenizer))


def blip2(folder: Path) -> Path:
    tokenizer = byte_tokenizer("<image>")
    text = {
        "model_type": "opt", "vocab_size": len(tokenizer), "hidden_size": 32, "num_hidden_layers": 2, "ffn_dim": 37,
        "num_attention_heads": 4, "word_embed_proj_dim": 32, "max_position_embeddings": 100, "bos_token_id": 0,
        "eos_token_id": 2, "pad_token_id": 1,
    }  # fmt: skip
    config = hf.Blip2Config(
        vision_config=_VISION, qformer_config={**_SMALL, "encoder_hidden_size": 32, "vocab_size": len(tokenizer)},
        text_config=text, num_query_tokens=4, image_token_index=tokenizer.convert_tokens_to_ids("<image>"),
    )  # fmt: skip
    processor = hf.Blip2Processor(hf.BlipImageProcessor(size=_IMAGE), tokenizer, num_query_tokens=4)
    return save(folder, hf.Blip2ForConditionalGeneration(config), processor)


def rt_detr(folder: Path) -> Path:
    backbone = hf.RTDetrResNetConfig(
        embedding_size=8, hidden_sizes=[8, 8, 8, 8], depths=[1, 1, 1, 1], out_features=["stage2", "stage3", "stage4"]
    )
    config = hf.RTDetrConfig(
        backbone_config=backbone, encoder_hidden_dim=32, encoder_in_channels=[8, 8, 8], feat_strides=[8, 16, 32],
        encoder_layers=1, encoder_ffn_dim=37, encoder_attention_heads=4, d_model=32, num_queries=12,
        decoder_in_channels=[32, 32, 32], decoder_ffn_dim=37, decoder_layers=1, decoder_attention_heads=4,
        num_denoising=0, id2label=CLASSES, label2id={name: key for key, name in CLASSES.items()},
    )  # fmt: skip
    images = hf.RTDetrImageProcessor(size={"height": 64, "width": 64})
    return save(folder, hf.RTDetrForObjectDetection(config), images)


def detr(folder: Path) -> Path:
    backbone = hf.ResNetConfig(
        embedding_size=8, hidden_sizes=[8, 8, 8, 8], depths=[1, 1, 1, 1], out_features=["stage4"]
    )
    config = hf.DetrConfig(
        use_timm_backbone=False, backbone_config=backbone, backbone=None, use_pretrained_backbone=False, d_model=32,
        encoder_layers=1, decoder_layers=1, encoder_attention_heads=4, decoder_attention_heads=4, encoder_ffn_dim=37,
        decoder_ffn_dim=37, num_queries=12, id2label=CLASSES, label2id={name: key for key, name in CLASSES.items()},
    )  # fmt: skip
    images = hf.DetrImageProcessor(size={"shortest_edge": 64, "longest_edge": 128})
    return save(folder, hf.DetrForObjectDetection(config), images)


def yolos(folder: Path) -> Path:
    config = hf.YolosConfig(
        **{**_SMALL, "image_size": [64, 64], "patch_size": 16}, num_detection_tokens=9, id2label=CLASSES,
        label2id={name: key for key, name in CLASSES.items()},
    )  # fmt: skip
    images = hf.YolosImageProcessor(size={"shortest_edge": 64, "longest_edge": 128})
    return save(folder, hf.YolosForObjectDetection(config), images)


def clip(folder: Path) -> Path:
    tokenizer = byte_tokenizer()
    config = hf.CLIPConfig(
        text_config={
            **_SMALL, "vocab_size": len(tokenizer), "max_position_embeddings": 40, "bos_token_id": 0, "eos_token_id": 2,
            "pad_token_id": 1,
        },
        vision_config=_VISION, projection_dim=16,
    )  # fmt: skip
    tokenizer.model_max_length = 40
    images = hf.CLIPImageProcessor(size={"shortest_edge": SIDE}, crop_size=_IMAGE)
    return save(folder, hf.CLIPModel(config), hf.CLIPProcessor(images, tokenizer))


def siglip(folder: Path) -> Path:
    tokenizer = byte_tokenizer()
    tokenizer.model_max_length = 24
    text = {**_SMALL, "vocab_size": len(tokenizer), "max_position_embeddings": 24, "projection_size": 32}
    config = hf.SiglipConfig(text_config=text, vision_config=_VISION)
    processor = hf.SiglipProcessor(hf.SiglipImageProcessor(size=_IMAGE), tokenizer)
    return save(folder, hf.SiglipModel(config), processor)


def vit(folder: Path) -> Path:
    config = hf.ViTConfig(**_VISION, id2label=CLASSES, label2id={name: key for key, name in CLASSES.items()})
    return save(folder, hf.ViTForImageClassification(config), hf.ViTImageProcessor(size=_IMAGE))


MAKERS: dict[str, Callable[[Path], Path]] = {
    maker.__name__: maker
    for maker in (
        blip,
        blip2,
        git,
        encoder_decoder,
        florence,
        paligemma,
        smolvlm,
        llava,
        qwen,
        detr,
        rt_detr,
        yolos,
        clip,
        siglip,
        vit,
    )
}


def make(name: str, folder: Path, *, seed: int = 0) -> Path:
    """Make a model; the same seed gives the same weights."""
    torch.manual_seed(seed)
    return MAKERS[name](folder)
