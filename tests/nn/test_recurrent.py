from __future__ import annotations

import pytest
import torch

from seetell.errors import RecipeError
from seetell.nn.recurrent import RecurrentStack


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
@pytest.mark.parametrize("layers", [1, 3])
def test_steps_equal_the_fused_sequence(cell, layers):
    torch.manual_seed(0)
    stack = RecurrentStack(cell, inputs=5, hidden=7, layers=layers).double()
    sequence = torch.randn(4, 6, 5, dtype=torch.double)
    expected = stack(sequence)
    state = None
    for time in range(sequence.shape[1]):
        hidden, state = stack.step(sequence[:, time], state)
        torch.testing.assert_close(hidden, expected[:, time])
    assert state.shape == (4, stack.state_size)


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
def test_no_state_is_the_zero_state(cell):
    torch.manual_seed(0)
    stack = RecurrentStack(cell, inputs=3, hidden=4, layers=2)
    x = torch.randn(2, 3)
    for ours, zero in zip(stack.step(x, None), stack.step(x, torch.zeros(2, stack.state_size)), strict=True):
        torch.testing.assert_close(ours, zero)


def test_lstm_by_hand():
    """One unit, all weights 1, no bias: with h = c = 0 and x = 1 every gate is σ(1) and the candidate tanh(1)."""
    stack = RecurrentStack("lstm", inputs=1, hidden=1)
    for name, value in stack.named_parameters():
        torch.nn.init.constant_(value, 0.0 if "bias" in name else 1.0)
    hidden, state = stack.step(torch.ones(1, 1), None)
    gate = torch.sigmoid(torch.tensor(1.0))
    cell = gate * torch.tanh(torch.tensor(1.0))
    torch.testing.assert_close(state, torch.stack([gate * torch.tanh(cell), cell])[None])
    torch.testing.assert_close(hidden, (gate * torch.tanh(cell)).reshape(1, 1))


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
def test_gradients_of_a_step(cell):
    torch.manual_seed(0)
    stack = RecurrentStack(cell, inputs=2, hidden=3).double()
    x = torch.randn(2, 2, dtype=torch.double, requires_grad=True)
    state = torch.randn(2, stack.state_size, dtype=torch.double, requires_grad=True)
    assert torch.autograd.gradcheck(stack.step, (x, state))


def test_dropout_acts_between_layers_only_while_training():
    torch.manual_seed(0)
    stack = RecurrentStack("lstm", inputs=4, hidden=8, layers=2, dropout=0.5)
    sequence = torch.randn(2, 5, 4)
    assert not torch.equal(stack(sequence), stack(sequence))
    stack.eval()
    assert torch.equal(stack(sequence), stack(sequence))


def test_unknown_cell_suggests():
    with pytest.raises(RecipeError, match="Did you mean 'lstm'"):
        RecurrentStack("lstn", inputs=1, hidden=1)


def test_forget_gates_of_every_layer_start_with_their_bias():
    stack = RecurrentStack("lstm", inputs=3, hidden=4, layers=2, forget_bias=1.5)
    for layer in range(2):
        bias = getattr(stack.fused, f"bias_ih_l{layer}")
        assert (bias[4:8] == 1.5).all()
        assert (bias[:4] != 1.5).all()
        assert (bias[8:] != 1.5).all()


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
def test_parts_of_a_sequence_go_on_from_the_state_before(cell):
    torch.manual_seed(0)
    stack = RecurrentStack(cell, inputs=3, hidden=4, layers=2).double()
    sequence = torch.randn(2, 6, 3, dtype=torch.double)
    first, state = stack.run(sequence[:, :2], None)
    second, _ = stack.run(sequence[:, 2:], state)
    torch.testing.assert_close(torch.cat([first, second], dim=1), stack(sequence))
    torch.testing.assert_close(state, stack.step(sequence[:, 1], stack.step(sequence[:, 0], None)[1])[1])
