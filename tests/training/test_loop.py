from __future__ import annotations

import dataclasses
import math

import pytest
import torch
from several_processes import run_together
from torch import nn
from training_runs import NO_CURVES, StoppedError, assert_same_run, logged, stop_at

from seetell.errors import CheckpointError, RecipeError
from seetell.training import task
from seetell.training.batches import WHOLE
from seetell.training.checkpoint import read_checkpoint
from seetell.training.config import RunConfig, Section, ValidationConfig
from seetell.training.loop import TrainingDivergedError, TrainingLoop
from seetell.training.loss_terms import Term
from seetell.training.optimisers import OptimiserConfig, ScheduleConfig
from seetell.training.processes import Processes
from seetell.training.run_folder import RunFolder
from seetell.training.task import Optimised, Phase, Validation, seeded


@dataclasses.dataclass(frozen=True)
class Toy(Section):
    switch: int = -1
    kept: bool = True
    factor: float = 1.0


class Training(task.Training):
    """A line through the origin, fitted to another; the losses of the second phase are multiplied by a factor."""

    part = "line"
    curves = ("error",)
    vocabulary = None
    failures: dict = {}  # noqa: RUF012

    def __init__(self, config, dataset, *, on_encoding=None) -> None:
        super().__init__(config, dataset)
        self.model = self.encoder = seeded(config, lambda config: nn.Linear(3, 1, bias=False))
        self.hashes = {"encoder_hash": "e", "data_hash": str(dataset)}
        self.begun: list[int] = []
        self.modes: list[bool] = []

    @classmethod
    def read(cls, config):
        return 1.0

    def phases(self) -> list[Phase]:
        section, adam = self.config.section, self.config.optimiser
        first = Optimised(adam, list(self.model.parameters()))
        phases = [Phase(0, {"line": first}, schedule_steps=self.config.steps)]
        if section.switch >= 0:
            second = first if section.kept else Optimised(adam, list(self.model.parameters()))
            phases.append(Phase(section.switch, {"line": second}, schedule_start=section.switch, comparable=False))
        return phases

    def begin(self, phase: Phase) -> None:
        self.begun.append(phase.start)
        self.factor = self.config.section.factor if phase.start else 1.0

    def batch(self, step, part=WHOLE):
        return torch.randn(8, 3, generator=torch.Generator().manual_seed(step))[part.of(8)], self.factor

    def loss(self, step, batch):
        self.modes.append(self.model.training)
        inputs, factor = batch
        noise = 1e-3 * torch.randn(len(inputs))
        loss = factor * (self.model(inputs)[:, 0] - inputs.sum(dim=1) + noise).square().mean()
        return [Term(loss, len(inputs)), Term(factor, len(inputs), weight=0, name="factor")]

    def validate(self) -> Validation:
        assert not self.model.training
        error = (self.model.weight - 1).square().sum().item()
        return Validation(-error, {"error": error}, [{"error": error}])


def config(section: Toy | None = None, **changes) -> RunConfig:
    values = {
        "optimiser": OptimiserConfig(learning_rate=0.1),
        "validation": ValidationConfig(every=3),
        "steps": 9,
        "checkpoint_every": 2,
        "log_every": 1,
        "divergence_factor": 5.0,
    }
    return RunConfig("toy", section or Toy(), **{**values, **changes})


def loop(folder, chosen: RunConfig, data: float = 1.0, **callbacks) -> TrainingLoop:
    return TrainingLoop(Training, chosen, data, folder, **callbacks)


@pytest.mark.slow
@pytest.mark.parametrize("kept", [True, False])
@pytest.mark.parametrize("stop", [3, 4, 5, 7])
def test_a_run_stopped_around_a_phase_resumes_exactly(tmp_path, kept, stop):
    chosen = config(Toy(switch=4, kept=kept), ema_decay=0.9)
    loop(tmp_path / "whole", chosen).run()
    with pytest.raises(StoppedError):
        loop(tmp_path / "stopped", chosen, on_step=stop_at(stop)).run()
    resumed = loop(tmp_path / "stopped", chosen)
    resumed.run()
    assert resumed.training.begun == ([0, 4] if stop <= 5 else [4])
    assert_same_run(tmp_path / "stopped", tmp_path / "whole")


@pytest.mark.slow
def test_an_optimiser_keeps_its_state_where_both_phases_name_the_same(tmp_path):
    for name, section in {"one": Toy(), "kept": Toy(switch=4), "new": Toy(switch=4, kept=False)}.items():
        loop(tmp_path / name, config(section)).run()
    one, kept, new = (logged(tmp_path / name, "loss") for name in ("one", "kept", "new"))
    assert one == kept
    assert one[:5] == new[:5]
    assert one[5:] != new[5:]


def test_each_phase_has_a_schedule_of_its_own(tmp_path):
    loop(tmp_path, config(Toy(switch=4), schedule=ScheduleConfig(warmup=3))).run()
    rates = [rate for _, rate in logged(tmp_path, "learning_rate")]
    assert rates[:6] == pytest.approx([0.025, 0.05, 0.075, 0.1, 0.025, 0.05])


def test_the_best_weights_and_their_predictions_are_kept(tmp_path):
    seen = []
    running = loop(tmp_path, config(), on_validation=seen.append)
    running.run()
    assert [values["step"] for values in seen] == [3, 6, 9]
    best = min(values["error"] for values in seen)
    parts, metadata = read_checkpoint(tmp_path / "best.safetensors")
    assert metadata["scores"] == {"error": best}
    assert metadata["part"] == "line"
    assert (parts["line"]["weight"] - 1).square().sum().item() == pytest.approx(best)
    assert (tmp_path / "validation.json").read_text() == f'[\n{{\n"error": {best}\n}}\n]'
    assert all(running.training.modes)


@pytest.mark.parametrize(
    ("section", "stops"),
    [
        (Toy(switch=4, factor=1e6), False),  # losses of the second phase are not comparable
        (Toy(switch=4, factor=math.nan), True),
        (Toy(switch=4, factor=math.inf), True),
    ],
)
def test_divergence(tmp_path, section, stops):
    running = loop(tmp_path, config(section))
    if not stops:
        return running.run()
    with pytest.raises(TrainingDivergedError, match=r"step 4: .*lower optimiser\.learning_rate"):
        running.run()
    return None


def test_other_data_and_other_configurations_are_refused(tmp_path):
    loop(tmp_path, config(steps=2)).run()
    with pytest.raises(CheckpointError, match="the data changed since this run began"):
        loop(tmp_path, config(steps=2), data=2.0)
    with pytest.raises(CheckpointError, match=r"toy\.factor \(1\.0 there, 2\.0 here\)"):
        loop(tmp_path, config(Toy(factor=2.0), steps=2))
    assert loop(tmp_path, config(steps=3, name="other", log_every=7)).step == 2


def test_of_two_trainings_in_a_folder_the_second_is_refused(tmp_path):
    first = loop(tmp_path, config(steps=4))
    before = (tmp_path / "recipe.yaml").read_bytes()
    with pytest.raises(CheckpointError, match="another training is writing this run"):
        loop(tmp_path, config(steps=5))
    with pytest.raises(CheckpointError, match="another training"):
        RunFolder(tmp_path).clear()
    assert (tmp_path / "recipe.yaml").read_bytes() == before
    first.run()
    loop(tmp_path, config(steps=5)).run()
    assert not (tmp_path / "lock").exists()


def test_a_file_is_no_place_for_a_run(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(CheckpointError, match=r"file: cannot write the run there \(File exists\)$"):
        loop(tmp_path / "file", config(steps=2))


def test_a_run_that_cannot_begin_is_not_locked(tmp_path):
    loop(tmp_path, config(steps=2)).run()
    with pytest.raises(CheckpointError, match="data changed") as refused:
        loop(tmp_path, config(steps=2), data=2.0)
    RunFolder(tmp_path).clear()
    assert refused.value is not None
    assert not [*tmp_path.iterdir()]


def test_a_recipe_is_written_whole(tmp_path, monkeypatch):
    loop(tmp_path, config(steps=2)).run()
    before = (tmp_path / "recipe.yaml").read_bytes()
    monkeypatch.setattr("yaml.safe_dump", lambda *_, **__: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        loop(tmp_path, config(steps=3))
    assert (tmp_path / "recipe.yaml").read_bytes() == before


def train(processes: Processes, folder, chosen: RunConfig, stop: int) -> None:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(*NO_CURVES)
        with processes.first_then_others():
            running = loop(folder, chosen, processes=processes, on_step=stop_at(stop))
        running.run()


@pytest.mark.slow
@pytest.mark.parametrize("counts", [(1, 2), (3, 1)])
def test_a_run_resumes_with_another_number_of_processes(tmp_path, counts):
    chosen = config(Toy(switch=4), batch_parts=4, ema_decay=0.9)
    loop(tmp_path / "whole", chosen).run()
    stopped = run_together(counts[0], train, tmp_path / "run", chosen, 5)
    assert [type(outcome) for outcome in stopped] == [StoppedError] * counts[0]
    assert run_together(counts[1], train, tmp_path / "run", chosen, -1) == [None] * counts[1]
    for key in ("loss", "factor", "error"):
        for one, other in zip(logged(tmp_path / "run", key), logged(tmp_path / "whole", key), strict=True):
            assert one == (other[0], pytest.approx(other[1], rel=1e-4))


@pytest.mark.slow
def test_parts_of_a_batch_draw_other_numbers(tmp_path):
    for parts in (1, 2, 4):
        loop(tmp_path / str(parts), config(batch_parts=parts)).run()
    one, two, four = (logged(tmp_path / str(parts), "loss") for parts in (1, 2, 4))
    assert one[0] != two[0] != four[0]
    assert [loss for _, loss in four] == pytest.approx([loss for _, loss in one], rel=0.05)


def test_a_batch_that_is_too_small_for_the_processes_is_refused(tmp_path):
    with pytest.raises(RecipeError, match="at least 2 photos for each of 3 parts, got 5"):
        loop(tmp_path, config(batch_size=5), processes=Processes(0, 3))
    assert not list(tmp_path.iterdir())


class Normalised(Training):
    """A line whose inputs are normalised by the statistics of the batch."""

    def __init__(self, *given, **options) -> None:
        super().__init__(*given, **options)
        self.model.norm = nn.BatchNorm1d(3)

    def loss(self, step, batch):
        inputs, factor = batch
        return super().loss(step, (self.model.norm(inputs), factor))


def train_normalised(processes: Processes, folder, chosen: RunConfig) -> dict[str, list[float]]:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(*NO_CURVES)
        running = TrainingLoop(Normalised, chosen, 1.0, folder, processes=processes)
        running.run()
    return {name: value.flatten().tolist() for name, value in running.training.model.state_dict().items()}


@pytest.mark.slow  # the layers are in test_batch_norms.py
def test_batch_normalisation_takes_the_statistics_of_all_processes(tmp_path):
    chosen = config(batch_size=8, optimiser=OptimiserConfig(learning_rate=1e-2))
    one = train_normalised(Processes(), tmp_path / "one", chosen)
    for two in run_together(2, train_normalised, tmp_path / "two", chosen):
        assert two.keys() == one.keys()
        for name, value in one.items():
            assert two[name] == pytest.approx(value, rel=2e-2, abs=2e-3), name


def test_batch_normalisation_is_not_computed_in_parts_one_after_the_other(tmp_path):
    with pytest.raises(RecipeError, match=r"batch_parts: batch normalisation of the line .* leave it at 1, got 2"):
        TrainingLoop(Normalised, config(batch_parts=2), 1.0, tmp_path)


def test_a_run_in_fp16_resumes_exactly_with_the_scale_of_its_loss(tmp_path):
    chosen = config(precision="fp16")
    loop(tmp_path / "whole", chosen).run()
    with pytest.raises(StoppedError):
        loop(tmp_path / "stopped", chosen, on_step=stop_at(5)).run()
    loop(tmp_path / "stopped", chosen).run()
    assert_same_run(tmp_path / "stopped", tmp_path / "whole")
    assert read_checkpoint(tmp_path / "whole" / "checkpoint.safetensors")[1]["scaler"]["scale"] > 1


def test_what_cannot_be_compiled_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(Training, "compiled", ())
    with pytest.raises(RecipeError, match="compile: no part of a model for toy gains from it"):
        loop(tmp_path, config(compile=True))


def test_a_failure_of_the_compiler_is_one_line(tmp_path, monkeypatch):
    from torch._dynamo.exc import TorchDynamoException

    def fails(self, step, batch):
        raise TorchDynamoException("no working C++ compiler\nand a long story")

    monkeypatch.setattr(Training, "loss", fails)
    with pytest.raises(RecipeError, match=r"compile: .*\(no working C\+\+ compiler\); install a C\+\+ compiler"):
        loop(tmp_path, config()).run()


@pytest.mark.nightly
def test_a_compiled_model_learns_the_same(tmp_path):
    for name, compiled in {"plain": False, "compiled": True}.items():
        loop(tmp_path / name, config(compile=compiled)).run()
    plain, translated = (logged(tmp_path / name, "loss") for name in ("plain", "compiled"))
    assert [loss for _, loss in translated] == pytest.approx([loss for _, loss in plain], rel=1e-4)
    parts, _ = read_checkpoint(tmp_path / "compiled" / "best.safetensors")
    assert parts["line"].keys() == {"weight"}
