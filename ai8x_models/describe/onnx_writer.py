"""A network of our layers as ONNX: the real numbers that it computes with, for other tools.

Nodes have the names of the layers, tensors too; a layer's pooling, activation and clamp are called
`conv1/pool` and so on. Batch norm is folded. Data lie in -1..127/128, and the clamps of the
accelerator are in the graph; the rounding of data and the weights' integers are not.
"""

from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

from ai8x_models.describe.convert import Converted, Network, network_of
from ai8x_models.describe.graph import Concat, Node, Own
from ai8x_models.layers.layers import (
    ConvTranspose2d,
    ElementWise,
    FoldedConv2d,
    FusedLayer,
    Linear,
    Pool,
)
from ai8x_models.layers.qat import DATA_MAX, Mode, weight_grid
from ai8x_models.layers.space_to_depth import unfold_image
from ai8x_models.zoo.registry import Shape
from max78000.errors import UnsupportedError
from max78000.facts.fixed import DATA_BITS, Activation, Combine
from max78000.files import write_whole

OPSET = 17
_BATCH = "N"
_COMBINE_WORDS = ((Combine.ADD, "Add"), (Combine.SUB, "Sub"))


def export_model(model: nn.Module, shape: Shape, arch: str = "") -> onnx.ModelProto:
    """Write a network down as ONNX.

    Args:
        model: as `describe` takes it; trained, quantized or neither.
        shape: of its input.
        arch: name of the graph; left out, that of the model's class.

    Raises:
        UnsupportedError: bitwise joins, which ONNX has for integers only; and as `describe`.
    """
    network = deepcopy(Converted(network_of(model, shape))).network
    return _Writer(network, arch or network.arch).model()


def save_onnx(model: onnx.ModelProto, path: Path) -> None:
    """Write a file, whole or not at all; raises as `write_whole`."""
    write_whole(path, model.SerializeToString(deterministic=True))


class _Writer:
    """Collects nodes and constants; every node of the network has a tensor of its name."""

    def __init__(self, network: Network, arch: str) -> None:
        self.network = network
        self.arch = arch
        self.nodes: list[onnx.NodeProto] = []
        self.constants: dict[str, NDArray[Any]] = {}
        self.owners: dict[int, str] = {}

    def model(self) -> onnx.ModelProto:
        """The file's contents, checked."""
        graph = self.network.graph
        for node in graph.nodes[1:]:
            self._write(node, [graph.nodes[source].name for source in node.inputs])
        values = {node.name: _value(node) for node in graph.nodes}
        outputs = [graph.nodes[index].name for index in graph.outputs]
        written = helper.make_graph(
            self.nodes,
            self.arch,
            [values["input"]],
            [values[name] for name in outputs],
            [numpy_helper.from_array(array, name) for name, array in self.constants.items()],
            doc_string=self._summary(),
            value_info=[value for name, value in values.items() if name not in ("input", *outputs)],
        )
        model = helper.make_model(
            written, opset_imports=[helper.make_opsetid("", OPSET)], producer_name="ai8x"
        )
        model.ir_version = 8
        onnx.checker.check_model(model)
        return model

    def _summary(self) -> str:
        text = f"{self.arch} for the MAX78000. Data lie in -1..127/128."
        if self.network.on_cpu:
            text += f" Left to the application: {', '.join(self.network.on_cpu)}."
        return text

    def _write(self, node: Node, inputs: list[str]) -> None:
        match node.op:
            case Own(layer) if isinstance(layer, FusedLayer):
                self._write_layer(node, layer, inputs[0])
            case Own(layer) if isinstance(layer, Pool):
                self._pool(layer, inputs[0], node.name, node.name, len(node.shape) - 1)
            case Own(layer) if isinstance(layer, ElementWise):
                self._join(layer, inputs, node)
            case Concat():
                self._add("Concat", inputs, node.name, node.name, axis=1)
            case _ if len(node.shape) == 1:
                self._add("Flatten", inputs, node.name, node.name, axis=1)
            case _:
                target = self._constant(f"{node.name}/shape", np.array([0, *node.shape]))
                self._add("Reshape", [*inputs, target], node.name, node.name)

    def _write_layer(self, node: Node, layer: FusedLayer, source: str) -> None:
        name, plan = node.name, layer.plan
        weight, bias = _real_parameters(layer)
        if plan.pool is not None:
            source = self._pool(layer, source, f"{name}/pool", f"{name}/pool", len(node.shape) - 1)
        stride = 1
        if isinstance(layer, FoldedConv2d):
            is_folded_picture = self.network.graph.nodes[0].shape[0] == layer.folded_channels
            stride = 1 if is_folded_picture else layer.ratio
            if stride > 1 and weight.shape[1] == layer.folded_channels:
                weight = unfold_image(weight, layer.ratio)
        owner = self.owners.setdefault(id(layer), name)  # weights used again are stored once
        inputs = [source, self._constant(f"{owner}/weight", weight.numpy())]
        if bias is not None:
            inputs.append(self._constant(f"{owner}/bias", bias.numpy()))
        steps = list(_steps_behind(layer))
        inner = f"{name}/op" if steps else name
        source = self._operator(layer, inputs, name, inner, stride)
        for position, (word, low) in enumerate(steps):
            is_last = position == len(steps) - 1
            limits = [self._limit("data_min", low), self._limit("data_max", DATA_MAX)]
            extra = limits if word == "Clip" else []
            step = f"{name}/{word.lower()}"
            source = self._add(word, [source, *extra], step, name if is_last else step)

    def _operator(
        self, layer: FusedLayer, inputs: list[str], name: str, output: str, stride: int
    ) -> str:
        doc = f"{type(layer).__name__}, {'32' if layer.plan.wide else '8'}-bit output"
        if isinstance(layer, Linear):
            return self._add("Gemm", inputs, name, output, doc_string=doc, transB=1)
        kernel = self.constants[inputs[1]].shape[2:]
        n_axes, plan = len(kernel), layer.plan
        # Where the stride is built in, the padding is a third of the kernel: 1 of 3, r of 3 r.
        padding = kernel[0] // 3 if isinstance(layer, FoldedConv2d) else plan.padding
        sizes = {
            "kernel_shape": list(kernel),
            "pads": [padding] * 2 * n_axes,
            "dilations": [plan.dilation] * n_axes,
        }
        if isinstance(layer, ConvTranspose2d):
            sizes |= {"strides": [2, 2], "output_padding": [1, 1]}
            return self._add("ConvTranspose", inputs, name, output, doc_string=doc, **sizes)
        sizes["strides"] = [stride] * n_axes
        return self._add("Conv", inputs, name, output, doc_string=doc, **sizes)

    def _pool(
        self, layer: FusedLayer | Pool, source: str, name: str, output: str, n_axes: int
    ) -> str:
        plan = layer.plan
        word = "MaxPool" if plan.pool == "max" else "AveragePool"
        sizes = {
            "kernel_shape": list(plan.pool_size[:n_axes]),
            "strides": list(plan.pool_stride[:n_axes]),
        }
        return self._add(word, [source], name, output, **sizes)

    def _join(self, layer: ElementWise, inputs: list[str], node: Node) -> None:
        word = dict(_COMBINE_WORDS).get(layer.combine)
        if word is None:
            why = f"{layer.combine.name.lower()} of data's bytes has no operator in ONNX"
            raise UnsupportedError(why, where=node.where, fix="export the network without it")
        total = inputs[0]
        for position, other in enumerate(inputs[1:]):
            name = node.name if position == 0 else f"{node.name}/{position}"
            total = self._add(word, [total, other], name, f"{node.name}/sum{position}")
        limits = [self._limit("data_min", -1.0), self._limit("data_max", DATA_MAX)]
        self._add("Clip", [total, *limits], f"{node.name}/clip", node.name)

    def _add(
        self, op_type: str, inputs: list[str], name: str, output: str, **attributes: Any
    ) -> str:
        self.nodes.append(helper.make_node(op_type, inputs, [output], name, **attributes))
        return output

    def _constant(self, name: str, array: NDArray[Any]) -> str:
        self.constants[name] = array
        return name

    def _limit(self, name: str, value: float) -> str:
        return self._constant(name, np.array(value, np.float32))


def _steps_behind(layer: FusedLayer) -> Iterator[tuple[str, float]]:
    """Activation and clamp; a 32-bit output has neither."""
    if layer.plan.wide:
        return
    if layer.plan.activation is not Activation.NONE:
        yield ("Relu" if layer.plan.activation is Activation.RELU else "Abs"), 0.0
    yield "Clip", -1.0


def _real_parameters(layer: FusedLayer) -> tuple[Tensor, Tensor | None]:
    """Weight and bias as the layer computes with them, with batch norm and output shift in them."""
    layer.fold_batchnorm()
    weight, bias = layer.op.weight.detach(), layer.op.bias
    bias = None if bias is None else bias.detach()
    if layer.mode is Mode.INTEGER:
        bits = int(layer.weight_bits.item()) or DATA_BITS
        one = weight_grid(bits).one
        weight, gain = weight / one, 2.0 ** layer.output_shift.item()
        bias = None if bias is None else bias / (one * weight_grid(DATA_BITS).one)
    else:
        weight, bias, gain = layer.parameters_in_use(weight, bias)
    gain = 1.0 if layer.plan.wide else gain
    return weight * gain, None if bias is None else bias * gain


def _value(node: Node) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(node.name, TensorProto.FLOAT, [_BATCH, *node.shape])
