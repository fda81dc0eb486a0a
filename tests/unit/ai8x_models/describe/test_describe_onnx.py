"""ONNX files of others: names, attributes, quantizers, computed sizes, and what is refused."""

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator
from plain_networks import PLAIN, make_plain

from ai8x_models.describe.calibrate import calibrate
from ai8x_models.describe.convert import convert
from ai8x_models.describe.describe import describe
from ai8x_models.describe.onnx_reader import read_onnx_model
from ai8x_models.describe.onnx_writer import export_model, save_onnx
from ai8x_models.layers.layers import Conv2d, ElementWise
from max78000.errors import InputError, ProblemList, UnsupportedError
from max78000.facts.fixed import Combine

RNG_SEED = 11


def weights(*shape):
    rng = np.random.default_rng(RNG_SEED)
    return (rng.random(shape, np.float32) - np.float32(0.5)) / np.float32(
        np.sqrt(np.prod(shape[1:]))
    )


def file(tmp_path, nodes, constants, shape=(1, 3, 12, 12), outputs=("y",)):
    """Write a file; returns its path and its contents."""
    graph = helper.make_graph(
        nodes,
        "Some-Net",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs],
        [numpy_helper.from_array(np.asarray(array), name) for name, array in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    path = tmp_path / "net.onnx"
    path.write_bytes(model.SerializeToString())
    return path, model


def node(op_type, inputs, output, name="", **attributes):
    return helper.make_node(op_type, inputs.split(), [output], name, **attributes)


WHOLE_NODES = (
    node("Conv", "x w1 b1", "c1", "/features/0/Conv", kernel_shape=[3, 3], pads=[1, 1, 1, 1]),
    node("BatchNormalization", "c1 scale offset mean variance", "n1", epsilon=1e-3),
    node("Relu", "n1", "r1", "/features/2/Relu"),
    node("MaxPool", "r1", "p1", kernel_shape=[2, 2], strides=[2, 2]),
    node("Dropout", "p1", "d1"),
    node("Conv", "d1 w2", "c2", "/left/Conv", auto_pad="SAME_UPPER"),
    node("Conv", "d1 w3", "c3", "/right/Conv"),
    node("Abs", "c3", "a3"),
    node("Identity", "a3", "i3"),
    node("Sub", "c2 i3", "s", "/Sub"),
    node("ConvTranspose", "s w4", "t4", strides=[2, 2], pads=[1, 1, 0, 0]),
    node("Relu", "t4", "r4"),
    node("Concat", "r4 r1", "cat", axis=1),
    node("AveragePool", "cat", "p5", kernel_shape=[3, 3], strides=[3, 3]),
    node("GlobalAveragePool", "p5", "g"),
    node("Shape", "g", "sizes"),
    node("Gather", "sizes zero", "batch", axis=0),
    node("Concat", "batch minus", "target", axis=0),
    node("Reshape", "g target", "flat"),
    node("Gemm", "flat w6 b6", "y", "classifier.1", transB=1),
)
WHOLE_CONSTANTS = {
    "w1": weights(4, 3, 3, 3),
    "b1": weights(4),
    "scale": weights(4) + 1,
    "offset": weights(4),
    "mean": weights(4),
    "variance": weights(4) + 1,
    "w2": weights(4, 4, 3, 3),
    "w3": weights(4, 4, 1, 1),
    "w4": weights(4, 2, 3, 3),
    "zero": np.array([0]),
    "minus": np.array([-1]),
    "w6": weights(5, 6),
    "b6": weights(5),
}


def test_graphs_that_exporters_call_alike_have_the_name_of_the_file(tmp_path):
    path, written = file(tmp_path, WHOLE_NODES, WHOLE_CONSTANTS)
    written.graph.name = "main_graph"
    onnx.save(written, path.with_name("my-net.onnx"))
    assert read_onnx_model(path.with_name("my-net.onnx")).arch == "my_net"


def test_a_file_of_another_tool_computes_the_same_and_is_described(tmp_path):
    path, written = file(tmp_path, WHOLE_NODES, WHOLE_CONSTANTS)
    model = read_onnx_model(path)
    assert (model.arch, model.shape) == ("Some_Net", (3, 12, 12))
    x = torch.rand(1, 3, 12, 12, generator=torch.Generator().manual_seed(2)) - 0.5
    network = convert(model, model.shape, x).eval()
    (wanted,) = ReferenceEvaluator(written).run(None, {"x": x.numpy()})
    with torch.no_grad():
        np.testing.assert_allclose(model(x).numpy(), wanted, atol=1e-5)
        (scale,) = network.network.output_scales
        found = network(x * network.network.input_scale) / scale
    np.testing.assert_allclose(found.numpy(), wanted, atol=1e-4)
    entries = [line.strip("- {}") for line in describe(model, model.shape).to_text().splitlines()]
    assert entries[-7:] == [
        "name: features_0, op: conv2d, kernel_size: 3x3, pad: 1, activate: ReLU",
        "name: left, op: conv2d, kernel_size: 3x3, pad: 1, activate: None, "
        "max_pool: 2, pool_stride: 2",
        "name: right, in_sequences: features_0, op: conv2d, kernel_size: 1x1, pad: 0, "
        "activate: Abs, max_pool: 2, pool_stride: 2",
        "name: convtranspose, in_sequences: [left, right], op: convtranspose2d, eltwise: sub, "
        "kernel_size: 3x3, pad: 1, activate: ReLU",
        "name: averagepool, in_sequences: [convtranspose, features_0], op: passthrough, "
        "avg_pool: 3, pool_stride: 3",
        "name: globalaveragepool, op: passthrough, avg_pool: 4, pool_stride: 4",
        "name: classifier_1, op: linear, activate: None, output_width: 32",
    ]


def test_quantizers_are_taken_off(tmp_path):
    """Integer weights with their scale, one a channel, become real numbers; data stay real."""
    stored = np.arange(-54, 54, dtype=np.int8).reshape(4, 3, 3, 3)
    scale = np.array([0.01, 0.02, 0.005, 0.01], np.float32)
    nodes = (
        node("QuantizeLinear", "x s z", "xq"),
        node("DequantizeLinear", "xq s z", "xd"),
        node("DequantizeLinear", "w ws", "wd", axis=0),
        node("Conv", "xd wd", "y", "conv"),
    )
    constants = {"s": np.float32(1 / 128), "z": np.int8(0), "w": stored, "ws": scale}
    path, _ = file(tmp_path, nodes, constants)
    model = read_onnx_model(path)
    network = convert(model, model.shape)
    real = stored * scale.reshape(-1, 1, 1, 1)
    np.testing.assert_allclose(network.conv.op.weight.detach().numpy(), real, rtol=1e-6)
    assert [layer.name for layer in describe(model, model.shape).layers] == ["conv"]


MOVED = {
    "SAME in front of a stride": (
        node("Conv", "x w b", "c", auto_pad="SAME_UPPER", strides=[2, 2]),
        node("Conv", "c w", "y", auto_pad="SAME_LOWER", strides=[2, 2]),
    ),
    "pooling with padding": (
        node("Relu", "x", "r"),
        node("MaxPool", "r", "m", kernel_shape=[3, 3], strides=[3, 3], auto_pad="SAME_UPPER"),
        node("AveragePool", "m", "a", kernel_shape=[2, 2], count_include_pad=1, pads=[1, 1, 1, 1]),
        node("Conv", "a w b", "y"),
    ),
    "cut and enlarged": (
        node("Slice", "x from to axes", "s"),
        node("Conv", "s two", "c", pads=[1, 1, 1, 1]),
        node("Resize", "c none twice", "u", mode="nearest"),
        node("Pad", "u around", "p"),
        node("Conv", "p w b", "d"),
        node("Neg", "d", "y"),
    ),
    "the largest of all": (
        node("Conv", "x w b", "c"),
        node("ReduceMax", "c", "m", axes=[2, 3], keepdims=0),
        node("Gemm", "m line", "y"),
    ),
}
MOVED_CONSTANTS = {
    "w": weights(3, 3, 3, 3),
    "b": weights(3),
    "two": weights(3, 2, 3, 3),
    "line": weights(3, 2),
    "from": np.array([1]),
    "to": np.array([2**60]),
    "axes": np.array([1]),
    "none": np.zeros(0, np.float32),
    "twice": np.array([1, 1, 2, 2], np.float32),
    "around": np.array([0, 0, 1, 1, 0, 0, 1, 1]),
}


@pytest.mark.parametrize("name", MOVED)
def test_what_is_moved_padded_and_enlarged_computes_the_same(name, tmp_path):
    path, written = file(tmp_path, MOVED[name], MOVED_CONSTANTS)
    model = read_onnx_model(path)
    x = torch.rand(1, 3, 12, 12, generator=torch.Generator().manual_seed(2)) * 0.9 - 0.45
    (wanted,) = ReferenceEvaluator(written).run(None, {"x": x.numpy()})
    network = convert(model, model.shape, x).eval()
    with torch.no_grad():
        np.testing.assert_allclose(model(x).numpy(), wanted, atol=1e-5)
        (scale,) = network.network.output_scales
        found = network(x * network.network.input_scale) / scale
    np.testing.assert_allclose(found.numpy(), wanted, atol=1e-4)


def test_parts_are_split(tmp_path):
    nodes = (
        helper.make_node("Split", ["x", "sizes"], ["a", "b"], axis=1),
        node("Conv", "a w1", "c"),
        node("Conv", "b w2", "d"),
        node("Sub", "c d", "y"),
    )
    constants = {"sizes": np.array([1, 2]), "w1": weights(4, 1, 3, 3), "w2": weights(4, 2, 3, 3)}
    path, written = file(tmp_path, nodes, constants)
    x = np.random.default_rng(1).random((1, 3, 12, 12), np.float32)
    (wanted,) = ReferenceEvaluator(written).run(None, {"x": x})
    model = read_onnx_model(path)
    np.testing.assert_allclose(model(torch.from_numpy(x)).numpy(), wanted, atol=1e-5)
    assert len(describe(model, model.shape).rewrites) == 2


@pytest.mark.parametrize(("kind", "shape"), PLAIN)
def test_plain_networks_go_out_and_come_back(kind, shape, tmp_path):
    model = make_plain(kind)
    save_onnx(export_model(model, shape), tmp_path / "net.onnx")
    again = read_onnx_model(tmp_path / "net.onnx")
    assert again.shape == shape
    wanted, found = (
        [layer for layer in describe(one, shape).layers if layer.has_weights]
        for one in (model, again)
    )
    assert found == wanted


def test_calibrated_integers_are_near_the_real_numbers(tmp_path):
    path, _ = file(tmp_path, WHOLE_NODES, WHOLE_CONSTANTS)
    model = read_onnx_model(path)
    x = torch.rand(6, 3, 12, 12, generator=torch.Generator().manual_seed(2)) * 6 - 3
    found = calibrate(model, model.shape, x)
    assert found.network.input_scale == 0.25
    assert found.qsnr_db[0] > 20


def test_operators_that_nobody_knows_are_refused_with_all_the_others(tmp_path):
    """Results that ONNX's reference finds are looked at further; what nobody knows ends there."""
    nodes = (
        node("Conv", "x w", "a", "/first/Conv"),
        node("Round", "a", "b", "/round/Round"),
        node("Gelu", "b", "c", "/act/Gelu"),
        helper.make_node("LSTM", ["c", "w", "w"], ["d", "e"], "/lstm/LSTM"),
        helper.make_node("Relu", ["d"], ["y"], "unseen"),
        helper.make_node("FusedConv", ["c", "w"], ["z"], "fused", domain="com.microsoft"),
    )
    path, _ = file(tmp_path, nodes, {"w": weights(4, 3, 3, 3)}, outputs=("y", "z"))
    with pytest.raises(ProblemList) as caught:
        describe(read_onnx_model(path), (3, 12, 12))
    assert [(one.why, one.where) for one in caught.value.problems] == [
        ("`Round`", f"{path} /round/Round (Round)"),
        ("GELU", f"{path} /act/Gelu (Gelu)"),
        ("LSTM", f"{path} /lstm/LSTM (LSTM)"),
        ("`FusedConv` of com.microsoft", f"{path} fused (FusedConv)"),
    ]
    assert all(one.fix for one in caught.value.problems)
    assert "without the optimizations of a runtime" in caught.value.problems[-1].fix


def test_quantized_on_the_way_is_refused_with_where_to_take_real_numbers(tmp_path):
    """As the dynamic quantization of a runtime writes it: a factor for all data, measured anew."""
    nodes = (
        helper.make_node("DynamicQuantizeLinear", ["x"], ["q", "s", "z"], "quantize"),
        node("Mul", "s scale", "factor"),
        node("ConvInteger", "q w z", "c", "conv"),
        node("Cast", "c", "r", to=TensorProto.FLOAT),
        node("Mul", "r factor", "y"),
    )
    constants = {"w": np.ones((4, 3, 3, 3), np.int8), "scale": np.float32(0.5)}
    path, _ = file(tmp_path, nodes, constants)
    with pytest.raises(ProblemList) as caught:
        describe(read_onnx_model(path), (3, 12, 12))
    first = caught.value.problems[0]
    assert first.why == "`DynamicQuantizeLinear`"
    assert first.fix == "export it with real numbers, or with QuantizeLinear and DequantizeLinear"


def test_operators_that_the_accelerator_lacks_are_refused_with_their_place(tmp_path):
    nodes = (
        node("Conv", "x w", "c", "/conv/Conv", pads=[0, 0, 1, 1]),
        node("Sigmoid", "c", "s", "/act/Sigmoid"),
        node("Mul", "c s", "m", "/act/Mul"),
        node("Conv", "m v", "y", "/last/Conv"),
    )
    path, _ = file(tmp_path, nodes, {"w": weights(4, 3, 3, 3), "v": weights(4, 4, 1, 1)})
    with pytest.raises(ProblemList) as caught:
        describe(read_onnx_model(path), (3, 12, 12))
    assert [(one.why, one.where) for one in caught.value.problems] == [
        ("padding on one side", f"{path} /conv/Conv (Conv)"),
        ("sigmoid", f"{path} /act/Sigmoid (Sigmoid)"),
        ("multiplication", f"{path} /act/Mul (Mul)"),
    ]


@pytest.mark.parametrize(
    ("nodes", "why"),
    [
        ([node("Gemm", "x w", "y", alpha=2.0)], "a product with factors, or of turned data"),
        (
            [node("MaxPool", "x", "y", kernel_shape=[2, 2], pads=[0, 0, 1, 1])],
            "pooling with padding on one side",
        ),
        (
            [node("Pad", "x around", "y")],
            "padding of channels, or with something else than zeros",
        ),
        (
            [
                node(
                    "Resize",
                    "x none none sizes",
                    "y",
                    coordinate_transformation_mode="align_corners",
                )
            ],
            "resizing that does not repeat rows and columns",
        ),
        (
            [node("ConvTranspose", "x w", "y", output_shape=[20, 20])],
            "a transposed convolution cut at the beginning",
        ),
    ],
)
def test_attributes_are_refused(nodes, why, tmp_path):
    constants = {"w": weights(3, 3, 3, 3), "around": np.array([0, 1, 0, 0] * 2)}
    constants |= {"none": np.zeros(0, np.float32), "sizes": np.array([1, 3, 24, 24])}
    path, _ = file(tmp_path, nodes, constants)
    with pytest.raises(UnsupportedError) as caught:
        describe(read_onnx_model(path), (3, 12, 12))
    assert caught.value.why == why
    assert caught.value.where.startswith(f"{path} ")


def test_files_that_are_no_networks_are_refused(tmp_path):
    path = tmp_path / "net.onnx"
    with pytest.raises(InputError, match="cannot be read: No such file"):
        read_onnx_model(path)
    path.write_bytes(b"\xff\xff\xff\xff no")
    with pytest.raises(InputError, match="is not an ONNX file"):
        read_onnx_model(path)
    path.write_bytes(onnx.ModelProto().SerializeToString())
    with pytest.raises(InputError, match="has no operators"):
        read_onnx_model(path)
    path, model = file(tmp_path, WHOLE_NODES, WHOLE_CONSTANTS)
    model.graph.input.append(helper.make_tensor_value_info("z", TensorProto.FLOAT, (1,)))
    path.write_bytes(model.SerializeToString())
    with pytest.raises(InputError, match="has 2 inputs"):
        read_onnx_model(path)


def test_exported_nodes_have_the_names_of_layers():
    model = torch.nn.Sequential(Conv2d(3, 4, pool="max", activation="ReLU", wide=False))
    graph = export_model(model, (3, 8, 8), "Net").graph
    assert graph.name == "Net"
    assert [one.name for one in graph.node] == [
        "layer_0/pool",
        "layer_0",
        "layer_0/relu",
        "layer_0/clip",
    ]
    assert graph.output[0].name == "layer_0"
    assert [one.dim_value for one in graph.output[0].type.tensor_type.shape.dim][1:] == [4, 4, 4]


def test_bitwise_joins_are_not_exported():
    class Bits(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b, self.xor = Conv2d(3, 4), Conv2d(3, 4), ElementWise(Combine.XOR)

        def forward(self, x):
            return self.xor(self.a(x), self.b(x))

    with pytest.raises(UnsupportedError, match="xor of data's bytes has no operator in ONNX"):
        export_model(Bits(), (3, 8, 8))
