"""How much of what is told of everyday photos names objects that are not there: prints one JSON line.

    python benchmarks/named_objects.py $SEETELL_DATA/coco $SEETELL_DATA/coco128/object_detection

Photos of the first data set with five captions are captioned, and of those that have boxes in the second the regions
are told. An object of COCO's 80 classes is there if it has a box or a caption names it. Shares are in per cent.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from boxed_photos import arguments as photo_arguments
from boxed_photos import boxed_photos

import seetell
from seetell.data import read
from seetell.language.object_names import objects_named
from seetell.language.tokenizer import tokenize
from seetell.metrics import score_captions
from seetell.metrics.chair import chair

TOP = 10
"""Most regions of a photo."""


def _percent(share: float) -> float:
    return round(100 * share, 1)


def captions(texts: Sequence[str], references: Sequence[Sequence[str]], boxed: Sequence[set[str]]) -> dict[str, float]:
    """Return CHAIR of captions, and the share of them that name a person or a dog that is not there."""
    tokens, refs = list(map(tokenize, texts)), [list(map(tokenize, each)) for each in references]
    scores = chair(refs, tokens, boxed=boxed)
    ((share_of_mentions, share_of_captions),) = scores.combine(scores.statistics.sum(axis=0, keepdims=True)).tolist()
    absent = [
        bool({*objects_named(said)} & {"person", "dog"} - there - {name for ref in own for name in objects_named(ref)})
        for said, own, there in zip(tokens, refs, boxed, strict=True)
    ]
    return {
        "CHAIRs": _percent(share_of_captions),
        "CHAIRi": _percent(share_of_mentions),
        "absent_person_or_dog": _percent(sum(absent) / len(absent)),
    }


def regions(phrases: Sequence[Sequence[str]], there: Sequence[set[str]]) -> dict[str, float]:
    """Return the share of regions that name an object, and that name one that is not there."""
    named = [
        ({*objects_named(tokenize(phrase))}, known) for own, known in zip(phrases, there, strict=True) for phrase in own
    ]
    naming = [(names, known) for names, known in named if names]
    false = sum(bool(names - known) for names, known in naming)
    return {
        "a_photo": round(len(named) / len(there), 1),
        "name_an_object": _percent(len(naming) / len(named)),
        "an_absent_one": _percent(false / len(named)),
        "of_those_that_name_one": _percent(false / len(naming)),
    }


def main() -> None:
    """Describe the photos and print the figures."""
    parser = photo_arguments(__doc__)
    parser.add_argument("--regions", default="regions", help="dense captioner")
    arguments = parser.parse_args()
    held_out = [photo for photo in read(arguments.captioned).photos if len(photo.captions) >= 5]
    found = boxed_photos(arguments.boxed)
    said = [each.text for each in seetell.load(arguments.captioner).caption_many([photo.path for photo in held_out])]
    references = [photo.captions for photo in held_out]
    scores = score_captions(dict(enumerate(references)), dict(enumerate(said)), metrics=("Bleu_4", "CIDEr"))
    boxed = [row for row, photo in enumerate(held_out) if int(photo.id) in found]
    classes = [set(found[int(held_out[row].id)].classes) for row in boxed]
    mentioned = [{name for text in references[row] for name in objects_named(tokenize(text))} for row in boxed]
    paths = [found[int(held_out[row].id)].path for row in boxed]
    told = [[region.text for region in each] for each in seetell.load(arguments.regions).predict_many(paths, top=TOP)]
    report = {
        "photos": len(held_out),
        "CIDEr": _percent(scores.corpus["CIDEr"]),
        "Bleu_4": _percent(scores.corpus["Bleu_4"]),
        "boxed": len(boxed),
        **captions([said[row] for row in boxed], [references[row] for row in boxed], classes),
        "regions": regions(told, [own | other for own, other in zip(classes, mentioned, strict=True)]),
    }
    print(json.dumps(report))


if __name__ == "__main__":
    main()
