"""pycocoevalcap's interface over seetell's metrics: change the import line, and Java is no longer needed.

::

    from seetell.metrics.coco import COCO, COCOEvalCap

    coco = COCO("captions_val2014.json")
    evaluation = COCOEvalCap(coco, coco.loadRes("results.json"))
    evaluation.evaluate()
    evaluation.eval["CIDEr"], evaluation.imgToEval[391895]["Bleu_4"]

The scorers ``Bleu``, ``Cider``, ``Meteor`` and ``Rouge`` and ``PTBTokenizer`` can also be used alone. Arguments,
attributes and return values are those of pycocoevalcap and pycocotools, including their spelling; ``COCO`` reads
captions only, and there is no SPICE. New code should use ``seetell.metrics.score_captions``.
"""

from __future__ import annotations

import json
import warnings
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from seetell.errors import DataError, SeetellError
from seetell.language.tokenizer import tokenize
from seetell.metrics.bleu import bleu_of
from seetell.metrics.cider import cider_of
from seetell.metrics.ngrams import Floats, NGrams, count_ngrams
from seetell.metrics.rouge import rouge

Sentences = Mapping[Any, Sequence[str]]
Captions = Mapping[Any, Sequence[Mapping[str, Any]]]


class PTBTokenizer:
    """The Penn Treebank tokenizer, without punctuation."""

    def tokenize(self, captions_for_image: Captions) -> dict[Any, list[str]]:
        """Return ``{id: [words separated by single spaces, …]}`` for ``{id: [{"caption": sentence}, …]}``."""
        return {
            photo: [" ".join(tokenize(row["caption"])) for row in rows]
            for photo, rows in captions_for_image.items()
            if rows
        }


class Bleu:
    """BLEU-1 to BLEU-n."""

    def __init__(self, n: int = 4) -> None:
        self._n = n

    def compute_score(self, gts: Sentences, res: Sentences, verbose: int = 1) -> tuple[list[float], list[list[float]]]:
        """Return the n corpus scores, and for each n the photos' scores.

        Args:
            gts: tokenised references of each photo.
            res: one tokenised candidate in a list for each of the same photos.
            verbose: 1 prints the counts behind the scores, 0 prints nothing.

        Raises:
            DataError: the photos differ, or one has no reference or not exactly one candidate.
        """
        references, candidates = _matched(gts, res)
        scores = bleu_of(_count(references, candidates, self._n))
        if verbose > 0:
            totals = scores.statistics.sum(axis=0).astype(int).tolist()
            correct, guess, (length, reference_length) = totals[: self._n], totals[self._n : -2], totals[-2:]
            print({"testlen": length, "reflen": reference_length, "guess": guess, "correct": correct})
            print("ratio:", length / max(reference_length, 1))
        return scores.corpus.tolist(), scores.per_photo.T.tolist()

    def method(self) -> str:
        """Return the scorer's name."""
        return "Bleu"


class Rouge:
    """ROUGE-L."""

    def compute_score(self, gts: Sentences, res: Sentences) -> tuple[np.float64, Floats]:
        """Return the mean score and the photos' scores; see ``Bleu.compute_score``."""
        references, candidates = _matched(gts, res)
        scores = rouge(
            [[one.split(" ") for one in group] for group in references], [one.split(" ") for one in candidates]
        )
        return np.float64(scores.mean()), scores

    def method(self) -> str:
        """Return the scorer's name."""
        return "Rouge"


class Cider:
    """CIDEr-D with the document frequencies of the references.

    Args:
        test: has no effect, as in pycocoevalcap.
        refs: has no effect, as in pycocoevalcap.
        n: words of the longest n-gram.
        sigma: width of the length penalty.
    """

    def __init__(self, test: object = None, refs: object = None, n: int = 4, sigma: float = 6.0) -> None:
        self._n = n
        self._sigma = sigma

    def compute_score(self, gts: Sentences, res: Sentences) -> tuple[np.float64, Floats]:
        """Return the mean score and the photos' scores; see ``Bleu.compute_score``."""
        scores = cider_of(_count(*_matched(gts, res), self._n), sigma=self._sigma)
        return np.float64(scores.mean()), scores

    def method(self) -> str:
        """Return the scorer's name."""
        return "CIDEr"


class Meteor:
    """METEOR 1.5.

    Raises:
        SeetellError: its data is not installed.
    """

    def __init__(self) -> None:
        from seetell.metrics.meteor import Meteor as Scorer

        self._scorer = Scorer()

    def compute_score(self, gts: Sentences, res: Sentences) -> tuple[float, list[float]]:
        """Return the corpus score and the photos' scores; see ``Bleu.compute_score``."""
        references, candidates = _matched(gts, res)
        scores = self._scorer.score(
            [[one.split() for one in group] for group in references], [*map(str.split, candidates)]
        )
        return float(scores.corpus), scores.per_photo.tolist()

    def method(self) -> str:
        """Return the scorer's name."""
        return "METEOR"


def _matched(gts: Sentences, res: Sentences) -> tuple[list[Sequence[str]], list[str]]:
    """Return references and candidates of the same photos in the order of ``gts``."""
    unmatched = gts.keys() ^ res.keys()
    if unmatched:
        raise DataError(
            f"expected the same photos in gts and res; {len(unmatched)} are in one alone, such as "
            f"{sorted(unmatched, key=str)[:3]}"
        )
    for name, sentences in (("gts", gts), ("res", res)):
        for photo, group in sentences.items():
            if isinstance(group, str) or not group or not all(isinstance(sentence, str) for sentence in group):
                raise DataError(f"{name}[{photo!r}]: expected a list of tokenised sentences, got {group!r}")
    several = [photo for photo, group in res.items() if len(group) > 1]
    if several:
        raise DataError(f"expected one candidate for each photo; {len(several)} have more, such as {several[:3]}")
    return list(gts.values()), [res[photo][0] for photo in gts]


def _count(references: Sequence[Sequence[str]], candidates: Sequence[str], highest: int) -> NGrams:
    """Count the n-grams of sentences, up to ``highest`` words."""
    split = [[sentence.split() for sentence in group] for group in references]
    return count_ngrams(split, [sentence.split() for sentence in candidates], max_order=highest)


__all__ = ["COCO", "Bleu", "COCOEvalCap", "Cider", "Meteor", "PTBTokenizer", "Rouge"]


class COCO:
    """Captions in COCO's format: ``{"images": [{"id"}], "annotations": [{"id", "image_id", "caption"}]}``.

    Args:
        annotation_file: the JSON file; without it, set ``dataset`` and call ``createIndex``.

    Raises:
        DataError: the file cannot be read or has no captions.
    """

    def __init__(self, annotation_file: str | Path | None = None) -> None:
        self.dataset: dict[str, Any] = {}
        self.anns: dict[Any, dict[str, Any]] = {}
        self.imgs: dict[Any, dict[str, Any]] = {}
        self.imgToAnns: defaultdict[Any, list[dict[str, Any]]] = defaultdict(list)
        if annotation_file is not None:
            dataset = _read_json(annotation_file)
            if not isinstance(dataset, dict) or "annotations" not in dataset:
                raise DataError(f'{annotation_file}: expected COCO captions, an object with "images" and "annotations"')
            self.dataset = dataset
            self.createIndex()

    def createIndex(self) -> None:
        """Index ``dataset``: ``anns`` and ``imgs`` by id, ``imgToAnns`` by the photo's id.

        Raises:
            DataError: an annotation lacks its id or its photo's, or a photo its id.
        """
        annotations = self.dataset.get("annotations", [])
        for kind, needed in (("annotations", {"id", "image_id"}), ("images", {"id"})):
            for number, row in enumerate(self.dataset.get(kind, [])):
                if not isinstance(row, dict) or not needed <= row.keys():
                    raise DataError(
                        f"{kind}[{number}]: expected an object with {' and '.join(sorted(needed))}, got {row!r}"
                    )
        self.anns = {annotation["id"]: annotation for annotation in annotations}
        self.imgs = {image["id"]: image for image in self.dataset.get("images", [])}
        self.imgToAnns = defaultdict(list)
        for annotation in annotations:
            self.imgToAnns[annotation["image_id"]].append(annotation)

    def getImgIds(self, imgIds: Iterable[Any] = ()) -> list[Any]:
        """Return the ids of all photos, or the distinct given ones."""
        return list(set(imgIds)) or list(self.imgs)

    def loadRes(self, resFile: str | Path | list[dict[str, Any]]) -> COCO:
        """Return results, captions of some of these photos, as another ``COCO``.

        Args:
            resFile: ``[{"image_id": …, "caption": …}]``, or a JSON file of it.

        Raises:
            DataError: it is not such a list, or has unknown photos.
        """
        captions = resFile if isinstance(resFile, list) else _read_json(resFile)
        if not isinstance(captions, list) or not all(
            isinstance(row, dict) and {"image_id", "caption"} <= row.keys() for row in captions
        ):
            raise DataError('results: expected a list of {"image_id": …, "caption": …}')
        captioned = {row["image_id"] for row in captions}
        unknown = [photo for photo in captioned if photo not in self.imgs]
        if unknown:
            raise DataError(f"results: {len(unknown)} photos are not among the references, such as {unknown[:3]}")
        results = COCO()
        results.dataset = {
            "info": self.dataset.get("info", {}),
            "images": [image for image in self.dataset.get("images", []) if image["id"] in captioned],
            "annotations": [{**row, "id": number} for number, row in enumerate(captions, 1)],
        }
        results.createIndex()
        return results


class COCOEvalCap:
    """All metrics of a results file.

    Args:
        coco: the references, a ``COCO`` of this module or of pycocotools.
        cocoRes: the results, from ``coco.loadRes``.

    Attributes:
        params: ``{"image_id": …}``, the photos to score; those of ``coco`` by default.
        eval: after ``evaluate``, the corpus scores by name.
        imgToEval: after ``evaluate``, the scores of each photo, with its ``image_id``, by its id.
        evalImgs: the same as a list.
    """

    def __init__(self, coco: Any, cocoRes: Any) -> None:
        self.evalImgs: list[dict[str, Any]] = []
        self.eval: dict[str, float] = {}
        self.imgToEval: dict[Any, dict[str, Any]] = {}
        self.coco = coco
        self.cocoRes = cocoRes
        self.params = {"image_id": coco.getImgIds()}

    def evaluate(self) -> None:
        """Compute, print and keep the scores. Without METEOR's data, METEOR is skipped with a warning.

        Raises:
            DataError: a photo has no reference, or not exactly one result.
        """
        photos = self.params["image_id"]
        tokenizer = PTBTokenizer()
        gts = tokenizer.tokenize({photo: self.coco.imgToAnns[photo] for photo in photos})
        res = tokenizer.tokenize({photo: self.cocoRes.imgToAnns[photo] for photo in photos})
        self.imgToEval = {photo: {"image_id": photo} for photo in gts}
        scores, per_photo = Bleu(4).compute_score(gts, res)
        for order, (score, values) in enumerate(zip(scores, per_photo, strict=True), 1):
            self._keep(f"Bleu_{order}", score, values)
        try:
            meteor = Meteor()
        except SeetellError as error:
            warnings.warn(f"METEOR is skipped: {error}", stacklevel=2)
        else:
            self._keep("METEOR", *meteor.compute_score(gts, res))
        self._keep("ROUGE_L", *Rouge().compute_score(gts, res))
        self._keep("CIDEr", *Cider().compute_score(gts, res))
        self.evalImgs = list(self.imgToEval.values())

    def _keep(self, name: str, score: float, values: Iterable[float]) -> None:
        self.eval[name] = score
        for row, value in zip(self.imgToEval.values(), values, strict=True):
            row[name] = value
        print(f"{name}: {score:.3f}")


def _read_json(path: str | Path) -> Any:
    try:
        return json.loads(Path(path).read_text("utf-8"))
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise DataError(f"{path}: expected JSON, got something else: {error}") from error
