from __future__ import annotations

import pytest
import torch

from seetell.tasks.character_modelling.model import INITIAL, CharRnn


@pytest.mark.parametrize(
    ("sizes", "parameters"),
    [
        # as the program char-rnn printed them: its issues 15 and 215
        ({"characters": 27, "hidden": 100, "layers": 2}, 135_127),
        ({"characters": 78, "hidden": 512, "layers": 3}, 5_454_926),
    ],
)
def test_published_numbers_of_parameters(sizes: dict[str, int], parameters: int):
    assert sum(parameter.numel() for parameter in CharRnn(**sizes).parameters()) == parameters


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
@pytest.mark.parametrize("embedding", [0, 3])
def test_a_text_in_parts_and_step_by_step_is_the_text_at_once(cell: str, embedding: int):
    torch.manual_seed(0)
    model = CharRnn(5, cell=cell, hidden=4, layers=2, embedding=embedding).double()
    if embedding == 0:
        model._vectors = lambda codes: torch.nn.functional.one_hot(codes, 5).double()
    codes = torch.randint(5, (2, 7))
    expected, _ = model(codes)
    first, state = model(codes[:, :3])
    second, state = model(codes[:, 3:], state)
    torch.testing.assert_close(torch.cat([first, second], dim=1), expected)
    stepped = torch.zeros(2, model.recurrent.state_size, dtype=torch.double)
    for place in range(7):
        logits, stepped = model.step(codes[:, place], stepped)
        torch.testing.assert_close(logits, expected[:, place])
    torch.testing.assert_close(stepped, state)


def test_a_step_by_hand():
    """A vanilla RNN of one unit on two characters: h' = tanh(W x + u h), logits = v h'."""
    model = CharRnn(2, cell="rnn", hidden=1, layers=1)
    weights = {"weight_ih_l0": [[0.5, -1.0]], "weight_hh_l0": [[2.0]], "bias_ih_l0": [0.0], "bias_hh_l0": [0.25]}
    for name, value in weights.items():
        getattr(model.recurrent.fused, name).data = torch.tensor(value)
    model.output.weight.data, model.output.bias.data = torch.tensor([[1.0], [-3.0]]), torch.tensor([0.0, 0.5])
    logits, state = model.step(torch.tensor([1]), torch.tensor([[0.1]]))
    h = torch.tanh(torch.tensor(-1.0 + 2.0 * 0.1 + 0.25))
    torch.testing.assert_close(state, h.reshape(1, 1))
    torch.testing.assert_close(logits, torch.stack([h, -3 * h + 0.5])[None])


def test_initial_weights_are_those_of_char_rnn():
    torch.manual_seed(0)
    model = CharRnn(9, hidden=16, layers=2, forget_bias=1.0)
    for layer in range(2):
        forget = getattr(model.recurrent.fused, f"bias_ih_l{layer}")[16:32]
        assert torch.equal(forget, torch.ones(16))
    largest = max(float(value.abs().max()) for name, value in model.state_dict().items() if "bias_ih" not in name)
    assert 0.9 * INITIAL < largest <= INITIAL
