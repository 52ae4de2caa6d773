"""``seetell score``: score captions that any program wrote."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer


class Format(str, Enum):
    """How scores are written."""

    table = "table"
    json = "json"


def score(
    results: Annotated[
        Path,
        typer.Argument(help="The captions: COCO results JSON, JSON lines of seetell caption, or CSV image,caption."),
    ],
    references: Annotated[
        Path, typer.Option("--references", "-r", help="The data set with what people said: a folder or file.")
    ],
    split: Annotated[
        str | None, typer.Option(help="Only this split of the references: train, val or test; all if absent.")
    ] = None,
    references_format: Annotated[
        str | None, typer.Option(help="flickr, karpathy, coco, neuraltalk2, table or entities; detected when absent.")
    ] = None,
    allow_missing: Annotated[
        bool, typer.Option("--allow-missing", help="Leave out photos that have no caption instead of stopping.")
    ] = False,
    output_format: Annotated[
        Format, typer.Option("--format", "-f", help="table: ×100, for people. json: as they are, for programs.")
    ] = Format.table,
) -> None:
    """Score captions as coco-caption does: BLEU-1 to BLEU-4, ROUGE-L and CIDEr-D. Needs no photo and no Java.

    Captions are matched to photos by id, file name, or file name without its ending.

    Example: seetell score results.json --references captions_val2014.json --format json
    """
    import json

    from seetell.data import read
    from seetell.data.results_file import match_results, read_results
    from seetell.errors import DataError
    from seetell.metrics import score_captions

    said = read_results(results)
    dataset = read(references, format=references_format, require_photos=False)
    photos = dataset.photos if split is None else dataset.split(split)
    if not photos:
        raise DataError(f"{references}: no photos in the split {split!r}; leave out --split to score against all")
    candidates = match_results(said, photos, allow_missing=allow_missing)
    people = {photo.id: photo.captions for photo in photos if photo.id in candidates}
    scores = score_captions(people, candidates).corpus
    left_out = len(photos) - len(candidates)
    if left_out:
        typer.echo(f"{left_out} of {len(photos)} photos have no caption and were left out", err=True)
    if dataset.problems:
        hint = f"see: seetell data check {references}"
        typer.echo(f"the references have {len(dataset.problems)} problems; {hint}", err=True)
    if output_format is Format.json:
        typer.echo(json.dumps({**scores, "photos": len(candidates)}))
        return
    for name, value in scores.items():
        typer.echo(f"{name:<8}{100 * value:6.1f}")
    typer.echo(f"×100, {len(candidates)} photos")
