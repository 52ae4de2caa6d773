from __future__ import annotations

import os
from pathlib import Path

import pytest

from seetell.runtime.threads import physical_cores


def machine(root: Path, threads_of_cores: list[list[int]], **files: str) -> Path:
    """A made-up /sys and /proc: which processors are threads of which core, and other files by path."""
    for core, threads in enumerate(threads_of_cores):
        for thread in threads:
            topology = root / f"sys/devices/system/cpu/cpu{thread}/topology"
            topology.mkdir(parents=True)
            (topology / "physical_package_id").write_text("0\n")
            (topology / "core_id").write_text(f"{core}\n")
    for path, content in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(content)
    return root


@pytest.fixture
def affinity(monkeypatch: pytest.MonkeyPatch):
    def restrict(processors: set[int]) -> None:
        monkeypatch.setattr(os, "sched_getaffinity", lambda _: processors, raising=False)

    return restrict


def test_two_threads_of_a_core_count_once(tmp_path: Path, affinity):
    affinity({0, 1, 2, 3})
    assert physical_cores(machine(tmp_path, [[0, 2], [1, 3]])) == 2


def test_affinity_limits(tmp_path: Path, affinity):
    affinity({0, 2})
    assert physical_cores(machine(tmp_path, [[0, 2], [1, 3]])) == 1


def test_without_topology_every_processor_counts(tmp_path: Path, affinity):
    affinity({0, 1, 2})
    assert physical_cores(tmp_path) == 3


@pytest.mark.parametrize(("limit", "expected"), [("150000 100000", 2), ("20000 100000", 1), ("max 100000", 4)])
def test_the_containers_share_limits(limit: str, expected: int, tmp_path: Path, affinity):
    affinity({0, 1, 2, 3})
    files = {"proc/self/cgroup": "0::/box/inner\n", "sys/fs/cgroup/box/cpu.max": limit}
    assert physical_cores(machine(tmp_path, [[0], [1], [2], [3]], **files)) == expected


def test_version_one_control_groups_limit_too(tmp_path: Path, affinity):
    affinity({0, 1, 2, 3})
    files = {
        "proc/self/cgroup": "5:memory:/box\n4:cpu,cpuacct:/box\n",
        "sys/fs/cgroup/cpu/box/cpu.cfs_quota_us": "200000\n",
        "sys/fs/cgroup/cpu/box/cpu.cfs_period_us": "100000\n",
    }
    assert physical_cores(machine(tmp_path, [[0], [1], [2], [3]], **files)) == 2


def test_where_affinity_is_unknown_all_processors_count(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 6)
    assert physical_cores() == 6


def test_this_machine_has_a_core():
    assert physical_cores() >= 1
