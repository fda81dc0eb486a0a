"""Integer weights of an ONNX model -> Checkpoint: `Conv`, `ConvTranspose`, `Gemm` nodes in order.

Takes weights and biases only. Padding, pooling, activations and shifts are the description's: an
ONNX file has no place for the accelerator's output shift. Needs the package `onnx`.
"""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from max78000.errors import InputError, ToolError, UnsupportedError, raise_all
from max78000.facts.chip import WEIGHT_BITS
from max78000.facts.fixed import BIAS_ONE
from max78000.files import DAMAGED
from synthesis.read.checkpoint import Checkpoint, LayerWeights, integers

OPERATORS = ("Conv", "ConvTranspose", "Gemm")
RULE = "G25"


def read_onnx(path: Path) -> Checkpoint:
    """Read a model whose weights are integers; biases are 128 times the byte that is added.

    Raises:
        UnsupportedError: the package `onnx` is not installed.
        InputError or ProblemList: no ONNX file, weights that are not integers or not in the file.
    """
    model = _load(path)
    arrays = {tensor.name: tensor for tensor in model.graph.initializer}
    problems: list[ToolError] = []
    layers = []
    for node in model.graph.node:
        if node.op_type in OPERATORS:
            try:
                layers.append(_layer(path, node, arrays))
            except ToolError as error:
                problems.append(error)
    raise_all(problems)
    return Checkpoint(str(path), None, tuple(layers))


def _load(path: Path) -> Any:
    try:
        import onnx
        from google.protobuf.message import DecodeError
        from onnx.external_data_helper import load_external_data_for_model
    except ImportError:
        fix = "pip install onnx, or give a .pth.tar checkpoint"
        raise UnsupportedError(
            "reading ONNX needs the package onnx", where=str(path), fix=fix
        ) from None
    try:
        model = onnx.load_model_from_string(path.read_bytes())
    except FileNotFoundError:
        raise InputError("no such file", where=str(path), fix="check --checkpoint-file") from None
    except (OSError, DecodeError) as error:
        fix = "export it again; a download may have been cut short"
        raise InputError(
            f"is not an ONNX model ({error})", where=str(path), fix=fix, rule=RULE
        ) from None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of keys that nobody knows
            # Else weights are looked for in the current folder, where others may lie.
            load_external_data_for_model(model, str(path.parent))
    except (OSError, onnx.checker.ValidationError, *DAMAGED) as error:
        why = f"has its weights in another file, which cannot be read: {error}"
        fix = "put that file beside it, or export with the weights inside the file"
        raise InputError(why, where=str(path), fix=fix, rule=RULE) from None
    return model


def _layer(path: Path, node: Any, arrays: dict[str, Any]) -> LayerWeights:
    name = node.name or next(iter(node.output), "")
    where = f"{path} {node.op_type} {name}"
    if len(node.input) < 2:
        raise InputError("has no weights", where=where, fix="export it again", rule=RULE)
    weight = _array(node.input[1], arrays, where)
    if node.op_type == "Gemm" and not _attribute(node, "transB"):
        weight = weight.T
    bias = None
    if len(node.input) > 2 and node.input[2]:
        bias = np.floor_divide(_array(node.input[2], arrays, where).reshape(-1), BIAS_ONE)
    return LayerWeights(name, weight, bias, _bits(weight), 0)


def _attribute(node: Any, name: str) -> int:
    return next((int(entry.i) for entry in node.attribute if entry.name == name), 0)


def _array(name: str, arrays: dict[str, Any], where: str) -> NDArray[np.int64]:
    if name not in arrays:
        fix = "export with constant folding, so that weights are initializers"
        raise InputError(f"{name} is computed, not stored", where=where, fix=fix, rule=RULE)
    from onnx import numpy_helper

    try:
        values = numpy_helper.to_array(arrays[name])
    except DAMAGED as error:
        fix = "export with the weights inside the file"
        raise InputError(
            f"{name} cannot be read: {error}", where=where, fix=fix, rule=RULE
        ) from None
    return integers(values, f"{where} {name}")


def _bits(weight: NDArray[np.int64]) -> int | None:
    """Smallest width that holds the weights; None where a description has to say."""
    if not weight.size:
        return None
    low, high = int(weight.min()), int(weight.max())
    fitting = (b for b in WEIGHT_BITS if -(1 << (b - 1)) <= low and high < 1 << (b - 1))
    return next(fitting, None)
