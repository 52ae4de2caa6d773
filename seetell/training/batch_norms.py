"""Batch normalisation by the statistics of a whole batch, whose parts several processes compute.

Ioffe & Szegedy, "Batch Normalization", ICML 2015, algorithm 1, with the sums over the mini-batch taken over all
processes, forwards and backwards. PyTorch's ``SyncBatchNorm`` is for GPUs alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from seetell.errors import RecipeError
from seetell.training.processes import Processes


class SharedBatchNorm(_BatchNorm):
    """Takes the place of a layer, whose parameters and buffers it has.

    Args:
        layer: of any number of dimensions.
        processes: each of which has some of the batch, and calls all layers in the same order.
    """

    def __init__(self, layer: _BatchNorm, processes: Processes) -> None:
        super().__init__(layer.num_features, eps=layer.eps, momentum=layer.momentum)
        self.training = layer.training
        self._parameters, self._buffers, self._processes = layer._parameters, layer._buffers, processes

    def forward(self, inputs: Tensor) -> Tensor:
        """Normalise ``(B, C, …)``; outside training by the stored statistics."""
        if not self.training:
            return super().forward(inputs)
        x = inputs.float()
        axes = [axis for axis in range(x.dim()) if axis != 1]
        count = self._processes.sum([x.numel() / x.shape[1]])[0]
        mean = self._processes.sum_through(x.sum(dim=axes)) / count
        centred = x - _per_channel(mean, x)
        variance = self._processes.sum_through(centred.square().sum(dim=axes)) / count
        self._remember(mean.detach(), variance.detach() * count / max(count - 1, 1))
        normalised = centred * _per_channel(torch.rsqrt(variance + self.eps), x)
        if self.affine:
            normalised = normalised * _per_channel(self.weight, x) + _per_channel(self.bias, x)
        return normalised.to(inputs.dtype)

    @torch.no_grad()
    def _remember(self, mean: Tensor, variance: Tensor) -> None:
        """Update the statistics for prediction."""
        if self.running_mean is None or self.running_var is None or self.num_batches_tracked is None:
            return
        self.num_batches_tracked += 1
        share = 1 / self.num_batches_tracked.item() if self.momentum is None else self.momentum
        self.running_mean.lerp_(mean, share)
        self.running_var.lerp_(variance, share)

    def _check_input_dim(self, input: Tensor) -> None:
        """Accept any number of dimensions."""


def _per_channel(values: Tensor, like: Tensor) -> Tensor:
    return values.view(1, -1, *[1] * (like.dim() - 2))


def share_batch_norms(modules: Mapping[str, nn.Module], parts: int, processes: Processes) -> None:
    """Let layers that would normalise by the statistics of one process's part take those of all processes.

    Args:
        modules: that are trained, by name; put in training mode.
        parts: of a batch.
        processes: that compute them.

    Raises:
        RecipeError: a process computes several parts, one after the other.
    """
    for name, module in modules.items():
        module.train()
        layers = [(path, layer) for path, layer in module.named_modules() if isinstance(layer, _BatchNorm)]
        for path, layer in layers:
            if not layer.training:  # as encoders keep theirs
                continue
            if parts > processes.count:
                raise RecipeError(
                    f"batch_parts: batch normalisation of the {name} depends on the whole batch; leave it at 1, "
                    f"got {parts}"
                )
            parent, _, own = path.rpartition(".")
            setattr(module.get_submodule(parent), own, SharedBatchNorm(layer, processes))


@torch.no_grad()
def estimate_batch_norms(model: nn.Module, batches: Iterable[Tensor]) -> None:
    """Take the statistics for prediction from a few batches, instead of those that training left.

    Networks that leave paths out while training have other activations when all paths are there.

    Args:
        model: in evaluation mode; calls each of its layers once.
        batches: its inputs.
    """
    found: dict[_BatchNorm, list[Tensor]] = {layer: [] for layer in model.modules() if isinstance(layer, _BatchNorm)}

    def take(layer: _BatchNorm, inputs: tuple[Tensor, ...]) -> None:
        values = inputs[0].float()
        variance, mean = torch.var_mean(values, dim=[axis for axis in range(values.dim()) if axis != 1])
        found[layer].append(torch.stack([mean, variance]))
        _set_statistics(layer, found[layer][-1])

    hooks = [layer.register_forward_pre_hook(take) for layer in found]
    try:
        for batch in batches:
            model(batch)
    finally:
        for hook in hooks:
            hook.remove()
    for layer, statistics in found.items():
        _set_statistics(layer, torch.stack(statistics).mean(dim=0))


def _set_statistics(layer: _BatchNorm, statistics: Tensor) -> None:
    """Set mean and variance, ``(2, C)``."""
    assert layer.running_mean is not None
    assert layer.running_var is not None
    layer.running_mean.copy_(statistics[0])
    layer.running_var.copy_(statistics[1])
