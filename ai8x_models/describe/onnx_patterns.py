"""Several ONNX operators that are one function of PyTorch, put together again.

Exporters write a vector brought to length 1 as its length, a limit, and a quotient.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import onnx
from onnx import helper
from torch import Tensor

from ai8x_models.describe.onnx_constants import number_of

Constants = Mapping[str, Tensor]


def simplified(
    nodes: Sequence[onnx.NodeProto], constants: Constants, outputs: Sequence[str]
) -> list[onnx.NodeProto]:
    """The same graph in fewer operators; what nothing reads is left out."""
    finder = _Finder(nodes, constants)
    return _read([finder.normalization(node) or node for node in nodes], outputs)


@dataclass(frozen=True, slots=True)
class _Length:
    """Euclidean length of `source` along an axis, not less than `least`."""

    source: str
    axis: int
    least: float = 0.0


class _Finder:
    def __init__(self, nodes: Sequence[onnx.NodeProto], constants: Constants) -> None:
        self.constants = constants
        self.producers = {name: node for node in nodes for name in node.output}

    def normalization(self, node: onnx.NodeProto) -> onnx.NodeProto | None:
        """`LpNormalization` for data over their length; it keeps the least length as `eps`."""
        if node.op_type == "Div":
            data, divisor = node.input
        elif node.op_type == "Mul" and (found := self._made_by(node.input[1], "Reciprocal")):
            data, divisor = node.input[0], found.input[0]
        else:
            return None
        length = self._length(divisor)
        if length is None or length.source != data:
            return None
        one = helper.make_node(
            "LpNormalization", [data], list(node.output), node.name, axis=length.axis, p=2
        )
        one.attribute.append(helper.make_attribute("eps", length.least))
        one.metadata_props.extend(node.metadata_props)
        return one

    def _length(self, name: str) -> _Length | None:
        """How a tensor is the length of another, if it is."""
        node = self.producers.get(name)
        if node is None:
            return None
        match node.op_type:
            case "Expand":
                return self._length(node.input[0])
            case "Clip" | "Max":
                return self._limited(node, self._length(node.input[0]))
            case "Sqrt":
                return self._root(node.input[0])
            case "ReduceL2":
                return self._reduced(node, node.input[0])
            case _:
                return None

    def _root(self, name: str) -> _Length | None:
        """The same of a sum of squares, whose limit is a square, too."""
        node = self.producers.get(name)
        if node is None:
            return None
        match node.op_type:
            case "Clip" | "Max":
                found = self._limited(node, self._root(node.input[0]))
                return found and replace(found, least=found.least**0.5)
            case "ReduceSumSquare":
                return self._reduced(node, node.input[0])
            case "ReduceSum":
                source = self._squared(node.input[0])
                return None if source is None else self._reduced(node, source)
            case _:
                return None

    def _squared(self, name: str) -> str | None:
        """What a tensor is the square of."""
        node = self.producers.get(name)
        if node is None or node.op_type not in ("Mul", "Pow"):
            return None
        first, second = node.input
        is_square = first == second if node.op_type == "Mul" else self._number(second) == 2.0
        return str(first) if is_square else None

    def _limited(self, node: onnx.NodeProto, length: _Length | None) -> _Length | None:
        """With a limit below, and none above."""
        numbers = [self._number(name) for name in node.input[1:] if name]
        if length is None or len(numbers) != 1 or numbers[0] is None:
            return None
        is_above = node.op_type == "Clip" and not node.input[1]
        return None if is_above else replace(length, least=numbers[0])

    def _reduced(self, node: onnx.NodeProto, source: str) -> _Length | None:
        """Along one axis, which is kept."""
        given = {one.name: helper.get_attribute_value(one) for one in node.attribute}
        axes = list(given.get("axes", ()))
        if len(node.input) > 1 and node.input[1] in self.constants:
            axes = self.constants[node.input[1]].reshape(-1).tolist()
        return _Length(source, axes[0]) if len(axes) == 1 and given.get("keepdims", 1) else None

    def _made_by(self, name: str, op_type: str) -> onnx.NodeProto | None:
        node = self.producers.get(name)
        return node if node is not None and node.op_type == op_type else None

    def _number(self, name: str) -> float | None:
        found = self.constants.get(name)
        return number_of(found) if found is not None and found.numel() == 1 else None


def _read(nodes: Sequence[onnx.NodeProto], outputs: Sequence[str]) -> list[onnx.NodeProto]:
    """Operators that some output needs."""
    uses = Counter(outputs)
    found: list[onnx.NodeProto] = []
    for node in reversed(nodes):
        if any(uses[name] for name in node.output):
            uses.update(node.input)
            found.append(node)
    return found[::-1]
