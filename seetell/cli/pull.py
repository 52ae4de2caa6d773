"""``seetell models pull`` and ``seetell models remove``."""

from __future__ import annotations

from pathlib import Path

import click

from seetell.cli.command import MODEL, argument, command
from seetell.cli.progress import Progress


class Counter:
    """The bytes that have arrived, shown with their rate and the time left.

    Args:
        progress: where.
        name: of the model.
    """

    def __init__(self, progress: Progress, name: str) -> None:
        self._progress, self._name = progress, name
        self._total = self._done = 0

    def begin(self, total: int) -> None:
        """Take the number of bytes to come."""
        self._total = total

    def arrived(self, count: int) -> None:
        """Count further bytes."""
        self._done += count
        self._progress(self._name, self._done, self._total)


@command("pull")
@argument(
    "name",
    metavar="NAME",
    help="OWNER/NAME of the Hugging Face Hub, with or without hf:, or the address of a bundle's folder.",
)
@click.option("--revision", help="Branch, tag or commit of a model of the Hub; its main branch if absent.")
@click.option("--trust-remote-code", is_flag=True, help="Download Python code that comes with the model; none is run.")
def pull(name: str, revision: str | None, trust_remote_code: bool) -> None:
    """Download a model, or what is missing of it.

    Of a model of the Hub: weights as safetensors, tokenizer, processor and configuration, into the Hub's cache. Every
    file is compared with its hash; after an interruption, the same command goes on where it was.

    Example: seetell models pull hf:Salesforce/blip-image-captioning-large
    """
    from seetell.errors import UsageError
    from seetell.tasks.backends import BACKENDS, hub_name, parse_reference
    from seetell.tasks.loading import is_bundled

    if is_bundled(name):
        raise UsageError(f"{name}: came with seetell; there is nothing to download")
    if name.startswith(("https://", "http://")):
        if revision is not None or trust_remote_code:
            raise UsageError(f"{name}: --revision and --trust-remote-code are for models of {BACKENDS['hf'].form}")
        from seetell.runtime.bundle_pull import pull_bundle

        with Progress(lines=True, rates=True, sizes=True) as progress:
            counter = Counter(progress, name)
            folder = pull_bundle(name, begin=counter.begin, arrived=counter.arrived, taken=is_bundled)
        click.echo(f"{folder}: is there. Its name is {folder.name}: seetell models {folder.name}")
        return
    if not name.strip():
        raise UsageError(f"expected {BACKENDS['hf'].form}, or the address of a bundle, got no name")
    if Path(name).exists():
        raise UsageError(f"{name}: is on this disk; there is nothing to download")
    hub = hub_name(name) or name
    reference = parse_reference(name)
    if reference is not None and reference[0].scheme != "hf":
        raise UsageError(f"{name}: its server has the model; expected OWNER/NAME of the Hub, or a bundle's address")
    from seetell.runtime.backends import hub_pull

    with Progress(lines=True, rates=True, sizes=True) as progress:
        counter = Counter(progress, f"hf:{hub}")
        pulled = hub_pull.pull(
            hub,
            revision=revision,
            trust_remote_code=trust_remote_code,
            begin=counter.begin,
            arrived=counter.arrived,
        )
    if pulled.left_out:
        click.echo(
            f"hf:{hub}: {', '.join(pulled.left_out)} was not downloaded; a model that needs its own code needs "
            "--trust-remote-code",
            err=True,
        )
    click.echo(f"hf:{hub}: {pulled.size / 1e6:,.1f} MB at commit {pulled.commit[:12]} in {pulled.folder}")


@command("remove")
@argument("name", metavar="NAME", type=MODEL, help="A downloaded bundle, or hf:OWNER/NAME.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def remove(name: str, yes: bool) -> None:
    """Remove a downloaded model from this disk.

    Example: seetell models remove hf:Salesforce/blip-image-captioning-large
    """
    from seetell.errors import UsageError
    from seetell.tasks.backends import hub_name
    from seetell.tasks.loading import is_bundled

    hub = hub_name(name)
    if hub is not None:
        from seetell.runtime.backends.hub_cache import find_cached

        model = find_cached(hub)
        if not yes:
            click.confirm(f"Remove {model.megabytes:,.1f} MB in {model.folder}?", abort=True)
        from seetell.runtime.backends.hub_pull import remove_cached

        remove_cached(model)
        return
    if is_bundled(name):
        raise UsageError(f"{name}: came with seetell and goes with it")
    import shutil

    from seetell.runtime.user_models import find_user_model

    folder = find_user_model(name)
    if not yes:
        click.confirm(f"Remove {folder}?", abort=True)
    shutil.rmtree(folder)
