"""What the exporter writes of a model of characters: one step, and the characters."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from seetell.export.declaration import Declaration, Examples, GraphSpec
from seetell.tasks.character_modelling.model import CharRnn
from seetell.training.trained import Trained

COMPARED = 8
"""Rows of random states that the graph is compared with torch on."""


class StepGraph(nn.Module):
    """``codes (N,)``, ``state (N, S)`` → ``logits (N, V)``, ``next_state (N, S)``."""

    def __init__(self, model: CharRnn) -> None:
        super().__init__()
        self.model = model

    def forward(self, codes: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """Read one character."""
        return self.model.step(codes, state)


def graphs(trained: Trained) -> Declaration:
    """Declare the bundle of a trained model of characters."""
    model, section = trained.model, trained.config.section
    random = torch.Generator().manual_seed(0)
    codes = torch.randint(len(section.characters), (COMPARED,), generator=random)
    state = torch.tanh(torch.randn(COMPARED, model.recurrent.state_size, generator=random))
    rows = torch.export.Dim("rows", min=1)
    step = GraphSpec(
        name="step",
        module=StepGraph(model).eval(),
        examples=(codes, state),
        inputs=("codes", "state"),
        outputs=("logits", "next_state"),
        dynamic_shapes=({0: rows}, {0: rows}),
        tolerance=1e-3,
    )
    return Declaration(
        architecture=f"char-{section.cell}",
        graphs=(step,),
        examples=Examples((), (), trained.encoder.preprocessing),
        models=(model,),
        settings={name: getattr(section, name) for name in ("cell", "hidden", "layers", "validation_share")},
        weights={"language_model": model.state_dict()},
        labels=list(section.characters),
    )
