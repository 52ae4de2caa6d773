"""Photos with captions: one reader per real format, and what training needs of them."""

from seetell.data.reading import read
from seetell.data.records import CaptionDataset, PhotoRecord, Problem

__all__ = ["CaptionDataset", "PhotoRecord", "Problem", "read"]
