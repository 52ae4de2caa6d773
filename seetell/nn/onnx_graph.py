"""A torch module written as an ONNX graph, in memory."""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from collections.abc import Iterator, Sequence

import onnx
import torch
from torch import Tensor, nn

from seetell.nn.backbones.fuse_bn import fuse_conv_bn

OPSET = 18


def onnx_graph(
    module: nn.Module,
    example: tuple[Tensor, ...],
    *,
    inputs: Sequence[str],
    outputs: Sequence[str],
    shapes: tuple[object, ...],
) -> bytes:
    """Write a module as an ONNX file's content.

    Args:
        module: taken in evaluation mode.
        example: arguments of ``module.forward``, at least two of whatever there may be any number of.
        inputs: their names in the graph.
        outputs: the names of what it returns.
        shapes: tells for each argument which axes are left open.
    """
    with torch.no_grad(), _quiet():
        program = torch.onnx.export(
            fuse_conv_bn(module.eval()),
            example,
            input_names=list(inputs),
            output_names=list(outputs),
            dynamic_shapes=shapes,
            opset_version=OPSET,
            dynamo=True,
        )
    assert program is not None
    model = program.model_proto
    _strip(model)
    content: bytes = model.SerializeToString()
    return content


def _strip(model: onnx.ModelProto) -> None:
    """Take out what the exporter noted on where each node came from: more bytes than a small decoder's structure."""
    del model.metadata_props[:]
    for item in (*model.graph.node, *model.graph.input, *model.graph.output, *model.graph.value_info):
        del item.metadata_props[:]
        item.doc_string = ""


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep the exporter's progress and its warnings about its own internals from the user."""
    loggers = [logging.getLogger(name) for name in ("torch.onnx", "onnxscript", "onnx_ir", "torch.export")]
    levels = [logger.level for logger in loggers]
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        for logger in loggers:
            logger.setLevel(logging.ERROR)
        try:
            yield
        finally:
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)
