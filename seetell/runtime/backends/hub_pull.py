"""Download models of the Hugging Face Hub into its cache, where transformers finds them.

The Hub's own library lists the files, knows the user's token and lays out the cache. The files themselves are
downloaded by :mod:`seetell.runtime.download`: the library begins anew after it was killed, and compares no hashes.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from seetell.errors import SeetellError, UsageError
from seetell.extras import require
from seetell.runtime.backends.hub_cache import PARTIAL_SUFFIX, WEIGHTS, CachedModel, hub_cache
from seetell.runtime.download import ANSWER_TIMEOUT, DownloadError, RemoteFile, check_space, download_all

if TYPE_CHECKING:
    from huggingface_hub.hf_api import ModelInfo, RepoSibling

NAME = re.compile(r"([\w.-]+/)?[\w.-]+")
"""Of a model of the Hub; a few old ones have no owner."""

_TEXTS = (".json", ".txt", ".model", ".jinja", ".tiktoken", ".spm", ".vocab", ".bpe")
"""Ends of the names of configurations, vocabularies and templates."""

_INDEX = "model.safetensors.index.json"
_PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".h5", ".msgpack")
_CONVERTER = "SFconvertbot"
"""The Hub's own account, which offers weights as safetensors where a model has none."""


@dataclass(frozen=True)
class Pulled:
    """A model that was downloaded.

    Attributes:
        folder: the snapshot, with its files under their own names.
        commit: which one of the model.
        size: of its files in bytes.
        left_out: names of its Python files that were not downloaded.
    """

    folder: Path
    commit: str
    size: int
    left_out: tuple[str, ...]


def endpoint() -> str:
    """Return the address of the Hub: ``$HF_ENDPOINT``, or the public one."""
    return (os.environ.get("HF_ENDPOINT") or "https://huggingface.co").rstrip("/")


def chosen(names: Iterable[str], *, trust_remote_code: bool = False) -> list[str]:
    """Return the files of a model that are needed to run it: weights once, as safetensors, and what is text.

    Args:
        names: of all its files, ``/`` between folders.
        trust_remote_code: whether its Python files are wanted, too.
    """
    names = sorted(names)
    weights = [name for name in names if WEIGHTS.fullmatch(name)]
    if "model.safetensors" in weights:
        weights = ["model.safetensors"]
    texts = [name for name in names if _is_text(PurePosixPath(name), sharded=len(weights) > 1)]
    return [*texts, *(name for name in names if trust_remote_code and name.endswith(".py")), *weights]


def pull(
    name: str,
    *,
    revision: str | None = None,
    trust_remote_code: bool = False,
    begin: Callable[[int], None],
    arrived: Callable[[int], None],
) -> Pulled:
    """Download a model, or what is missing of it.

    Args:
        name: ``OWNER/NAME``.
        revision: a branch, tag or commit; the main branch when absent.
        trust_remote_code: whether to download the Python files that come with it. None is run.
        begin: is told the size of all files in bytes before the first is downloaded.
        arrived: see :func:`~seetell.runtime.download.download_all`.

    Raises:
        UsageError: there is no such model, or its library is not installed.
        SeetellError: the Hub cannot be reached or refuses, the model has no safetensors, or the disk is too small.
    """
    require("hf", f"seetell models pull {name}")
    if not NAME.fullmatch(name):
        raise UsageError(f"{name}: is no name of a model of the Hub; expected OWNER/NAME")
    from huggingface_hub import snapshot_download
    from huggingface_hub.utils import disable_progress_bars

    disable_progress_bars()
    info = model_info(name, revision)
    commit, name = str(info.sha), info.id
    siblings = {file.rfilename: file for file in info.siblings or ()}
    wanted = chosen(siblings, trust_remote_code=trust_remote_code)
    _check_files(name, revision, siblings, wanted)
    folder = hub_cache() / f"models--{name.replace('/', '--')}"
    files = [_remote(name, commit, siblings[file], folder / "blobs") for file in wanted]
    check_space(files, folder)
    begin(sum(file.size for file in files))
    try:
        download_all(files, arrived=arrived)
    except DownloadError as error:
        raise (_refused(name, 403) if error.status in (401, 403) else None) or error from error
    snapshot = _call(
        name,
        revision,
        lambda: snapshot_download(
            name, revision=revision, cache_dir=hub_cache(), endpoint=endpoint(), allow_patterns=wanted
        ),
    )
    if Path(snapshot).name != commit:
        raise SeetellError(f"hf:{name}: was changed on the Hub meanwhile; run the command again")
    left_out = [file for file in siblings if file.endswith(".py") and file not in wanted]
    return Pulled(Path(snapshot), commit, sum(file.size for file in files), tuple(left_out))


def model_info(name: str, revision: str | None) -> ModelInfo:
    """Return what the Hub knows of a model, which is asked once.

    Args:
        name: ``OWNER/NAME``.
        revision: a branch, tag or commit; the main branch when absent.

    Raises:
        UsageError: there is no such model.
        SeetellError: the Hub cannot be reached, refuses, or does not answer within
            :data:`~seetell.runtime.download.ANSWER_TIMEOUT`.
    """
    from huggingface_hub import HfApi

    info: ModelInfo = _call(
        name,
        revision,
        lambda: HfApi(endpoint=endpoint()).model_info(
            name, revision=revision, files_metadata=True, timeout=ANSWER_TIMEOUT
        ),
    )
    return info


def remove_cached(model: CachedModel) -> None:
    """Remove a model from the cache, all its snapshots and what has arrived of it, as the Hub's library does.

    Raises:
        UsageError: that library is not installed.
    """
    require("hf", f"seetell models remove hf:{model.name}")
    from huggingface_hub import scan_cache_dir

    cache = scan_cache_dir(hub_cache())
    for repository in cache.repos:
        if repository.repo_path == model.folder.resolve():
            cache.delete_revisions(*(revision.commit_hash for revision in repository.revisions)).execute()
    shutil.rmtree(model.folder, ignore_errors=True)


def _is_text(path: PurePosixPath, *, sharded: bool) -> bool:
    if len(path.parts) > 1:
        return path.parts[0] == "additional_chat_templates" and path.suffix == ".jinja"
    if path.name.endswith(".index.json"):
        return sharded and path.name == _INDEX
    return path.suffix in _TEXTS or path.name.startswith(("README", "LICENSE", "LICENCE", "NOTICE"))


def _check_files(name: str, revision: str | None, siblings: Mapping[str, Any], wanted: Iterable[str]) -> None:
    """Check that a model is one that can be run without a pickle."""
    if "config.json" not in wanted:
        raise SeetellError(f"hf:{name}: is no model of transformers, it has no config.json")
    if any(map(WEIGHTS.fullmatch, wanted)):
        return
    other = sorted(file for file in siblings if file.endswith(_PICKLES))
    offer = "" if revision else _converted(name)
    raise SeetellError(
        f"hf:{name}: has its weights as {', '.join(other[:3]) or 'nothing that is known'}, not as safetensors; files "
        f"that may run code when they are opened are not downloaded{offer}"
    )


def _converted(name: str) -> str:
    """Return how to get a model's weights as safetensors from a pull request of the Hub's converter, if it has one."""
    from huggingface_hub import HfApi

    requests = _call(
        name,
        None,
        lambda: list(
            HfApi(endpoint=endpoint()).get_repo_discussions(name, author=_CONVERTER, discussion_type="pull_request")
        ),
    )
    for request in requests:
        if request.status in ("open", "merged") and "safetensors" in request.title:
            return (
                f"; the Hub's converter offers them: seetell models pull hf:{name} --revision refs/pr/{request.num}, "
                "and the same --revision to use it"
            )
    return ""


def _remote(name: str, commit: str, file: RepoSibling, blobs: Path) -> RemoteFile:
    from huggingface_hub import hf_hub_url
    from huggingface_hub.utils import build_hf_headers

    digest = file.lfs.sha256 if file.lfs else file.blob_id
    size = file.lfs.size if file.lfs else file.size
    if not isinstance(size, int) or not re.fullmatch(r"[0-9a-f]{40}|[0-9a-f]{64}", str(digest)):
        raise SeetellError(f"hf:{name}: the Hub tells no size and no hash of {file.rfilename}; nothing was downloaded")
    token = {key: value for key, value in build_hf_headers().items() if key.lower() == "authorization"}
    return RemoteFile(
        name=f"hf:{name}/{file.rfilename}",
        url=hf_hub_url(name, file.rfilename, revision=commit, endpoint=endpoint()),
        size=size,
        digest=str(digest),
        target=blobs / str(digest),
        partial=blobs / f"{digest}{PARTIAL_SUFFIX}",
        headers=token,
    )


def _call(name: str, revision: str | None, ask: Callable[[], Any]) -> Any:
    """Ask the Hub's library something, and say in one line what it complains of."""
    from huggingface_hub.errors import (
        GatedRepoError,
        HfHubHTTPError,
        HFValidationError,
        HTTPError,
        OfflineModeIsEnabled,
        RevisionNotFoundError,
    )

    try:
        return ask()
    except HFValidationError as error:
        raise UsageError(f"hf:{name}: is no name of a model of the Hub; expected OWNER/NAME") from error
    except RevisionNotFoundError as error:
        raise UsageError(f"hf:{name}: has no branch, tag or commit {revision!r}") from error
    except GatedRepoError as error:
        raise _refused(name, 403) or error from error
    except HfHubHTTPError as error:
        status = error.response.status_code
        reason = f"{endpoint()} answers {status}; try again later"
        raise _refused(name, status) or SeetellError(f"hf:{name}: {reason}") from error
    except OfflineModeIsEnabled as error:
        raise SeetellError(f"hf:{name}: HF_HUB_OFFLINE forbids the network; unset it to download") from error
    except (HTTPError, OSError) as error:
        raise SeetellError(
            f"hf:{name}: {endpoint()} cannot be reached ({' '.join(str(error).split()) or type(error).__name__}); "
            "connect to the network and run it again; models that are here need none"
        ) from error


def _refused(name: str, status: int | None) -> SeetellError | None:
    """Return the error that a status of the Hub stands for."""
    if status in (401, 404):  # the Hub answers 401 where there is no such model, for strangers
        return UsageError(
            f"hf:{name}: there is no such model on {endpoint()}, or it is private: check the name, or sign in with a "
            "token of the Hub (hf auth login, or $HF_TOKEN)"
        )
    if status == 403:
        return SeetellError(
            f"hf:{name}: its owner asks for consent to terms: accept them on {endpoint()}/{name}, and sign in with a "
            "token of the Hub (hf auth login, or $HF_TOKEN)"
        )
    return None
