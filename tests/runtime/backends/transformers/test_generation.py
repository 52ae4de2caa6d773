from __future__ import annotations

import numpy as np
import pytest

pytestmark = pytest.mark.slow
torch = pytest.importorskip("torch")

from runtime.tiny_hub import byte_tokenizer  # noqa: E402

from seetell.runtime.backends.transformers.generation import Sampling, Search, pieces, write  # noqa: E402
from seetell.runtime.backends.transformers.model import load_model  # noqa: E402
from seetell.runtime.backends.transformers.source import find_source  # noqa: E402


@pytest.fixture(scope="module")
def model(tiny_hub):
    """BLIP, whose network takes pixels and tokens apart."""
    source = find_source(str(tiny_hub("blip")))
    loaded = load_model(source, ["AutoModelForImageTextToText"], device="cpu", dtype=None, texts=True)
    with torch.no_grad():
        loaded.network.text_decoder.cls.predictions.bias.normal_(generator=torch.Generator().manual_seed(1))
    return loaded


@pytest.fixture(scope="module")
def images() -> dict:
    return {"pixel_values": torch.randn(3, 3, 32, 32, generator=torch.Generator().manual_seed(0))}


def rescored(model, images: dict, row: int, tokens: list[int]) -> list[float]:
    """Log-probabilities of tokens by one pass over all of them."""
    with torch.no_grad():
        logits = model.network(
            pixel_values=images["pixel_values"][row, None], input_ids=torch.tensor([[2, *tokens]])
        ).logits
    logprobs = logits[0].log_softmax(-1)
    return [float(logprobs[place, token]) for place, token in enumerate(tokens)]


@pytest.mark.parametrize(
    "search",
    [
        Search(8, beam_size=1),
        Search(8, beam_size=3, length_penalty=0.5),
        Search(8, no_repeat_ngram_size=1),
        Search(8, sampling=Sampling(temperature=1.7, top_k=20, top_p=0.9, seed=4)),
    ],
)
def test_log_probabilities_are_the_models_own(model, images: dict, search: Search):
    with torch.no_grad():
        texts = write(model, images, search, range(3))
    for row, text in enumerate(texts):
        end = [] if text.end_logprob is None else [3]
        logprobs = [*text.logprobs, *([] if text.end_logprob is None else [text.end_logprob])]
        assert 0 < len(logprobs) <= 8
        assert 3 not in text.tokens
        np.testing.assert_allclose(logprobs, rescored(model, images, row, [*text.tokens, *end]), atol=1e-4)
        if search.no_repeat_ngram_size:
            assert len(set(text.tokens)) == len(text.tokens)


def test_an_images_draw_depends_on_the_seed_and_its_number_only(model, images: dict):
    with torch.no_grad():
        three = write(model, images, Search(8, sampling=Sampling(seed=5)), [7, 8, 9])
        alone = write(model, {"pixel_values": images["pixel_values"][1:2]}, Search(8, sampling=Sampling(seed=5)), [8])
        other = write(model, images, Search(8, sampling=Sampling(seed=6)), [7, 8, 9])
    assert alone[0].tokens == three[1].tokens
    assert [text.tokens for text in other] != [text.tokens for text in three]
    assert len({text.tokens for text in three}) == 3


def test_a_draw_among_one_is_the_most_probable(model, images: dict):
    with torch.no_grad():
        greedy = write(model, images, Search(8, beam_size=1), range(3))
        drawn = write(model, images, Search(8, sampling=Sampling(top_k=1)), range(3))
    assert [text.tokens for text in greedy] == [text.tokens for text in drawn]


def test_the_parts_of_tokens_join_to_the_text():
    tokenizer = byte_tokenizer()
    tokens = [0, *tokenizer.encode(" a dog é 狗.", add_special_tokens=False)]
    parts = pieces(tokenizer, tokens)
    assert "".join(parts) == " a dog é 狗."
    assert parts[:4] == ["", " ", "a", " "]
    assert [part for part in parts if part.strip() and not part.isascii()] == ["é", "狗"]  # the last of their tokens
    assert pieces(tokenizer, []) == []
