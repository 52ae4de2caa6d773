"""How pytest-xdist shares the tests out: what is costly to make is made once, and no core waits for the other."""

from __future__ import annotations

from xdist.scheduler import LoadFileScheduling

SHARED = {
    "dense captioner": (
        "cli/test_evaluate_regions.py",
        "cli/test_regions.py",
        "dense_captioning/test_detector.py",
        "dense_captioning/test_evaluate.py",
        "dense_captioning/test_export.py",
        "dense_captioning/test_predict.py",
    ),
    "aligner": ("grounding/test_export.py", "grounding/test_train.py", "retrieval/test_export.py"),
}
"""Files that take turns with one trained model."""

SINGLE = ("test_docs.py",)
"""Their tests have nothing in common that is costly."""


class BySharedFixtures(LoadFileScheduling):
    """A file's tests run in one process, which makes its fixtures once; few files are together, or apart."""

    def _split_scope(self, nodeid: str) -> str:
        file = super()._split_scope(nodeid)
        for model, files in SHARED.items():
            if file.endswith(files):
                return model
        return nodeid if file.endswith(SINGLE) else file
