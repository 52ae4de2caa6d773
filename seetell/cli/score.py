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
        typer.Argument(
            help="The captions: COCO results JSON, neuraltalk's result_struct.json, JSON lines of seetell caption, or "
            "CSV or TSV with the columns image and caption. Or regions: JSON lines of seetell regions, or DenseCap's "
            "results.json."
        ),
    ],
    references: Annotated[
        Path,
        typer.Option("--references", "-r", help="What people said: a data set's folder or file, e.g. flickr8k."),
    ],
    split: Annotated[
        str | None, typer.Option(help="Only this split of the references: train, val or test; all if absent.")
    ] = None,
    references_format: Annotated[
        str | None,
        typer.Option(
            help="flickr, karpathy, coco, neuraltalk2, table, entities or visual-genome; detected when absent."
        ),
    ] = None,
    allow_missing: Annotated[
        bool, typer.Option("--allow-missing", help="Leave out photos that have no caption instead of stopping.")
    ] = False,
    measures: Annotated[
        list[str] | None,
        typer.Option(
            "--measures",
            "-m",
            help="Of Bleu_1, Bleu_2, Bleu_3, Bleu_4, METEOR, ROUGE_L, CIDEr (which is CIDEr-D) and CIDEr_plain, with "
            "commas between, e.g. -m Bleu_4,CIDEr; or all.",
        ),
    ] = None,
    output_format: Annotated[
        Format, typer.Option("--format", "-f", help="table: ×100, for people. json: as they are, for programs.")
    ] = Format.table,
    bootstrap: Annotated[
        int | None,
        typer.Option(min=100, help="Draw the photos anew so often for 95% intervals, e.g. --bootstrap 1000."),
    ] = None,
    against: Annotated[
        Path | None,
        typer.Option(help="Another's captions of the same photos: test for each measure which are better."),
    ] = None,
    diversity: Annotated[
        bool,
        typer.Option("--diversity", help="Tell how varied the captions are, too: words used, repetition, novelty."),
    ] = False,
    seed: Annotated[int, typer.Option(min=0, help="Of the draws for intervals and tests.")] = 0,
    frequencies: Annotated[
        Path | None,
        typer.Option(help="N-gram frequencies for CIDEr from a file that DocumentFrequencies.save wrote."),
    ] = None,
    frequencies_from: Annotated[
        Path | None,
        typer.Option(help="The same counted over a data set: its split train, or all of it if it states none."),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write each photo's scores there as CSV, e.g. -o photos.csv.")
    ] = None,
    report: Annotated[
        Path | None,
        typer.Option(help="Write a web page with the best and the worst photos there, e.g. --report report.html."),
    ] = None,
    photos: Annotated[
        Path | None, typer.Option(help="Folder of the photos for the report; looked for around REFERENCES if absent.")
    ] = None,
    captions: Annotated[
        Path | None,
        typer.Option(
            help="For regions and Flickr30k Entities: the data set whose photos and splits count, e.g. flickr8k."
        ),
    ] = None,
) -> None:
    """Score captions as coco-caption does: BLEU-1 to BLEU-4, ROUGE-L and CIDEr-D, and more by --measures. No Java.

    Captions are matched to photos by id, file name, or file name without its ending. The photos themselves need not be
    there. Described regions get DenseCap's mean average precision instead, against Flickr30k Entities or Visual Genome.

    Example: seetell score results.json --references captions_val2014.json --format json

    Example: seetell score ours.json -r flickr8k --split val --against theirs.json --report report.html

    Example: seetell score regions.jsonl -r flickr30k_entities --captions flickr8k --split val
    """
    import io
    import sys

    from seetell.cli.output_file import check_writable, write_file
    from seetell.cli.scoring import References, known_measures, run
    from seetell.data.region_results import contains_regions
    from seetell.errors import DataError, UsageError
    from seetell.tasks.dense_captioning.evaluate import score_regions

    if isinstance(sys.stdout, io.TextIOWrapper):  # a terminal without a sign such as − gets it spelled out
        sys.stdout.reconfigure(errors="backslashreplace")
    if contains_regions(results):
        others = {
            "--measures": measures,
            "--bootstrap": bootstrap,
            "--against": against,
            "--diversity": diversity,
            "--frequencies": frequencies,
            "--frequencies-from": frequencies_from,
            "--output": output,
            "--report": report,
        }
        given = [option for option, value in others.items() if value]
        if given:
            raise UsageError(f"{given[0]}: expected captions, but {results} holds described regions; leave it out")
        score_regions(
            results,
            References(references, references_format, photos, split),
            captions=captions,
            allow_missing=allow_missing,
            as_json=output_format is Format.json,
        )
        return
    if captions is not None:
        raise UsageError(f"--captions: expected a file of described regions, but {results} is none; leave it out")
    for path, option in ((output, "--output"), (report, "--report")):
        if path is not None:
            check_writable(path, option)
    try:
        scoring = run(
            [results] if against is None else [results, against],
            References(references, references_format, photos, split),
            allow_missing=allow_missing,
            measures=known_measures(measures or ()),
            frequencies=frequencies,
            frequencies_from=frequencies_from,
            bootstrap=bootstrap,
            seed=seed,
            diversity=diversity,
        )
    except DataError as error:
        raise UsageError(str(error)) from error
    for remark in scoring.remarks:
        typer.echo(remark, err=True)
    if output_format is Format.json:
        import json

        typer.echo(json.dumps(scoring.to_dict()))
    else:
        from seetell.cli.score_table import ScoreTable, diversity_table

        tables = [ScoreTable.build(scoring), *([diversity_table(scoring)] if diversity else [])]
        typer.echo("\n\n".join(table.text() for table in tables))
    if output is not None:
        from seetell.cli.score_table import photo_rows

        write_file(output, photo_rows(scoring))
    if report is not None:
        from seetell.cli.score_table import score_report

        write_file(report, score_report(scoring).html())
