"""Metrics of the server in Prometheus's text format."""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class ServerMetrics:
    """Counters, histograms and gauges of one server."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        self._requests = Counter(
            "seetell_requests", "Requests answered.", ["path", "method", "status"], registry=self._registry
        )
        self._seconds = Histogram(
            "seetell_request_seconds",
            "Seconds from a request to its answer.",
            ["path"],
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._batches = Histogram(
            "seetell_batch_size", "Jobs per batch.", ["job"], buckets=(1, 2, 4, 8, 16, 32), registry=self._registry
        )
        self._batch_seconds = Histogram(
            "seetell_batch_seconds", "Seconds per batch.", ["job"], buckets=_SECONDS, registry=self._registry
        )

    def count_request(self, path: str, method: str, status: int, seconds: float) -> None:
        """Count an answer; ``path`` is the route's, so that there are few."""
        self._requests.labels(path, method, str(status)).inc()
        self._seconds.labels(path).observe(seconds)

    def count_batch(self, job: str, size: int, seconds: float) -> None:
        """Count a batch."""
        self._batches.labels(job).observe(size)
        self._batch_seconds.labels(job).observe(seconds)

    def add_gauge(self, name: str, meaning: str, value: Callable[[], float]) -> None:
        """Add a gauge whose value is read at each scrape."""
        Gauge(name, meaning, registry=self._registry).set_function(value)

    def text(self) -> bytes:
        """Return all metrics, as :data:`CONTENT_TYPE`."""
        return generate_latest(self._registry)
