"""BLIP's captioner of transformers, declared for the exporter (Li et al., "BLIP", ICML 2022).

A vision Transformer turns an image into vectors; a BERT that attends to them writes the sentence, token by token. Its
graphs are those of every captioner, and each has an int8 copy.

The words of a bundle begin with END, START and UNK. So the rows of BLIP's token embedding, which are its output layer
too, change places: ``[SEP]``, which ends its sentences, comes first, ``[DEC]``, which begins them, second, ``[UNK]``
third, and the others follow in their order.

Letters: ``B`` images, ``N`` rows (images × beams), ``K`` rows of an image, ``H`` heads, ``L`` vectors of an image,
``T`` tokens, ``D`` features, ``V`` vocabulary.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from seetell.errors import BundleError, UsageError
from seetell.export.declaration import Declaration, Examples, GraphSpec, Origin, ParityCheck
from seetell.language.decoding import Decoding
from seetell.language.vocabulary import SPECIALS, START, Vocabulary
from seetell.photos import Preprocessing
from seetell.runtime.backends.transformers.model import LoadedModel, load_model
from seetell.runtime.backends.transformers.source import Source
from seetell.runtime.sessions import Graph

MAX_TOKENS = 20
"""Longest sentence by default, as in BLIP's own evaluation; three beams are, too."""

_STEPS, _IMAGES = 6, 2
"""Compared with transformers."""

_UNLIKELY = -20.0
"""Log-probability below which tokens are not compared: they are never generated."""

Attend = Callable[[Tensor, Tensor, Tensor], Tensor]


class VisionGraph(nn.Module):
    """BLIP's vision Transformer: ``images (B, 3, S, S)`` → ``grid (B, L, D)``, the first of which sees the whole."""

    def __init__(self, vision: nn.Module) -> None:
        super().__init__()
        self.vision = vision

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """Encode."""
        return (self.vision(pixel_values=images).last_hidden_state,)


class TextDecoder(nn.Module):
    """BLIP's text decoder, what it keeps of earlier tokens being an argument.

    That cache is ``(N, 1 + T, layers·2·D)``: each layer's keys and values, side by side, of all tokens so far. Its
    first entry is empty, so that the cache before the first token is not.

    Args:
        text: transformers' ``BlipTextLMHeadModel``.
        order: BLIP's token of each id of the vocabulary, ``(V,)``.
        begin: BLIP's tokens before the first word; START stands for the last of them.
    """

    def __init__(self, text: Any, order: Sequence[int], begin: Sequence[int]) -> None:
        super().__init__()
        self.heads, self.width = text.config.num_attention_heads, text.config.hidden_size
        self.layers, self.transform = text.bert.encoder.layer, text.cls.predictions.transform
        embeddings, output = text.bert.embeddings, text.cls.predictions.decoder
        self.positions, self.norm = embeddings.position_embeddings, embeddings.LayerNorm
        tokens = embeddings.word_embeddings.weight.detach()
        self.words = nn.Parameter(tokens[order].clone())
        self.words.data[START] = tokens[begin[-1]]
        self.output = nn.Parameter(output.weight.detach()[order].T.clone())
        self.bias = nn.Parameter(output.bias.detach()[order].clone())
        self.begin = nn.Parameter(tokens[begin[:-1]].clone())

    def memory(self, grid: Tensor) -> list[Tensor]:
        """Return each layer's keys ``(B, H, D/H, L)`` and values ``(B, H, L, D/H)`` of images ``(B, L, D)``."""
        crossed = [layer.crossattention.self for layer in self.layers]
        pairs = ((self._heads(part.key(grid)).transpose(2, 3), self._heads(part.value(grid))) for part in crossed)
        return [part for pair in pairs for part in pair]

    def start(self, grid: Tensor) -> tuple[list[Tensor], Tensor]:
        """Return the memory of images, and the cache before START."""
        memory, images, earlier = self.memory(grid), grid.shape[0], len(self.begin)
        empty = torch.zeros(images, 1, len(self.layers) * 2 * self.width)
        if not earlier:
            return memory, empty
        x = self.norm(self.begin + self.positions.weight[:earlier]).expand(images, -1, -1)
        _, cache = self._read(x, empty, memory, self._attend, torch.full((earlier, earlier), -torch.inf).triu(1))
        return memory, cache

    def step(
        self, tokens: Tensor, photos: Tensor, rows: Tensor, memory: Sequence[Tensor], cache: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Read one token per row.

        All rows of an image attend to its memory together: a copy for each would take most of the time.

        Args:
            tokens: ``(N,)``.
            photos: the image of each row, ``(N,)``.
            rows: the rows of each image, ``(B, K)``; where it has fewer, any others fill up.
            memory: from :meth:`start`.
            cache: of the tokens before.

        Returns:
            Log-probabilities ``(N, V)`` and the longer cache.
        """
        beams = rows.shape[1]
        mine = (
            (rows[photos] == torch.arange(tokens.shape[0])[:, None]).int().argmax(dim=1)
        )  # each row's place among the K
        places = photos * beams + mine

        def attend(query: Tensor, keys: Tensor, values: Tensor) -> Tensor:
            attended = self._attend(query[:, 0][rows], keys, values)  # (B, K, D)
            return attended.flatten(0, 1)[places][:, None]

        place = torch.full((1,), cache.shape[1] - 1).clamp(max=self.positions.num_embeddings - 1)
        x = self.norm(F.embedding(tokens, self.words)[:, None] + self.positions(place))
        x, cache = self._read(x, cache, memory, attend, None)
        scores = torch.matmul(self.transform(x), self.output)[:, 0] + self.bias
        return torch.log_softmax(scores, dim=1), cache

    def _read(
        self, x: Tensor, cache: Tensor, memory: Sequence[Tensor], attend: Attend, mask: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """Run the layers on tokens ``(N, T, D)``; ``attend`` looks at the images."""
        grown = []
        for index, (layer, kept) in enumerate(zip(self.layers, torch.split(cache, 2 * self.width, dim=2), strict=True)):
            part = layer.attention.self
            kept = torch.cat([kept, torch.cat([part.key(x), part.value(x)], dim=2)], dim=1)
            grown.append(kept)
            keys, values = (self._heads(half) for half in kept[:, 1:].chunk(2, dim=2))
            x = layer.attention.output(self._attend(part.query(x), keys.transpose(2, 3), values, mask), x)
            part = layer.crossattention.self
            x = layer.crossattention.output(attend(part.query(x), memory[2 * index], memory[2 * index + 1]), x)
            x = layer.feed_forward_chunk(x)
        return x, torch.cat(grown, dim=2)

    def _attend(self, query: Tensor, keys: Tensor, values: Tensor, mask: Tensor | None = None) -> Tensor:
        """Attend with ``(N, T, D)`` to keys ``(N, H, D/H, S)`` and values ``(N, H, S, D/H)``."""
        scores = self._heads(query / math.sqrt(self.width // self.heads)) @ keys
        weights = torch.softmax(scores if mask is None else scores + mask, dim=3)
        return (weights @ values).transpose(1, 2).flatten(2)

    def _heads(self, vectors: Tensor) -> Tensor:
        """``(N, T, D)`` → ``(N, H, T, D/H)``."""
        rows, length, width = vectors.shape
        return vectors.reshape(rows, length, self.heads, width // self.heads).transpose(1, 2)


class StartGraph(nn.Module):
    """``grid`` → ``memory_0``, …, ``state_0``."""

    def __init__(self, decoder: TextDecoder) -> None:
        super().__init__()
        self.decoder = decoder

    def forward(self, grid: Tensor) -> tuple[Tensor, ...]:
        """Return memory and first state."""
        memory, cache = self.decoder.start(grid)
        return *memory, cache


class StepGraph(nn.Module):
    """Tokens, photos, rows, memory, state → ``logprobs``, ``next_state_0``."""

    def __init__(self, decoder: TextDecoder) -> None:
        super().__init__()
        self.decoder = decoder

    def forward(self, tokens: Tensor, photos: Tensor, rows: Tensor, *parts: Tensor) -> tuple[Tensor, ...]:
        """Read one token per row."""
        return self.decoder.step(tokens, photos, rows, parts[:-1], parts[-1])


def declare(source: Source, *, prompt: str | None = None) -> tuple[Declaration, Origin]:
    """Declare the bundle of a BLIP captioner.

    Args:
        source: the model.
        prompt: what all sentences begin with, such as ``a picture of``, and do not contain.

    Raises:
        UsageError: the model is no captioner of BLIP's.
        BundleError: it is damaged, or prepares images in a way that bundles do not.
    """
    if source.config.get("architectures") != ["BlipForConditionalGeneration"]:
        raise UsageError(f"{source.name}: is a {source.config.get('architectures')}; expected a captioner of BLIP's")
    model = load_model(source, ("AutoModelForImageTextToText",), device="cpu", dtype="float32", texts=True)
    network, tokenizer, text = model.network, model.tokenizer, model.network.config.text_config
    begin = [text.bos_token_id, *(tokenizer(prompt, add_special_tokens=False)["input_ids"] if prompt else [])]
    first = [text.sep_token_id, text.bos_token_id, tokenizer.unk_token_id]
    order = first + [token for token in range(text.vocab_size) if token not in first]
    preprocessing = _preprocessing(model)
    size = preprocessing.height, preprocessing.width
    images = torch.from_numpy(np.random.default_rng(0).normal(size=(_IMAGES, 3, *size)).astype(np.float32))
    check = ParityCheck(
        name="logprob_max_difference",
        tolerance=1e-3,
        measure=lambda graphs: _difference(network, order, begin, images, graphs),
        int8_tolerance=math.inf,
    )
    declaration = Declaration(
        architecture="blip",
        graphs=_graphs(VisionGraph(network.vision_model), TextDecoder(network.text_decoder, order, begin), images),
        examples=Examples([], [], preprocessing),
        models=(network.text_decoder,),
        settings={"decoding": Decoding(method="beam", beam_size=3, length_penalty=1.0, max_words=MAX_TOKENS).to_dict()},
        checks=(check,),
    )
    origin = Origin(
        task="captioning",
        preprocessing=preprocessing,
        vocabulary=_vocabulary(tokenizer, order),
        encoder=network.config.vision_config.model_type,
        encoder_parameters=sum(part.numel() for part in network.vision_model.parameters()),
        config={"prompt": prompt},
    )
    return declaration, origin


def _preprocessing(model: LoadedModel) -> Preprocessing:
    way = model.image_processor
    filters = {2: "bilinear", 3: "bicubic"}
    side = model.network.config.vision_config.image_size
    if int(way.resample) not in filters or way.size["height"] != side or way.size["width"] != side:
        raise BundleError(f"a bundle resizes images to {side} pixels by {' or '.join(filters.values())}; got {way}")
    mean, std = (tuple(255 * value for value in values) for values in (way.image_mean, way.image_std))
    return Preprocessing(side, side, "squash", filters[int(way.resample)], mean, std)  # type: ignore[arg-type]


def _vocabulary(tokenizer: Any, order: Sequence[int]) -> Vocabulary:
    """Return the text of each token, with the blank before it; special ones have none."""
    names, special = tokenizer.convert_ids_to_tokens(list(order)), set(tokenizer.all_special_ids)
    texts = []
    for token, name in list(zip(order, names, strict=True))[len(SPECIALS) :]:
        within = name is None or token in special or name.startswith("##") or name in tuple(".,?!")
        texts.append("" if name is None or token in special else name.removeprefix("##") if within else f" {name}")
    return Vocabulary((*SPECIALS, *texts), pieces=True)


def _graphs(vision: VisionGraph, decoder: TextDecoder, images: Tensor) -> tuple[GraphSpec, ...]:
    """Declare the three graphs."""
    with torch.no_grad():
        (grid,) = vision.eval()(images)
        memory, cache = decoder.eval().start(grid)
    photos, rows = ({0: torch.export.Dim(name, min=1)} for name in ("photos", "rows"))
    beams, words = ({1: torch.export.Dim(name, min=1)} for name in ("beams", "words"))
    encoder = GraphSpec(
        name="encoder",
        module=vision,
        examples=(images,),
        inputs=("images",),
        outputs=("grid",),
        dynamic_shapes=(photos,),
        quantise="dynamic",
        tolerance=1e-3,
    )
    memories = tuple(f"memory_{index}" for index in range(len(memory)))
    start = GraphSpec(
        name="decoder_start",
        module=StartGraph(decoder),
        examples=(grid.clone(),),
        inputs=("grid",),
        outputs=(*memories, "state_0"),
        dynamic_shapes=(photos,),
        quantise="dynamic",
    )
    of, mine = torch.tensor([0, 0, 1]), torch.tensor([[0, 1], [2, 2]])
    longer = torch.cat([cache, cache], dim=1)[of].contiguous()
    step = GraphSpec(
        name="decoder_step",
        module=StepGraph(decoder),
        examples=(torch.tensor([3, 4, 5]), of, mine, *(part.contiguous() for part in memory), longer),
        inputs=("tokens", "photos", "rows", *memories, "state_0"),
        outputs=("logprobs", "next_state_0"),
        dynamic_shapes=(rows, rows, photos | beams, (*(photos for _ in memory), rows | words)),
        quantise="dynamic",
    )
    return encoder, start, step


def _difference(
    network: Any, order: Sequence[int], begin: Sequence[int], images: Tensor, graphs: Mapping[str, Graph]
) -> float:
    """Return the largest difference of a token's log-probability from that of transformers, the image's included."""
    (grid,) = graphs["encoder"].run({"images": images.numpy()}, ["grid"])
    start, step = graphs["decoder_start"], graphs["decoder_step"]
    feeds = dict(zip(start.outputs, start.run({"grid": grid}, start.outputs), strict=True))
    count = len(images)
    feeds |= {"photos": np.arange(count), "rows": np.arange(count)[:, None], "tokens": np.full(count, START)}
    sentences, differences = torch.tensor([begin] * count), []
    for _ in range(_STEPS):
        with torch.inference_mode():
            scores = network(pixel_values=images, input_ids=sentences).logits[:, -1]
        expected = torch.log_softmax(scores, dim=1)[:, order].numpy()
        actual, feeds["state_0"] = step.run(feeds, ["logprobs", "next_state_0"])
        likely = expected > _UNLIKELY
        differences.append(np.abs(expected[likely] - actual[likely]).max())
        feeds["tokens"] = expected.argmax(axis=1)
        sentences = torch.cat([sentences, torch.tensor(order)[feeds["tokens"]][:, None]], dim=1)
    return float(np.max(differences))
