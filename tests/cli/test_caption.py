from __future__ import annotations

import csv
import io
import json
import os
import signal
import struct
import subprocess
import sys
import time
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from seetell.cli.main import main
from seetell.runtime.bundle import bundled_models
from seetell.tasks.loading import load

KEYS = ("caption", "confidence", "kind", "logprob", "words", "model")


def save(path: Path, photo: Image.Image | None = None, **options: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    colour = tuple(np.random.default_rng(len(path.name)).integers(0, 256, 3).tolist())
    (photo or Image.new("RGB", (40, 30), colour)).save(path, **options)
    return path


def bomb() -> bytes:
    """A PNG of 50,000 × 50,000 pixels in a few hundred bytes."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", 50_000, 50_000, 1, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(10))) + chunk(b"IEND", b"")
    )


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, set[str]]:
    """A folder of good and bad files with photo endings, and the names of the bad ones."""
    folder = tmp_path_factory.mktemp("hostile")
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (60, 80, 3), dtype=np.uint8))
    exif = Image.Exif()
    exif[0x0112] = 6
    save(folder / "good.jpg", noise)
    save(folder / "rotated.jpg", noise, exif=exif)
    save(folder / "cmyk.jpg", Image.new("CMYK", (20, 20), (0, 200, 100, 10)))
    save(folder / "deep16.png", Image.fromarray(np.linspace(0, 65535, 400).astype(np.uint16).reshape(20, 20)))
    save(folder / "palette.png", Image.new("P", (10, 10)), transparency=0)
    save(folder / "alpha.png", Image.new("RGBA", (10, 10), (255, 0, 0, 100)))
    save(folder / "grey-alpha.png", Image.new("LA", (10, 10), (30, 100)))
    save(folder / "animated.gif", noise, save_all=True, append_images=[Image.new("RGB", noise.size)])
    save(folder / "one.png", Image.new("RGB", (1, 1)))
    save(folder / "panorama.jpg", Image.new("RGB", (30_000, 40)))
    save(folder / "ünï 狗 'quoted'.webp", noise)
    save(folder / "CAPITALS.JPEG", noise)
    save(folder / "misnamed.jpg", noise, format="PNG")
    bad = {
        "bomb.png": bomb(),
        "empty.jpg": b"",
        "header-only.png": b"\x89PNG\r\n\x1a\n",
        "text.jpg": b"this is not a photo at all, whatever its name says",
        "truncated.jpg": (folder / "good.jpg").read_bytes()[:700],
        "truncated.webp": (folder / "ünï 狗 'quoted'.webp").read_bytes()[:200],
        "zeros.bmp": bytes(500),
    }
    for name, content in bad.items():
        (folder / name).write_bytes(content)
    names = set(bad)
    if os.name == "posix":
        (folder / "dangling.jpg").symlink_to("nowhere.jpg")
        os.mkfifo(folder / "pipe.jpg")
        (Path(os.fsdecode(os.fsencode(folder) + b"/latin-\xe9.jpg"))).write_bytes(b"not a photo, nor a name in UTF-8")
        names |= {"dangling.jpg", "pipe.jpg", os.fsdecode(b"latin-\xe9.jpg")}
    (folder / "notes.txt").write_text("not looked at")
    return folder, names


def seetell(*arguments: str | Path, **options: object) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-W", "error", "-m", "seetell", "caption", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, timeout=120, check=False, **options)


def in_process(*arguments: str | Path) -> int:
    with pytest.raises(SystemExit) as caught:
        main(["caption", *map(str, arguments)])
    return int(caught.value.code or 0)


@pytest.mark.parametrize("locale", ["C", "C.UTF-8"])
def test_bad_files_get_their_error_and_good_ones_their_caption(hostile, tiny_bundle: Path, locale: str):
    folder, bad = hostile
    environment = {**os.environ, "LC_ALL": locale, "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    done = seetell(folder, "--model", tiny_bundle, "--format", "jsonl", "--batch-size", "4", env=environment)
    rows = [json.loads(line) for line in done.stdout.decode("utf-8").splitlines()]
    assert done.returncode == 1
    assert done.stderr == b"skipped: 1 .txt\n"
    names = [os.path.basename(os.fsdecode(row["image"].encode("utf-8", "surrogateescape"))) for row in rows]
    if locale == "C.UTF-8":
        assert names == sorted(path.name for path in folder.iterdir() if path.name != "notes.txt")
        assert {name for name, row in zip(names, rows, strict=True) if "error" in row} == bad
    assert sum("error" in row for row in rows) == len(bad)
    for row in rows:
        assert set(row) == ({"image", "error"} if "error" in row else {"image", *KEYS})
        assert row.get("error", "reason").strip()
        if "caption" in row:
            assert row["logprob"] <= 0
            assert row["caption"].replace("'s", " 's").split() == [word["text"] for word in row["words"]]


@pytest.mark.slow  # a small model does so in the tests above
@pytest.mark.skipif(not bundled_models(), reason="no model is bundled with this checkout")
def test_the_bundled_model_captions_the_hostile_folder(hostile):
    folder, bad = hostile
    done = seetell(folder, "--format", "jsonl", "--any-picture")
    rows = [json.loads(line) for line in done.stdout.decode("utf-8").splitlines()]
    assert done.returncode == 1
    assert sum("error" in row for row in rows) == len(bad)
    assert all(row["caption"] for row in rows if "error" not in row)


@pytest.mark.slow
@pytest.mark.skipif(not bundled_models(), reason="no model is bundled with this checkout")
def test_what_is_no_photo_is_no_failure(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    photo = save(tmp_path / "a.png")
    assert in_process(photo) == 0
    assert capsys.readouterr() == ("", f"{photo}: withheld: no photo: a blank picture\n")
    assert in_process(photo, "--any-picture") == 0
    assert capsys.readouterr().out.startswith(f"{photo}\t")


def test_a_model_without_a_confidence_refuses_to_compare_it(
    tiny_bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    assert in_process(save(tmp_path / "a.png"), "-m", tiny_bundle, "--min-confidence", "0.5") == 2
    said = capsys.readouterr().err
    assert "tiny does not tell how sure it is" in said
    assert "bundled models that do: everyday-transformer" in said


def test_text_and_csv_and_the_exit_status(tiny_bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    good = [save(tmp_path / name) for name in ("z.png", "a.png")]
    captioner = load(tiny_bundle)
    expected = [captioner.caption(path) for path in good]
    assert in_process(*good, "-m", tiny_bundle) == 0
    out = capsys.readouterr().out.splitlines()
    assert out == [f"{path}\t{caption.text}" for path, caption in zip(good, expected, strict=True)]
    assert in_process(*good, tmp_path / "absent.png", "-m", tiny_bundle, "-f", "csv") == 1
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [row["caption"] for row in rows] == [*(caption.text for caption in expected), ""]
    assert float(rows[0]["logprob"]) == pytest.approx(expected[0].logprob, abs=1e-4)
    assert rows[2]["error"] == "no such file"


@pytest.mark.slow
def test_options_reach_the_decoder(tiny_bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    photo = save(tmp_path / "a.png")
    captioner = load(tiny_bundle)
    for arguments, options in (
        (["--beam", "1"], {"beam_size": 1}),
        (
            ["--beam", "4", "--length-penalty", "0", "--max-words", "3"],
            {"beam_size": 4, "length_penalty": 0, "max_words": 3},
        ),
        (["--sample", "--temperature", "2", "--seed", "4"], {"method": "sample", "temperature": 2, "seed": 4}),
        (["--sample", "--top-k", "2", "--top-p", "0.9"], {"method": "sample", "top_k": 2, "top_p": 0.9}),
        (["--no-repeat-ngram-size", "1", "--threads", "1"], {"no_repeat_ngram_size": 1}),
    ):
        assert in_process(photo, "-m", tiny_bundle, *arguments) == 0
        assert capsys.readouterr().out == f"{photo}\t{captioner.caption(photo, **options).text}\n"
    assert in_process(photo, "-m", tiny_bundle, "--precision", "fp32") == 0  # this one has other weights
    assert capsys.readouterr().out == f"{photo}\t{load(tiny_bundle, precision='fp32').caption(photo).text}\n"
    assert captioner.caption(photo).text != load(tiny_bundle, precision="fp32").caption(photo).text


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--sample", "--beam", "3"], "use one of them"),
        (["--temperature", "0.5"], "temperature: only together with sample"),
        (["--beam", "0"], "Invalid value for '--beam': 0 is not in the range 1<=x<=100"),
        (["--beam", "100000"], "Invalid value for '--beam': 100000 is not in the range 1<=x<=100"),
        (["--length-penalty", "1e9"], "Invalid value for '--length-penalty'"),
        (["--sample", "--top-p", "7"], "Invalid value for '--top-p': 7.0 is not in the range x<=1"),
        (["--batch-size", "0"], "Invalid value for '--batch-size': 0 is not in the range x>=1"),
        (["--threads", "0"], "threads must be at least 1"),
        (["--precision", "int4"], "unknown precision 'int4'"),
        (["--model", "nothing"], "unknown model 'nothing'"),
        (["--model", "captoin"], "Did you mean 'caption'?"),
        (["--model", "everyday-transfomer"], "Did you mean 'everyday-transformer'?"),
        (["--model", "align"], "is a model for grounding (seetell align); expected one for captioning"),
    ],
)
def test_wrong_options_are_wrong_use(
    arguments: list[str], said: str, tiny_bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    assert in_process(save(tmp_path / "a.png"), "--model", tiny_bundle, *arguments) == 2
    captured = capsys.readouterr()
    assert said in captured.err
    assert captured.out == ""


def test_a_folder_without_photos_is_wrong_use(tiny_bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (tmp_path / "notes.txt").touch()
    assert in_process(tmp_path, "-m", tiny_bundle) == 2
    assert "no photos found" in capsys.readouterr().err


@pytest.mark.slow
def test_the_list_on_standard_input(tiny_bundle: Path, tmp_path: Path):
    photos = [save(tmp_path / f"{name}.png") for name in ("c", "a", "b")]
    listed = "\n".join(map(str, photos)).encode()
    done = seetell("-", "-m", tiny_bundle, "-f", "jsonl", input=listed)
    assert done.returncode == 0
    assert [json.loads(line)["image"] for line in done.stdout.splitlines()] == [str(photo) for photo in photos]
    assert seetell("-", "-m", tiny_bundle, input=b"\n").returncode == 2


def heed_interrupts() -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="signals and pipes as on POSIX")
def test_an_interrupt_and_a_closed_pipe_end_quietly(tiny_bundle: Path, tmp_path: Path):
    photo = save(tmp_path / "a.png")
    command = [sys.executable, "-m", "seetell", "caption", "-", "-m", str(tiny_bundle), "--batch-size", "1"]
    for interrupt in (True, False):
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        # a shell's background job ignores interrupts, and so would what it starts
        with subprocess.Popen(command, **pipes, preexec_fn=heed_interrupts) as process:
            process.stdin.write(f"{photo}\n".encode() * 3)
            process.stdin.flush()
            assert process.stdout.readline().startswith(str(photo).encode())
            if interrupt:
                time.sleep(0.2)
                process.send_signal(signal.SIGINT)
            else:
                process.stdout.close()
                process.stdin.write(f"{photo}\n".encode() * 5)
                process.stdin.close()
            complaints = process.stderr.read()
            assert process.wait(30) == (130 if interrupt else 1)
        assert complaints.strip() == b""


@pytest.mark.slow
@pytest.mark.parametrize("options", [[], ["--format", "jsonl"], ["--format", "csv"]])
def test_it_ends_quietly_when_nobody_reads_on(tmp_path: Path, options: list[str]):
    for number in range(3):
        save(tmp_path / f"{number}.png")
    command = [sys.executable, "-m", "seetell", "caption", str(tmp_path), "--any-picture", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 1
