"""What a caption gets besides its row: a page that shows where its words came from, a sidecar, a place in a report."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from seetell.cli.output_file import check_writable
from seetell.errors import PhotoError, UsageError
from seetell.photos.folders import is_photo_name

if TYPE_CHECKING:
    from seetell.results import Caption
    from seetell.tasks.captioning.predict import Captioner

Accompany = Callable[[str, "Caption | PhotoError"], tuple["Caption | PhotoError", dict[str, str]]]
"""Takes a photo and what came of it; returns what came of it now, and the paths of its files by their kind."""


@contextmanager
def companions(
    captioner: Captioner, *, attention: str | None, sidecar: bool, report: Path | None
) -> Iterator[Accompany]:
    """Give what writes the files of a photo. A photo whose file cannot be made has failed.

    Args:
        captioner: what captions.
        attention: the folder of pages that show where words came from.
        sidecar: whether sidecars are written.
        report: the page of all photos, put in its place when the context ends.

    Raises:
        UsageError: the folder cannot be written to.
        SeetellError: a file cannot be written.
    """
    with ExitStack() as opened:
        folder = page = sidecars = None
        if sidecar:
            from seetell.alttext.sidecar import Sidecars

            sidecars = Sidecars()
        if attention is not None:
            from seetell.drawing.attention_folder import AttentionFolder

            visible_box = captioner.bundle.preprocessing.visible_box
            folder = opened.enter_context(AttentionFolder(attention, visible_box=visible_box))
        if report is not None:
            from seetell.drawing.caption_report import CaptionReport

            page = opened.enter_context(CaptionReport(report))

        def accompany(photo: str, result: Caption | PhotoError) -> tuple[Caption | PhotoError, dict[str, str]]:
            files: dict[str, str] = {}
            try:
                if not isinstance(result, PhotoError):
                    if folder is not None:
                        files["page"] = str(folder.add(photo, result))
                    if sidecars is not None:
                        files["sidecar"] = str(sidecars.write(photo, result.text))
            except PhotoError as error:
                result, files = error, {}
            if page is not None:
                page.add(photo, result, files.get("page"))
            return result, files

        yield accompany


def check_report(report: Path, attention: str | None) -> None:
    """See before the work begins whether the report can be written, and in place of nothing else.

    Raises:
        UsageError: it cannot.
    """
    check_writable(report, "--report")
    if is_photo_name(str(report)):
        raise UsageError(f"--report {report}: has the name of a photo; expected that of a page, such as report.html")
    if attention is not None and report.resolve() == (Path(attention) / "index.html").resolve():
        raise UsageError(f"--report {report}: --attention writes its index.html there; name another file")
