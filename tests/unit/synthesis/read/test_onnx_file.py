"""ONNX files as checkpoints: the same program as from a PyTorch file, and clear refusals."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from max78000.errors import InputError
from max78000.facts.chip import MAX78000
from synthesis.compile import compile_source
from synthesis.generate.options import ProgramOptions
from synthesis.read.checkpoint import Checkpoint, LayerWeights
from synthesis.read.onnx_file import read_onnx
from synthesis.read.source import Source
from synthesis.read.yaml_reader import read_network

TEXT = """arch: any
dataset: any
layers:
  - {op: conv2d, kernel_size: 3x3, pad: 1, activate: ReLU}
  - {op: convtranspose2d, pad: 1}
  - {op: linear, flatten: true, output_width: 32}
"""
SHAPES = {"Conv": (6, 2, 3, 3), "ConvTranspose": (6, 4, 3, 3), "Gemm": (5, 4 * 8 * 8)}


def weights():
    rng = np.random.default_rng(7)
    ranges = {"Conv": 128, "ConvTranspose": 8, "Gemm": 2}  # 8, 4 and 2 bits
    return {op: rng.integers(-ranges[op], ranges[op], shape) for op, shape in SHAPES.items()}


def write_model(path, arrays, bias=None, transposed=True):
    nodes, tensors = [], []
    for op, values in arrays.items():
        stored = values if op != "Gemm" or transposed else values.T
        tensors.append(numpy_helper.from_array(stored.astype(np.float32), f"{op}.weight"))
        inputs = [f"{op}.in", f"{op}.weight"]
        if bias is not None and op == "Conv":
            tensors.append(numpy_helper.from_array(bias.astype(np.float32), "Conv.bias"))
            inputs.append("Conv.bias")
        attributes = {"transB": 1} if op == "Gemm" and transposed else {}
        nodes.append(helper.make_node(op, inputs, [f"{op}.out"], name=op, **attributes))
        nodes.append(helper.make_node("Relu", [f"{op}.out"], [f"{op}.relu"]))
    value = helper.make_tensor_value_info("Conv.in", TensorProto.FLOAT, None)
    graph = helper.make_graph(nodes, "net", [value], [value], tensors)
    path.write_bytes(helper.make_model(graph).SerializeToString())
    return path


@pytest.mark.parametrize("transposed", [True, False])
def test_the_program_is_that_of_a_pytorch_file(tmp_path, transposed):
    arrays, bias = weights(), np.arange(-3, 3) * 128
    stored = read_onnx(write_model(tmp_path / "net.onnx", arrays, bias, transposed))
    assert [layer.weight_bits for layer in stored.layers] == [8, 4, 2]
    torch = Checkpoint(
        stored.source,
        None,
        tuple(
            LayerWeights(op, values, np.arange(-3, 3) if op == "Conv" else None, bits, 0)
            for (op, values), bits in zip(arrays.items(), (8, 4, 2), strict=True)
        ),
    )
    image = np.random.default_rng(8).integers(-128, 128, (2, 4, 4))
    programs = [
        compile_source(
            Source(read_network(TEXT, "net"), checkpoint, image), ProgramOptions("net"), MAX78000
        ).program
        for checkpoint in (stored, torch)
    ]
    assert programs[0] == programs[1]


def test_floats_are_refused(tmp_path):
    arrays = weights() | {"Conv": np.full(SHAPES["Conv"], 0.5)}
    with pytest.raises(InputError, match=r"Conv Conv Conv.weight: values are not integers"):
        read_onnx(write_model(tmp_path / "net.onnx", arrays))


def test_computed_weights_are_refused(tmp_path):
    node = helper.make_node("Conv", ["x", "folded"], ["y"], name="first")
    graph = helper.make_graph([node], "net", [], [], [])
    path = tmp_path / "net.onnx"
    path.write_bytes(helper.make_model(graph).SerializeToString())
    with pytest.raises(InputError, match="folded is computed, not stored"):
        read_onnx(path)


@pytest.mark.parametrize("content", [b"not a model", b"\x08\x07\x12\xff"])
def test_other_files_are_refused(tmp_path, content):
    path = tmp_path / "net.onnx"
    path.write_bytes(content)
    with pytest.raises(InputError, match="is not an ONNX model"):
        read_onnx(path)


def external(folder, location, value):
    """A model of one convolution whose weights lie in a file of the folder."""
    folder.mkdir(exist_ok=True)
    path = write_model(folder / "net.onnx", {"Conv": np.full(SHAPES["Conv"], value)})
    model = onnx.load(path)
    onnx.save_model(model, path, save_as_external_data=True, location="net.data", size_threshold=0)
    model = onnx.load(path, load_external_data=False)
    model.graph.initializer[0].external_data[0].value = location
    path.write_bytes(model.SerializeToString())
    return path


def test_weights_beside_the_model_are_its_own_wherever_one_works(tmp_path, monkeypatch):
    path = external(tmp_path / "one", "net.data", 1)
    monkeypatch.chdir(external(tmp_path / "two", "net.data", 2).parent)
    (layer,) = read_onnx(path).layers
    assert set(np.unique(layer.weight)) == {1}


@pytest.mark.parametrize("location", ["absent.data", "../net.data", "/etc/hostname", ""])
def test_weights_are_not_looked_for_elsewhere(tmp_path, location):
    external(tmp_path / "one", "net.data", 1)
    (tmp_path / "net.data").write_bytes(bytes(2000))
    path = external(tmp_path / "one", location, 1)
    with pytest.raises(InputError, match="has its weights in another file, which cannot be read"):
        read_onnx(path)


def broken(change):
    """A model with one thing changed."""
    model = helper.make_model(helper.make_graph([], "net", [], []))
    node = helper.make_node("Conv", ["x", "w"], ["y"], name="c")
    model.graph.node.append(node)
    model.graph.initializer.append(numpy_helper.from_array(np.ones((2, 2, 3, 3), np.float32), "w"))
    change(model.graph.node[0], model.graph.initializer[0])
    return model.SerializeToString()


BREAKS = {
    "an unknown type": lambda _node, weight: setattr(weight, "data_type", 29),
    "too few bytes": lambda _node, weight: setattr(weight, "raw_data", bytes(58)),
    "other sizes": lambda _node, weight: weight.dims.append(7),
    "no input": lambda node, _weight: node.ClearField("input"),
    "no names": lambda node, _weight: [node.ClearField(one) for one in ("output", "name", "input")],
}


@pytest.mark.parametrize("change", BREAKS.values(), ids=BREAKS)
def test_damage_inside_is_one_line(tmp_path, change):
    path = tmp_path / "net.onnx"
    path.write_bytes(broken(change))
    with pytest.raises(InputError, match=r"net.onnx Conv .*(cannot be read|no weights)"):
        read_onnx(path)


def test_a_missing_file(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        read_onnx(tmp_path / "net.onnx")
