"""Sentences for images from a model behind a server that speaks OpenAI's protocol.

>>> import seetell
>>> captioner = seetell.load("openai:gemma3@http://127.0.0.1:11434")
>>> print(captioner.caption("photo.jpg"))
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from PIL import Image

from seetell.errors import PhotoError, PhotoMemoryError, UsageError
from seetell.language.decoding import Decoding
from seetell.photos.opening import PhotoSource, open_photo
from seetell.results import Caption
from seetell.runtime.backends.openai import ChatModel
from seetell.runtime.image_stream import BatchFn
from seetell.runtime.in_order import in_order
from seetell.runtime.near_duplicates import Thumbnail, thumbnail
from seetell.tasks.captioning.answers import MAX_TOKENS, PROMPT, caption_of
from seetell.tasks.captioning.captioner import Captioner, Wanted, chosen_decoding
from seetell.tasks.captioning.keywords import with_nouns

Item = TypeVar("Item")

CONCURRENCY = 4
"""Requests at once."""

MAX_SIDE = 768
"""Longest side in pixels of the images that are sent."""

_QUALITY = 90
"""Of the JPEG files that are sent."""

_SENT = ("temperature", "top_p", "seed")
"""Options of decoding that the protocol has."""

_UNSENT = (
    "beam_threshold",
    "no_repeat_ngram_size",
    "remove_bad_endings",
    "no_repeat_content_words",
    "fluency",
    "top_k",
)
"""Those that it lacks, and that may be given as off: 0 or ``False``."""

Ask = Callable[[tuple[bytes, int]], "Caption | PhotoError"]
"""Captions an image, given as a JPEG file with its number in the run."""


class ChatCaptioner(Captioner[bytes]):
    """A captioner that asks a server; see :class:`~seetell.runtime.predictor.Predictor`.

    Images are prepared as JPEG files without the photo's metadata. The server alone sees them. Of decoding the protocol
    has ``temperature``, ``top_p`` and ``seed``, to which an image's number in the run is added, all together with
    ``sample``.

    Attributes:
        prompt: what the model is asked.

    Args:
        reference: ``NAME@URL``, see :class:`~seetell.runtime.backends.openai.ChatModel`.
        threads: of the processor, which is not what takes the time.
        prompt: what the model is asked; one sentence of alt text when absent.
        max_tokens: longest answer in the model's tokens; ``MAX_TOKENS`` when absent.
        timeout: seconds for the answer to an image, further tries included; see there.
        concurrency: requests at once; ``CONCURRENCY`` when absent.
        max_side: longest side in pixels of the images that are sent; ``MAX_SIDE`` when absent.

    Raises:
        UsageError: an argument is not allowed, or see :class:`~seetell.runtime.backends.openai.ChatModel`.
        ModelServerError: see there.
    """

    remote = True

    def __init__(
        self,
        reference: str,
        *,
        threads: int | None = None,
        prompt: str | None = None,
        max_tokens: int | None = None,
        timeout: float | None = None,
        concurrency: int | None = None,
        max_side: int | None = None,
    ) -> None:
        if prompt is not None and not prompt.strip():
            raise UsageError("prompt: expected what the model is asked, got blanks")
        for name, value in {
            "max_tokens": max_tokens,
            "timeout": timeout,
            "concurrency": concurrency,
            "max_side": max_side,
        }.items():
            if value is not None and not value > 0:
                raise UsageError(f"{name} must be more than 0, got {value}")
        self._model = ChatModel(reference, timeout=timeout)
        super().__init__(self._model.name, threads=threads)
        self.prompt = PROMPT if prompt is None else prompt
        self.batch_size = concurrency or CONCURRENCY
        self._max_tokens, self._max_side = max_tokens or MAX_TOKENS, max_side or MAX_SIDE

    def prepare(self, image: PhotoSource, text: str = "") -> bytes:
        """Open an image, and return it as a JPEG file no larger than is sent; see :meth:`Predictor.prepare`."""
        photo = open_photo(image, at_least=(self._max_side, self._max_side))
        file = io.BytesIO()
        try:
            photo.thumbnail((self._max_side, self._max_side), Image.Resampling.LANCZOS)
            photo.save(file, "JPEG", quality=_QUALITY)
        except MemoryError as error:
            raise PhotoMemoryError("not enough memory for it") from error
        return file.getvalue()

    def thumbnail(self, image: bytes) -> Thumbnail:
        """Return the thumbnail of the image that is sent; see :meth:`Captioner.thumbnail`."""
        opened = open_photo(image)
        return thumbnail(opened, opened.size)

    def _bind(self, wanted: Wanted) -> BatchFn[bytes, Caption]:
        captions = self._batched(self._asking(wanted.sample, wanted.options))
        return with_nouns(captions) if wanted.keywords else captions

    def _asking(self, sample: bool, options: Mapping[str, Any]) -> Ask:
        given = {name: value for name, value in options.items() if value is not None}
        chosen = chosen_decoding(Decoding(method="greedy"), sample=sample, options=given)
        same = {("beam_size", 1), ("method", "greedy"), ("method", "sample"), *((name, False) for name in _UNSENT)}
        others = [name for name, value in given.items() if name not in _SENT and (name, value) not in same]
        if others:
            raise UsageError(
                f"{', '.join(others)}: {self.name} is behind a server, which takes {', '.join(_SENT)} only"
            )
        sampling = {name: given[name] for name in _SENT if name in given}
        if chosen.method == "sample":
            sampling.setdefault("temperature", chosen.temperature)

        def ask(one: tuple[bytes, int]) -> Caption | PhotoError:
            image, number = one
            wanted = {**sampling, "seed": sampling["seed"] + number} if "seed" in sampling else sampling
            try:
                answer = self._model.ask(self.prompt, image, max_tokens=self._max_tokens, sampling=wanted or None)
            except PhotoError as error:
                return error
            return caption_of(answer, model=self.name, prompt=self.prompt)

        return ask

    def _batched(self, ask: Ask) -> BatchFn[bytes, Any]:
        def captions(batch: Sequence[bytes], sample_ids: Sequence[int]) -> list[Caption | PhotoError]:
            asked = list(zip(batch, sample_ids, strict=True))
            if len(asked) == 1:
                return [ask(asked[0])]
            return list(in_order(ask, asked, threads=self.batch_size))

        return captions

    def _streamed(
        self,
        images: Iterator[tuple[Any, int]],
        *,
        prepare: Callable[[Any], bytes],
        batch_fn: BatchFn[bytes, Item],
        batch_size: int,
        workers: int,
    ) -> Iterator[Item | PhotoError]:
        """Ask for the next image as soon as any request has been answered, instead of batch by batch."""

        def answer(one: tuple[Any, int]) -> Item | PhotoError:
            image, number = one
            try:
                return batch_fn([prepare(image)], [number])[0]
            except PhotoError as error:
                return error

        return in_order(answer, images, threads=min(batch_size, self.batch_size))
