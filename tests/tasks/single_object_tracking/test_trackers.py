"""Every tracker that needs no training follows an object of a film that was made up."""

from __future__ import annotations

import numpy as np
import pytest

from seetell.errors import UsageError
from seetell.geometry.boxes import iou
from seetell.tasks.single_object_tracking.filters.asrcf import Admm, Asrcf
from seetell.tasks.single_object_tracking.filters.kcf import Kcf
from seetell.tasks.single_object_tracking.filters.mosse import Mosse
from seetell.tasks.single_object_tracking.filters.scale_filter import ScaleFilter
from seetell.tasks.single_object_tracking.tracker import follow

TRACKERS = {
    "mosse": Mosse,
    "kcf": Kcf,
    "dcf": lambda **given: Kcf(kernel="linear", **given),
    "asrcf": Asrcf,
    "asrcf, pooled": lambda **given: Asrcf(admm=Admm(pool=2), **given),
}


@pytest.mark.parametrize("name", TRACKERS)
def test_it_follows(name: str, film):
    located = list(follow(TRACKERS[name](), film.frames, film.box))
    overlaps = iou(np.array([each.box for each in located]), film.boxes)
    assert overlaps.min() > 0.75
    assert all(0 <= each.score <= 1 for each in located)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["kcf", "asrcf"])
def test_it_grows_with_the_object(name: str, growing_film):
    tracker = TRACKERS[name](scales=ScaleFilter())
    *_, last = follow(tracker, growing_film.frames, growing_film.box)
    assert iou(np.array(last.box), growing_film.boxes[-1]) > 0.75


def test_an_object_at_the_edge_is_followed_out_of_the_frame(film):
    frames = [np.roll(film.frames[0], -4 * number, axis=1) for number in range(10)]
    located = list(follow(Kcf(), frames, film.box))
    assert located[5].box[0] == pytest.approx(film.box[0] - 20, abs=2)
    assert all(np.isfinite(each.box).all() for each in located)


@pytest.mark.parametrize("box", [(10, 10, 12, 30), (-50, 10, 2, 40), (300, 10, 340, 40), (10, 10, float("nan"), 40)])
def test_boxes_that_cannot_be_followed_are_refused(box, film):
    with pytest.raises(UsageError, match="box: expected"):
        Kcf().start(film.frames[0], box)
