from __future__ import annotations

import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from seetell.errors import UsageError
from seetell.tasks import registry
from seetell.tasks.registry import Task, find_task, register, tasks

PLUGIN = """
from seetell.tasks.registry import Task

TASK = Task("counting", "count", "Count things.", "labels", "seetell count photo.jpg", predict="predict:Counter")
TAKEN = Task("describing", "caption", "Describe.", "text", "")
"""


@pytest.fixture(autouse=True)
def only_the_packages_own(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("importlib.metadata.entry_points", lambda group: [])
    monkeypatch.setattr(registry, "_registered", {})
    registry._plugged_in.cache_clear()
    yield
    registry._plugged_in.cache_clear()


@pytest.fixture
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    package = tmp_path / "counting_plugin"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "task.py").write_text(PLUGIN)
    (package / "predict.py").write_text("class Counter: ...\n")
    monkeypatch.syspath_prepend(tmp_path)

    def install(*attributes: str) -> None:
        installed = tmp_path / "counting-1.0.dist-info"
        installed.mkdir()
        (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: counting\nVersion: 1.0\n")
        points = "".join(f"{name} = counting_plugin.task:{name}\n" for name in attributes)
        (installed / "entry_points.txt").write_text(f"[{registry.ENTRY_POINTS}]\n{points}")
        monkeypatch.setattr("importlib.metadata.entry_points", entry_points)
        registry._plugged_in.cache_clear()

    return install


def test_every_folder_is_a_task_with_a_predictor():
    assert {"captioning", "dense_captioning", "grounding", "retrieval"} <= tasks().keys()
    for name, task in tasks().items():
        assert (task.name, task.package) == (name, f"seetell.tasks.{name}")
        assert task.summary.endswith(".")
        assert task.load("predict").task == name
        assert {entry.partition(":")[0] for entry in task.reads} <= tasks().keys()


def test_a_task_may_take_bundles_of_others_with_a_certain_graph():
    task = Task("a", "", "A.", "", "", reads=("b", "c:masks"))
    assert [task.takes(name, ["x"]) for name in "abcd"] == [True, True, False, False]
    assert task.takes("c", ["x", "masks"])


def test_a_task_is_found_by_name_and_by_command():
    assert find_task("captioning") is find_task("caption")
    assert find_task("regions").name == "dense_captioning"
    assert find_task("retrieval").command == ""


@pytest.mark.parametrize(("name", "hint"), [("captoin", "Did you mean 'caption'"), ("", "Known: ")])
def test_an_unknown_task_is_named_with_the_nearest(name: str, hint: str):
    with pytest.raises(UsageError, match=f"unknown task '{name}'.*{hint}"):
        find_task(name)


def test_a_part_that_a_task_lacks():
    with pytest.raises(UsageError, match=r"captioning: unknown part 'name'.*Known: .*predict"):
        find_task("caption").load("name")


def test_a_plug_in_adds_a_task(plugin):
    plugin("TASK")
    assert list(tasks())[-1] == "counting"
    assert find_task("count").load("predict").__name__ == "Counter"


def test_a_plug_in_that_fails_does_not_affect_the_others(plugin):
    plugin("TAKEN", "absent", "TASK")
    with pytest.warns(UserWarning, match="was skipped") as warned:
        assert list(tasks())[-1] == "counting"
    assert ["already a task 'captioning'" in str(warning.message) for warning in warned] == [True, False]
    assert "no attribute 'absent'" in str(warned[1].message)


def test_tasks_can_be_registered(plugin):
    task = Task(
        "counting", "count", "Count things.", "labels", "", predict="predict:Counter", package="counting_plugin"
    )
    register(task)
    assert find_task("count") is task
    with pytest.raises(UsageError, match="already a task 'counting'"):
        register(task)
    with pytest.raises(UsageError, match="expected the package"):
        register(Task("other", "", "", "", ""))


def test_the_declarations_import_nothing_heavy():
    code = (
        "import sys; from seetell.tasks.registry import tasks; tasks(); "
        "print([n for n in ('numpy', 'PIL', 'onnxruntime', 'torch', 'click') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
