"""Global association: all tracks of a video at once, as the flow of least cost through a network of its detections.

Zhang, Li & Nevatia, "Global Data Association for Multi-Object Tracking Using Network Flows", CVPR 2008: a unit of flow
is a track. It enters at a detection (C_en), passes detections (C_i = log β_i / (1 − β_i), Eq. 11, β_i the probability
that a detection is false), goes over links to later ones (C_ij, minus the logarithm of how likely they show one
target), and leaves (C_ex). The paper searches for the number of tracks; here shortest paths are added one by one while
they lower the cost (successive shortest paths, Edmonds & Karp 1972), which gives the same optimum.

Departures: a link is as likely as the boxes overlap, times a share for each frame between them. There are two passes,
as in Huang, Wu & Nevatia, "Robust Object Tracking by Hierarchical Association of Detection Responses", ECCV 2008: the
first links detections of frames that follow each other, the second links what came of it over longer gaps, with boxes
that move on as they did.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from seetell.geometry.boxes import iou
from seetell.tasks.tracking.detections import Detections, Seen

LEAST, MOST = 1e-3, 1 - 1e-3
"""Limits of probabilities whose logarithms are taken."""

MOVING = 10
"""Detections from which the motion at an end of a track is told."""


@dataclass(frozen=True)
class MinCostFlow:
    """Global association.

    Attributes:
        enter: P_en, probability that a track begins at a detection; also that it ends there.
        gap: frames without a detection that a link of the second pass may bridge.
        overlap: IoU of the boxes of a link of the first pass, at least.
        moved: the same for the second pass.
        bridged: how likely a link is for each frame that it bridges.
        least: score of a detection that is looked at.
        hits: detections of a track, at least.
    """

    enter: float = 0.02
    gap: int = 50
    overlap: float = 0.3
    moved: float = 0.2
    bridged: float = 0.9
    least: float = 0.1
    hits: int = 3

    def associate(self, frames: Sequence[Detections]) -> list[Seen]:
        """Return the targets that are seen in each of the frames, all confirmed.

        Args:
            frames: the detections of each frame of the video.
        """
        if not frames:
            return []
        kept = [each[each.scores >= self.least] for each in frames]
        edges = np.cumsum([0, *map(len, kept)])
        chains = self._chains(kept, edges)
        ids = np.zeros(edges[-1], np.int64)
        for number, chain in enumerate((chain for chain in chains if len(chain) >= self.hits), 1):
            ids[chain] = number
        seen = []
        for each, numbers in zip(kept, np.split(ids, edges[1:-1]), strict=True):
            rows = numbers > 0
            found = each[rows]
            seen.append(Seen(numbers[rows], found.boxes, found.scores, found.labels, np.ones(len(found), bool)))
        return seen

    def _chains(self, frames: Sequence[Detections], edges: np.ndarray) -> list[list[int]]:
        """Return the tracks, each the numbers of its detections in the order of time."""
        if not edges[-1]:
            return []
        false = 1 - np.concatenate([each.scores for each in frames]).clip(LEAST, MOST)
        costs = np.log(false / (1 - false))
        network = Network(costs, -np.log(self.enter))
        for early, (earlier, later) in enumerate(itertools.pairwise(frames)):
            if len(earlier) and len(later):
                overlaps = iou(earlier.boxes[:, None], later.boxes[None])
                overlaps[earlier.labels[:, None] != later.labels[None]] = 0.0
                for one, other in np.argwhere(overlaps >= self.overlap).tolist():
                    network.link(one + int(edges[early]), other + int(edges[early + 1]), -np.log(overlaps[one, other]))
        short = least_cost_tracks(network)
        parts = [_Part.of(chain, frames, edges) for chain in short]
        order = sorted(range(len(parts)), key=lambda number: parts[number].first)
        network = Network(np.array([costs[short[number]].sum() for number in order]), -np.log(self.enter))
        self._link_parts(network, [parts[number] for number in order])
        return [[item for place in chain for item in short[order[place]]] for chain in least_cost_tracks(network)]

    def _link_parts(self, network: Network, parts: Sequence[_Part]) -> None:
        """Link the tracks of the first pass, which are in the order in which they begin."""
        for place, earlier in enumerate(parts):
            for other in range(place + 1, len(parts)):
                later = parts[other]
                gap = later.first - earlier.last - 1
                if gap > self.gap:
                    break
                likely = earlier.followed_by(later) if gap >= 0 and later.label == earlier.label else 0.0
                if likely >= self.moved:
                    network.link(place, other, -np.log(likely * self.bridged**gap))


@dataclass(frozen=True, eq=False)
class _Part:
    """A track of the first pass.

    Attributes:
        first: frame.
        last: frame.
        label: of its first detection.
        head: the first box, ``(4,)``.
        tail: the last.
        arrives: change of place in a frame at the beginning, ``(2,)``.
        leaves: the same at the end.
    """

    first: int
    last: int
    label: str
    head: np.ndarray
    tail: np.ndarray
    arrives: np.ndarray
    leaves: np.ndarray

    @classmethod
    def of(cls, chain: Sequence[int], frames: Sequence[Detections], edges: np.ndarray) -> _Part:
        """Return the track of some detections."""
        places = np.searchsorted(edges, chain, side="right") - 1
        detections = [frames[place][number - edges[place]] for place, number in zip(places, chain, strict=True)]
        boxes = np.stack([each.boxes for each in detections])
        label = str(detections[0].labels)
        first, last = int(places[0]), int(places[-1])
        return cls(first, last, label, boxes[0], boxes[-1], _speed(boxes[:MOVING]), _speed(boxes[-MOVING:]))

    def followed_by(self, later: _Part) -> float:
        """Return how much the last box, moved on, and the first box of another, moved back, overlap the other's."""
        frames = later.first - self.last
        onwards = self.tail + np.tile(frames * self.leaves, 2)
        backwards = later.head - np.tile(frames * later.arrives, 2)
        return float((iou(onwards, later.head) + iou(backwards, self.tail)) / 2)


def _speed(boxes: np.ndarray) -> np.ndarray:
    """Return the change of the centre in a frame, ``(2,)``, of least squares; none of a single box."""
    if len(boxes) < 2:
        return np.zeros(2)
    centres = (boxes[:, :2] + boxes[:, 2:]) / 2
    time = np.arange(len(boxes)) - (len(boxes) - 1) / 2
    speed: np.ndarray = time @ centres / (time @ time)
    return speed


@dataclass
class Network:
    """Detections, numbered in the order of time, and the links between them.

    Attributes:
        costs: C_i of each detection, ``(N,)``.
        ends: C_en and C_ex.
        links: from each detection to later ones, with C_ij.
    """

    costs: np.ndarray
    ends: float
    links: list[list[tuple[int, float]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.links = [[] for _ in self.costs]

    def link(self, one: int, other: int, cost: float) -> None:
        """Let a track go from a detection to a later one."""
        self.links[one].append((other, cost))


def least_cost_tracks(network: Network) -> list[list[int]]:
    """Return the tracks of least total cost, each the numbers of its detections in the order of time.

    Parts of the network that no link connects are solved one by one. A detection is two nodes, its entry and its exit,
    so that no two tracks pass it. Potentials, at first the distances from the source in the order of time, keep reduced
    costs from being negative, so that Dijkstra's algorithm finds each path.
    """
    found = []
    for part in _connected(network):
        place = {number: at for at, number in enumerate(part)}
        links = [[(place[other], cost) for other, cost in network.links[number]] for number in part]
        flow = _Flow(network.costs[part], network.ends, links)
        while flow.augment():
            pass
        found += [[part[number] for number in track] for track in flow.tracks()]
    return found


def _connected(network: Network) -> list[list[int]]:
    """Return the detections of each part of a network that no link leaves, in the order of time."""
    root = list(range(len(network.costs)))

    def root_of(number: int) -> int:
        while root[number] != number:
            root[number] = root[root[number]]
            number = root[number]
        return number

    for number, links in enumerate(network.links):
        for other, _ in links:
            root[root_of(other)] = root_of(number)
    parts: dict[int, list[int]] = {}
    for number in range(len(root)):
        parts.setdefault(root_of(number), []).append(number)
    return list(parts.values())


class _Flow:
    """A flow, and its residual network. Nodes: entries ``2 i``, exits ``2 i + 1``, source and sink.

    ``edges[node]`` lists ``[target, cost, capacity, place of the reverse edge]``.
    """

    def __init__(self, costs: np.ndarray, ends: float, links: Sequence[Sequence[tuple[int, float]]]) -> None:
        count = len(costs)
        self.source, self.sink, self.count = 2 * count, 2 * count + 1, count
        self.edges: list[list[list[float]]] = [[] for _ in range(2 * count + 2)]
        for number, cost in enumerate(costs.tolist()):
            self._connect(self.source, 2 * number, ends)
            self._connect(2 * number, 2 * number + 1, cost)
            self._connect(2 * number + 1, self.sink, ends)
            for other, link in links[number]:
                self._connect(2 * number + 1, 2 * other, link)
        self.potential = self._first_potential()

    def _connect(self, one: int, other: int, cost: float) -> None:
        self.edges[one].append([other, cost, 1, len(self.edges[other])])
        self.edges[other].append([one, -cost, 0, len(self.edges[one]) - 1])

    def _first_potential(self) -> list[float]:
        """Return the distance of each node from the source; all edges go on in time."""
        distance = [float("inf")] * len(self.edges)
        distance[self.source] = 0.0
        for node in (self.source, *range(2 * self.count)):
            for target, cost, capacity, _ in self.edges[node]:
                if capacity and distance[node] + cost < distance[int(target)]:
                    distance[int(target)] = distance[node] + cost
        return [0.0 if each == float("inf") else each for each in distance]

    def augment(self) -> bool:
        """Add the cheapest path; return whether it lowers the cost."""
        unreached = float("inf")
        distance, before = [unreached] * len(self.edges), [(-1, -1)] * len(self.edges)
        distance[self.source] = 0.0
        heap, done, potential = [(0.0, self.source)], [False] * len(self.edges), self.potential
        while heap:
            reached, node = heapq.heappop(heap)
            if done[node]:
                continue
            done[node] = True
            if node == self.sink:
                break
            for place, (goal, cost, capacity, _) in enumerate(self.edges[node]):
                target = int(goal)
                if capacity and not done[target]:
                    candidate = reached + cost + potential[node] - potential[target]
                    if candidate < distance[target] - 1e-12:
                        distance[target], before[target] = candidate, (node, place)
                        heapq.heappush(heap, (candidate, target))
        if not done[self.sink]:
            return False
        total = distance[self.sink] + potential[self.sink] - potential[self.source]
        if total >= -1e-9:
            return False
        furthest = distance[self.sink]
        self.potential = [
            own + (gone if finished else furthest)
            for own, gone, finished in zip(potential, distance, done, strict=True)
        ]
        node = self.sink
        while node != self.source:
            node, place = before[node]
            edge = self.edges[node][place]
            edge[2] -= 1
            self.edges[int(edge[0])][int(edge[3])][2] += 1
        return True

    def tracks(self) -> Iterator[list[int]]:
        """Yield the tracks of the flow."""
        for target, _, capacity, _ in self.edges[self.source]:
            if capacity:
                continue
            chain, node = [], int(target)
            while node != self.sink:
                chain.append(node // 2)
                node = next(
                    int(goal)
                    for goal, _, free, _ in self.edges[node + 1]
                    if not free and (goal == self.sink or (goal > node + 1 and goal % 2 == 0))
                )
            yield chain
