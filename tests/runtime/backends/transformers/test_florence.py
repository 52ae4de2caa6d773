from __future__ import annotations

import math

import pytest

pytestmark = pytest.mark.slow
pytest.importorskip("torch")

from seetell.runtime.backends.transformers.generation import Written  # noqa: E402
from seetell.runtime.backends.transformers.source import find_source  # noqa: E402
from seetell.tasks.detection.hub import FlorenceDetector  # noqa: E402


@pytest.fixture(scope="module")
def florence(tiny_hub):
    return FlorenceDetector(find_source(str(tiny_hub("florence"))), threads=1)


def written(florence, text: str, logprob: float = -0.5) -> Written:
    tokens = tuple(florence.model.tokenizer.encode(text, add_special_tokens=False))
    return Written(tokens, (logprob,) * len(tokens), -0.1)


def test_boxes_follow_the_text_that_they_belong_to(florence):
    answer = written(
        florence,
        "<s>a dog<loc_0><loc_500><loc_999><loc_999><loc_10><loc_20><loc_30><loc_40>"
        "red ball<loc_1><loc_2><loc_3><loc_4>",
    )
    regions = florence._regions(answer, (200, 100))
    assert [region.text for region in regions] == ["a dog", "a dog", "red ball"]
    assert regions[0].box == pytest.approx((0.1, 50.05, 199.9, 99.95))
    assert regions[2].box == pytest.approx((0.3, 0.25, 0.7, 0.45))
    assert [region.score for region in regions] == pytest.approx([math.exp(-0.5)] * 3)


def test_what_is_no_box_is_left_out(florence):
    twice = "dog<loc_1><loc_2><loc_30><loc_40>" * 2
    answer = written(florence, f"{twice}cat<loc_9><loc_9><loc_1><loc_1>man<loc_1><loc_2><loc_3>cut")
    assert [region.text for region in florence._regions(answer, (100, 100))] == ["dog"]
    assert florence._regions(Written((), (), None), (100, 100)) == []
