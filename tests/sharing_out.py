"""How pytest-xdist shares the tests out: what is costly to make is made once, and no core waits for the other."""

from __future__ import annotations

from xdist.scheduler import LoadFileScheduling

DENSE = (
    "cli/test_evaluate_regions.py",
    "cli/test_regions.py",
    "dense_captioning/test_evaluate.py",
    "dense_captioning/test_export.py",
    "dense_captioning/test_predict.py",
)
"""These take turns with one dense captioner."""

SINGLE = ("test_docs.py",)
"""Their tests have nothing in common that is costly."""


class BySharedFixtures(LoadFileScheduling):
    """A file's tests run in one process, which makes its fixtures once; few files are together, or apart."""

    def _split_scope(self, nodeid: str) -> str:
        file = super()._split_scope(nodeid)
        if file.endswith(DENSE):
            return "dense captioner"
        return nodeid if file.endswith(SINGLE) else file
