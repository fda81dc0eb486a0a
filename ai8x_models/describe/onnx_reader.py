"""An ONNX file as a model of PyTorch: `describe`, `convert` and `record` take it like any other.

Real numbers and QDQ files (real numbers with quantizers around them) are read; what the quantizers
round is quantized anew. Weights are read, nothing is trained, and no control flow is followed.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import onnx
from onnx import helper
from onnx.inliner import inline_local_functions
from torch import Tensor, nn

from ai8x_models.describe.graph import Foreign
from ai8x_models.describe.onnx_constants import (
    FAILURES,
    constant_of,
    names_of_data,
    reference_result,
    stored_tensor,
)
from ai8x_models.describe.onnx_file import load_onnx
from ai8x_models.describe.onnx_names import Names, place_of
from ai8x_models.describe.onnx_operators import OPERATORS
from ai8x_models.describe.onnx_patterns import simplified
from ai8x_models.describe.onnx_refusals import refused, unread
from ai8x_models.zoo.registry import Shape
from max78000.errors import InputError, UnsupportedError

_DOMAINS = ("", "ai.onnx")
_NAMELESS = ("", "main_graph", "main", "graph", "torch_jit", "torch-jit-export")
_LOST = ""  # names what stands for results that nobody knows


class _Step(nn.Module):
    """One operator on data; `place` says where it stands in the file."""

    def __init__(self, node: onnx.NodeProto, opset: int, place: str) -> None:
        super().__init__()
        self.place = place
        self.node = node
        self.opset = opset
        self.attributes = _attributes(node, opset)

    def forward(self, *inputs: Tensor | None) -> dict[str, Tensor]:
        """Results by their names; inputs that are left out are None.

        Raises:
            UnsupportedError: an operator that is refused, while nobody records.
        """
        domain = self.node.domain if self.node.domain not in _DOMAINS else ""
        operator = None if domain else OPERATORS.get(self.node.op_type)
        if operator is None:
            return self._refused(unread(self.node.op_type, domain), inputs)
        try:
            result = operator(self.attributes, *inputs)
        except UnsupportedError as error:
            return self._refused(Foreign(error.why, error.fix or "", error.rule or ""), inputs)
        results = result if isinstance(result, tuple) else (result,)
        return dict(zip(self.node.output, results, strict=False))

    def _refused(self, op: Foreign, inputs: Sequence[Tensor | None]) -> dict[str, Tensor]:
        """The results all the same, if they can be computed."""
        given = [one for one in inputs if one is not None]
        found = reference_result(self.node, self.opset, inputs)
        outputs = [name for name in self.node.output if name]
        results = {_LOST: given[0]} if found is None else dict(zip(outputs, found, strict=True))
        try:
            return {name: refused(given, op, one) for name, one in results.items()}
        except UnsupportedError as error:
            raise UnsupportedError(
                error.why, where=self.place, fix=error.fix, rule=error.rule
            ) from error


@dataclass(frozen=True, slots=True)
class _Sizes:
    """One operator on sizes, which depend on how many examples there are."""

    node: onnx.NodeProto
    opset: int
    place: str

    def results(self, inputs: Sequence[Tensor | None]) -> dict[str, Tensor]:
        """Results by their names."""
        found = _constants(self.node, self.opset, inputs)
        if found is None:
            fix = "export it with sizes that are fixed, or simplify the file"
            raise UnsupportedError(
                f"`{self.node.op_type}` of sizes or constants cannot be computed",
                where=self.place,
                fix=fix,
            )
        return dict(zip([name for name in self.node.output if name], found, strict=True))


class OnnxModel(nn.Module):
    """The graph of an ONNX file. `arch` is its name there, or the file's where an exporter calls
    all graphs alike; `shape` its input's, if it says so.
    """

    def __init__(self, graph: onnx.GraphProto, opset: int, where: str) -> None:
        super().__init__()
        name = Path(where).stem if graph.name in _NAMELESS else graph.name
        self.arch = re.sub(r"\W+", "_", name).strip("_") or "onnx"
        self.constants = {one.name: stored_tensor(one, where) for one in graph.initializer}
        self.input_name, self.shape = _input(graph, self.constants, where)
        self.output_names = tuple(one.name for one in graph.output)
        nodes = self._unknown(graph.node, opset, where)
        nodes = simplified(nodes, self.constants, self.output_names)
        names, data = Names(nodes), names_of_data(nodes, self.input_name)
        self.steps: list[str | _Sizes] = []
        for node in nodes:
            name = names.unique(node, dir(self))
            place = f"{where} {place_of(node, name)}"
            if data.isdisjoint(node.output):
                self.steps.append(_Sizes(node, opset, place))
                continue
            self.add_module(name, _Step(node, opset, place))
            self.steps.append(name)

    def forward(self, x: Tensor) -> Tensor | tuple[Tensor, ...]:
        """(N, *shape) to the answers of the file, a tuple if there are several."""
        values: dict[str, Tensor] = {**self.constants, self.input_name: x}
        lost: list[Tensor] = []
        for one in self.steps:
            step = self.get_submodule(one) if isinstance(one, str) else one
            assert isinstance(step, _Step | _Sizes)
            if not all(name in values for name in step.node.input if name):
                continue  # behind an operator whose results nobody knows
            inputs = [values[name] if name else None for name in step.node.input]
            values.update(step(*inputs) if isinstance(step, _Step) else step.results(inputs))
            if _LOST in values:
                lost.append(values.pop(_LOST))
        answers = (*(values[name] for name in self.output_names if name in values), *lost)
        return answers[0] if len(answers) == 1 else answers

    def _unknown(
        self, nodes: Sequence[onnx.NodeProto], opset: int, where: str
    ) -> list[onnx.NodeProto]:
        """Operators that have to be looked at; the rest become constants."""
        found: list[onnx.NodeProto] = []
        for node in nodes:
            is_constant = all(name in self.constants for name in node.input if name)
            results: tuple[Tensor, ...] | None = None
            if node.op_type == "Constant":
                results = (constant_of(node, where),)
            elif is_constant:
                inputs = [self.constants[name] if name else None for name in node.input]
                results = _constants(node, opset, inputs)
            if results is None:
                found.append(node)
            else:
                self.constants.update(zip(filter(None, node.output), results, strict=True))
        return found


def _constants(
    node: onnx.NodeProto, opset: int, inputs: Sequence[Tensor | None]
) -> tuple[Tensor, ...] | None:
    """What an operator makes of constants; None if it cannot be computed.

    The reference lacks some operators in their earlier forms.
    """
    found = reference_result(node, opset, inputs)
    if found is not None or node.op_type not in OPERATORS:
        return found
    try:
        result = OPERATORS[node.op_type](_attributes(node, opset), *inputs)
    except FAILURES:
        return None
    return result if isinstance(result, tuple) else (result,)


def _attributes(node: onnx.NodeProto, opset: int) -> Mapping[str, Any]:
    """An operator's own, the version of ONNX that it means, and how many results it has."""
    given = {one.name: helper.get_attribute_value(one) for one in node.attribute}
    return {"n_outputs": len(node.output), "opset": opset, **given}


def read_onnx_model(path: Path) -> OnnxModel:
    """Read an ONNX file, and the file of weights beside it if it has one.

    Raises:
        InputError: no such file, not ONNX, weights missing, or without exactly one input.
    """
    model = load_onnx(path)
    if model.functions:
        model = inline_local_functions(model)
    opset = next((one.version for one in model.opset_import if one.domain in _DOMAINS), 1)
    return OnnxModel(model.graph, opset, str(path))


def _input(
    graph: onnx.GraphProto, constants: Mapping[str, Tensor], where: str
) -> tuple[str, Shape | None]:
    inputs = [one for one in graph.input if one.name not in constants]
    if len(inputs) != 1:
        why = f"has {len(inputs)} inputs, an accelerator's network has one"
        raise InputError(why, where=where, fix="export the part with one input")
    sizes = [one.dim_value for one in inputs[0].type.tensor_type.shape.dim][1:]
    return inputs[0].name, tuple(sizes) if sizes and all(sizes) else None
