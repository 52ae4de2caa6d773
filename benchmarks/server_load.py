"""Photos per second that `seetell serve` captions for many clients at once, compared with the captioner alone.

    .venv/bin/python benchmarks/server_load.py --requests 5000

prints one JSON line. Both stay loaded and take turns with the same photos, so other work on the machine affects both;
``share`` is the server's throughput over the captioner's, ``processor_time_ratio`` the same for processor time. The
clients run on the same cores, each with its own connection. Every answer is compared with the captioner's.
``megabytes_over_the_run`` is the server's memory before the first round and after each; eleven values for long runs.
"""

from __future__ import annotations

import argparse
import http.client
import json
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

from figures import machine, summary
from photo_set import write_photos
from processes import environment

import seetell

REPOSITORY = Path(__file__).resolve().parents[1]
BOUNDARY = "a-boundary-that-no-photo-contains"


class Server:
    """`seetell serve` in a separate process."""

    def __init__(self, threads: int, queue: int) -> None:
        options = [
            "--port",
            "0",
            "--model",
            "align=none",
            "--model",
            "regions=none",
            "--threads",
            str(threads),
            "--queue",
            str(queue),
        ]
        command = [sys.executable, "-m", "seetell", "serve", *options]
        self._process = subprocess.Popen(command, env=environment(threads), stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        self.address = urlsplit(self._process.stdout.readline().split()[2]).netloc

    def measured(self, name: str) -> float:
        """Return one of the server's metrics."""
        connection = http.client.HTTPConnection(self.address)
        connection.request("GET", "/metrics")
        found = re.search(rf"^{name} (\S+)", connection.getresponse().read().decode(), re.MULTILINE)
        connection.close()
        return float(found[1]) if found else float("nan")

    def megabytes(self) -> float:
        """Return the memory in use."""
        return self.measured("process_resident_memory_bytes") / 1e6

    def cpu_seconds(self) -> float:
        """Return the processor time it has taken."""
        return self.measured("process_cpu_seconds_total")

    def stop(self) -> None:
        """End it."""
        self._process.terminate()
        self._process.communicate()


def form(photo: Path) -> bytes:
    """Return the body of a request with a photo."""
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="image"; filename="{photo.name}"\r\n\r\n'
    return head.encode() + photo.read_bytes() + f"\r\n--{BOUNDARY}--\r\n".encode()


def ask(address: str, forms: Sequence[bytes], clients: int) -> tuple[list[str], list[float], float]:
    """Send each form once, by so many clients.

    Returns:
        The captions in order, the seconds each took, and those that all took.
    """
    own = threading.local()

    def one(body: bytes) -> tuple[str, float]:
        begun = time.perf_counter()
        if not hasattr(own, "connection"):
            own.connection = http.client.HTTPConnection(address)
        own.connection.request(
            "POST", "/v1/caption", body, {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
        )
        response = own.connection.getresponse()
        answer = json.loads(response.read())
        if response.status != 200:
            raise SystemExit(f"status {response.status}: {answer}")
        return answer["caption"], time.perf_counter() - begun

    begun = time.perf_counter()
    with ThreadPoolExecutor(clients) as pool:
        answers = list(pool.map(one, forms))
    seconds = time.perf_counter() - begun
    return [caption for caption, _ in answers], [each for _, each in answers], seconds


def sampled(count: int, most: int) -> list[int]:
    """Return the places of at most so many values out of a row, evenly, the first and the last among them."""
    return sorted({round(place * (count - 1) / (most - 1)) for place in range(most)})


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=500, help="of all rounds together")
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--photos", type=int, default=100, help="different ones, a round")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--sources", type=Path, default=REPOSITORY / "examples")
    arguments = parser.parse_args()

    captioner = seetell.load(threads=arguments.threads)
    alone, served, shares, costs, waits, memory = [], [], [], [], [], []
    differing = 0
    with tempfile.TemporaryDirectory() as folder:
        photos = write_photos(arguments.sources, Path(folder), arguments.photos)
        forms = [form(photo) for photo in photos]
        server = Server(arguments.threads, 2 * arguments.clients)
        try:
            ask(server.address, forms[: 2 * arguments.clients], arguments.clients)
            memory.append(server.megabytes())
            for _ in range(max(1, arguments.requests // arguments.photos)):
                begun, worked = time.perf_counter(), time.process_time()
                expected = [str(caption) for caption in captioner.caption_many(photos)]
                alone.append(len(photos) / (time.perf_counter() - begun))
                worked, server_worked = time.process_time() - worked, server.cpu_seconds()
                captions, seconds, whole = ask(server.address, forms, arguments.clients)
                costs.append((server.cpu_seconds() - server_worked) / worked)
                served.append(len(photos) / whole)
                shares.append(served[-1] / alone[-1])
                waits += seconds
                differing += sum(said != wanted for said, wanted in zip(captions, expected, strict=True))
                memory.append(server.megabytes())
        finally:
            server.stop()
    figures = {
        "machine": machine(arguments.threads),
        "clients": arguments.clients,
        "requests": len(waits),
        "alone_photos_per_second": summary(alone),
        "served_photos_per_second": summary(served),
        "share": summary(shares),
        "processor_time_ratio": summary(costs),
        "seconds_median": round(statistics.median(waits), 4),
        "seconds_95_percent": round(statistics.quantiles(waits, n=20)[-1], 4),
        "differing_captions": differing,
        "megabytes_over_the_run": [round(memory[place]) for place in sampled(len(memory), 11)],
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
