"""An ONNX file as a model of PyTorch: `describe`, `convert` and `record` take it like any other.

Real numbers and QDQ files (real numbers with quantizers around them) are read; what the quantizers
round is quantized anew. Weights are read, nothing is trained, and no control flow is followed.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import onnx
import torch
from google.protobuf.message import DecodeError
from onnx import helper, numpy_helper
from torch import Tensor, nn

from ai8x_models.describe.onnx_operators import OPERATORS
from ai8x_models.zoo.registry import Shape
from max78000.errors import InputError, ToolError, UnsupportedError, raise_all


class _Step(nn.Module):
    """One operator; `place` says where it stands in the file."""

    def __init__(self, node: onnx.NodeProto, place: str) -> None:
        super().__init__()
        self.place = place
        self.op_type = node.op_type
        self.inputs = tuple(node.input)
        self.outputs = tuple(node.output)
        self.attributes: Mapping[str, Any] = {
            "n_outputs": len(node.output),
            **{one.name: helper.get_attribute_value(one) for one in node.attribute},
        }

    def forward(self, *inputs: Tensor | None) -> tuple[Tensor, ...]:
        """Run the operator; inputs that are left out are None."""
        try:
            result = OPERATORS[self.op_type](self.attributes, *inputs)
        except UnsupportedError as error:
            raise UnsupportedError(
                error.why, where=self.place, fix=error.fix, rule=error.rule
            ) from error
        return result if isinstance(result, tuple) else (result,)


class OnnxModel(nn.Module):
    """The graph of an ONNX file. `arch` is its name there, `shape` its input's, if it says so."""

    def __init__(self, graph: onnx.GraphProto, where: str) -> None:
        super().__init__()
        self.arch = re.sub(r"\W+", "_", graph.name).strip("_") or "onnx"
        self.constants = {one.name: _tensor(one) for one in graph.initializer}
        self.input_name, self.shape = _input(graph, self.constants, where)
        self.output_names = tuple(one.name for one in graph.output)
        self.steps: list[str] = []
        for node in graph.node:
            if node.op_type == "Constant":
                self.constants[node.output[0]] = _constant(node.attribute[0])
                continue
            name = self._name_of(node)
            self.add_module(name, _Step(node, f"{where} {node.name or name} ({node.op_type})"))
            self.steps.append(name)

    def forward(self, x: Tensor) -> Tensor | tuple[Tensor, ...]:
        """(N, *shape) to the answers of the file, a tuple if there are several."""
        values: dict[str, Tensor] = {**self.constants, self.input_name: x}
        for name in self.steps:
            step = self.get_submodule(name)
            assert isinstance(step, _Step)
            results = step(*(values[one] if one else None for one in step.inputs))
            values.update(zip(step.outputs, results, strict=False))
        answers = tuple(values[name] for name in self.output_names)
        return answers[0] if len(answers) == 1 else answers

    def _name_of(self, node: onnx.NodeProto) -> str:
        """`/block/conv1/Conv` and `block.conv1` become block_conv1."""
        given = node.name.removesuffix(f"/{node.op_type}") or node.op_type.lower()
        word = re.sub(r"\W+", "_", given).strip("_") or node.op_type.lower()
        name, count = word, 1
        while hasattr(self, name):
            count += 1
            name = f"{word}_{count}"
        return name


def read_onnx_model(path: Path) -> OnnxModel:
    """Read an ONNX file.

    Raises:
        InputError: no such file, not ONNX, or without exactly one input.
        ProblemList: every operator that cannot be read.
    """
    try:
        model = onnx.load_model_from_string(path.read_bytes())
    except OSError as error:
        why = f"cannot be read: {error.strerror}"
        raise InputError(why, where=str(path), fix="name an ONNX file") from error
    except DecodeError as error:
        raise InputError(
            "is not an ONNX file, or is damaged", where=str(path), fix="export it again"
        ) from error
    if not model.graph.node:
        raise InputError("has no operators", where=str(path), fix="export it again")
    raise_all(_unknown(model.graph, str(path)))
    return OnnxModel(model.graph, str(path))


def _unknown(graph: onnx.GraphProto, where: str) -> list[ToolError]:
    fix = "leave it to the CPU, or out; operators read are Conv, Gemm, MaxPool, Relu, Add, ..."
    return [
        UnsupportedError(
            f"`{node.op_type}`", where=f"{where} {node.name or node.output[0]}", fix=fix
        )
        for node in graph.node
        if node.op_type not in OPERATORS and node.op_type != "Constant"
    ]


def _input(
    graph: onnx.GraphProto, constants: Mapping[str, Tensor], where: str
) -> tuple[str, Shape | None]:
    inputs = [one for one in graph.input if one.name not in constants]
    if len(inputs) != 1:
        why = f"has {len(inputs)} inputs, an accelerator's network has one"
        raise InputError(why, where=where, fix="export the part with one input")
    sizes = [one.dim_value for one in inputs[0].type.tensor_type.shape.dim][1:]
    return inputs[0].name, tuple(sizes) if sizes and all(sizes) else None


def _constant(attribute: onnx.AttributeProto) -> Tensor:
    value = helper.get_attribute_value(attribute)
    return _tensor(value) if isinstance(value, onnx.TensorProto) else torch.tensor(value)


def _tensor(proto: onnx.TensorProto) -> Tensor:
    """A constant; real numbers of any width become float32, as the data are."""
    found = torch.from_numpy(numpy_helper.to_array(proto).copy())
    return found.float() if found.is_floating_point() else found
