"""Download bundles from web servers into the folder of the user's models."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote, urlsplit

from seetell.atomic_write import atomic_file
from seetell.errors import BundleError, UsageError
from seetell.runtime.bundle import MAX_CARD, Bundle, bundle_file, read_description
from seetell.runtime.download import DownloadError, RemoteFile, ask, check_space, download_all
from seetell.runtime.user_models import user_models, user_models_folder

MAX_DESCRIPTION = 2**24
"""Bytes of a ``model.json`` that are downloaded."""


def pull_bundle(
    url: str, *, begin: Callable[[int], None], arrived: Callable[[int], None], taken: Callable[[str], bool]
) -> Path:
    """Download the folder of a bundle from a web server, or what is missing of it.

    ``model.json`` is read first; the other files must have the hashes that it lists.

    Args:
        url: of the folder, by ``https``, or ``http`` on this machine. Its last part is the bundle's name here.
        begin: is told the size of all files in bytes before the first is downloaded.
        arrived: see :func:`~seetell.runtime.download.download_all`.
        taken: whether a name stands for a model that came with the package.

    Returns:
        The bundle's folder.

    Raises:
        UsageError: the address is none, or the name is taken.
        DownloadError: the server cannot be reached or refuses, or a file has another hash.
        BundleError: the files make no bundle.
    """
    url, name = _checked(url, taken)
    folder = user_models_folder()
    target, partial = folder / name, folder / f".{name}.partial"
    content = _read(f"{url}/model.json", MAX_DESCRIPTION)
    partial.mkdir(parents=True, exist_ok=True)
    with atomic_file(partial / "model.json") as file:
        file.write(content)
    try:
        listed = dict(read_description(partial)["files"])
    except (KeyError, TypeError, ValueError) as error:
        raise BundleError(f"{url}/model.json: lists no files; expected the folder of a bundle") from error
    files = [_remote(url, file, digest, partial) for file, digest in listed.items()]
    check_space(files, folder)
    begin(sum(file.size for file in files))
    download_all(files, arrived=arrived)
    if "README.md" not in listed:  # the card, whose scores change with every measurement
        with atomic_file(partial / "README.md") as file:
            file.write(_read(f"{url}/README.md", MAX_CARD))
    bundle = Bundle.load(partial)
    bundle.verify()
    partial.rename(target)
    return target


def _checked(url: str, taken: Callable[[str], bool]) -> tuple[str, str]:
    """Return an address without a slash at its end, and the bundle's name."""
    url = url.removesuffix("model.json").rstrip("/")
    try:
        parts = urlsplit(url)
    except ValueError as error:  # such as [ without ]
        raise UsageError(f"{url}: is no address ({error})") from error
    name = unquote(parts.path.rpartition("/")[2])
    local = parts.hostname in ("localhost", "127.0.0.1", "::1")
    if not (parts.scheme == "https" or (parts.scheme == "http" and local)) or parts.query or parts.fragment:
        raise UsageError(f"{url}: expected the address of a bundle's folder, such as https://example.org/my-captioner")
    try:
        plain = not bundle_file(Path(), name).name.startswith(".")
    except BundleError:
        plain = False
    if not plain:
        raise UsageError(f"{url}: its last part is to be the name of the bundle")
    if taken(name):
        raise UsageError(f"{url}: {name} is the name of a model that came with seetell")
    if name in user_models():
        raise UsageError(f"{url}: {name} is there already; to download it again: seetell models remove {name}")
    return url, name


def _remote(url: str, name: str, digest: object, folder: Path) -> RemoteFile:
    path = bundle_file(folder, name)
    if not isinstance(digest, str) or len(digest) != 64:
        raise BundleError(f"{url}/model.json: lists no SHA-256 of {name}")
    length = ask(
        f"{url}/{name}",
        name=f"{url}/{name}",
        method="HEAD",
        read=lambda answer: answer.headers.get("Content-Length", ""),
    )
    if not length.isdecimal():
        raise DownloadError(f"{url}/{name}: its server does not tell its size")
    return RemoteFile(
        f"{url}/{name}", f"{url}/{name}", int(length), digest, path, path.with_name(f".{name}.incomplete")
    )


def _read(url: str, most: int) -> bytes:
    """Return a small file of a server."""
    content = ask(url, name=url, read=lambda answer: answer.read(most + 1))
    if len(content) > most:
        raise DownloadError(f"{url}: has more than {most:,} bytes")
    return content
