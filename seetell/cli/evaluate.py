"""``seetell evaluate``: score a bundle on a data set: a captioner's captions, or what an aligner finds."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def evaluate(
    bundle: Annotated[str, typer.Argument(help="Name of an installed model, or the folder of a bundle.")],
    data: Annotated[Path, typer.Option(help="The data set: a folder or file as for training.")],
    split: Annotated[str, typer.Option(help="train, val or test.")] = "val",
    photos: Annotated[Path | None, typer.Option(help="Folder of the photos, if the data set does not say.")] = None,
    format: Annotated[str | None, typer.Option(help="Format of the data set; detected when absent.")] = None,
    precision: Annotated[
        str | None, typer.Option(help="Encoder to use, int8 or fp32; the default one if absent.")
    ] = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", help="Replace a decoding default: key=value, such as beam_size=3.")
    ] = None,
    boxes: Annotated[
        Path | None, typer.Option(help="Of an aligner: Flickr30k Entities, to locate its phrases in the photos too.")
    ] = None,
    output: Annotated[Path | None, typer.Option(help="Write the captions there, in COCO's results format.")] = None,
    record: Annotated[bool, typer.Option("--record", help="Note the scores in the bundle and on its card.")] = False,
) -> None:
    """Caption the photos of a data set and score the captions; print coco-caption's measures as JSON.

    Of an aligner: find sentences by their photos (annotation) and photos by their sentences (search), and print how
    often the right one is among the first 1, 5 and 10. With --boxes, also locate phrases: how often a box overlaps the
    true one by half (R@1), and how often a point is right, beside what the whole photo, the best constant box and the
    middle score.

    Photos that do not open are named and left out; the exit status is then 1.

    Example: seetell evaluate my-captioner --data my_photos --split val
    """
    import json
    import shlex
    import sys

    from seetell.cli.alignment_scores import evaluate_aligner
    from seetell.cli.output_file import check_writable, write_file
    from seetell.cli.settings import parse_settings
    from seetell.data import read
    from seetell.errors import DataError, PhotoError, UsageError
    from seetell.metrics import score_captions
    from seetell.runtime.aligner import Aligner
    from seetell.runtime.loading import load

    options = parse_settings(settings or [])
    if record and (options or precision):
        raise UsageError("--record notes the scores of the bundle as it is; leave out --set and --precision")
    if output is not None:
        check_writable(output, "--output")
    captioner = load(bundle, precision=precision)
    dataset = read(data, format=format, photos=photos)
    records = dataset.split(split)
    if not records:
        raise DataError(f"{data}: no photos in the split {split!r}; see: seetell data check {data}")
    if isinstance(captioner, Aligner):
        if options or output or record:
            raise UsageError(f"{captioner.name} says nothing: leave out --set, --output and --record")
        evaluate_aligner(captioner, dataset, split, boxes=boxes)
        return
    if boxes is not None:
        raise UsageError(f"--boxes: {captioner.bundle.name} is a captioner; only an aligner locates phrases")
    if any(photo.box is not None for photo in records):
        raise DataError(f"{data}: has phrases of regions, but a model captions whole photos; give captions of those")
    candidates, failures = {}, []
    with typer.progressbar(length=len(records), label="captioning", file=sys.stderr) as bar:
        for photo, caption in zip(records, captioner.caption_many([p.path for p in records], **options), strict=True):
            if isinstance(caption, PhotoError):
                failures.append(str(caption))
            else:
                candidates[photo.id] = caption.text
            bar.update(1)
    for failure in failures:
        typer.echo(f"left out {failure}", err=True)
    if not candidates:
        raise DataError(f"{data}: none of the {len(records)} photos in the split {split!r} opens")
    people = {photo.id: photo.captions for photo in records if photo.id in candidates}
    scores = dict(score_captions(people, candidates).corpus)
    if output is not None:
        rows = [{"image_id": key, "caption": text} for key, text in candidates.items()]
        write_file(output, json.dumps(rows, ensure_ascii=False, indent=0))
    if record and not failures:
        from seetell.export.card import record_scores

        command = f"seetell evaluate {shlex.quote(captioner.bundle.name)} --data {data.name} --split {split}"
        record_scores(captioner.bundle.folder, split, {**scores, "photos": len(records), "command": command})
    typer.echo(json.dumps({**scores, "photos": len(candidates)}))
    if failures:
        reason = "; nothing was recorded" if record else ""
        typer.echo(f"{len(failures)} of {len(records)} photos do not open and were left out{reason}", err=True)
        raise typer.Exit(1)
