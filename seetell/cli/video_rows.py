"""Results of videos on standard output: readable text, JSON lines, CSV, or what programs of the field read."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from typing import Any, TextIO

from seetell.cli.command import Format
from seetell.cli.rows import allow_undecodable_names, printable
from seetell.csv_cells import CsvWriter, defuse
from seetell.errors import SeetellError
from seetell.results import Shots, Tracks, row
from seetell.video.subtitles import Writer, subrip, webvtt
from seetell.video.times import span

COLUMNS = {
    "tracks": ("video", "id", "text", "frame", "seconds", "score", "left", "top", "right", "bottom", "error"),
    "shots": ("video", "from", "to", "key_frame", "caption", "confidence", "kind", "reason", "model", "error"),
}
"""Of CSV, by the shape of results."""

SUBTITLES: dict[Format, Writer] = {Format.vtt: webvtt, Format.srt: subrip}
"""Formats that hold the shots of one video."""

OF_ONE_VIDEO = frozenset({Format.mot, *SUBTITLES})
"""Formats that do not name the video, so that several would be mixed up."""

FORMATS = {
    "tracks": (Format.text, Format.jsonl, Format.csv, Format.mot),
    "shots": (Format.text, Format.jsonl, Format.csv, *SUBTITLES),
}
"""By the shape of results."""


class VideoRows:
    """Writes results in the order they come, each at once.

    Args:
        output_format: ``text`` writes a tab-separated line for each object or shot, and to standard error videos
            without a result, those in which nothing was found, and what is withheld; ``jsonl`` one object per video,
            see :func:`seetell.results.row`; ``csv`` the columns of :data:`COLUMNS`, one line per object and frame, or
            per shot; ``vtt`` and ``srt`` the subtitles of a video; ``mot`` MOT challenge's results of one.
        shape: of the results.
    """

    def __init__(self, output_format: Format, shape: str) -> None:
        self._format, self._columns = output_format, COLUMNS[shape]
        allow_undecodable_names(utf8=output_format is not Format.text)
        self._table = CsvWriter(sys.stdout)
        if output_format is Format.csv:
            self._table.row(self._columns)

    def write(self, name: str, result: Tracks | Shots | SeetellError) -> None:
        """Write the result of a video, or why there is none."""
        if self._format is Format.jsonl:
            sys.stdout.write(json.dumps(row(name, result, input="video"), ensure_ascii=False) + "\n")
        elif self._format is Format.csv:
            self._table.rows(_cells(name, result, self._columns))
        elif isinstance(result, SeetellError):
            sys.stderr.write(f"{printable(str(result))}\n")
        elif isinstance(result, Shots):
            self._write_shots(printable(name), result)
        elif self._format is Format.mot:
            from seetell.data.mot_challenge import mot_lines

            sys.stdout.write(mot_lines(result))
        else:
            shown = printable(name)
            if not result:
                sys.stderr.write(f"{shown}: {_nothing(result)}\n")
            sys.stdout.writelines(f"{shown}\t{printable(text)}\t{score:.2f}\n" for text, score in _told(result))
            if result.crossed:
                sys.stdout.write(f"{shown}\t{result.crossed}\n")
        sys.stdout.flush()

    def _write_shots(self, name: str, shots: Shots) -> None:
        if self._format in SUBTITLES:
            sys.stdout.write(SUBTITLES[self._format](shots))
            return
        for shot in shots:
            when = span(shot.start, shot.end)
            if shot.caption.reason:
                sys.stderr.write(f"{name}: {when}: withheld: {printable(shot.caption.reason)}\n")
            else:
                sys.stdout.write(f"{name}\t{when}\t{printable(shot.caption.text)}\n")


def write_table(file: TextIO, name: str, result: Tracks | Shots) -> None:
    """Write the result of a video as CSV, as standard output has it."""
    columns = COLUMNS[result.shape]
    table = CsvWriter(file)
    table.row(columns)
    table.rows(_cells(name, result, columns))


def _cells(name: str, result: Tracks | Shots | SeetellError, columns: Sequence[str]) -> Iterator[list[Any]]:
    return ([defuse(line.get(column)) for column in columns] for line in _lines(name, result))


def _nothing(tracks: Tracks) -> str:
    """Return why there are no tracks."""
    frames = "1 frame" if tracks.frame_count == 1 else f"{tracks.frame_count:,} frames"
    if not tracks.left_out:
        return f"nothing was found in {frames}"
    objects = "1 object" if tracks.left_out == 1 else f"{tracks.left_out:,} objects"
    return f"nothing was seen for long enough in {frames}; {objects} left out by --shortest"


def _told(tracks: Tracks) -> Iterator[tuple[str, float]]:
    """Yield each object, such as ``person 3: 0:04–0:19``, and its score."""
    for track in tracks:
        yield f"{track.text or 'object'} {track.id}: {span(track.seconds[0], track.seconds[-1])}", track.score


def _lines(name: str, result: Tracks | Shots | SeetellError) -> Iterator[dict[str, Any]]:
    if isinstance(result, SeetellError):
        yield row(name, result, input="video")
        return
    if isinstance(result, Shots):
        yield from ({"video": name, "model": result.model, **shot.to_dict()} for shot in result)
        return
    for track in result:
        content = track.to_dict()
        for frame, seconds, box, score in zip(
            *(content[part] for part in ("frames", "seconds", "boxes", "scores")), strict=True
        ):
            edges = dict(zip(("left", "top", "right", "bottom"), box, strict=True))
            yield {
                **{"video": name, "id": track.id, "text": track.text},
                **{"frame": frame, "seconds": seconds, "score": score, **edges},
            }
