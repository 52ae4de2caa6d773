"""The encoder's maps of all pairs of a run, computed once, since the encoder stays as it is."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from seetell.atomic_write import atomic_file
from seetell.errors import DataError
from seetell.nn.backbones import Encoder, weights_hash
from seetell.tasks.single_object_tracking.models.siamese import TrackingTargets, middle
from seetell.tasks.single_object_tracking.pairs import PairSource, TrackingPair
from seetell.training.encoding import MANY_IMAGES, FeatureMaps, Progress, onnx_encode_fn, torch_encode_fn

BATCH = 16


class PairBatch(NamedTuple):
    """Some pairs, ready for a network.

    Attributes:
        exemplar: maps of the middle of the exemplars' windows, ``(B, C_s, n_s, n_s)`` per stride.
        window: maps of the search windows, ``(B, C_s, h_s, w_s)`` per stride.
        targets: what is to be found.
    """

    exemplar: list[Tensor]
    window: list[Tensor]
    targets: TrackingTargets

    def to(self, device: torch.device) -> PairBatch:
        """Return the same on a device."""
        return PairBatch(
            [each.to(device) for each in self.exemplar],
            [each.to(device) for each in self.window],
            TrackingTargets(*(None if each is None else each.to(device) for each in self.targets)),  # type: ignore[arg-type]
        )


class PairFeatures:
    """The maps of pairs.

    Args:
        source: makes the pairs.
        numbers: of the pairs.
        encoder: frozen, in evaluation mode.
        strides: of the maps, finest first.
        exemplar_cells: of the exemplar's side; see :func:`~.models.siamese.middle`.
        folder: of all caches; empty keeps the maps in memory.
        identity: of what pairs are made of; the same identity makes the same pairs.
        progress: called with the numbers of pairs done and of all.

    Raises:
        DataError: the cache cannot be written.
        PhotoError: a photo cannot be opened.
    """

    def __init__(
        self,
        source: PairSource,
        numbers: Sequence[int],
        encoder: Encoder,
        strides: Sequence[int],
        *,
        exemplar_cells: int,
        folder: str,
        identity: object,
        progress: Progress,
    ) -> None:
        self._strides, self._cells = tuple(strides), exemplar_cells
        described = [
            weights_hash(encoder),
            encoder.preprocessing.to_dict(),
            list(strides),
            exemplar_cells,
            list(numbers),
        ]
        key = hashlib.sha256(json.dumps([*described, identity], sort_keys=True).encode()).hexdigest()[:16]
        path = Path(folder) / f"pairs-{key}.npz" if folder else None
        if path is not None and path.is_file():
            with np.load(path) as stored:
                arrays = {name: stored[name] for name in stored.files}
        else:
            arrays = self._computed(source, numbers, encoder, progress)
            if path is not None:
                _store(path, arrays)
        self._arrays = arrays

    def __len__(self) -> int:
        return len(self._arrays["boxes"])

    def read(self, places: np.ndarray) -> PairBatch:
        """Return the pairs at some places ``(B,)``."""
        arrays = self._arrays

        def maps(kind: str) -> list[Tensor]:
            return [torch.from_numpy(arrays[f"{kind}_{stride}"][places].astype(np.float32)) for stride in self._strides]

        masks = None
        if "masks" in arrays:
            side = int(arrays["side"])
            masks = torch.from_numpy(np.unpackbits(arrays["masks"][places], axis=1)[:, : side * side].astype(bool))
            masks = masks.reshape(-1, side, side)
        boxes, sizes, present = (torch.from_numpy(arrays[name][places]) for name in ("boxes", "sizes", "present"))
        return PairBatch(maps("exemplar"), maps("window"), TrackingTargets(boxes, sizes, present, masks))

    def _computed(
        self, source: PairSource, numbers: Sequence[int], encoder: Encoder, progress: Progress
    ) -> dict[str, np.ndarray]:
        encode = _encoder_fn(encoder, self._strides, 2 * len(numbers))
        parts: dict[str, list[np.ndarray]] = {}
        for first in range(0, len(numbers), BATCH):
            pairs = [source(number) for number in numbers[first : first + BATCH]]
            exemplars, windows = (
                encode(np.stack([getattr(pair, kind) for pair in pairs])) for kind in ("exemplar", "search")
            )
            kept = middle([torch.from_numpy(each) for each in exemplars], self._strides, self._cells)
            for stride, exemplar, window in zip(self._strides, kept, windows, strict=True):
                parts.setdefault(f"exemplar_{stride}", []).append(exemplar.numpy().astype(np.float16))
                parts.setdefault(f"window_{stride}", []).append(window.astype(np.float16))
            for name, values in _described(pairs).items():
                parts.setdefault(name, []).append(values)
            progress(min(first + BATCH, len(numbers)), len(numbers))
        arrays = {name: np.concatenate(values) for name, values in parts.items()}
        if "masks" in arrays:
            arrays["side"] = np.array(encoder.preprocessing.height)
        return arrays


def _described(pairs: Sequence[TrackingPair]) -> dict[str, np.ndarray]:
    described = {
        "boxes": np.array([pair.box for pair in pairs], np.float32),
        "sizes": np.array([pair.size for pair in pairs], np.float32),
        "present": np.array([pair.present for pair in pairs]),
    }
    if pairs[0].mask is not None:
        described["masks"] = np.stack([np.packbits(pair.mask.ravel()) for pair in pairs if pair.mask is not None])
    return described


def _encoder_fn(encoder: Encoder, strides: Sequence[int], images: int) -> Callable[[np.ndarray], list[np.ndarray]]:
    """Return a function of windows ``(B, S, S, 3)`` uint8 that gives maps ``(B, C_s, h_s, w_s)``."""
    module = FeatureMaps(encoder, strides).eval()
    preprocessing = encoder.preprocessing
    with torch.no_grad():
        device = next(encoder.parameters()).device
        blank = torch.zeros(1, 3, preprocessing.height, preprocessing.width, device=device)
        shapes = [encoder.feature_maps(blank, strides)[stride].shape[1:] for stride in strides]
    ends = np.cumsum([int(np.prod(shape)) for shape in shapes])[:-1]
    many = images >= MANY_IMAGES and device.type == "cpu"
    encode = onnx_encode_fn(module, preprocessing) if many else torch_encode_fn(module)

    def maps(windows: np.ndarray) -> list[np.ndarray]:
        records = np.split(encode(preprocessing.normalise(windows)), ends, axis=1)
        return [record.reshape(-1, *shape) for record, shape in zip(records, shapes, strict=True)]

    return maps


def _store(path: Path, arrays: dict[str, np.ndarray]) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_file(path) as file:
            np.savez(file, **arrays)  # type: ignore[arg-type]
    except OSError as error:
        raise DataError(f"encoder.cache: cannot write {path} ({error.strerror})") from error
