r"""A bundle in the shape of BLIP-base, with random weights, which do not affect its speed, for ``caption_speed.py``.

    .venv-dev/bin/python benchmarks/exported_blip.py random-blip
    .venv-dev/bin/python benchmarks/caption_speed.py --model random-blip --peers blip_base \
        --peer-python .venv-dev/bin/python

It writes twelve tokens, as the peer ``blip_base`` does.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent / "peers"))

from blip_base import TOKENS, prepare

SPECIAL = {0: "[PAD]", 100: "[UNK]", 101: "[CLS]", 102: "[SEP]", 103: "[MASK]"}
WORDS = 30_522


def write_model(folder: Path) -> None:
    """Write weights, tokenizer and processor as the Hub has them; the words are numbers."""
    from transformers import BertTokenizer, BlipImageProcessor, BlipProcessor

    prepare(folder)
    vocabulary = {SPECIAL.get(token, f"w{token}"): token for token in range(WORDS)}
    tokenizer = BertTokenizer(vocab=vocabulary, bos_token="[DEC]", additional_special_tokens=["[ENC]"])
    BlipProcessor(BlipImageProcessor(), tokenizer).save_pretrained(folder)


def main() -> None:
    """Export a random model into the folder that is named."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--precision", nargs="+", default=["int8"], choices=["int8", "fp32"])
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        write_model(Path(folder) / "blip")
        command = [sys.executable, "-m", "seetell", "export", f"{folder}/blip", str(options.bundle)]
        precisions = [word for precision in options.precision for word in ("--precision", precision)]
        subprocess.run([*command, *precisions, "--set", f"max_words={TOKENS}", "--force"], check=True)


if __name__ == "__main__":
    main()
