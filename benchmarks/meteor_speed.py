"""Time and memory for METEOR of 5,000 captions with five references each, compared with METEOR 1.5's own program.

    .venv/bin/python benchmarks/meteor_speed.py

prints one JSON line. Each scores the same tokens in its own process, from its start to the score, including all
loading, in turns; pycocoevalcap's starts Java. The captions are synthetic, of phrases with common stems, synonyms and
paraphrases; ``--data`` uses those of a real data set.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

from figures import machine, summary
from processes import environment, first_line

WHO = (
    "a man|the man in a red shirt|an old woman|two young children|a little girl|several people|a brown dog|"
    "two black and white dogs|a group of friends|a boy with a hat|the cyclist|a crowd of spectators"
)
DOES = (
    "is running|runs|ran quickly|is sitting|sits down|are playing with a ball|jumps|leaps high|is taking a picture|"
    "stands still|walks|is riding a bicycle|climbs|looks at the camera|smiles|is holding an umbrella"
)
WHERE = (
    "on the beach|near the sea|in the grass|through a green field|in front of a building|on the couch|next to a car|"
    "in the middle of the street|at the park|on top of a mountain|in deep snow|in a swimming pool|under a tree"
)


def synthetic(photos: int, references: int) -> tuple[list[list[str]], list[str]]:
    """Return sentences; those of a photo share some of their parts."""
    rng = random.Random(0)

    def part(own: str, choices: str) -> str:
        return own if rng.random() < 0.4 else rng.choice(choices.split("|"))

    truth, candidates = [], []
    for _ in range(photos):
        own = [rng.choice(choices.split("|")) for choices in (WHO, DOES, WHERE)]
        sentences = [" ".join(map(part, own, (WHO, DOES, WHERE))) for _ in range(references + 1)]
        truth.append(sentences[:-1])
        candidates.append(sentences[-1])
    return truth, candidates


def of_data_set(path: Path, photos: int, references: int) -> tuple[list[list[str]], list[str]]:
    """Return tokens of a data set's first photos; the candidate is a caption of the photo itself or the next."""
    from seetell.data import read
    from seetell.language.tokenizer import tokenize

    records = [photo for photo in read(path, require_photos=False).photos if len(photo.captions) >= references]
    if len(records) < photos:
        raise SystemExit(f"{path}: {len(records)} photos have {references} captions; --photos asks for {photos}")
    truth = [[" ".join(tokenize(one)) for one in record.captions[:references]] for record in records[:photos]]
    return truth, [truth[(number + number % 2) % photos][number % references] for number in range(photos)]


def score(system: str, sentences: Path) -> float:
    """Score with one of the two."""
    truth, candidates = json.loads(sentences.read_text(encoding="utf-8"))
    if system == "seetell":
        from seetell.metrics.meteor import Meteor

        return (
            Meteor()
            .score([[one.split() for one in found] for found in truth], [one.split() for one in candidates])
            .corpus
        )
    from pycocoevalcap.meteor.meteor import Meteor as Program

    corpus, _ = Program().compute_score(
        dict(enumerate(truth)), {number: [one] for number, one in enumerate(candidates)}
    )
    return float(corpus)


def main() -> None:
    """Measure and print one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="a data set whose captions to use, in any format that seetell reads")
    parser.add_argument("--photos", type=int, default=5000)
    parser.add_argument("--references", type=int, default=5)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--score", nargs=2, metavar=("SYSTEM", "FILE"), help="only score the sentences of a file")
    options = parser.parse_args()
    if options.score:
        print(score(options.score[0], Path(options.score[1])), flush=True)
        return
    described = machine(threads=1)
    source = synthetic if options.data is None else lambda *sizes: of_data_set(options.data, *sizes)
    seconds: dict[str, list[float]] = {"seetell": [], "pycocoevalcap": []}
    memory: dict[str, list[float]] = {"seetell": [], "pycocoevalcap": []}
    corpus: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        sentences = Path(folder) / "sentences.json"
        sentences.write_text(json.dumps(source(options.photos, options.references)), encoding="utf-8")
        for turn in range(options.runs):
            for system in seconds:
                command = [sys.executable, __file__, "--score", system, str(sentences)]
                took, megabytes, line = first_line(command, environment(1))
                seconds[system].append(took)
                memory[system].append(megabytes)
                corpus[system] = float(line)
            print(f"run {turn + 1} of {options.runs}: {[found[-1] for found in seconds.values()]}", file=sys.stderr)
    times = [other / one for one, other in zip(seconds["seetell"], seconds["pycocoevalcap"], strict=True)]
    result = {
        "machine": described,
        "versions": {name: version(name) for name in ("seetell", "numpy", "pycocoevalcap", "snowballstemmer")},
        "captions": "synthetic" if options.data is None else options.data.name,
        "photos": options.photos,
        "references": options.references,
        "runs": options.runs,
        **{f"{system}_s": summary(found) for system, found in seconds.items()},
        **{f"{system}_memory_mb": summary(found) for system, found in memory.items()},
        "speedup": summary(times),
        "difference": abs(corpus["seetell"] - corpus["pycocoevalcap"]),
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
