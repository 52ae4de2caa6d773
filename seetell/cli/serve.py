"""``seetell serve``: a web page and an HTTP API, on this machine."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

import click

from seetell.cli.command import (
    FOLDER_OR_FILE,
    POSITIVE,
    Number,
    Whole,
    command,
    index_option,
    model_option,
    threads_option,
)
from seetell.errors import UsageError

if TYPE_CHECKING:
    from seetell.web.application import Models

KEY_VARIABLE = "SEETELL_API_KEY"


@command("serve")
@click.option("--host", default="127.0.0.1", help="Address to serve on; others than this machine's need a key.")
@click.option("--port", type=Whole(0, 65535), default=8000, help="Port to serve on; 0 for any that is free.")
@model_option("caption", help="A bundled captioner's name or a model folder.")
@click.option(
    "--align",
    metavar="MODEL",
    default="align",
    help="The model for phrase grounding and image search; none for neither.",
)
@click.option("--regions", metavar="MODEL", default="regions", help="The model for dense captioning; none to skip it.")
@index_option("An index to search; whoever may ask sees its photos, small.")
@click.option(
    "--key-file",
    metavar="FILE",
    type=FOLDER_OR_FILE,
    help=f"A file with the key that clients must send; else ${KEY_VARIABLE}.",
)
@click.option("--open", "open_to_all", is_flag=True, help="Serve without a key on any address.")
@click.option(
    "--allow-host", metavar="NAME", multiple=True, help="A name under which the server may be reached; repeatable."
)
@click.option(
    "--allow-origin",
    metavar="URL",
    multiple=True,
    help="A site whose pages may ask, such as https://example.org; repeatable.",
)
@click.option("--max-megabytes", type=POSITIVE, default=20, help="Largest upload.")
@click.option("--max-megapixels", type=POSITIVE, default=50, help="Largest photo.")
@click.option("--queue", type=POSITIVE, default=64, help="Requests answered or waiting at once.")
@click.option("--time-limit", type=Number(min=0.1), default=30.0, help="Seconds for an upload, and for its answer.")
@click.option("--rate", type=POSITIVE, help="Requests per minute from one address; any if absent.")
@click.option("--batch-size", type=POSITIVE, default=16, help="Photos per batch.")
@threads_option()
@click.option("--log", is_flag=True, help="Write a line for each request to standard error.")
def serve(
    host: str,
    port: int,
    model: str,
    align: str,
    regions: str,
    location: Path | None,
    key_file: Path | None,
    open_to_all: bool,
    allow_host: tuple[str, ...],
    allow_origin: tuple[str, ...],
    max_megabytes: int,
    max_megapixels: int,
    queue: int,
    time_limit: float,
    rate: int | None,
    batch_size: int,
    threads: int | None,
    log: bool,
) -> None:
    """Serve a web page that describes photos, and an HTTP API for programs.

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
        hosts=LOOPBACK | {name.lower() for name in allow_host} if local or allow_host else None,
        origins=tuple(map(_origin, allow_origin)),
        key=key,
    )
    limits = Limits(max_megabytes * 2**20, max_megapixels * 10**6, queue, time_limit, rate, batch_size)
    with listen(host, port) as listening:
        address = f"http://{f'[{host}]' if ':' in host else host}:{listening.getsockname()[1]}"
        app = application(_models(model, align, regions, location, threads), limits=limits, access=access)
        if log:
            _log()
        ready = f"Serving on {address} (Ctrl-C ends it)"
        server(app, grace=time_limit, ready=lambda: click.echo(ready)).run(sockets=[listening])


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
    from seetell.tasks.loading import load_for
    from seetell.tasks.registry import find_task
    from seetell.web.application import Models
    from seetell.web.indexed_photos import Album

    captioner = load_for(find_task("caption"), model, threads=threads)
    aligner = None if align == "none" else load_for(find_task("align"), align, threads=threads)
    region_captioner = None if regions == "none" else load_for(find_task("regions"), regions, threads=threads)
    album = None
    if location is not None:
        if aligner is None:
            raise UsageError("--index needs a model to search with; leave --align none out")
        album = Album(location, aligner.embedder)
        album.check()
    return Models(captioner, aligner, album, region_captioner)


def _log() -> None:
    import logging
    import sys

    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("seetell.web").setLevel(logging.INFO)
