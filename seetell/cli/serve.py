"""``seetell serve``: a page and an interface for programs, on this machine."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from seetell.errors import UsageError

if TYPE_CHECKING:
    from seetell.web.application import Models

KEY_VARIABLE = "SEETELL_API_KEY"


def serve(
    host: Annotated[str, typer.Option(help="Address to serve on; others than this machine's need a key.")] = (
        "127.0.0.1"
    ),
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to serve on; 0 for any that is free.")] = 8000,
    model: Annotated[str, typer.Option("--model", "-m", help="A bundled captioner's name or a model folder.")] = (
        "caption"
    ),
    align: Annotated[
        str,
        typer.Option(metavar="MODEL", help="The model that places sentences in photos and searches; none for neither."),
    ] = "align",
    regions: Annotated[
        str, typer.Option(metavar="MODEL", help="The model that says what is where in photos; none to do without.")
    ] = "regions",
    location: Annotated[
        Path | None,
        typer.Option("--index", metavar="DIR", help="An index to search; whoever may ask sees its photos, small."),
    ] = None,
    key_file: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help=f"A file with the key that clients must send; else ${KEY_VARIABLE}."),
    ] = None,
    open_to_all: Annotated[bool, typer.Option("--open", help="Serve without a key on any address.")] = False,
    allow_host: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="A name under which the server may be spoken to.")
    ] = None,
    allow_origin: Annotated[
        list[str] | None, typer.Option(metavar="URL", help="A site whose pages may ask, such as https://example.org.")
    ] = None,
    max_megabytes: Annotated[int, typer.Option(min=1, help="Largest upload.")] = 20,
    max_megapixels: Annotated[int, typer.Option(min=1, help="Largest photo.")] = 50,
    queue: Annotated[int, typer.Option(min=1, help="Requests answered or waiting at once.")] = 64,
    time_limit: Annotated[float, typer.Option(min=0.1, help="Seconds for an upload, and for its answer.")] = 30,
    rate: Annotated[int | None, typer.Option(min=1, help="Requests a minute from one address; any if absent.")] = None,
    batch_size: Annotated[int, typer.Option(min=1, help="Photos captioned at once.")] = 16,
    threads: Annotated[int | None, typer.Option(help="Processor threads; the physical cores when absent.")] = None,
    log: Annotated[bool, typer.Option("--log", help="Write a line for each request to standard error.")] = False,
) -> None:
    """Serve a page that describes photos, and the same for programs.

    Photos are kept in memory until they are answered, never longer. Ctrl-C ends it.

    Example: seetell serve

    Example: seetell serve --index ~/photo-index --port 9000
    """
    from seetell.web.application import application
    from seetell.web.limits import Limits
    from seetell.web.middleware import LOOPBACK, Access
    from seetell.web.server import listen, server

    key = _key(key_file)
    local = host in LOOPBACK
    if not local and key is None and not open_to_all:
        raise UsageError(
            f"--host {host} lets other machines ask: give a key with --key-file or ${KEY_VARIABLE}, "
            "or say --open if everyone may"
        )
    access = Access(
        hosts=LOOPBACK | {name.lower() for name in allow_host or []} if local or allow_host else None,
        origins=tuple(map(_origin, allow_origin or ())),
        key=key,
    )
    limits = Limits(max_megabytes * 2**20, max_megapixels * 10**6, queue, time_limit, rate, batch_size)
    with listen(host, port) as listening:
        address = f"http://{f'[{host}]' if ':' in host else host}:{listening.getsockname()[1]}"
        app = application(_models(model, align, regions, location, threads), limits=limits, access=access)
        if log:
            _log()
        ready = f"Serving on {address} (Ctrl-C ends it)"
        server(app, grace=time_limit, ready=lambda: typer.echo(ready)).run(sockets=[listening])


def _origin(site: str) -> str:
    """Return a site as browsers name it.

    Raises:
        UsageError: it is none.
    """
    origin = site.lower().removesuffix("/")
    if re.fullmatch(r"https?://[^\s/?#@*]+", origin) is None:
        raise UsageError(f"--allow-origin {site}: expected a site such as https://example.org, without a path")
    return origin


def _key(file: Path | None) -> str | None:
    """Return the key that clients must send.

    Raises:
        UsageError: it cannot be read, or is too easy to guess.
    """
    if file is None:
        key = os.environ.get(KEY_VARIABLE, "").strip()
        if not key:
            return None
    else:
        try:
            key = file.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"--key-file {file}: cannot be read ({error})") from error
    if len(key) < 16:
        raise UsageError("a key has at least 16 letters; make one: openssl rand -hex 24")
    return key


def _models(model: str, align: str, regions: str, location: Path | None, threads: int | None) -> Models:
    """Load the models; see :func:`serve` for the arguments.

    Raises:
        UsageError: there is none of a name, or it is of another kind.
        BundleError: one is damaged.
        PhotoIndexError: the index cannot be searched.
    """
    from seetell.tasks.captioning.predict import Captioner
    from seetell.tasks.dense_captioning.predict import RegionCaptioner
    from seetell.tasks.loading import load
    from seetell.tasks.retrieval.predict import Aligner
    from seetell.web.application import Models
    from seetell.web.indexed_photos import Album

    captioner = load(model, threads=threads)
    if not isinstance(captioner, Captioner):
        raise UsageError(f"{model}: does not caption; expected a model such as 'caption'")
    aligner = None if align == "none" else load(align, threads=threads)
    if not isinstance(aligner, Aligner | None):
        raise UsageError(f"{align}: does not compare photos with sentences; expected a model such as 'align'")
    region_captioner = None if regions == "none" else load(regions, threads=threads)
    if not isinstance(region_captioner, RegionCaptioner | None):
        raise UsageError(f"{regions}: does not find regions; expected a model such as 'regions'")
    album = None
    if location is not None:
        if aligner is None:
            raise UsageError("--index needs a model to search with; leave --align none out")
        album = Album(location, aligner)
        album.check()
    return Models(captioner, aligner, album, region_captioner)


def _log() -> None:
    import logging
    import sys

    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("seetell.web").setLevel(logging.INFO)
