"""Speed and recall of searching an index of many photos, compared with other methods.

    OMP_NUM_THREADS=1 RAYON_NUM_THREADS=1 .venv/bin/python benchmarks/search_speed.py --vectors 1000000

prints one JSON line. The vectors are synthetic: clusters of unequal size, with a variance that decreases from dimension
to dimension as in learnt embeddings; a query is far from its target, as a sentence is from photos. Figures are
milliseconds per query: wall-clock time (``wall``), and processor time (``cpu``), which other work affects less.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
from figures import machine, summary

from seetell.search.ranking import Ranking, quantise
from seetell.search.store import VECTOR, Store

CHUNK = 20_000
BEST = 20
Search = Callable[[np.ndarray], np.ndarray]


def synthetic(count: int, dimensions: int, queries: int, path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Write vectors of length 1 to a file, float16; return them as a memory map, and queries, float32."""
    random = np.random.default_rng(0)
    spread = np.arange(1, dimensions + 1, dtype=np.float32) ** -0.35
    spread /= np.sqrt((spread**2).mean())
    centres = random.standard_normal((5000, dimensions), np.float32) * spread
    share = np.arange(1, len(centres) + 1) ** -0.7
    vectors = np.lib.format.open_memmap(path, "w+", np.float16, (count, dimensions))
    for part in chunks(count):
        size = part.stop - part.start
        around = random.standard_normal((size, dimensions), np.float32) * spread
        vectors[part] = unit(centres[random.choice(len(centres), size, p=share / share.sum())] + 0.9 * around)
    sought = vectors[random.integers(0, count, queries)].astype(np.float32) * np.sqrt(dimensions)
    offset = 0.5 * random.standard_normal(dimensions).astype(np.float32) * spread
    return vectors, unit(sought + offset + random.standard_normal((queries, dimensions), np.float32) * spread)


def chunks(count: int) -> Iterator[slice]:
    """Yield slices that cover ``count`` rows."""
    return (slice(begin, min(begin + CHUNK, count)) for begin in range(0, count, CHUNK))


def unit(vectors: np.ndarray) -> np.ndarray:
    """Scale rows to length 1."""
    return (vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)).astype(np.float32)


def best(scores: np.ndarray, count: int = BEST) -> np.ndarray:
    """Return the rows of the highest scores, in descending order, without sorting the others."""
    most = np.maximum.reduceat(scores, np.arange(0, len(scores), 64))
    least = np.partition(most, -min(count, len(most)))[-min(count, len(most))]
    rows = np.flatnonzero(scores >= least)
    return rows[np.argsort(-scores[rows], kind="stable")[:count]]


def compared(vectors: np.ndarray, query: np.ndarray) -> np.ndarray:
    """Return the best rows by exhaustive comparison."""
    parts = [vectors[begin : begin + 4096].astype(np.float32) @ query for begin in range(0, len(vectors), 4096)]
    return best(np.concatenate(parts))


def exactly_among(vectors: np.ndarray, rows: np.ndarray, query: np.ndarray) -> np.ndarray:
    """Return the best of given rows."""
    rows = np.sort(rows[rows >= 0].astype(np.int64))
    return rows[np.argsort(-(vectors[rows].astype(np.float32) @ query))[:BEST]]


def seetell(vectors: np.ndarray, folder: Path) -> tuple[Search, dict[str, Any]]:
    """Fill an index as ``seetell index`` does, without photos, and open it."""
    with Store(folder / "index", write=True) as store:
        with store.transaction():
            store.set_metadata("dimensions", vectors.shape[1])
        for part in chunks(len(vectors)):
            rows = (
                (index.to_bytes(32, "big"), row.astype(VECTOR).tobytes())
                for index, row in enumerate(vectors[part], part.start)
            )
            with store.transaction():
                store.change_many(
                    "INSERT INTO contents (hash, vector, checksum) VALUES (?1, ?2, checksum(?1, ?2, NULL))", list(rows)
                )
        started = time.process_time()
        quantise(store)
        made = time.process_time() - started
    started = time.perf_counter()
    ranking = Ranking(Store(folder / "index"))
    query = unit(np.ones(vectors.shape[1], np.float32))
    next(ranking.rank(query, BEST))
    opened = time.perf_counter() - started
    sizes = {file.suffix[1:]: round(file.stat().st_size / 1e6, 1) for file in (folder / "index").iterdir()}

    def search(query: np.ndarray) -> np.ndarray:
        found = zip(range(BEST), ranking.rank(query, BEST), strict=False)
        return np.array([content for _, (content, _) in found]) - 1

    return search, {"quantise_cpu_s": round(made, 1), "open_and_first_ms": round(1000 * opened, 1), "megabytes": sizes}


def numpy_float16(vectors: np.ndarray, folder: Path) -> tuple[Search, dict[str, Any]]:
    """Exhaustive comparison of the memory-mapped vectors."""
    return lambda query: compared(vectors, query), {"megabytes": round(vectors.nbytes / 1e6, 1)}


def numpy_int8(vectors: np.ndarray, folder: Path) -> tuple[Search, dict[str, Any]]:
    """Compare all, rounded to bytes."""
    small = np.lib.format.open_memmap(folder / "int8.npy", "w+", np.int8, vectors.shape)
    scale = 127 / np.abs(vectors[:CHUNK].astype(np.float32)).max()
    for part in chunks(len(vectors)):
        small[part] = np.clip(np.rint(vectors[part].astype(np.float32) * scale), -127, 127)
    return lambda query: compared(small, query), {"megabytes": round(small.nbytes / 1e6, 1)}


def faiss_ivf(vectors: np.ndarray, folder: Path, probed: int = 64) -> tuple[Search, dict[str, Any]]:
    """Look into the likeliest 64 of 1,024 cells, bytes."""
    import faiss

    faiss.omp_set_num_threads(1)
    started = time.process_time()
    index = faiss.index_factory(vectors.shape[1], "IVF1024,SQ8", faiss.METRIC_INNER_PRODUCT)
    index.train(vectors[:: max(1, len(vectors) // 50_000)].astype(np.float32))
    for part in chunks(len(vectors)):
        index.add(vectors[part].astype(np.float32))
    index.nprobe = probed
    made = round(time.process_time() - started, 1)
    return lambda query: exactly_among(vectors, index.search(query[None], 200)[1][0], query), {"build_cpu_s": made}


def turbovec_2bit(vectors: np.ndarray, folder: Path) -> tuple[Search, dict[str, Any]]:
    """Compare all by two bits a dimension, then 200 exactly."""
    import turbovec

    started = time.process_time()
    index = turbovec.TurboQuantIndex(dim=vectors.shape[1], bit_width=2)
    for part in chunks(len(vectors)):
        index.add(vectors[part].astype(np.float32))
    made = round(time.process_time() - started, 1)
    return lambda query: exactly_among(vectors, index.search(query[None], k=200)[1][0], query), {"build_cpu_s": made}


def usearch_exact_int8(vectors: np.ndarray, folder: Path) -> tuple[Search, dict[str, Any]]:
    """Compare all, rounded to bytes."""
    import usearch.index

    small = np.clip(np.rint(vectors * np.float16(300)), -127, 127).astype(np.int8)

    def search(query: np.ndarray) -> np.ndarray:
        rounded = np.clip(np.rint(query * 300), -127, 127).astype(np.int8)
        return usearch.index.search(small, rounded, BEST, metric="ip", exact=True, threads=1).keys

    return search, {}


SYSTEMS = (seetell, numpy_float16, numpy_int8, faiss_ivf, turbovec_2bit, usearch_exact_int8)


def measured(search: Search, queries: np.ndarray, truth: list[set[int]]) -> dict[str, Any]:
    """Return what searches take, and how many of the true best they find."""
    search(queries[0])
    wall, cpu, recall = [], [], []
    for query, right in zip(queries, truth, strict=True):
        begun, used = time.perf_counter(), time.process_time()
        found = search(query)
        cpu.append(1000 * (time.process_time() - used))
        wall.append(1000 * (time.perf_counter() - begun))
        recall.append(len(right & set(np.asarray(found).ravel().tolist())) / BEST)
    return {"wall": summary(wall), "cpu": summary(cpu), f"recall@{BEST}": round(float(np.mean(recall)), 4)}


def main() -> None:
    """Measure every system that is installed."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--vectors", type=int, default=1_000_000)
    options.add_argument("--dimensions", type=int, default=256)
    options.add_argument("--queries", type=int, default=50)
    options.add_argument("--only", nargs="*", default=[system.__name__ for system in SYSTEMS])
    given = options.parse_args()
    threads = int(os.environ.get("OMP_NUM_THREADS", 0)) or os.cpu_count() or 1
    report: dict[str, Any] = {"machine": machine(threads)}
    report |= {"vectors": given.vectors, "dimensions": given.dimensions, "queries": given.queries}
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        vectors, queries = synthetic(given.vectors, given.dimensions, given.queries, folder / "vectors.npy")
        truth = [set(compared(vectors, query).tolist()) for query in queries]
        for system in SYSTEMS:
            if system.__name__ not in given.only:
                continue
            try:
                search, about = system(vectors, folder)
            except ModuleNotFoundError as error:
                print(f"{system.__name__}: {error.name} is not installed", file=sys.stderr)
                continue
            slow = system is numpy_float16
            count = 5 if slow else len(queries)
            report[system.__name__] = {**measured(search, queries[:count], truth[:count]), **about}
    report["versions"] = {name: _version(name) for name in ("numpy", "faiss-cpu", "turbovec", "usearch")}
    print(json.dumps(report))


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


if __name__ == "__main__":
    main()
