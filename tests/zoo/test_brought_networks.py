"""Networks that users brought: described, or refused at the right place. Left out without them."""

import importlib.util
import sys

import pytest
from brought import beside
from torch import nn

from ai8x_models.describe.convert import convert
from ai8x_models.describe.describe import describe
from ai8x_models.describe.subject import find_subject
from ai8x_models.layers import vendor_names
from max78000.errors import ToolError

FOLDER = beside("cases", "networks")
pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason="needs the networks in shared/cases")
GREY, COLOUR = (1, 28, 28), (3, 32, 32)

DESCRIBED = [
    # file:name, shape of its input, a word of each rewrite
    ("plainadd.py:M", GREY, ()),
    ("plainadd.py:S", GREY, ()),
    ("plainadd.py:S2", GREY, ()),
    ("k_nchw_in.onnx", GREY, ()),
    ("flatten_matmul_add.onnx", None, ()),
    ("keras_nhwc_transpose.onnx", None, ()),
    ("g_relu6_gap.onnx", (28, 28, 1), ("limits 0..6", "limits 0..6")),
    ("resnet_relu_after_add.onnx", None, ("identity layer",)),
    ("bad.py:k5", GREY, ("a kernel of 5x5",)),
    ("bad.py:depthwise", GREY, ("16 groups",)),
    ("bad.py:stride2", GREY, ("stride 2x2",)),
    ("bad.py:relu6", GREY, ("limits 0..6",)),
    ("bad.py:Res", GREY, ("identity layer",)),
    ("bad.py:bn_after_pool", GREY, ()),
    ("bad.py:upt", GREY, ("transposed kernel of 2x2",)),
    ("bad.py:ups", GREY, ("upsampling by 2",)),
    ("bad.py:asym", GREY, ("a kernel of 1x3",)),
    ("bad.py:big", COLOUR, ("pooling of 512 channels",)),
    ("bad.py:bigfc", GREY, ()),
    ("toolarge.py:m2", COLOUR, ()),
    ("dyn.py:Perm", (128, 6), ()),
]  # fmt: skip
REFUSED = [
    # file:name, shape of its input, place, reason
    ("dyn.py:DynIf", GREY, "DynIf dyn.py:7", "branches on the data"),
    ("dyn.py:EarlyExit", GREY, "EarlyExit dyn.py:13", "`float` takes numbers out of PyTorch"),
    ("dyn.py:Norm", GREY, "Norm dyn.py:18", "`numpy` takes numbers out of PyTorch"),
    ("dyn.py:Big5", COLOUR, "Big5 dyn.py:22", "GELU"),
    ("bad.py:gelu", GREY, "5 (GELU) bad.py:15", "GELU"),
    ("bad.py:leaky", GREY, "5 (LeakyReLU) bad.py:17", "leaky ReLU"),
    ("bad.py:layernorm", GREY, "1 (GroupNorm) bad.py:48", "group norm"),
    ("bad.py:sigmoid", GREY, "5 (Sigmoid) bad.py:49", "sigmoid"),
    ("bad.py:LSTM", GREY, "r bad.py:22", "LSTM"),
    ("bad.py:GRU", GREY, "r bad.py:25", "GRU"),
    ("bad.py:Attn", GREY, "r bad.py:28", "data in another order"),
    ("bad.py:DynIf", GREY, "DynIf bad.py:32", "branches on the data"),
]  # fmt: skip


@pytest.mark.parametrize(("word", "shape", "words"), DESCRIBED, ids=str)
def test_networks_are_described(word, shape, words):
    subject = find_subject(f"{FOLDER}/{word}", shape)
    found = describe(subject.model, subject.shape).rewrites
    assert len(found) == len(words)
    assert all(one in line for one, line in zip(words, found, strict=True))


@pytest.mark.parametrize(("word", "shape", "where", "why"), REFUSED, ids=str)
def test_networks_are_refused_at_their_place(word, shape, where, why):
    subject = find_subject(f"{FOLDER}/{word}", shape)
    with pytest.raises(ToolError) as caught:
        describe(subject.model, subject.shape)
    first = getattr(caught.value, "problems", (caught.value,))[0]
    assert first.where == where
    assert first.why.startswith(why)


@pytest.mark.parametrize("name", ["Cat", "NoCat", "Norm"])
def test_heads_and_embeddings_end_on_the_cpu(name, monkeypatch):
    monkeypatch.setitem(sys.modules, "ai8x_models.names", vendor_names)
    monkeypatch.setattr("ai8x_models.names", vendor_names, raising=False)
    spec = importlib.util.spec_from_file_location("heads_cat", FOLDER / "heads_cat.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    shape = (3, 8, 8)
    description = describe(getattr(module, name)(), shape)
    assert description.finish
    assert not description.left
    assert sum(one.is_output for one in description.layers) == 1 + (name != "Norm")


def test_a_converted_model_is_called_like_the_model():
    subject = find_subject(f"{FOLDER}/mynet.py:MyNet", GREY)
    assert isinstance(subject.model, nn.Module)
    assert describe(convert(subject.model, GREY), GREY).arch == "MyNet"
