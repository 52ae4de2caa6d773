"""Stacked recurrent layers: fast over whole sequences when training, one step at a time when decoding.

Training runs torch's fused kernels over the sequence; a step is written out from the same weights, so that it exports
to any runtime as plain matrix products. A test checks that the two are equal.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, get_args

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from seetell.errors import RecipeError, unknown

Cell = Literal["lstm", "gru", "rnn"]


def lstm(gates: Tensor, c: Tensor | None) -> tuple[Tensor, Tensor]:
    """Run an LSTM one step: c' = σ(f) c + σ(i) tanh(g); h' = σ(o) tanh(c').

    Args:
        gates: i, f, g, o side by side, ``(N, 4·hidden)``: the products of input and hidden vector plus the biases.
        c: cell vectors ``(N, hidden)``; ``None`` for zeros.

    Returns:
        The next hidden and cell vectors.
    """
    i, f, g, o = gates.chunk(4, dim=1)
    gated = torch.sigmoid(i) * torch.tanh(g)
    c = gated if c is None else torch.sigmoid(f) * c + gated
    return torch.sigmoid(o) * torch.tanh(c), c


def init_forget_bias(bias: Tensor, value: float) -> None:
    """Initialise the bias of an LSTM's forget gates, second of its four gates, in place.

    A value above 0 lets it remember before it has learnt to (Jozefowicz, Zaremba & Sutskever, "An Empirical Exploration
    of Recurrent Network Architectures", 2015).

    Args:
        bias: of the four gates, ``(4·hidden,)``.
        value: what the forget gates' biases are set to.
    """
    hidden = len(bias) // 4
    nn.init.constant_(bias[hidden : 2 * hidden], value)


class RecurrentStack(nn.Module):
    """Layers of recurrent cells with dropout between them.

    Args:
        cell: ``lstm`` (Hochreiter & Schmidhuber 1997, with forget gate), ``gru`` (Cho et al. 2014, in the form whose
            reset gate follows the recurrent product) or ``rnn`` (Elman, tanh).
        inputs: length of an input vector.
        hidden: length of a hidden vector.
        layers: number of stacked layers.
        dropout: probability of zeroing an element between layers while training.
        forget_bias: initial bias of an LSTM's forget gates; see :func:`init_forget_bias`.
    """

    def __init__(
        self, cell: Cell, *, inputs: int, hidden: int, layers: int = 1, dropout: float = 0.0, forget_bias: float = 0.0
    ) -> None:
        super().__init__()
        kinds: dict[str, Callable[..., nn.RNNBase]] = {"lstm": nn.LSTM, "gru": nn.GRU, "rnn": nn.RNN}
        if cell not in kinds:
            raise RecipeError(f"cell: {unknown('cell', cell, get_args(Cell))}")
        self.cell, self.hidden, self.layers = cell, hidden, layers
        between = dropout if layers > 1 else 0.0
        self.fused = kinds[cell](inputs, hidden, num_layers=layers, dropout=between, batch_first=True)
        if cell == "lstm":
            for layer in range(layers):
                init_forget_bias(getattr(self.fused, f"bias_ih_l{layer}"), forget_bias)

    @property
    def state_size(self) -> int:
        """Length of one row's state: hidden vectors of all layers, then an LSTM's cell vectors."""
        return self.layers * self.hidden * (2 if self.cell == "lstm" else 1)

    def forward(self, sequence: Tensor) -> Tensor:
        """Run whole sequences from the zero state.

        Args:
            sequence: ``(N, T, inputs)``.

        Returns:
            The last layer's hidden vectors, ``(N, T, hidden)``.
        """
        return self.run(sequence, None)[0]

    def run(self, sequence: Tensor, state: Tensor | None) -> tuple[Tensor, Tensor]:
        """Run whole sequences from a state, such as the one that an earlier part of them ended in.

        Args:
            sequence: ``(N, T, inputs)``.
            state: ``(N, state_size)``; ``None`` for the zero state.

        Returns:
            The last layer's hidden vectors, ``(N, T, hidden)``, and the state behind them.
        """
        given: Tensor | tuple[Tensor, ...] | None = None
        if state is not None:
            vectors = torch.stack(
                torch.split(state, self.hidden, dim=1)
            )  # (layers, N, hidden), twice as many of an LSTM
            given = tuple(vectors.chunk(2)) if self.cell == "lstm" else vectors
        outputs, after = self.fused(sequence, given)
        vectors = torch.cat(after) if self.cell == "lstm" else after
        return outputs, torch.cat(vectors.unbind(), dim=1)

    def step(self, x: Tensor, state: Tensor | None) -> tuple[Tensor, Tensor]:
        """Run one step, without dropout.

        Args:
            x: ``(N, inputs)``.
            state: ``(N, state_size)``; ``None`` before the first step: the zero state, without its products.

        Returns:
            The last layer's hidden vector ``(N, hidden)`` and the next state.
        """
        parts: Sequence[Tensor | None] = [None] * (2 * self.layers)
        if state is not None:
            parts = torch.split(state, self.hidden, dim=1)
        hiddens, cells = parts[: self.layers], parts[self.layers :]
        next_hiddens, next_cells = [], []
        for layer in range(self.layers):
            if self.cell == "lstm":
                x, c = lstm(self._input(layer, x) + self._recurrent(layer, hiddens[layer]), cells[layer])
                next_cells.append(c)
            elif self.cell == "gru":
                x = self._gru(layer, x, hiddens[layer])
            else:
                x = torch.tanh(self._input(layer, x) + self._recurrent(layer, hiddens[layer]))
            next_hiddens.append(x)
        return x, torch.cat(next_hiddens + next_cells, dim=1)

    def _input(self, layer: int, x: Tensor) -> Tensor:
        weight, bias = getattr(self.fused, f"weight_ih_l{layer}"), getattr(self.fused, f"bias_ih_l{layer}")
        return F.linear(x, weight, bias)

    def _recurrent(self, layer: int, h: Tensor | None) -> Tensor:
        weight: Tensor = getattr(self.fused, f"weight_hh_l{layer}")
        bias: Tensor = getattr(self.fused, f"bias_hh_l{layer}")
        return bias[None] if h is None else F.linear(h, weight, bias)

    def _gru(self, layer: int, x: Tensor, h: Tensor | None) -> Tensor:
        """r, z = σ; n = tanh(W x + r · U h); h' = (1 − z) n + z h."""
        x_r, x_z, x_n = self._input(layer, x).chunk(3, dim=1)
        h_r, h_z, h_n = self._recurrent(layer, h).chunk(3, dim=1)
        z = torch.sigmoid(x_z + h_z)
        n = torch.tanh(x_n + torch.sigmoid(x_r + h_r) * h_n)
        return (1 - z) * n if h is None else (1 - z) * n + z * h
