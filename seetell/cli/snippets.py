"""``seetell snippets``: divide captions into phrases of regions, to train a captioner of regions on."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def snippets(
    run: Annotated[Path, typer.Argument(help="Folder of an aligner's training run, such as runs/flickr8k-align.")],
    data: Annotated[Path, typer.Option(help="Photos with captions: a folder or file as for training.")],
    output: Annotated[Path, typer.Option(help="Write the phrases and their boxes there, as JSON lines.")],
    beta: Annotated[
        float, typer.Option(min=0, help="How much neighbouring words prefer one region; more makes longer phrases.")
    ] = 0.3,
    split: Annotated[list[str] | None, typer.Option(help="train, val or test; train and val when absent.")] = None,
    photos: Annotated[Path | None, typer.Option(help="Folder of the photos, if the data set does not say.")] = None,
    format: Annotated[str | None, typer.Option(help="Format of the data set; detected when absent.")] = None,
) -> None:
    """Divide captions into phrases and find the region of each, with a trained aligner.

    Each line of the output has a photo, a box and a phrase, which seetell train reads as a data set.

    Example: seetell snippets runs/flickr8k-align --data flickr8k --output phrases.jsonl
    """
    import sys

    from seetell.cli.output_file import check_writable, write_file
    from seetell.data import read
    from seetell.data.records import check_split
    from seetell.data.snippets import snippet_line
    from seetell.errors import DataError
    from seetell.tasks.grounding.snippets import infer_snippets
    from seetell.tasks.retrieval.trained import load_trained_aligner
    from seetell.training.encoding import features_cache
    from seetell.training.run_folder import RunFolder

    chosen = split or ["train", "val"]
    for name in chosen:
        check_split(name)
    check_writable(output, "--output")
    trained = load_trained_aligner(RunFolder(run))
    dataset = read(data, format=format, photos=photos)
    records = [photo for photo in dataset.photos if dataset.single_split or photo.split in chosen]
    folder, flips = trained.recipe.encoder.cache, trained.recipe.data.flip
    with typer.progressbar(length=len(records), label="encoding", file=sys.stderr) as bar:
        cache, failures = features_cache(
            folder,
            trained.encoder,
            [photo.path for photo in records],
            with_grid=True,
            flips=flips,
            progress=lambda done, total: bar.update(done - bar.pos),
        )
    for path, reason in failures.items():
        typer.echo(f"left out {path}: {reason}", err=True)
    records = [photo for photo in records if photo.path not in failures]
    if not records:
        raise DataError(f"{data}: no readable photos in {' and '.join(chosen)}; see: seetell data check {data}")
    lines = []
    with typer.progressbar(
        infer_snippets(trained, cache, records, beta=beta), length=len(records), label="dividing", file=sys.stderr
    ) as found:
        for snippet in (snippet for of_photo in found for snippet in of_photo):
            image, of_split = snippet.photo.path.resolve(), None if dataset.single_split else snippet.photo.split
            lines.append(snippet_line(image, snippet.box, " ".join(snippet.words), split=of_split))
    write_file(output, "\n".join(lines) + "\n")
    typer.echo(f"{output}: {len(lines)} phrases of {len(records)} photos")
    if failures:
        raise typer.Exit(1)
