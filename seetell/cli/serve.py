"""``seetell serve``: web UI and HTTP API."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from seetell.cli.command import (
    FOLDER_OR_FILE,
    POSITIVE,
    Number,
    Whole,
    command,
    index_option,
    set_option,
    threads_option,
    with_backend_params,
)
from seetell.cli.serve_access import KEY_VARIABLE, access_of, key_of, network_of
from seetell.cli.served_models import (
    EXPLAIN,
    SEARCH,
    STYLE,
    check_defaults,
    chosen_defaults,
    chosen_models,
    load_predictors,
    load_styles,
    loading_options,
    open_photos,
)
from seetell.errors import UsageError
from seetell.extras import require
from seetell.tasks.backends import BACKENDS


@with_backend_params(BACKENDS)
@command("serve")
@click.option("--host", default="127.0.0.1", help="Address to serve on; any but this machine's own needs a key.")
@click.option("--port", type=Whole(0, 65535), default=8000, help="Port to serve on; 0 for any free port.")
@click.option(
    "--model",
    "-m",
    "models",
    metavar="COMMAND=NAME",
    multiple=True,
    help="The model of a command, such as caption, regions, align or search: a bundled model's name, a model folder, "
    "a model of a backend, or none to leave the command out, which may be explain or style, too; repeatable.",
)
@set_option(
    "An option of a command where a request says nothing of it, such as caption.min_confidence=0.5; repeatable."
)
@index_option("An index to search; clients see thumbnails of its photos.")
@click.option(
    "--key-file",
    metavar="FILE",
    type=FOLDER_OR_FILE,
    help=f"A file with the key that clients must send; ${KEY_VARIABLE} if absent.",
)
@click.option("--open", "open_to_all", is_flag=True, help="Serve without a key on any address.")
@click.option(
    "--allow-host",
    metavar="NAME",
    multiple=True,
    help="A name under which the server may be reached, besides this machine's own; repeatable.",
)
@click.option(
    "--allow-origin",
    metavar="URL",
    multiple=True,
    help="A site whose pages may call the API, such as https://example.org; repeatable.",
)
@click.option(
    "--proxy",
    "proxies",
    metavar="ADDRESS",
    multiple=True,
    help="The address or network of a proxy whose X-Forwarded-For header names the client; repeatable.",
)
@click.option("--max-megabytes", type=POSITIVE, default=20, help="Largest upload.")
@click.option("--max-megapixels", type=POSITIVE, default=50, help="Largest photo.")
@click.option("--videos", is_flag=True, help="Serve the commands for short videos, too; needs PyAV.")
@click.option("--max-video-seconds", type=Number(min=1), default=60.0, help="Longest video.")
@click.option("--queue", type=POSITIVE, default=64, help="Requests in flight at once.")
@click.option("--time-limit", type=Number(min=0.1), default=30.0, help="Seconds for an upload, and for its answer.")
@click.option("--rate", type=POSITIVE, help="Requests per minute from one address; unlimited if absent.")
@click.option("--batch-size", type=POSITIVE, default=16, help="Photos per batch.")
@threads_option()
@click.option("--log", is_flag=True, help="Write a line for each request to standard error.")
def serve(
    host: str,
    port: int,
    models: tuple[str, ...],
    settings: tuple[str, ...],
    location: Path | None,
    key_file: Path | None,
    open_to_all: bool,
    allow_host: tuple[str, ...],
    allow_origin: tuple[str, ...],
    proxies: tuple[str, ...],
    max_megabytes: int,
    max_megapixels: int,
    videos: bool,
    max_video_seconds: float,
    queue: int,
    time_limit: float,
    rate: int | None,
    batch_size: int,
    threads: int | None,
    log: bool,
    **backend: Any,
) -> None:
    """Serve a web page that describes photos, and an HTTP API.

    Every command that predicts is served with its bundled model, if it has one. Photos are kept in memory until they
    are answered, never longer. Press Ctrl-C to end the server.

    Example: seetell serve

    Example: seetell serve --index ~/photo-index --port 9000

    Example: seetell serve --model caption=my-captioner --model regions=none

    Example: seetell serve --set caption.min_confidence=0.5

    Example: seetell serve --videos --max-megabytes 100
    """
    from seetell.web.access import LOOPBACK

    require("web", "seetell serve")
    if videos:
        require("video", "seetell serve --videos")
    from seetell.web.application import application
    from seetell.web.limits import Limits
    from seetell.web.server import GRACE_SECONDS, listen, server

    key = key_of(key_file)
    local = host in LOOPBACK
    if not local and key is None and not open_to_all:
        raise UsageError(
            f"--host {host} lets other machines use the server: give a key with --key-file or ${KEY_VARIABLE}, "
            "or --open to let everyone use it"
        )
    access = access_of(host, allow_host, allow_origin, key)
    trusted = tuple(map(network_of, proxies))
    chosen, defaults = chosen_models(models), chosen_defaults(settings)
    limits = Limits(
        max_megabytes * 2**20, max_megapixels * 10**6, queue, time_limit, rate, batch_size, max_video_seconds
    )
    with listen(host, port) as listening:
        address = f"http://{f'[{host}]' if ':' in host else host}:{listening.getsockname()[1]}"
        loading = loading_options(chosen, backend, time_limit)
        photos = open_photos(location, chosen.pop(SEARCH, None), threads, loading)
        styles, explain = load_styles(chosen.pop(STYLE, None), threads), chosen.pop(EXPLAIN, None) != "none"
        predictors = load_predictors(chosen, threads, loading, videos=videos)
        check_defaults(defaults, predictors)
        app = application(
            predictors,
            photos=photos,
            limits=limits,
            access=access,
            defaults=defaults,
            explain=explain,
            styles=styles,
        )
        if log:
            _log()
        ready = f"Serving on {address} (Ctrl-C ends it)"
        server(app, grace=GRACE_SECONDS, ready=lambda: click.echo(ready), proxies=trusted).run(sockets=[listening])


def _log() -> None:
    import logging
    import sys

    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("seetell.web").setLevel(logging.INFO)
