"""How many processor cores this process may really use."""

from __future__ import annotations

import os
from pathlib import Path

from seetell.runtime.option_checks import check_count


def resolve_num_threads(threads: int | None) -> int:
    """Return the number of threads a model computes with: ``threads``, or the physical cores where it is ``None``.

    Raises:
        UsageError: ``threads`` is below 1.
    """
    if threads is not None:
        check_count("threads", threads)
    return threads or physical_cores()


def physical_cores(root: Path = Path("/")) -> int:
    """Count physical cores within the process's affinity and its container's share, at least 1.

    Two hardware threads of one core count once: matrix products gain nothing from the second. On systems other
    than Linux, where neither is known, all logical processors count.

    Args:
        root: where ``proc`` and ``sys`` are mounted.
    """
    affinity = getattr(os, "sched_getaffinity", None)
    if affinity is None:
        return os.cpu_count() or 1
    cores = {_core(root, processor) for processor in affinity(0)}
    share = _container_share(root)
    return max(1, len(cores) if share is None else min(len(cores), int(share + 0.5)))


def _core(root: Path, processor: int) -> tuple[str, str]:
    topology = root / f"sys/devices/system/cpu/cpu{processor}/topology"
    try:
        return (topology / "physical_package_id").read_text().strip(), (topology / "core_id").read_text().strip()
    except OSError:
        return "processor", str(processor)


def _container_share(root: Path) -> float | None:
    """Return the processors that the control group grants, ``None`` without a limit."""
    shares = []
    limits: tuple[str, ...]
    for line in _lines(root / "proc/self/cgroup"):
        hierarchy, _, group = line.partition(":")
        controllers, _, group = group.partition(":")
        if hierarchy == "0":  # version 2: the tightest limit on the way up counts
            top, limits = root / "sys/fs/cgroup", ("cpu.max",)
        elif "cpu" in controllers.split(","):
            top, limits = root / "sys/fs/cgroup/cpu", ("cpu.cfs_quota_us", "cpu.cfs_period_us")
        else:
            continue
        place = Path(group.lstrip("/"))
        for folder in (top / place, *(top / parent for parent in place.parents)):
            words = " ".join(text for name in limits for text in _lines(folder / name)).split()
            if len(words) == 2 and words[0].isdigit() and words[1].isdigit() and int(words[1]):
                shares.append(int(words[0]) / int(words[1]))
    return min(shares, default=None)


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text().splitlines()
    except OSError:
        return []
