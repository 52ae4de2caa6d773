"""Sentences for images from models of transformers: captioners, and models that follow instructions.

>>> import seetell
>>> print(seetell.load("hf:Salesforce/blip-image-captioning-base").caption("photo.jpg"))
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from PIL import Image

from seetell.errors import UsageError
from seetell.language.decoding import MAX_BEAM_SIZE, MAX_LENGTH_PENALTY, Decoding
from seetell.photos.opening import PhotoSource
from seetell.results import Caption
from seetell.runtime.backends.answer import Answer, Token
from seetell.runtime.backends.transformers.generation import Sampling, Search, Written, pieces, write
from seetell.runtime.backends.transformers.predictor import REMOTE_CLASSES, HubLoader, HubPredictor, Prepared
from seetell.runtime.backends.transformers.source import Source
from seetell.runtime.image_stream import BatchFn
from seetell.runtime.near_duplicates import Thumbnail, thumbnail
from seetell.tasks.captioning.answers import MAX_TOKENS, PROMPT, caption_of, words_of
from seetell.tasks.captioning.captioner import Captioner, Wanted, chosen_decoding
from seetell.tasks.captioning.keywords import with_nouns
from seetell.tasks.captioning.withholding import withheld

CAPTION_TOKENS = 64
"""Longest caption of a model that does nothing else."""

_PROMPTS = {"florence2": "<CAPTION>", "paligemma": "caption en"}
"""What kinds of models are asked that were trained to do several things, but not to follow instructions."""

_UNPROMPTED = ("git", "vision-encoder-decoder")
"""Kinds of models whose sentences cannot be begun for them."""

MAX_SIDE = 1024
"""Longest side in pixels of the images that models get which take instructions; what more shows costs them much."""

_TOKENS_PER_WORD = 4
"""Of a long word; with a maximum of words, a model that only captions writes no more."""


class HubCaptioner(HubPredictor[Caption], Captioner[Prepared]):
    """A captioner of transformers; see :class:`~seetell.runtime.backends.transformers.predictor.HubPredictor`.

    Of decoding it takes ``method``, ``beam_size``, ``length_penalty``, ``max_words`` and ``no_repeat_ngram_size``,
    which counts tokens, and for sampling ``temperature``, ``top_k``, ``top_p`` and ``seed``. A sampled sentence depends
    on the seed and the image's number in the run; in batches of another size, another rounding may change it.

    Attributes:
        decoding: how it decodes by default: as its own generation configuration says, but never at random.
        instructed: whether it follows instructions.

    Args:
        source: see :class:`HubPredictor`.
        prompt: what a model that takes instructions is asked, one sentence of alt text when absent; what the sentence
            of another begins with.
        max_tokens: longest answer; ``MAX_TOKENS`` when absent, and ``CAPTION_TOKENS`` for models that only caption.
        max_side: longest side in pixels of the images that it gets; ``MAX_SIDE`` for models that take instructions and
            as much as it makes use of for others when absent.
        options: see :class:`HubPredictor`.

    Raises:
        UsageError: see :class:`HubPredictor`, or the model takes no prompt.
        BundleError: see :class:`HubPredictor`.
    """

    tables = ("MODEL_FOR_IMAGE_TEXT_TO_TEXT",)
    auto_classes = REMOTE_CLASSES
    texts = True
    takes_code = True

    def __init__(
        self,
        source: Source,
        *,
        prompt: str | None = None,
        max_tokens: int | None = None,
        max_side: int | None = None,
        **options: Any,
    ) -> None:
        if prompt is not None and source.model_type in _UNPROMPTED:
            raise UsageError(f"--prompt: {source.name} is a model of the type {source.model_type!r}, which takes none")
        super().__init__(source, **options)
        self.instructed = getattr(self.model.processor, "chat_template", None) is not None
        self._max_tokens = max_tokens or (MAX_TOKENS if self.instructed else CAPTION_TOKENS)
        self._prompt = prompt or (PROMPT if self.instructed else _PROMPTS.get(source.model_type))
        self._max_side = max_side or (MAX_SIDE if self.instructed else None)
        if self.instructed:
            self.batch_size = 4
        tokenizer = self.model.tokenizer
        tokenizer.padding_side = "left"  # what is written goes on where the prompt ends
        if tokenizer.pad_token is None:
            tokenizer.pad_token = tokenizer.eos_token
        self.decoding = self._own_decoding()

    def prepare(self, image: PhotoSource, text: str = "") -> Prepared:
        """Open an image, see :meth:`HubPredictor.prepare`; no larger than ``max_side``."""
        prepared = super().prepare(image, text)
        if self._max_side is None or max(prepared.image.size) <= self._max_side:
            return prepared
        smaller = prepared.image.copy()
        smaller.thumbnail((self._max_side, self._max_side), Image.Resampling.LANCZOS)
        return prepared._replace(image=smaller)

    def thumbnail(self, image: Prepared) -> Thumbnail:
        """Return a thumbnail of an image; see :meth:`Captioner.thumbnail`."""
        return thumbnail(image.image, image.size)

    def _bind(self, wanted: Wanted) -> BatchFn[Prepared, Caption]:
        options = wanted.options
        for name in ("remove_bad_endings", "no_repeat_content_words", "fluency"):
            if options.get(name):
                raise UsageError(f"{name}: {self.name} writes in tokens, not in words; leave it out")
        if options.get("beam_threshold"):
            raise UsageError(f"beam_threshold: {self.name} is searched without one; leave it out")
        decoding = chosen_decoding(self.decoding, sample=wanted.sample, options=options)
        beams = decoding.beam_size if decoding.method == "beam" else 1
        if options.get("length_penalty") is not None and beams == 1:
            raise UsageError("length_penalty ranks the sentences of a search with beams; give a beam_size of 2 or more")
        max_words, tokens = options.get("max_words"), self._max_tokens
        if max_words is not None and not self.instructed:
            tokens = min(tokens, _TOKENS_PER_WORD * (max_words + 1))
        search = Search(
            tokens,
            beams,
            decoding.length_penalty,
            decoding.no_repeat_ngram_size,
            Sampling(decoding.temperature, decoding.top_k, decoding.top_p, decoding.seed)
            if decoding.method == "sample"
            else None,
        )
        captions = self.batched(self._captions, search=search, max_words=max_words)
        return with_nouns(captions) if wanted.keywords else captions

    def _own_decoding(self) -> Decoding:
        config = self.model.network.generation_config
        beams = min(getattr(config, "num_beams", None) or 1, MAX_BEAM_SIZE)
        penalty = getattr(config, "length_penalty", None)
        return Decoding(
            method="beam" if beams > 1 else "greedy",
            beam_size=beams,
            length_penalty=min(max(1.0 if penalty is None else float(penalty), 0.0), MAX_LENGTH_PENALTY),
            no_repeat_ngram_size=getattr(config, "no_repeat_ngram_size", None) or 0,
            max_words=self._max_tokens,
        )

    def _captions(
        self, batch: Sequence[Prepared], sample_ids: Sequence[int], *, search: Search, max_words: int | None
    ) -> list[Caption]:
        written = write(self.model, self._inputs([each.image for each in batch]), search, sample_ids)
        return [self._caption(one, max_words) for one in written]

    def _caption(self, written: Written, max_words: int | None) -> Caption:
        parts = pieces(self.model.tokenizer, written.tokens)
        tokens = tuple(map(Token, parts, written.logprobs))
        text = "".join(parts)
        if self.instructed:
            answer = Answer(text, tokens=tokens, cut_off=written.end_logprob is None)
            caption = caption_of(answer, model=self.name, prompt=self._prompt or "")
        elif text.split():
            text = " ".join(text.split())
            words = words_of(text, tokens)
            logprob = sum(word.logprob for word in words) + (written.end_logprob or 0.0)
            caption = Caption(text, words, logprob, self.name)
        else:
            caption = withheld("the model said nothing", self.name)
        if max_words is None or len(caption.text.split()) <= max_words:
            return caption
        words = caption.words[:max_words]
        text = " ".join(caption.text.split()[:max_words])
        logprob = sum(word.logprob for word in words) if words else caption.logprob
        return replace(caption, text=text, words=words, logprob=logprob)

    def _inputs(self, images: Sequence[Image.Image]) -> Any:
        """Return what the network generates from."""
        model = self.model
        if self.instructed:
            conversations = [
                [
                    {
                        "role": "user",
                        "content": [{"type": "image", "image": image}, {"type": "text", "text": self._prompt}],
                    }
                ]
                for image in images
            ]
            return model.processor.apply_chat_template(
                conversations,
                add_generation_prompt=True,
                tokenize=True,
                return_dict=True,
                return_tensors="pt",
                processor_kwargs={"padding": True},
            )
        if model.processor is None or self._prompt is None:
            return (model.processor or model.image_processor)(images=list(images), return_tensors="pt")
        return model.processor(
            images=list(images), text=[self._prompt] * len(images), padding=True, return_tensors="pt"
        )


load = HubLoader((HubCaptioner,))
"""Loads captioners."""
