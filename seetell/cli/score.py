"""``seetell score``: score captions that any program wrote."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from seetell.cli.command import FOLDER_OR_FILE, SPLIT, Format, Whole, argument, command, format_option
from seetell.errors import DataError, UsageError

if TYPE_CHECKING:
    from seetell.tasks.captioning.scoring import References


@command("score")
@argument(
    "results",
    metavar="RESULTS",
    type=FOLDER_OR_FILE,
    help="The captions: COCO results JSON, neuraltalk's result_struct.json, JSON lines of seetell caption, CSV or TSV "
    "with the columns image and caption. Or regions: JSON lines of seetell regions, or DenseCap's results.json.",
)
@click.option(
    "--references",
    "-r",
    type=FOLDER_OR_FILE,
    required=True,
    help="Reference captions: a data set's folder or file, e.g. flickr8k.",
)
@click.option("--split", type=SPLIT, help="Only this split of the references; all if absent.")
@click.option(
    "--references-format",
    metavar="NAME",
    help="flickr, karpathy, coco, neuraltalk2, table, entities or visual-genome; detected when absent.",
)
@click.option("--allow-missing", is_flag=True, help="Skip photos that have no caption instead of stopping.")
@click.option(
    "--metrics",
    "-m",
    metavar="NAMES",
    multiple=True,
    help="Of Bleu_1, Bleu_2, Bleu_3, Bleu_4, METEOR, ROUGE_L, CIDEr (which is CIDEr-D), CIDEr_plain, CHAIRs and "
    "CHAIRi (both by CHAIR: objects that no reference mentions; lower is better), with commas between, e.g. -m "
    "Bleu_4,CIDEr; or all.",
)
@format_option(Format.table, Format.json, help="table: ×100, for people. json: as they are, for programs.")
@click.option(
    "--bootstrap",
    metavar="N",
    type=Whole(min=100),
    help="Resample the photos this often for 95% intervals, e.g. --bootstrap 1000.",
)
@click.option(
    "--against",
    metavar="FILE",
    type=FOLDER_OR_FILE,
    help="Another system's captions of the same photos: test for each metric which are better.",
)
@click.option(
    "--diversity", is_flag=True, help="Also measure the diversity of the captions: vocabulary, repetition, novelty."
)
@click.option("--seed", type=Whole(min=0), default=0, help="Of the resampling for intervals and tests.")
@click.option(
    "--frequencies",
    metavar="FILE",
    type=FOLDER_OR_FILE,
    help="N-gram frequencies for CIDEr from a file that DocumentFrequencies.save wrote.",
)
@click.option(
    "--frequencies-from",
    metavar="DATA",
    type=FOLDER_OR_FILE,
    help="The same counted over a data set: its split train, or all of it if it states none.",
)
@click.option(
    "--output",
    "-o",
    metavar="FILE",
    type=FOLDER_OR_FILE,
    help="Write each photo's scores there as CSV, e.g. -o photos.csv.",
)
@click.option(
    "--report",
    metavar="FILE",
    type=FOLDER_OR_FILE,
    help="Write a web page with the best and the worst photos there, e.g. --report report.html.",
)
@click.option(
    "--photos",
    metavar="DIR",
    type=FOLDER_OR_FILE,
    help="Folder of the photos for the report; looked for around REFERENCES if absent.",
)
@click.option(
    "--captions",
    metavar="DATA",
    type=FOLDER_OR_FILE,
    help="For regions and Flickr30k Entities: the data set whose photos and splits count, e.g. flickr8k.",
)
def score(
    results: Path,
    references: Path,
    split: str | None,
    references_format: str | None,
    allow_missing: bool,
    metrics: tuple[str, ...],
    output_format: Format,
    bootstrap: int | None,
    against: Path | None,
    diversity: bool,
    seed: int,
    frequencies: Path | None,
    frequencies_from: Path | None,
    output: Path | None,
    report: Path | None,
    photos: Path | None,
    captions: Path | None,
) -> None:
    """Score captions as coco-caption does: BLEU-1 to BLEU-4, ROUGE-L and CIDEr-D, and more by --metrics. No Java.

    Captions are matched to photos by id, file name, or file name without its ending. The photos themselves need not be
    there. Described regions get DenseCap's mean average precision instead, against Flickr30k Entities or Visual Genome.

    Example: seetell score results.json --references captions_val2014.json --format json

    Example: seetell score ours.json -r flickr8k --split val --against theirs.json --report report.html

    Example: seetell score regions.jsonl -r flickr30k_entities --captions flickr8k --split val
    """
    from seetell.cli.output_file import check_writable, write_file
    from seetell.data.region_results import contains_regions
    from seetell.tasks.captioning.score_table import ScoreTable, diversity_table, photo_rows, score_report
    from seetell.tasks.captioning.scoring import References, known_metrics, score_files

    if isinstance(sys.stdout, io.TextIOWrapper):  # a terminal without a sign such as − gets it spelled out
        sys.stdout.reconfigure(errors="backslashreplace")
    sought = References(references, references_format, photos, split)
    if contains_regions(results):
        for_captions = {
            "--metrics": metrics,
            "--bootstrap": bootstrap,
            "--against": against,
            "--diversity": diversity,
            "--frequencies": frequencies,
            "--frequencies-from": frequencies_from,
            "--output": output,
            "--report": report,
        }
        given = [option for option, value in for_captions.items() if value]
        if given:
            raise UsageError(f"{given[0]}: expected captions, but {results} holds described regions; leave it out")
        _score_regions(results, sought, captions, allow_missing=allow_missing, output_format=output_format)
        return
    if captions is not None:
        raise UsageError(f"--captions: expected a file of described regions, but {results} is not one; leave it out")
    if against is not None and against.resolve() == results.resolve():
        raise UsageError(f"--against {against}: the same file as the results; name another system's")
    if frequencies is not None and frequencies_from is not None:
        raise UsageError("--frequencies and --frequencies-from both say where n-gram frequencies come from; give one")
    for path, option in ((output, "--output"), (report, "--report")):
        if path is not None:
            inputs = (results, references, against, captions, frequencies, frequencies_from)
            check_writable(path, option, inputs=inputs)
    try:
        scoring = score_files(
            [results] if against is None else [results, against],
            sought,
            allow_missing=allow_missing,
            metrics=known_metrics(metrics),
            frequencies=frequencies,
            frequencies_from=frequencies_from,
            bootstrap=bootstrap,
            seed=seed,
            diversity=diversity,
        )
    except DataError as error:
        raise UsageError(str(error)) from error
    for remark in scoring.remarks:
        click.echo(remark, err=True)
    if output_format is Format.json:
        click.echo(json.dumps(scoring.to_dict()))
    else:
        tables = [ScoreTable.build(scoring), *([diversity_table(scoring)] if diversity else [])]
        click.echo("\n\n".join(table.text() for table in tables))
    if output is not None:
        write_file(output, photo_rows(scoring))
    if report is not None:
        write_file(report, score_report(scoring).html())


def _score_regions(
    results: Path, references: References, captions: Path | None, *, allow_missing: bool, output_format: Format
) -> None:
    from seetell.tasks.dense_captioning.scoring import score_region_file

    try:
        scoring = score_region_file(results, references, captions=captions, allow_missing=allow_missing)
    except DataError as error:
        raise UsageError(str(error)) from error
    for remark in scoring.remarks:
        click.echo(remark, err=True)
    click.echo(json.dumps(scoring.scores.to_dict()) if output_format is Format.json else scoring.text())
