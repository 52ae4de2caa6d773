"""Data sets of captioned photos: one reader per format, checks, splits, and a cache of features."""

from seetell.data.reading import read
from seetell.data.records import CaptionDataset, PhotoRecord, Problem

__all__ = ["CaptionDataset", "PhotoRecord", "Problem", "read"]
