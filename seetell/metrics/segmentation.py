"""Scores of semantic segmentation, from the counts of true and predicted classes of pixels.

Long, Shelhamer & Darrell, "Fully Convolutional Networks for Semantic Segmentation", CVPR 2015, section 5: with ``n_ij``
the pixels of class ``i`` that are taken for class ``j``, and ``t_i`` all pixels of class ``i``, pixel accuracy is
``Σ n_ii / Σ t_i``, mean accuracy the mean of ``n_ii / t_i``, mean IoU that of ``n_ii / (t_i + Σ_j n_ji − n_ii)``, and
frequency-weighted IoU the mean of the latter weighted by ``t_i``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class SegmentationScores:
    """Scores over many images.

    Attributes:
        pixel_accuracy: share of the pixels whose class is right.
        mean_accuracy: share of each class's pixels that are right, the mean over classes that are there.
        mean_iou: intersection over union of each class, the mean over classes that are there or were predicted.
        frequency_weighted_iou: the same, weighted by the pixels of each class.
        iou: of each class; not a number for one that is neither there nor predicted.
    """

    pixel_accuracy: float
    mean_accuracy: float
    mean_iou: float
    frequency_weighted_iou: float
    iou: tuple[float, ...]

    def to_dict(self) -> dict[str, float]:
        """Return the scores of all classes together by name."""
        return {
            "mean_iou": self.mean_iou,
            "pixel_accuracy": self.pixel_accuracy,
            "mean_accuracy": self.mean_accuracy,
            "frequency_weighted_iou": self.frequency_weighted_iou,
        }


def count_pixels(true: np.ndarray, predicted: np.ndarray, classes: int) -> np.ndarray:
    """Count the pixels of each true and predicted class.

    Args:
        true: ``(…)`` class of each pixel; those of ``classes`` or more, and below 0, are not counted.
        predicted: of the same shape; a pixel of no class is wrong.
        classes: ``K``.

    Returns:
        ``(K, K + 1)``, rows being true classes; the last column is that of no class.
    """
    true, predicted = np.asarray(true, np.int64).ravel(), np.asarray(predicted, np.int64).ravel()
    counted = (true >= 0) & (true < classes)
    true, predicted = true[counted], predicted[counted]
    predicted = np.where((predicted >= 0) & (predicted < classes), predicted, classes)
    counts = np.bincount(true * (classes + 1) + predicted, minlength=classes * (classes + 1))
    return counts.reshape(classes, classes + 1)


def segmentation_scores(counts: np.ndarray) -> SegmentationScores:
    """Return the scores of counts.

    Args:
        counts: ``(K, K + 1)``, the sum of :func:`count_pixels` over images; at least one pixel.
    """
    right = np.diagonal(counts).astype(np.float64)
    true, predicted = counts.sum(axis=1), counts.sum(axis=0)[:-1]
    with np.errstate(invalid="ignore", divide="ignore"):
        accuracy, iou = right / true, right / (true + predicted - right)
    there = true > 0
    return SegmentationScores(
        pixel_accuracy=float(right.sum() / true.sum()),
        mean_accuracy=float(accuracy[there].mean()),
        mean_iou=float(np.nanmean(iou)),
        frequency_weighted_iou=float((true[there] * iou[there]).sum() / true.sum()),
        iou=tuple(iou.tolist()),
    )


def median_frequency_weights(counts: Sequence[np.ndarray]) -> np.ndarray:
    """Return a weight for each class, higher for rare ones.

    Eigen & Fergus, "Predicting Depth, Surface Normals and Semantic Labels with a Common Multi-Scale Convolutional
    Architecture", ICCV 2015, section 6.3.2: the median of all frequencies over that of the class, which is its share of
    the pixels of the images that have it.

    Args:
        counts: of each image, ``(K,)``, its pixels of each class.

    Returns:
        ``(K,)``; 0 for a class of no image.
    """
    pixels = np.stack(counts).astype(np.float64)
    there = pixels > 0
    own, around = pixels.sum(axis=0), (there * pixels.sum(axis=1, keepdims=True)).sum(axis=0)
    frequency = np.divide(own, around, out=np.zeros(pixels.shape[1]), where=around > 0)
    median = np.median(frequency[frequency > 0])
    weights: np.ndarray = np.divide(median, frequency, out=np.zeros_like(frequency), where=frequency > 0)
    return weights
