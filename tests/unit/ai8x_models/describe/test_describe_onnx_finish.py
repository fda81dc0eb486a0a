"""What stands behind the last layer of an ONNX file: steps as of a PyTorch model.

What steps compute is compared with ONNX's own reference, through the compiler's interpreter.
"""

import itertools
import logging
import warnings

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator
from test_describe_finish import SAID, SHAPE, Model, computed
from torch import nn

from ai8x_models.describe.describe import describe
from ai8x_models.describe.onnx_reader import read_onnx_model
from max78000.errors import ProblemList

HINT = "torch's exporter needs onnxscript: pip install 'max78000-toolchain[train]'"


def steps(description):
    """Steps without names: those are the exporter's."""
    places = {one.name: str(place) for place, one in enumerate(description.finish)}
    return [
        (one.step, [places.get(source, "layer") for source in one.inputs], one.is_result)
        for one in description.finish
    ]


class Every(nn.Module):
    """All models in one, each with layers of its own: an export takes seconds, of one or of all."""

    def __init__(self):
        super().__init__()
        self.models = nn.ModuleList(Model(behind) for behind in SAID.values())

    def forward(self, x):
        groups = [one(x) for one in self.models]
        groups = [one if isinstance(one, tuple | list) else [one] for one in groups]
        return tuple(itertools.chain.from_iterable(groups))


@pytest.mark.long
@pytest.mark.parametrize("is_dynamo", [False, True])
def test_every_step_survives_an_export(is_dynamo, tmp_path):
    pytest.importorskip("onnxscript", reason=HINT)
    torch.manual_seed(1)
    model, path = Every().eval(), tmp_path / "net.onnx"
    logging.disable(logging.WARNING)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(model, (torch.rand(1, *SHAPE),), path, dynamo=is_dynamo, verbose=False)
    logging.disable(logging.NOTSET)
    found, wanted = describe(read_onnx_model(path), SHAPE), describe(model, SHAPE)
    assert not found.left
    assert len(wanted.finish) > len(SAID)
    assert steps(found) == steps(wanted)


def node(op_type, inputs, outputs, **attributes):
    return helper.make_node(op_type, inputs.split(), outputs.split(), **attributes)


CONSTANTS = {
    "two": np.float32(2),
    "half": np.float32(0.5),
    "least": np.float32(0.01),
    "each": np.arange(1, 7, dtype=np.float32).reshape(1, 6, 1, 1),
    "eps": np.float32(1e-4),
    "channel": np.array([1]),
    "third": np.array(2),
    "odd": np.array([1, 3, 5]),
    "sizes": np.array([2, 4]),
    "boxes": np.array([0, -1, 3]),
    "zero": np.array([0]),
    "one": np.array([1]),
    "three": np.array([3]),
    "rows": np.array([2]),
    "square": np.float32(2),
}
WRITTEN = {
    # what other tools write behind map y (1x6x4x5) and vector z (1x10) -> steps
    "softmax of old": ([node("Softmax", "z", "a")], 9, "softmax"),
    "softmax": ([node("Softmax", "y", "a", axis=1)], 17, "softmax"),
    "log softmax": ([node("LogSoftmax", "z", "a", axis=-1)], 17, "log_softmax"),
    "argmax": ([node("ArgMax", "y", "a", axis=1)], 17, "argmax"),
    "argmax cast": (
        [node("ArgMax", "z", "b", axis=1, keepdims=0), node("Cast", "b", "a", to=1)],
        17,
        "argmax",
    ),
    "exp": ([node("Exp", "z", "b"), node("Tanh", "b", "a")], 17, "exp tanh"),
    "normalized": ([node("LpNormalization", "y", "a", axis=1)], 17, "normalize"),
    "over its length": (
        [
            node("ReduceL2", "y channel", "b", keepdims=1),
            node("Max", "b eps", "c"),
            node("Div", "y c", "a"),
        ],
        18,
        "normalize",
    ),
    "times one over the root of squares": (
        [
            node("Mul", "z z", "b"),
            node("ReduceSum", "b one", "c", keepdims=1),
            node("Max", "c eps", "d"),
            node("Sqrt", "d", "e"),
            node("Reciprocal", "e", "f"),
            node("Mul", "z f", "a"),
        ],
        17,
        "normalize",
    ),
    "power": (
        [
            node("Pow", "z square", "b"),
            node("ReduceSum", "b one", "c"),
            node("Sqrt", "c", "d"),
            node("Div", "z d", "a"),
        ],
        17,
        "normalize",
    ),
    "scaled": (
        [node("Sigmoid", "y", "b"), node("Mul", "each b", "c"), node("Sub", "c half", "a")],
        17,
        "sigmoid scale scale",
    ),
    "limits": (
        [node("Sigmoid", "z", "b"), node("Max", "b half", "c"), node("Min", "two c", "a")],
        17,
        "sigmoid clamp clamp",
    ),
    "hard sigmoid": (
        [node("Softmax", "z", "b"), node("HardSigmoid", "b", "a")],
        17,
        "softmax scale scale clamp",
    ),
    "a place": ([node("Sigmoid", "y", "b"), node("Gather", "b third", "a", axis=1)], 17,
                "sigmoid slice reshape"),
    "places": ([node("Sigmoid", "y", "b"), node("Gather", "b odd", "a", axis=1)], 17,
               "sigmoid slice"),
    "a part": ([node("Sigmoid", "y", "b"), node("Slice", "b one three rows", "a")], 17,
               "sigmoid slice"),
    "parts": (
        [
            node("Sigmoid", "y", "b"),
            node("Split", "b sizes", "c d", axis=1),
            node("Concat", "d c", "a", axis=1),
        ],
        17,
        "sigmoid slice slice cat",
    ),
    "boxes": (
        [
            node("Transpose", "y", "b", perm=[0, 2, 3, 1]),
            node("Reshape", "b boxes", "c"),
            node("Softmax", "c", "a", axis=2),
        ],
        17,
        "permute reshape softmax",
    ),
}  # fmt: skip


def written(nodes, opset):
    """A model with a map and a vector, and operators behind them."""
    rng = np.random.default_rng(2)
    layers = [
        node("Conv", "x w", "y", name="conv", pads=[1, 1, 1, 1]),
        node("Flatten", "x", "f"),
        node("Gemm", "f m", "z", name="linear"),
    ]
    used = {name for one in nodes for name in one.input}
    layers = layers[: 1 if "z" not in used else 3][0 if "y" in used else 1 :]
    constants = CONSTANTS | {
        "w": rng.random((6, 1, 3, 3), np.float32) / 9,
        "m": rng.random((20, 10), np.float32) / 20,
    }
    graph = helper.make_graph(
        [*layers, *nodes],
        "net",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, (1, *SHAPE))],
        [onnx.ValueInfoProto(name="a")],
        [numpy_helper.from_array(np.asarray(array), name) for name, array in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])


@pytest.mark.parametrize("name", WRITTEN)
def test_steps_compute_what_the_reference_does(name, tmp_path):
    nodes, opset, words = WRITTEN[name]
    (tmp_path / "net.onnx").write_bytes(written(nodes, opset).SerializeToString())
    description = describe(read_onnx_model(tmp_path / "net.onnx"), SHAPE)
    assert not description.left
    assert " ".join(one.step.op for one in description.finish) == words
    ((_, found),), real = computed(description)[0].items(), computed(description)[1]
    given = {"y": real.get("conv"), "z": real.get("linear")}
    given = {key: value.numpy() for key, value in given.items() if value is not None}
    inputs = [onnx.ValueInfoProto(name=key) for key in given]
    constants = [numpy_helper.from_array(np.asarray(one), key) for key, one in CONSTANTS.items()]
    graph = helper.make_graph(nodes, "end", inputs, [onnx.ValueInfoProto(name="a")], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
    (wanted,) = ReferenceEvaluator(model).run(None, given)
    np.testing.assert_allclose(found.reshape(wanted[0].shape), wanted[0], rtol=3e-6, atol=3e-6)


def test_softmax_of_earlier_versions_is_over_all_axes_behind(tmp_path):
    """As the operator's text says up to version 11; ONNX's reference takes one axis."""
    path = tmp_path / "net.onnx"
    path.write_bytes(written([node("Softmax", "y", "a")], 11).SerializeToString())
    description = describe(read_onnx_model(path), SHAPE)
    assert [one.step.op for one in description.finish] == ["reshape", "softmax", "reshape"]
    ((_, found),), real = computed(description)[0].items(), computed(description)[1]
    wanted = real["conv"].flatten(1).softmax(1)[0]
    np.testing.assert_allclose(found.reshape(-1), wanted, rtol=3e-6)


def test_what_no_step_says_is_left_or_refused_at_its_node(tmp_path):
    """What reads a step the application can do as well; in front of it nobody can."""
    path = tmp_path / "net.onnx"
    for behind, word in (("TopK", "`topk`"), ("Cos", "`Cos`")):
        constant = " one" if behind == "TopK" else ""
        end = node(behind, f"b{constant}", "a c" if constant else "a")
        path.write_bytes(written([node("Softmax", "z", "b"), end], 17).SerializeToString())
        description = describe(read_onnx_model(path), SHAPE)
        assert description.left == (word,)
        assert [one.step.op for one in description.finish] == ["softmax"]
    odd = [
        node("Sign", "z", "b", name="/end/Sign"),
        node("Cos", "b", "c", name="/end/Cos"),
        node("Softmax", "c", "a", axis=1),
    ]
    path.write_bytes(written(odd, 17).SerializeToString())
    with pytest.raises(ProblemList) as caught:
        describe(read_onnx_model(path), SHAPE)
    assert [(one.why, one.where) for one in caught.value.problems] == [
        ("`Sign`", f"{path} /end/Sign (Sign)"),
        ("`Cos`", f"{path} /end/Cos (Cos)"),
    ]
    assert all("leave it to the CPU" in one.fix for one in caught.value.problems)
