"""``seetell evaluate``: score a bundle on a data set: a captioner's captions, an aligner's finds, or regions."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from seetell.data.records import CaptionDataset
    from seetell.data.region_records import RegionDataset
    from seetell.tasks.captioning.predict import Captioner


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
    captions: Annotated[
        Path | None,
        typer.Option(help="Of a model of regions and Flickr30k Entities: the data set whose photos and splits count."),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(help="Write the captions there, in COCO's results format; regions as seetell regions does."),
    ] = None,
    record: Annotated[bool, typer.Option("--record", help="Note the scores in the bundle and on its card.")] = False,
) -> None:
    """Caption the photos of a data set and score the captions; print coco-caption's measures as JSON.

    Of an aligner: find sentences by their photos (annotation) and photos by their sentences (search), and print how
    often the right one is among the first 1, 5 and 10. With --boxes, also locate phrases: how often a box overlaps the
    true one by half (R@1), and how often a point is right, beside what the whole photo, the best constant box and the
    middle score.

    Of a model of regions: print DenseCap's mean average precision, that of the boxes alone, and the share of people's
    regions that the first 50, 100 and 300 proposals overlap by half.

    Photos that do not open are named and left out; the exit status is then 1.

    Example: seetell evaluate my-captioner --data my_photos --split val

    Example: seetell evaluate regions --data flickr30k_entities --captions flickr8k
    """
    from seetell.cli.output_file import check_writable
    from seetell.cli.settings import parse_settings
    from seetell.data import read
    from seetell.data.regions import read_regions
    from seetell.errors import UsageError
    from seetell.tasks.dense_captioning.evaluate import evaluate_regions
    from seetell.tasks.dense_captioning.predict import RegionCaptioner
    from seetell.tasks.loading import load
    from seetell.tasks.retrieval.evaluate import evaluate_aligner
    from seetell.tasks.retrieval.predict import Aligner

    options = parse_settings(settings or [])
    if record and (options or precision):
        raise UsageError("--record notes the scores of the bundle as it is; leave out --set and --precision")
    if output is not None:
        check_writable(output, "--output")
    model = load(bundle, precision=precision)
    if not isinstance(model, Aligner) and boxes is not None:
        raise UsageError(f"--boxes: {model.name} is no aligner; only an aligner locates phrases")
    if not isinstance(model, RegionCaptioner) and captions is not None:
        raise UsageError(f"--captions: {model.name} finds no regions; name the captions with --data")
    if isinstance(model, RegionCaptioner):
        if options:
            raise UsageError(f"{model.name} finds regions as it was exported to: leave out --set")
        regions = read_regions(data, format=format, photos=photos, captions=captions)
        _check_split(regions, split)
        evaluate_regions(model, regions, split, captions=captions, output=output, record=record)
        return
    dataset = read(data, format=format, photos=photos)
    _check_split(dataset, split)
    if isinstance(model, Aligner):
        if options or output or record:
            raise UsageError(f"{model.name} says nothing: leave out --set, --output and --record")
        evaluate_aligner(model, dataset, split, boxes=boxes)
        return
    _evaluate_captioner(model, dataset, split, options, output=output, record=record)


def _check_split(dataset: CaptionDataset | RegionDataset, split: str) -> None:
    from seetell.errors import DataError

    if not dataset.split(split):
        raise DataError(f"{dataset.source}: no photos in the split {split!r}; see: seetell data check {dataset.source}")


def _evaluate_captioner(
    captioner: Captioner,
    dataset: CaptionDataset,
    split: str,
    options: dict[str, Any],
    *,
    output: Path | None,
    record: bool,
) -> None:
    import json
    import shlex
    import sys

    from seetell.cli.output_file import write_file
    from seetell.errors import DataError, PhotoError
    from seetell.metrics import score_captions

    data, records = dataset.source, dataset.split(split)
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
