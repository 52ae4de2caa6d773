"""``seetell snippets``: divide captions into phrases of regions, to train a captioner of regions on."""

from __future__ import annotations

from pathlib import Path

import click

from seetell.cli.command import EXISTING, FOLDER_OR_FILE, SPLIT, Number, argument, command
from seetell.extras import require


@command("snippets")
@argument(
    "run", metavar="RUN", type=FOLDER_OR_FILE, help="Folder of an aligner's training run, such as runs/flickr8k-align."
)
@click.option(
    "--data",
    metavar="DATA",
    type=EXISTING,
    required=True,
    help="Photos with captions: a folder or file as for training.",
)
@click.option(
    "--output",
    metavar="FILE",
    type=FOLDER_OR_FILE,
    required=True,
    help="Write the phrases and their boxes there, as JSON lines.",
)
@click.option(
    "--beta",
    type=Number(min=0),
    default=0.3,
    help="How much neighbouring words prefer one region; more makes longer phrases.",
)
@click.option(
    "--split", type=SPLIT, multiple=True, help="Captions of this part; train and val when absent; repeatable."
)
@click.option("--photos", metavar="DIR", type=EXISTING, help="Folder of the photos, if the data set does not say.")
@click.option("--format", metavar="NAME", help="Format of the data set; detected when absent.")
def snippets(
    run: Path,
    data: Path,
    output: Path,
    beta: float,
    split: tuple[str, ...],
    photos: Path | None,
    format: str | None,
) -> int:
    """Divide captions into phrases and find the region of each, with a trained aligner.

    Each line of the output has a photo, a box and a phrase, which seetell train reads as a data set.

    Example: seetell snippets runs/flickr8k-align --data flickr8k --output phrases.jsonl
    """
    require("train", "seetell snippets")
    from seetell.cli.output_file import check_writable, write_file
    from seetell.cli.progress import Progress
    from seetell.data import read
    from seetell.data.snippets import snippet_line
    from seetell.errors import DataError
    from seetell.tasks.grounding.snippets import check_aligner, infer_snippets
    from seetell.tasks.retrieval.config import RetrievalConfig
    from seetell.tasks.retrieval.models import build
    from seetell.tasks.retrieval.tagging import cache_tags, open_tagger
    from seetell.training.config import only
    from seetell.training.encoding import features_cache
    from seetell.training.trained import load_trained

    chosen = split or ("train", "val")
    check_writable(output, "--output", inputs=[data])
    trained = load_trained(run, build, only(retrieval=RetrievalConfig))
    check_aligner(trained)
    dataset = read(data, format=format, photos=photos)
    records = [photo for photo in dataset.photos if dataset.single_split or photo.split in chosen]
    folder, flips = trained.config.encoder.cache, trained.config.data.flip
    with Progress() as progress:
        cache, failures = features_cache(
            folder,
            trained.encoder,
            [photo.path for photo in records],
            with_grid=True,
            flips=flips,
            progress=lambda done, total: progress("encoding", done, total),
        )
    for path, reason in failures.items():
        click.echo(f"skipped {path}: {reason}", err=True)
    records = [photo for photo in records if photo.path not in failures]
    if not records:
        raise DataError(f"{data}: no readable photos in {' and '.join(chosen)}; see: seetell data check {data}")
    lines = []
    with Progress() as progress:
        tagger = open_tagger(trained.config.section)
        tags = cache_tags(
            tagger, trained.config, records, progress=lambda done, total: progress("tagging", done, total)
        )
        for done, found in enumerate(infer_snippets(trained, cache, records, beta=beta, tags=tags), 1):
            for snippet in found:
                image, of_split = snippet.photo.path.resolve(), None if dataset.single_split else snippet.photo.split
                lines.append(snippet_line(image, snippet.box, " ".join(snippet.words), split=of_split))
            progress("segmenting captions", done, len(records))
    write_file(output, "\n".join(lines) + "\n")
    click.echo(f"{output}: {len(lines)} phrases of {len(records)} photos")
    return 1 if failures else 0
