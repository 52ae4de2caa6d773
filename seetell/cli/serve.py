"""``seetell serve``: web UI and HTTP API."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from seetell.cli.command import (
    FOLDER_OR_FILE,
    POSITIVE,
    Number,
    Whole,
    command,
    index_option,
    set_option,
    task_option,
    threads_option,
    with_backend_params,
)
from seetell.errors import UsageError, unknown
from seetell.extras import require
from seetell.tasks.backends import BACKENDS

if TYPE_CHECKING:
    from seetell.explain.style_model import StyleModel
    from seetell.web.access import Access
    from seetell.web.indexed_photos import IndexedPhotos

SEARCH, STYLE, EXPLAIN = "search", "style", "explain"
"""Stand where a command is expected: for the model of an index, the model that draws styles, and explanations, which
have no model of their own."""

KEY_VARIABLE = "SEETELL_API_KEY"


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

    key = _key(key_file)
    local = host in LOOPBACK
    if not local and key is None and not open_to_all:
        raise UsageError(
            f"--host {host} lets other machines use the server: give a key with --key-file or ${KEY_VARIABLE}, "
            "or --open to let everyone use it"
        )
    access = _access(host, allow_host, allow_origin, key)
    trusted = tuple(map(_network, proxies))
    chosen, defaults = _chosen(models), _defaults(settings)
    limits = Limits(
        max_megabytes * 2**20, max_megapixels * 10**6, queue, time_limit, rate, batch_size, max_video_seconds
    )
    with listen(host, port) as listening:
        address = f"http://{f'[{host}]' if ':' in host else host}:{listening.getsockname()[1]}"
        loading = _loading(chosen, backend, time_limit)
        photos = _photos(location, chosen.pop(SEARCH, None), threads, loading)
        styles, explain = _styles(chosen.pop(STYLE, None), threads), chosen.pop(EXPLAIN, None) != "none"
        predictors = _predictors(chosen, threads, loading, videos=videos)
        _check_defaults(defaults, predictors)
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


def _access(host: str, names: tuple[str, ...], sites: tuple[str, ...], key: str | None) -> Access:
    """Return who may use the server.

    Without a key, only known names lead to it: a page of another site can have its own name lead to any address.

    Args:
        host: the address to serve on.
        names: under which it may be reached besides.
        sites: whose pages may call it.
        key: that clients must send.
    """
    from seetell.web.access import LOOPBACK, Access, own_names

    local = host in LOOPBACK
    hosts = None
    if local or names or key is None:
        hosts = (LOOPBACK if local else own_names(host)) | {name.lower() for name in names}
    return Access(hosts, addresses=not local, origins=tuple(map(_origin, sites)), key=key)


def _network(proxy: str) -> str:
    """Return the network of a proxy's address.

    Raises:
        UsageError: it is no address.
    """
    import ipaddress

    try:
        return str(ipaddress.ip_network(proxy, strict=False))
    except ValueError as error:
        raise UsageError(
            f"--proxy {proxy}: expected an address such as 127.0.0.1, or a network such as 10.0.0.0/8"
        ) from error


def _origin(site: str) -> str:
    """Return the origin of a site as browsers send it.

    Raises:
        UsageError: it is not a site.
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
            key = file.read_text(encoding="utf-8-sig").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"--key-file {file}: cannot be read ({error})") from error
    if len(key) < 16:
        raise UsageError("a key has at least 16 characters; make one: openssl rand -hex 24")
    return key


def _chosen(models: tuple[str, ...]) -> dict[str, str]:
    """Return the names of the models that ``--model`` gives, by command.

    Raises:
        UsageError: an option has another form, or names no command.
    """
    from seetell.tasks.registry import find_task

    chosen = {}
    for option in models:
        command, _, name = option.partition("=")
        if not (command and name):
            raise UsageError(f"--model {option}: expected COMMAND=NAME, such as caption=everyday-transformer")
        if command in (SEARCH, STYLE, EXPLAIN):
            if command == EXPLAIN and name != "none":
                raise UsageError(f"--model {option}: the models of the commands are explained; expected {EXPLAIN}=none")
            chosen[command] = name
            continue
        if find_task(command).input == "none":
            raise UsageError(f"--model {option}: {command} is not served; use seetell {command}")
        if not find_task(command).command:
            raise UsageError(f"--model {option}: {command} has no command to serve; its model is that of {SEARCH}")
        chosen[find_task(command).command] = name
    return chosen


def _defaults(settings: tuple[str, ...]) -> dict[str, dict[str, Any]]:
    """Return the values that ``--set`` gives, by command and name of the option.

    Raises:
        UsageError: an option has another form, names none that clients may choose, or has a value that is not allowed.
    """
    from seetell.tasks.registry import find_task

    defaults: dict[str, dict[str, Any]] = {}
    for setting in settings:
        place, equals, value = setting.partition("=")
        command, dot, name = place.partition(".")
        if not (equals and dot):
            raise UsageError(f"--set {setting}: expected COMMAND.OPTION=VALUE, such as caption.min_confidence=0.5")
        task = find_task(command)
        options = {option.name: option for option in task.options if option.served}
        if name not in options:
            raise UsageError(f"--set {setting}: {unknown('option', name, options)}")
        try:
            converted = task_option(options[name]).type.convert(value, None, None)
        except click.BadParameter as error:
            raise UsageError(f"--set {setting}: {error.message}") from error
        defaults.setdefault(task.command, {})[name] = converted
    return defaults


def _check_defaults(defaults: dict[str, dict[str, Any]], predictors: dict[str, Any]) -> None:
    """Raise a ``UsageError`` if a command is not served, or its model cannot do what is asked."""
    for name, options in defaults.items():
        if name not in predictors:
            raise UsageError(f"--set {name}: {unknown('command', name, predictors)}")
        predictors[name].check(**options)


def _loading(chosen: dict[str, str], options: dict[str, Any], time_limit: float) -> dict[str, dict[str, Any]]:
    """Return the options to load each model with that is no bundle, by its name.

    Args:
        chosen: names of models by command.
        options: of backends.
        time_limit: seconds after which nobody waits for an answer any more.

    Raises:
        UsageError: an option is of no backend whose models are served.
    """
    from seetell.tasks.backends import check_options, parse_reference

    backends = {name: reference[0] for name in chosen.values() if (reference := parse_reference(name)) is not None}
    known = {option.name for backend in backends.values() for option in backend.options}
    check_options(None, {name: value for name, value in options.items() if name not in known}, "every --model")
    if "timeout" in known:
        options["timeout"] = min(options["timeout"] or time_limit, time_limit)
    return {
        name: {option.name: options[option.name] for option in backend.options} for name, backend in backends.items()
    }


def _predictors(
    chosen: dict[str, str], threads: int | None, loading: dict[str, dict[str, Any]], *, videos: bool
) -> dict[str, Any]:
    """Load the model of each command.

    Args:
        chosen: names of models by command; ``none`` for no model. A command that is absent has its bundled model.
        threads: processor threads.
        loading: options of backends, by a model's name.
        videos: load those of commands for videos, too.

    Raises:
        UsageError: there is no such model, or it is for another task.
        BundleError: a model is damaged.
    """
    from seetell.tasks.loading import bundled_for, load_for
    from seetell.tasks.registry import tasks

    predictors = {}
    for task in tasks().values():
        name = chosen.get(task.command)
        if task.input == "none":
            continue
        if task.input == "video" and not videos:
            if name not in (None, "none"):
                raise UsageError(f"--model {task.command}={name}: commands for videos are served with --videos")
            continue
        if task.command and name != "none" and (name or bundled_for(task)):
            predictors[task.command] = load_for(task, name, threads=threads, **loading.get(name or "", {}))
    return predictors


def _photos(
    location: Path | None, model: str | None, threads: int | None, loading: dict[str, dict[str, Any]]
) -> IndexedPhotos | None:
    """Open an index.

    Args:
        location: its folder; ``None`` for no index.
        model: of the index; the bundled one when absent.
        threads: processor threads.
        loading: options of backends, by a model's name.

    Raises:
        UsageError: there is no such model, or it is for another task.
        PhotoIndexError: the index cannot be searched.
    """
    if location is None:
        return None
    if model == "none":
        raise UsageError(f"--index needs a model to search with; leave --model {SEARCH}=none out")
    from seetell.tasks.loading import load_for
    from seetell.tasks.registry import find_task
    from seetell.web.indexed_photos import IndexedPhotos

    embedder = load_for(find_task("retrieval"), model, threads=threads, **loading.get(model or "", {}))
    photos = IndexedPhotos(location, embedder)
    photos.check()
    return photos


def _styles(model: str | None, threads: int | None) -> StyleModel | None:
    """Load the model that draws styles.

    Args:
        model: its name or folder; ``none`` for none, and the bundled one, if it is there, when absent.
        threads: processor threads.

    Raises:
        UsageError: there is no such model, or it draws no styles.
        BundleError: it is damaged.
    """
    from seetell.explain.style_model import BUNDLED, load_style_model
    from seetell.runtime.bundle import bundled_models

    if model == "none" or (model is None and BUNDLED not in bundled_models()):
        return None
    return load_style_model(model or BUNDLED, threads=threads)


def _log() -> None:
    import logging
    import sys

    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("seetell.web").setLevel(logging.INFO)
