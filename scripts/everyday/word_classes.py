"""Classes of words that occur in the same places, found by the exchange algorithm.

Kneser & Ney, "Improved clustering techniques for class-based statistical language modelling" (Eurospeech 1993): one
word after the other is moved into the class in which the bigrams of classes are most probable, until few words move.
"""

from __future__ import annotations

import numpy as np

ROUNDS = 15
FEW = 20
"""Words that move in the last round."""


def exchange(bigrams: np.ndarray, count: int) -> np.ndarray:
    """Return the class of each of ``V`` words, ``(V,)``.

    Args:
        bigrams: how often a word follows another, ``(V, V)``.
        count: the number ``K`` of classes.
    """
    frequent = np.argsort(-(bigrams.sum(axis=0) + bigrams.sum(axis=1)), kind="stable")
    classes = np.empty(len(bigrams), np.int64)
    classes[frequent] = np.arange(len(bigrams)) % count
    members = np.eye(count)[classes]
    after, before = bigrams @ members, bigrams.T @ members  # (V, K): of a word with the classes around it
    between = members.T @ after  # (K, K)
    for _ in range(ROUNDS):
        moved = 0
        for word in frequent:
            itself, old = bigrams[word, word], classes[word]
            if not after[word].any() and not before[word].any():
                continue
            between[old] -= after[word]
            between[:, old] -= before[word]
            between[old, old] += itself
            following, preceding = after[word].copy(), before[word].copy()
            following[old] -= itself
            preceding[old] -= itself
            new = int(np.argmax(_gains(between, following, preceding, itself)))
            following[new] += itself
            preceding[new] += itself
            between[new] += following
            between[:, new] += preceding
            between[new, new] -= itself
            if new != old:
                moved += 1
                classes[word] = new
                after[:, old] -= bigrams[:, word]
                after[:, new] += bigrams[:, word]
                before[:, old] -= bigrams[word]
                before[:, new] += bigrams[word]
        if moved < FEW:
            break
    return classes


def _gains(between: np.ndarray, following: np.ndarray, preceding: np.ndarray, itself: float) -> np.ndarray:
    """Return the log-likelihood that a word, left out of the counts between classes, brings to each class, ``(K,)``.

    Args:
        between: ``(K, K)``, without the word.
        following: how often each class follows it, ``(K,)``, itself left out.
        preceding: how often it follows each class.
        itself: how often it follows itself.
    """
    logs, own = _nlogn(between), np.diag(between)
    gains = (_nlogn(between + following) - logs).sum(axis=1) + (_nlogn(between + preceding[:, None]) - logs).sum(axis=0)
    gains += _nlogn(own + following + preceding + itself) + _nlogn(own)
    gains -= _nlogn(own + following) + _nlogn(own + preceding)
    for margin, more in ((between.sum(axis=1), following), (between.sum(axis=0), preceding)):
        gains -= _nlogn(margin + more.sum() + itself) - _nlogn(margin)
    return gains


def _nlogn(counts: np.ndarray) -> np.ndarray:
    positive = np.maximum(counts, 0)
    return positive * np.log(np.where(positive > 0, positive, 1))
