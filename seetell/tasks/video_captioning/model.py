"""The network of a run: any captioner, which reads the mean of frames, or the frames in place of a grid."""

from seetell.tasks.captioning.models import build

__all__ = ["build"]
