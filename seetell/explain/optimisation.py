"""Optimising a picture: the loop of all methods that make one."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

Progress = Callable[[int, int], None]
"""Called with the number of steps done and of all."""


def minimise(
    image: Tensor,
    loss: Callable[[Tensor], Tensor],
    *,
    steps: int,
    bounds: tuple[Tensor, Tensor],
    learning_rate: float = 0.05,
    lbfgs: bool = False,
    progress: Progress | None = None,
) -> Tensor:
    """Return an image of least loss, by Adam or by L-BFGS.

    Args:
        image: to begin with, ``(1, 3, H, W)``.
        loss: of an image.
        steps: evaluations of the loss, with L-BFGS about as many.
        bounds: least and greatest values, which broadcast with the image.
        learning_rate: of Adam.
        lbfgs: take L-BFGS (Liu & Nocedal 1989), as Gatys et al. do.
        progress: see :data:`Progress`.
    """
    image = image.detach().clone().requires_grad_()
    if lbfgs:
        optimiser: torch.optim.Optimizer = torch.optim.LBFGS(
            [image], max_iter=steps, max_eval=steps, history_size=10, line_search_fn="strong_wolfe"
        )
    else:
        optimiser = torch.optim.Adam([image], lr=learning_rate)
    done = 0

    def evaluate() -> Tensor:
        nonlocal done
        optimiser.zero_grad()
        value = loss(image)
        value.backward()  # type: ignore[no-untyped-call]
        done += 1
        if progress is not None:
            progress(min(done, steps), steps)
        return value

    for _ in range(1 if lbfgs else steps):
        optimiser.step(evaluate)  # type: ignore[arg-type]
        with torch.no_grad():
            image.copy_(torch.minimum(torch.maximum(image, bounds[0]), bounds[1]))
    return image.detach()
