"""Write ``fixtures/captions.json``: sentences written for it, their tokens and their scores by pycocoevalcap.

Run from the project's folder, with Java and pycocoevalcap installed::

    python tests/metrics/make_fixtures.py
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

FIXTURES = Path(__file__).parent / "fixtures"

EVERYDAY = {
    "kite": [
        "Two children fly a red kite on the beach.",
        "A girl and her brother are flying a kite by the sea.",
        "Kids with a kite run across the sand.",
        "A red kite pulls on its string above two children.",
    ],
    "bus": [
        "A double-decker bus waits at the corner of St. James street.",
        "The No. 12 bus is parked; nobody's inside.",
        "A big red bus stands at a stop.",
    ],
    "cat": [
        "A cat sleeps on a warm laptop keyboard.",
        "The cat doesn't want to leave the laptop.",
        "A grey cat lies on a laptop.",
        "Somebody's cat is asleep on the keyboard!",
        "A cat.",
    ],
    "market": [
        "An old man sells apples, pears and plums at a market stall.",
        "A market stall with fruit (mostly apples)",
    ],
    "train": ["A train crosses a bridge over a river.", "A train crosses a bridge over a river."],
    "dog": ["A dog runs and runs and runs.", "The dog runs."],
    "tea": ["A cup of tea stands next to a book at 5 p.m.", "Tea and a book", "There is a cup of tea on the table."],
}
SAID = {
    "kite": "two children are flying a kite on the beach",
    "bus": "a red bus is parked at the corner of a street",
    "cat": "a cat is laying on top of a laptop",
    "market": "a man standing next to a pile of fruit",
    "train": "a train crosses a bridge over a river",
    "dog": "runs runs runs runs runs a dog",
    "tea": "a cup of coffee on a table",
}
CASES: dict[str, tuple[dict[str, list[str]], dict[str, str]]] = {
    "everyday": (EVERYDAY, SAID),
    "the same sentence for every photo": (
        EVERYDAY,
        dict.fromkeys(EVERYDAY, "a man in a red shirt is standing on the beach"),
    ),
    "empty candidates": (EVERYDAY, {**SAID, "kite": "", "train": " . "}),
    "only empty candidates": (EVERYDAY, dict.fromkeys(EVERYDAY, "")),
    "empty references": ({**EVERYDAY, "cat": ["", "A cat."], "dog": [""], "tea": ["..."]}, {**SAID, "tea": ""}),
    "one photo alone": ({"kite": EVERYDAY["kite"]}, {"kite": SAID["kite"]}),
    "two references equally close in length": (
        {
            "kite": ["a red kite in the sky", "a kite"],
            "bus": ["a bus", "a big red bus on a road", "one two three four"],
        },
        {"kite": "a red kite flying", "bus": "a bus on a road"},
    ),
    "one word": ({"kite": ["kite", "a kite"], "bus": ["a bus"]}, {"kite": "kite", "bus": "bus"}),
    "nothing in common": (
        {"kite": ["a red kite"], "bus": ["one bus"]},
        {"kite": "trees", "bus": "some more trees here"},
    ),
}


def score_with_pycocoevalcap(references: dict[str, list[str]], candidates: dict[str, str]) -> dict[str, Any]:
    """Return the scores of sentences that are tokenised already, words between single spaces."""
    from pycocoevalcap.bleu.bleu import Bleu
    from pycocoevalcap.cider.cider import Cider
    from pycocoevalcap.rouge.rouge import Rouge

    said = {photo: [sentence] for photo, sentence in candidates.items()}
    bleu, bleus = Bleu(4).compute_score(references, said, verbose=0)
    rouge, rouges = Rouge().compute_score(references, said)
    cider, ciders = Cider().compute_score(references, said)
    names = ("Bleu_1", "Bleu_2", "Bleu_3", "Bleu_4", "ROUGE_L", "CIDEr")
    rows = zip(references, *bleus, rouges, ciders, strict=True)
    return {
        "corpus": dict(zip(names, map(float, (*bleu, rouge, cider)), strict=True)),
        "per_photo": {photo: dict(zip(names, map(float, values), strict=True)) for photo, *values in rows},
    }


def main() -> None:
    from pycocoevalcap.tokenizer.ptbtokenizer import PTBTokenizer

    cases = []
    for name, (references, candidates) in CASES.items():
        sentences = {photo: [*references[photo], candidates[photo]] for photo in references}
        tokens = PTBTokenizer().tokenize({p: [{"caption": s} for s in found] for p, found in sentences.items()})
        scores = score_with_pycocoevalcap(
            {photo: found[:-1] for photo, found in tokens.items()},
            {photo: found[-1] for photo, found in tokens.items()},
        )
        cases.append({"name": name, "references": references, "candidates": candidates, "tokens": tokens, **scores})
    text = json.dumps(cases, indent=1, ensure_ascii=False)
    (FIXTURES / "captions.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
