"""What an ONNX file computes without its input: sizes, positions, weights; by ONNX's reference."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import helper
from onnx.reference import ReferenceEvaluator
from torch import Tensor

from ai8x_models.describe.onnx_file import constant_value, stored_array

# What the reference raises where it lacks an operator, or is given data that do not fit.
FAILURES = (
    *(RuntimeError, TypeError, ValueError, LookupError, AttributeError, AssertionError),
    *(ArithmeticError, onnx.checker.ValidationError),
)
_SIZES = ("Shape", "Size")  # of data, which say nothing about their numbers


def reference_result(
    node: onnx.NodeProto, opset: int, inputs: Sequence[Tensor | None]
) -> tuple[Tensor, ...] | None:
    """Results of one operator; None if the reference cannot compute it."""
    with torch._C.DisableTorchFunction():  # unseen by who records
        given = {
            name: one.detach().numpy()
            for name, one in zip(node.input, inputs, strict=True)
            if one is not None
        }
    outputs = [name for name in node.output if name]
    before, behind = (
        [onnx.ValueInfoProto(name=name) for name in names] for names in (given, outputs)
    )
    graph = helper.make_graph([node], "one", before, behind)
    try:
        with np.errstate(all="ignore"):
            found = ReferenceEvaluator(graph, opsets={"": opset}).run(None, given)
        return tuple(as_tensor(np.asarray(one)) for one in found)
    except FAILURES:
        return None


def as_tensor(array: NDArray[Any]) -> Tensor:
    """A constant; real numbers of any width become float32, as the data are."""
    found = torch.from_numpy(array.copy())
    return found.float() if found.is_floating_point() else found


def number_of(value: Tensor | float) -> float:
    """A float32 number as people wrote it: 0.1, not 0.10000000149."""
    return float(str(np.float32(value)))


def stored_tensor(stored: onnx.TensorProto, where: str) -> Tensor:
    """A constant as a file holds it; raises as `stored_array`."""
    return as_tensor(stored_array(stored, where))


def constant_of(node: onnx.NodeProto, where: str) -> Tensor:
    """The value of a `Constant`; raises as `constant_value`."""
    value = constant_value(node, where)
    return as_tensor(value) if isinstance(value, np.ndarray) else torch.tensor(value)


def names_of_data(nodes: Iterable[onnx.NodeProto], input_name: str) -> frozenset[str]:
    """Tensors whose numbers depend on the input's."""
    found = {input_name}
    for node in nodes:
        if node.op_type not in _SIZES and found.intersection(node.input):
            found.update(node.output)
    return frozenset(found)
