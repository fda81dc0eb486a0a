"""Integer weights out of checkpoints: what each key means, and what is no integer network."""

import numpy as np
import pytest
import torch

from max78000.errors import InputError, ProblemList, ToolError
from networks import write_checkpoint
from synthesis.read.checkpoint import read_checkpoint

WEIGHT = np.array([[[[1.0]]], [[[-128.0]]]])


def checkpoint(folder, state, **other):
    return read_checkpoint(write_checkpoint(folder / "q.pth.tar", {"state_dict": state, **other}))


def refusal(folder, state):
    with pytest.raises(ToolError) as error:
        checkpoint(folder, state)
    assert error.value.exit_code == 2
    return str(error.value).replace(f"{folder}/", "")


def test_the_keys_of_one_layer(tmp_path):
    state = {
        "conv1.op.weight": WEIGHT,
        "conv1.op.bias": np.array([640.0, -129.0]),
        "conv1.output_shift": np.array([-2.0]),
        "conv1.weight_bits": np.array([8.0]),
        "conv1.quantize_activation": np.array([1.0]),
    }
    result = checkpoint(tmp_path, state, arch="Tiny", epoch=7)
    (layer,) = result.layers
    assert (result.arch, layer.name) == ("Tiny", "conv1")
    assert (layer.weight_bits, layer.output_shift) == (8, -2)
    assert layer.weight.dtype == np.int64
    assert layer.weight.tolist() == WEIGHT.tolist()
    assert layer.bias.tolist() == [5, -2]  # divided by 128, floored
    assert not layer.weight.flags.writeable
    assert not layer.bias.flags.writeable


def test_what_may_be_missing(tmp_path):
    (layer,) = checkpoint(tmp_path, {"fc.weight": np.ones((3, 2))}).layers
    assert (layer.name, layer.bias, layer.weight_bits, layer.output_shift) == ("fc", None, None, 0)


def test_order_and_names_are_those_of_the_file(tmp_path):
    names = ["module.b.conv2d.weight", "a.op.weight", "module.base.fire1.op.weight"]
    state = {name: np.ones((1, 1)) for name in names} | {"b.op.running": np.ones(3)}
    layers = checkpoint(tmp_path, state).layers
    assert [layer.name for layer in layers] == ["module.b", "a", "module.base.fire1"]


@pytest.mark.parametrize(("bits", "divisor"), [(8, 128), (4, 8), (2, 2), (1, 1), (0, 128)])
def test_bias_bytes_depend_on_the_weight_bits(tmp_path, bits, divisor):
    state = {
        "a.op.weight": np.zeros((2, 1)),
        "a.op.bias": np.array([3.0 * divisor, -1.0]),
        "a.weight_bits": np.array([float(bits)]),
    }
    (layer,) = checkpoint(tmp_path, state).layers
    assert layer.bias.tolist() == [3, -1]
    assert layer.weight_bits == (bits or None)


def test_a_bias_without_operator_name(tmp_path):
    state = {"a.op.weight": np.zeros((2, 1)), "a.bias": np.array([128.0, 256.0])}
    assert checkpoint(tmp_path, state).layers[0].bias.tolist() == [1, 2]


@pytest.mark.parametrize(
    "dtype", ["float64", "float32", "float16", "bfloat16", "int64", "int32", "int16", "int8"]
)
def test_integers_in_any_type(tmp_path, dtype):
    weight = torch.tensor(WEIGHT).to(getattr(torch, dtype))
    (layer,) = checkpoint(tmp_path, {"a.op.weight": weight}).layers
    assert layer.weight.tolist() == WEIGHT.tolist()


def test_numbers_that_are_no_tensors(tmp_path):
    state = {"a.op.weight": WEIGHT, "a.output_shift": -3, "a.weight_bits": 4.0}
    (layer,) = checkpoint(tmp_path, state).layers
    assert (layer.output_shift, layer.weight_bits) == (-3, 4)


NOT_QUANTIZED = "values are not integers: the checkpoint is not quantized [G25] "
NOT_QUANTIZED += "(run `ai8x quantize IN OUT` first)"
SHAPES = "layers have (out, in), (out, in, taps) or (out, in, rows, columns) [G25] "
SHAPES += "(remove what is no layer from the state_dict)"
LAYER = {"a.op.weight": WEIGHT}
# fmt: off
REFUSED = [
    # state_dict                                   the only message, after the name of the file
    ({"a.op.weight": np.array([[0.5]])},           f"a.op.weight: {NOT_QUANTIZED}"),
    ({"a.op.weight": np.array([[np.nan]])},        f"a.op.weight: {NOT_QUANTIZED}"),
    ({"a.op.weight": np.array([[-np.inf]])},       f"a.op.weight: {NOT_QUANTIZED}"),
    ({"a.op.weight": np.array([[3e9]])},           "a.op.weight: values up to 3e+09 are no weights "
                                                   "[G25] (quantize again)"),
    ({"a.bn.weight": np.ones(4)},                  "a.bn.weight: one-dimensional weights: batch "
                                                   "normalization is not folded [G25] (quantize "
                                                   "with `ai8x quantize`, which folds it)"),
    ({"a.bn.weight": np.full(4, 0.3)},             "a.bn.weight: one-dimensional weights: batch "
                                                   "normalization is not folded [G25] (quantize "
                                                   "with `ai8x quantize`, which folds it)"),
    ({"a.op.weight": np.array(3.0)},               f"a.op.weight: weights of shape (); {SHAPES}"),
    ({"a.op.weight": np.ones((1, 1, 1, 1, 1))},    "a.op.weight: weights of shape (1, 1, 1, 1, 1); "
                                                   + SHAPES),
    ({"a.op.weight": np.ones((0, 3, 3, 3))},       "a.op.weight: weights of shape (0, 3, 3, 3); "
                                                   + SHAPES),
    ({"a.op.weight": "text"},                      "a.op.weight: is 'text' [G25] (save plain float "
                                                   "or integer tensors)"),
    ({"a.op.weight": torch.ones(2, dtype=torch.complex64)},
                                                   "a.op.weight: is a tensor of a kind unknown "
                                                   "here [G25] (save plain float or integer "
                                                   "tensors)"),
    (LAYER | {"a.op.bias": np.array([0.5, 0])},    f"a.op.bias: {NOT_QUANTIZED}"),
    (LAYER | {"a.weight_bits": np.array([3.0])},   "a.weight_bits: 3-bit weights, there are 1, 2, "
                                                   "4 and 8 [G25] (quantize again)"),
    (LAYER | {"a.weight_bits": np.array([-4.0])},  "a.weight_bits: -4-bit weights, there are 1, 2, "
                                                   "4 and 8 [G25] (quantize again)"),
    (LAYER | {"a.weight_bits": np.ones(2)},        "a.weight_bits: is array([1., 1.], "
                                                   "dtype=float32), not an integer [G25] (quantize "
                                                   "again)"),
    (LAYER | {"a.output_shift": np.array([0.5])},  "a.output_shift: is 0.5, not an integer [G25] "
                                                   "(quantize again)"),
    (LAYER | {"a.output_shift": np.array(np.nan)}, "a.output_shift: is nan, not an integer [G25] "
                                                   "(quantize again)"),
    (LAYER | {"a.output_shift": 10**30},           "a.output_shift: is a huge number [G25] "
                                                   "(quantize again)"),
]
# fmt: on


@pytest.mark.parametrize(("state", "message"), REFUSED, ids=range(len(REFUSED)))
def test_refused(tmp_path, state, message):
    assert refusal(tmp_path, state) == f"q.pth.tar {message}"


def test_no_state_dict(tmp_path):
    path = write_checkpoint(tmp_path / "q.pth.tar", {"epoch": 1})
    with pytest.raises(InputError) as error:
        read_checkpoint(path)
    assert str(error.value) == (
        f"{path}: holds no state_dict [G25] (give the output of `ai8x quantize`)"
    )


def test_a_bare_state_is_read_as_what_it_is(tmp_path):
    path = write_checkpoint(tmp_path / "net.pth", {"a.weight": np.array([[0.5]])})
    with pytest.raises(InputError, match="the checkpoint is not quantized"):
        read_checkpoint(path)


def test_all_problems_at_once(tmp_path):
    """What a checkpoint looks like that was not quantized."""
    state = {"a.op.weight": np.array([[0.5]]), "a.bn.weight": np.ones(1), "b.op.weight": WEIGHT}
    with pytest.raises(ProblemList) as error:
        checkpoint(tmp_path, state)
    assert [problem.where.rpartition(" ")[2] for problem in error.value.problems] == [
        "a.op.weight",
        "a.bn.weight",
    ]


@pytest.mark.parametrize("arch", [5, ""])
def test_an_arch_that_is_no_text_or_empty_is_unknown(tmp_path, arch):
    assert checkpoint(tmp_path, LAYER, arch=arch).arch is None


def test_checkpoints_of_the_vendor(vectors_dir):
    """Files of an older PyTorch, optimizer state included, are read to the last layer."""
    if vectors_dir is None:
        pytest.skip("the vendor's checkpoints are not beside this checkout")
    paths = sorted((vectors_dir / "trained").glob("*/checkpoint.pth.tar"))
    assert len(paths) > 5
    for path in paths:
        layers = read_checkpoint(path).layers
        assert layers
        assert all(-128 <= layer.weight.min() <= layer.weight.max() <= 127 for layer in layers)


# -- final scales, and what belongs to no layer ----------------------------------------------------


@pytest.mark.parametrize(
    ("stored", "scale"), [(3.0, 3), (-2.0, -2), (-0.0, 0), (0, 0), (-np.inf, 0), (None, 0)]
)
def test_the_final_scale(tmp_path, stored, scale):
    """A layer whose results were nothing but zeros has no range: its logarithm is -inf."""
    state = {"out.op.weight": WEIGHT}
    if stored is not None:
        state["out.final_scale"] = np.array(stored)
    assert checkpoint(tmp_path, state).layers[0].final_scale == scale


@pytest.mark.parametrize(
    ("stored", "why"),
    [
        (40.0, "is 40: values of 32 bits are multiplied by 2^-31 to 2^31"),
        (0.5, "is 0.5, not an integer"),
        (np.inf, "is inf, not an integer"),
    ],
)
def test_impossible_final_scales_are_refused(tmp_path, stored, why):
    text = refusal(tmp_path, {"out.op.weight": WEIGHT, "out.final_scale": np.array(stored)})
    assert text == f"q.pth.tar out.final_scale: {why} [G25] (quantize again)"


def test_entries_of_no_layer_are_known(tmp_path):
    """What modules without weights store beside them is no loss."""
    state = {
        "a.op.weight": WEIGHT,
        "a.op.bias": np.zeros(2),
        "a.bias": np.zeros(2),
        "pool.output_shift": np.zeros(1),
        "add.activation_threshold": np.array(1.0),
        "b.op.bias": np.ones(2),
        "b.bn.running_mean": np.ones(2),
    }
    assert checkpoint(tmp_path, state).strays == ("a.bias", "b.op.bias", "b.bn.running_mean")
