from __future__ import annotations

import itertools
import math

import pytest
import torch

from seetell.errors import RecipeError
from seetell.language.vocabulary import END, START
from seetell.nn.backbones import Features
from seetell.tasks.captioning.models import IGNORE_INDEX
from seetell.tasks.captioning.models.show_attend_tell import (
    ShowAttendTell,
    ShowAttendTellConfig,
    coverage_penalty,
    sample_locations,
)

V, D = 6, 3
PLAIN = {"dropout": 0.0, "doubly_stochastic": 0.0}
DRAWING = {"attention": "hard", "soft_fraction": 0.0, "entropy": 0.0, "reinforce": 1.0, **PLAIN}


def captioner(**settings) -> ShowAttendTell:
    torch.manual_seed(0)
    sizes = {"embedding_size": 4, "hidden_size": 4, "annotation_size": 3, "attention_size": 3}
    made = ShowAttendTell(ShowAttendTellConfig(**sizes, **settings), feature_size=D, vocabulary_size=V).double()
    for layer in (made.annotation, made.attention.score, made.output):
        layer.weight.data.mul_(5)  # so that it matters where one looks
    return made


def features(photos: int = 1, locations: int = 2) -> Features:
    random = torch.Generator().manual_seed(1)
    grid = torch.randn(photos, locations, D, generator=random, dtype=torch.double)
    return Features(grid.mean(dim=1), grid)


def gradients(value: torch.Tensor, made: ShowAttendTell) -> list[torch.Tensor]:
    found = torch.autograd.grad(value, list(made.parameters()), allow_unused=True, retain_graph=True)
    return [torch.zeros_like(p) if g is None else g for p, g in zip(made.parameters(), found, strict=True)]


def test_gradients_of_a_soft_step():
    made = captioner().eval()
    memory, state = made.start(features(2))
    parts = tuple(part.detach().requires_grad_() for part in (*memory, *state))

    def step(*parts: torch.Tensor) -> tuple[torch.Tensor, ...]:
        said = made.step(torch.tensor([3, 4]), torch.tensor([1, 0]), parts[:2], parts[2:])
        return said.logprobs, *said.state, said.attention

    assert torch.autograd.gradcheck(step, parts)


def test_coverage_penalty_by_hand():
    """Two words over two locations look 1.5 and 0.5 times there: 0.25 + 0.25; one word and padding: 0 + 1."""
    weights = torch.tensor([[[0.75, 0.25], [0.75, 0.25]], [[1.0, 0.0], [0.0, 0.0]]])
    torch.testing.assert_close(coverage_penalty(weights), torch.tensor([0.5, 1.0]))


def test_the_penalty_is_a_sentence_s_and_padding_has_no_share():
    inputs = torch.tensor([[[START, 3, 4], [START, 5, END]]])
    targets = torch.tensor([[[3, 4, END], [5, END, IGNORE_INDEX]]])
    losses = [captioner(dropout=0.0, doubly_stochastic=weight) for weight in (0.0, 2.0)]
    without, with_penalty = (made.loss(features(), inputs, targets, label_smoothing=0.0) for made in losses)
    made = losses[0].eval()
    penalty = 0.0
    for caption in range(2):
        memory, state = made.start(features())
        seen = torch.zeros(2, dtype=torch.double)
        for word in inputs[0, caption][targets[0, caption] != IGNORE_INDEX]:
            _, state, attention = made.step(word[None], torch.tensor([0]), memory, state)
            seen += attention[0]
        penalty += (1 - seen).square().sum().item()
    assert (with_penalty - without).item() == pytest.approx(2 * penalty / 5)


def test_drawn_annotations_are_on_average_the_expected_one():
    annotations = torch.randn(4, D, generator=torch.Generator().manual_seed(2))
    log_weights = torch.log_softmax(torch.tensor([0.0, 1.0, -1.0, 0.5]), dim=0)
    torch.manual_seed(3)
    drawn = sample_locations(log_weights.expand(40_000, 4))
    assert ((drawn == 0) | (drawn == 1)).all()
    assert (drawn.sum(dim=1) == 1).all()
    torch.testing.assert_close((drawn @ annotations).mean(dim=0), log_weights.exp() @ annotations, atol=0.02, rtol=0)


def test_reinforce_is_the_gradient_of_the_expected_log_likelihood(monkeypatch):
    """Over all places that three words can look at: Σ_s p(s) · estimate(s) = ∇ Σ_s p(s) log p(y | s)."""
    made = captioner(**DRAWING)
    inputs, targets = torch.tensor([[[START, 3, 4]]]), torch.tensor([[[3, 4, END]]])
    expected, estimate = torch.zeros((), dtype=torch.double), [torch.zeros_like(p) for p in made.parameters()]
    total = 0.0
    for places in itertools.product(range(2), repeat=3):
        chosen = iter(torch.eye(2, dtype=torch.double)[[place]] for place in places)
        course = made._forward_sequence(features(), inputs, targets, lambda log_weights, chosen=chosen: next(chosen))
        logprob = course.log_weights[0].gather(1, torch.tensor(places)[:, None]).sum()
        likelihood = torch.log_softmax(course.logits, dim=1).gather(1, targets[0, 0][:, None]).sum()
        expected = expected + logprob.exp() * likelihood
        total += logprob.exp().item()

        drawn = iter(torch.tensor([[place]]) for place in places)
        monkeypatch.setattr(torch, "multinomial", lambda weights, count, drawn=drawn: next(drawn))
        made.baseline.fill_(-1.3)
        loss = made.loss(features(), inputs, targets, label_smoothing=0.0)
        assert loss.item() == pytest.approx(-likelihood.item() / 3), "the value is the surprise alone"
        for sum_, gradient in zip(estimate, gradients(-3 * loss, made), strict=True):
            sum_ += logprob.exp().detach() * gradient
    assert total == pytest.approx(1)
    exact = gradients(expected, made)
    assert min(gradient.abs().max() for gradient in exact) > 1e-4
    for ours, theirs in zip(estimate, exact, strict=True):
        torch.testing.assert_close(ours, theirs)


def test_hard_attention_that_draws_nothing_is_soft():
    inputs, targets = torch.tensor([[[START, 3, 4]]]), torch.tensor([[[3, 4, END]]])
    soft, hard = captioner(**PLAIN), captioner(**{**DRAWING, "soft_fraction": 1.0})
    losses = [made.loss(features(), inputs, targets, label_smoothing=0.1) for made in (soft, hard)]
    torch.testing.assert_close(*losses)
    for ours, theirs in zip(gradients(losses[0], soft), gradients(losses[1], hard), strict=True):
        torch.testing.assert_close(ours, theirs)


def test_entropy_alone_evens_attention_out():
    made = captioner(**{**DRAWING, "reinforce": 0.0, "soft_fraction": 1.0, "entropy": 100.0})
    inputs, targets = torch.tensor([[[START]]]), torch.tensor([[[3]]])

    def attention() -> torch.Tensor:
        return made.step(torch.tensor([START]), torch.tensor([0]), *made.start(features())).attention[0].detach()

    before = attention()
    optimiser = torch.optim.SGD(made.attention.parameters(), 0.01)
    for _ in range(20):
        optimiser.zero_grad()
        made.loss(features(), inputs, targets, label_smoothing=0.0).backward()
        optimiser.step()
    assert (attention() - 0.5).abs().max() < 0.5 * (before - 0.5).abs().max()


def test_the_baseline_is_a_moving_average_of_a_word_s_log_probability():
    made = captioner(**{**DRAWING, "soft_fraction": 1.0})
    assert made.baseline.item() == pytest.approx(-math.log(V)), "as one knows who has learnt nothing"
    inputs, targets = torch.tensor([[[START, 3]]]), torch.tensor([[[3, END]]])
    surprise = made.loss(features(), inputs, targets, label_smoothing=0.0).item()
    assert made.baseline.item() == pytest.approx(-0.9 * math.log(V) - 0.1 * surprise)
    made.eval()
    before = made.baseline.item()
    made(features(), inputs, targets)
    assert made.baseline.item() == before


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"attention": "herd"}, "Did you mean 'hard'"),
        ({"soft_fraction": 1.5}, "soft_fraction: expected a number from 0 to 1, got 1.5"),
        ({"doubly_stochastic": -1.0}, "doubly_stochastic: expected 0 or more, got -1.0"),
        ({"annotation_size": 0}, "annotation_size: expected at least 1, got 0"),
        ({"input_dropout": 1.0}, "input_dropout: expected a probability below 1, got 1.0"),
    ],
)
def test_bad_settings(settings, message):
    with pytest.raises(RecipeError, match=message):
        ShowAttendTellConfig(**settings)
