from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tasks.dense_captioning.test_predict import boxes

import seetell
from seetell.errors import NotPredictedError, UsageError
from seetell.tasks.dense_captioning.predict import DenseCaptioner
from seetell.tasks.explanation import explain

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def captioner(dense_bundle: Path) -> DenseCaptioner:
    return seetell.load(dense_bundle, threads=1)


def test_a_phrase_is_explained_where_its_region_is(captioner: DenseCaptioner):
    photo = boxes(64, 64)
    found = captioner.predict(photo, top=100)
    (part, *_) = explain(captioner, photo, names=[found[0].text], cells=4).parts
    assert (part.text, part.box) == (found[0].text, found[0].box)
    assert part.score < 0
    word = found[0].text.split()[-1]
    assert {part.text for part in explain(captioner, photo, names=[word], cells=2).parts} == {
        region.text for region in found if word in region.text.split()
    }
    assert len(explain(captioner, photo, cells=2).parts) == min(6, len(found))
    with pytest.raises(NotPredictedError, match="the image: unknown phrase 'zebra'"):
        explain(captioner, photo, names=["zebra"])
    with pytest.raises(UsageError, match="regions are described without a text"):
        explain(captioner, photo, text="a red box")


def test_phrases_are_scored_at_their_places_whatever_stands_beside(captioner: DenseCaptioner):
    turned = [boxes(64, 64).rotate(90 * number) for number in range(DenseCaptioner.batch_size + 1)]
    batch = [captioner.prepare(photo) for photo in turned]
    places = np.array([[0.06, 0.06, 0.44, 0.44], [0.56, 0.56, 0.94, 0.94], [0.0, 0.0, 1.0, 1.0]])
    phrases = [region.tokens for region in hypotheses(captioner, batch)[:3]]
    together = captioner.phrase_logprobs(batch, places, phrases)
    assert together.shape == (len(batch), 3)
    assert np.allclose(captioner.phrase_logprobs(batch, places[::-1], phrases[::-1]), together[:, ::-1], atol=1e-4)
    for row, (one, place, phrase) in enumerate(zip(batch, places, phrases, strict=False)):
        alone = captioner.phrase_logprobs([one], place[None], [phrase])
        assert alone[0, 0] == pytest.approx(together[row, row], abs=1e-4)


def hypotheses(captioner: DenseCaptioner, batch):
    return [candidate.hypothesis for candidates, _ in captioner.candidates(batch) for candidate in candidates]
