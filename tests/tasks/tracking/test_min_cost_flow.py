from __future__ import annotations

import itertools

import numpy as np
import pytest

from seetell.tasks.tracking.min_cost_flow import MinCostFlow, Network, least_cost_tracks


def cost_of(network: Network, tracks: list[list[int]]) -> float:
    links = [dict(each) for each in network.links]
    cost = sum(2 * network.ends + sum(network.costs[number] for number in track) for track in tracks)
    return float(cost + sum(links[one][other] for track in tracks for one, other in itertools.pairwise(track)))


def least_cost(network: Network) -> float:
    """Try all ways to give each detection a successor, or to leave it out."""
    count = len(network.costs)
    best = 0.0
    choices = [[None, -1, *(other for other, _ in network.links[number])] for number in range(count)]
    for successors in itertools.product(*choices):  # None: not in a track; -1: the last of one
        used = [number for number in range(count) if successors[number] is not None]
        taken = [other for other in successors if other not in (None, -1)]
        if len({*taken}) < len(taken) or not {*taken} <= {*used}:
            continue
        tracks = []
        for first in set(used).difference(taken):
            track = [first]
            while successors[track[-1]] != -1:
                track.append(successors[track[-1]])
            tracks.append(track)
        best = min(best, cost_of(network, tracks))
    return best


@pytest.mark.parametrize("seed", range(12))
def test_the_flow_is_of_least_cost(seed: int):
    rng = np.random.default_rng(seed)
    network = Network(rng.normal(-1, 1.5, 6), 0.8)
    for one, other in itertools.combinations(range(6), 2):
        if rng.random() < 0.6:
            network.link(one, other, float(rng.exponential(0.8)))
    tracks = least_cost_tracks(network)
    every = [number for track in tracks for number in track]
    assert len({*every}) == len(every)
    assert cost_of(network, tracks) == pytest.approx(least_cost(network), abs=1e-9)


def test_a_track_is_worth_its_ends():
    network = Network(np.array([-1.0, -1.0, -1.0]), 1.2)
    network.link(0, 1, 0.1)
    assert least_cost_tracks(network) == []  # 2 × 1.2 − 2 + 0.1 > 0
    network.link(1, 2, 0.1)
    assert least_cost_tracks(network) == [[0, 1, 2]]


def test_nothing_is_followed_through_nothing():
    assert MinCostFlow().associate([]) == []
    assert least_cost_tracks(Network(np.empty(0), 1.0)) == []
