"""What an ONNX file computes without its input: sizes, positions, weights; by ONNX's reference."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import helper, numpy_helper
from onnx.reference import ReferenceEvaluator
from torch import Tensor

from max78000.errors import InputError
from max78000.files import DAMAGED

# What the reference raises where it lacks an operator, or is given data that do not fit.
_FAILURES = (
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
    except _FAILURES:
        return None


def as_tensor(array: NDArray[Any]) -> Tensor:
    """A constant; real numbers of any width become float32, as the data are."""
    found = torch.from_numpy(array.copy())
    return found.float() if found.is_floating_point() else found


def number_of(value: Tensor | float) -> float:
    """A float32 number as people wrote it: 0.1, not 0.10000000149."""
    return float(str(np.float32(value)))


def stored_tensor(stored: onnx.TensorProto, where: str) -> Tensor:
    """A constant as a file holds it.

    Raises:
        InputError: it is damaged, or of a type that PyTorch lacks.
    """
    try:
        return as_tensor(numpy_helper.to_array(stored))
    except DAMAGED as error:
        why = f"tensor {stored.name or 'without a name'} cannot be read: {error}"
        fix = "export it again, with weights of 32 bits inside the file"
        raise InputError(why, where=where, fix=fix) from error


def constant_of(node: onnx.NodeProto, where: str) -> Tensor:
    """The value of a `Constant`; raises as `stored_tensor`."""
    values = [helper.get_attribute_value(one) for one in node.attribute]
    if len(values) != 1:
        why = f"a constant with {len(values)} values"
        raise InputError(why, where=where, fix="export it again")
    (value,) = values
    return (
        stored_tensor(value, where) if isinstance(value, onnx.TensorProto) else torch.tensor(value)
    )


def names_of_data(nodes: Iterable[onnx.NodeProto], input_name: str) -> frozenset[str]:
    """Tensors whose numbers depend on the input's."""
    found = {input_name}
    for node in nodes:
        if node.op_type not in _SIZES and found.intersection(node.input):
            found.update(node.output)
    return frozenset(found)
