"""Several processes that train together, as ``torchrun`` starts them, forked from a server that has loaded torch."""

from __future__ import annotations

import functools
import multiprocessing
import os
import socket
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

from seetell.training import processes
from seetell.training.processes import joined_processes


def run_together(count: int, work: Callable[..., Any], *arguments: Any) -> list[Any]:
    """Run a function in processes that have joined.

    Args:
        count: of the processes.
        work: a function of a module, called with a :class:`~seetell.training.processes.Processes` and the arguments.
        arguments: what pickles.

    Returns:
        What each returned, or the error that ended it; ``None`` for one that was killed.
    """
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    serving = _server()
    started = []
    for rank in range(count):
        receiving, sending = serving.Pipe(duplex=False)
        environment = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": count, "MASTER_PORT": port}
        process = serving.Process(target=_join, args=(environment, work, arguments, sending), daemon=True)
        process.start()
        sending.close()
        started.append((process, receiving))
    outcomes = []
    for process, receiving in started:
        try:
            outcomes.append(receiving.recv())
        except EOFError:
            outcomes.append(None)
        process.join()
    return outcomes


@functools.cache
def _server() -> Any:
    """Return what starts processes: forks of this one might inherit autograd's threads, which do not survive that."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["seetell.training.loop", "torch._dynamo"])  # which optimisers load
    return context


def _join(
    environment: dict[str, int], work: Callable[..., Any], arguments: tuple[Any, ...], answer: Connection
) -> None:
    os.environ |= {"MASTER_ADDR": "127.0.0.1", **{name: str(value) for name, value in environment.items()}}
    processes.REPORT_DELAY = 0.0
    try:
        with joined_processes() as joined:
            answer.send(work(joined, *arguments))
    except Exception as error:
        answer.send(error)
