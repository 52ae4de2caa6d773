"""Whether pictures that were damaged, or made to do harm, cost time or memory: each is opened, and captioned.

    python benchmarks/mutated_pictures.py --count 10000 > rows.jsonl

Pictures of every format are changed by fixed seeds: bytes flipped, cut, repeated, swapped, sizes in headers set to
extremes; the bombs of ``picture_bombs.py`` are among them. One JSON line is written for each: its name, what came of
it (a size or an error), seconds and megabytes. Then ``seetell caption`` reads them all. The exit status is 1 if a
picture took more than ``--seconds`` or ``--megabytes``, something other than a ``PhotoError`` was raised, or
``seetell caption`` did not write one row for each, and nothing else. Linux only.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import random
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from picture_bombs import BOMBS, encoded
from PIL import Image

from seetell.errors import PhotoError
from seetell.photos import open_photo

EXAMPLES = Path(__file__).parents[1] / "examples"
INPUT = (288, 288)
EXTREMES = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x10000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
GIVEN_UP_SECONDS = 60.0
KINDS: dict[str, tuple[str, dict[str, Any]]] = {
    "baseline.jpg": ("JPEG", {"quality": 70}),
    "progressive.jpg": ("JPEG", {"progressive": True, "comment": b"words"}),
    "colours.png": ("PNG", {}),
    "webp.webp": ("WEBP", {"quality": 60}),
    "lossless.webp": ("WEBP", {"lossless": True}),
    "gif.gif": ("GIF", {}),
    "bmp.bmp": ("BMP", {}),
    "raw.tif": ("TIFF", {}),
    "lzw.tif": ("TIFF", {"compression": "tiff_lzw"}),
    "deflate.tif": ("TIFF", {"compression": "tiff_adobe_deflate"}),
    "ppm.ppm": ("PPM", {}),
    "jpeg2000.jp2": ("JPEG2000", {}),
    "avif.avif": ("AVIF", {"quality": 50, "speed": 8}),
}


def main() -> None:
    """Mutate, open and caption pictures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=10_000, help="pictures, the bombs among them")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=5.0, help="most that a picture may take")
    parser.add_argument("--megabytes", type=float, default=400.0, help="most memory while a picture is opened")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        names = [write(Path(folder), name, content) for name, content in pictures(options.count, options.seed)]
        print(f"{len(names)} pictures written", file=sys.stderr)
        faults = []
        for row in opened(Path(folder), names):
            print(json.dumps(row), flush=True)
            if row["seconds"] > options.seconds or row["megabytes"] > options.megabytes or "failure" in row:
                faults.append(json.dumps(row))
        faults += captioned(Path(folder), len(names))
    print("\n".join(faults) or "no faults", file=sys.stderr)
    sys.exit(1 if faults else 0)


def pictures(count: int, seed: int) -> Iterator[tuple[str, bytes]]:
    """Yield so many names and contents."""
    for name, make in list(BOMBS.items())[:count]:
        yield f"bomb-{name}", make()
    sources = [Image.open(path).convert("RGB") for path in sorted(EXAMPLES.glob("*.jpg"))]
    exif = Image.Exif()
    exif[0x0112] = 6
    originals = {}
    for place, (name, (image_format, settings)) in enumerate(KINDS.items()):
        photo = sources[place % len(sources)].resize((320, 214))
        described = {} if image_format in ("GIF", "BMP", "PPM", "JPEG2000") else {"exif": exif}
        originals[name] = encoded(photo, image_format, **settings, **described)
    for number in range(max(0, count - len(BOMBS))):
        draw = random.Random(f"{seed}-{number}")
        name, content = draw.choice(list(originals.items()))
        changed = bytearray(content)
        for _ in range(draw.choice((1, 1, 2, 4, 16))):
            draw.choice(MUTATIONS)(changed, draw)
        yield f"{number:06d}-{name}", bytes(changed)


def _place(content: bytearray, draw: random.Random) -> int:
    """Return a position, half of the time in the header."""
    return draw.randrange(max(1, min(len(content), 400) if draw.random() < 0.5 else len(content)))


def _flip(content: bytearray, draw: random.Random) -> None:
    if content:
        content[_place(content, draw) % len(content)] ^= 1 << draw.randrange(8)


def _set_number(content: bytearray, draw: random.Random) -> None:
    size = draw.choice((1, 2, 4))
    number = draw.choice(EXTREMES) & (2 ** (8 * size) - 1)
    at = _place(content, draw)
    content[at : at + size] = number.to_bytes(size, draw.choice(("big", "little")))


def _cut(content: bytearray, draw: random.Random) -> None:
    del content[_place(content, draw) :]


def _remove(content: bytearray, draw: random.Random) -> None:
    at = _place(content, draw)
    del content[at : at + draw.choice((1, 4, 12, 100, 1000))]


def _repeat(content: bytearray, draw: random.Random) -> None:
    at, size = _place(content, draw), draw.choice((1, 2, 4, 12, 64, 1000))
    content[at:at] = content[at : at + size] * draw.choice((1, 2, 100, 5000 if size < 100 else 10))


def _swap(content: bytearray, draw: random.Random) -> None:
    one, other, size = _place(content, draw), _place(content, draw), draw.choice((2, 4, 12, 100))
    content[one : one + size], content[other : other + size] = (
        content[other : other + size],
        content[one : one + size],
    )


def _fill(content: bytearray, draw: random.Random) -> None:
    at, size = _place(content, draw), draw.choice((4, 64, 1000))
    content[at : at + size] = bytes([draw.choice((0, 0xFF, 0x23, 0x0A))]) * len(content[at : at + size])


def _insert_marker(content: bytearray, draw: random.Random) -> None:
    at = _place(content, draw)
    content[at:at] = struct.pack(
        ">BBH", 0xFF, draw.choice((0xC0, 0xC2, 0xC4, 0xDA, 0xDB, 0xDD, 0xE1)), draw.randrange(20)
    )


MUTATIONS: tuple[Callable[[bytearray, random.Random], None], ...] = (
    _flip,
    _flip,
    _set_number,
    _set_number,
    _cut,
    _remove,
    _repeat,
    _swap,
    _fill,
    _insert_marker,
)


def write(folder: Path, name: str, content: bytes) -> str:
    """Write a picture; return its name."""
    (folder / name).write_bytes(content)
    return name


def opened(folder: Path, names: list[str]) -> Iterator[dict[str, Any]]:
    """Open each picture in another process, which is replaced when a picture ends it or takes too long; yield rows."""
    context = multiprocessing.get_context("spawn")
    process: Any = None
    for name in names:
        if process is None:
            here, there = context.Pipe()
            process = context.Process(target=_open_pictures, args=(there,), daemon=True)
            process.start()
            there.close()
        here.send(str(folder / name))
        began = time.perf_counter()
        try:
            if not here.poll(GIVEN_UP_SECONDS):
                raise TimeoutError
            yield {"picture": name, **here.recv()}
        except (EOFError, OSError) as error:
            process.kill()
            process.join()
            process = None
            seconds = round(time.perf_counter() - began, 3)
            yield {"picture": name, "failure": f"the process ended ({error!r})", "seconds": seconds, "megabytes": 0.0}
    if process is not None:
        process.kill()


def _open_pictures(requests: Connection) -> None:
    while True:
        path = requests.recv()
        _forget_peak()
        outcome: dict[str, Any]
        began = time.perf_counter()
        try:
            outcome = {"size": open_photo(path, at_least=INPUT).size}
        except PhotoError as error:
            outcome = {"error": str(error).removeprefix(f"{path}: ")}
        except BaseException as error:
            outcome = {"failure": repr(error)}
        seconds = round(time.perf_counter() - began, 3)
        requests.send({**outcome, "seconds": seconds, "megabytes": _peak()})


def _forget_peak() -> None:
    with open("/proc/self/clear_refs", "w") as file:  # Linux counts the peak anew
        file.write("5")


def _peak() -> float:
    with open("/proc/self/status") as file:
        (line,) = (line for line in file if line.startswith("VmHWM"))
    return round(int(line.split()[1]) / 1000, 1)


def captioned(folder: Path, count: int) -> list[str]:
    """Run ``seetell caption`` on all; return what is wrong with its output."""
    began = time.perf_counter()
    command = [sys.executable, "-m", "seetell", "caption", str(folder), "--format", "jsonl"]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "PYTHONFAULTHANDLER": "1"})
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    failed = sum("error" in row for row in rows)
    seconds = time.perf_counter() - began
    print(f"seetell caption: {len(rows)} rows, {failed} errors, {seconds:.0f} seconds", file=sys.stderr)
    faults = [f"standard error: {line}" for line in done.stderr.splitlines()[:20]]
    if len({row["image"] for row in rows}) != count or len(rows) != count:
        faults.append(f"seetell caption wrote {len(rows)} rows for {count} pictures")
    if done.returncode not in (0, 1):
        faults.append(f"seetell caption ended with {done.returncode}")
    return faults


if __name__ == "__main__":
    main()
