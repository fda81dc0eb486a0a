import math
from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from torch import nn

from ai8x_models.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from ai8x_models.layers.layers import Conv2d, ConvTranspose2d, FoldedConv2d, FusedLayer
from ai8x_models.layers.policy import QatPolicy
from ai8x_models.layers.qat import start_qat
from ai8x_models.layers.space_to_depth import fold_image
from ai8x_models.quantize.options import ClipMethod, QuantizeOptions
from ai8x_models.quantize.quantize import (
    integer_activations,
    load_integer_model,
    quantize_checkpoint,
    quantize_state,
)
from ai8x_models.zoo.pose import TinyStudentModel
from max78000.errors import InputError

VENDOR_PAIRS = ("mnist", "mnist-extrasmall", "catsdogs", "bayer2rgb")
DEFAULT = QuantizeOptions()


def _trained(model, steps=3):
    """A few steps away from its initial values, batch norm statistics included."""
    torch.manual_seed(0)
    optimizer = torch.optim.SGD(model.parameters(), 0.05)
    for _ in range(steps):
        heat, paf = model(torch.randint(-128, 128, (2, 3, 128, 128)) / 128)
        optimizer.zero_grad()
        ((heat - 0.3).square().mean() + paf.square().mean()).backward()
        optimizer.step()
    return model


@pytest.fixture(scope="module")
def tiny():
    """In QAT, with a quantile that clips, so that everything has an effect."""
    model = _trained(TinyStudentModel())
    start_qat(model, QatPolicy(0, 8, {"conv5": 4}, shift_quantile=0.995))
    return _trained(model).eval()


# The witness: what the vendor's quantizer makes of the vendor's checkpoints.


@pytest.mark.parametrize("name", VENDOR_PAIRS)
def test_vendor_checkpoints_tensor_by_tensor(name, vectors_dir, tmp_path):
    if vectors_dir is None:
        pytest.skip("the vendor's files are not beside this checkout")
    quantize_checkpoint(vectors_dir / "quantize" / f"{name}-qat.pth.tar", tmp_path / "q")
    ours = load_checkpoint(tmp_path / "q")
    theirs = load_checkpoint(vectors_dir / "quantize" / f"{name}-q.pth.tar")
    assert (ours.arch, ours.epoch) == (theirs.arch, theirs.epoch)
    assert list(ours.state_dict) == list(theirs.state_dict)
    for key, tensor in theirs.state_dict.items():
        assert torch.equal(ours.state_dict[key].double(), tensor.double()), key


# The rules, on numbers that can be checked by hand.


def _layer(weights, bias=None, **state):
    names = ("output_shift", "weight_bits", "bias_bits", "quantize_activation")
    entries = {f"conv1.{name}": torch.tensor([state.get(name, 0.0)]) for name in names}
    entries["conv1.adjust_output_shift"] = torch.tensor([state.get("adjust_output_shift", 1.0)])
    entries["conv1.op.weight"] = torch.tensor(weights).view(-1, 1, 1, 1)
    if bias is not None:
        entries["conv1.op.bias"] = torch.tensor(bias)
    return entries


def test_worked_example():
    state = _layer([0.26985, -0.1], [0.01, -0.27], weight_bits=8)
    result, (report,) = quantize_state(state, DEFAULT)
    assert result["conv1.op.weight"].flatten().tolist() == [69, -26]  # times 256
    assert result["conv1.op.bias"].tolist() == [3 * 128, -69 * 128]
    assert result["conv1.output_shift"].item() == report.output_shift == -1
    assert result["conv1.adjust_output_shift"].item() == 0
    assert result["conv1.quantize_activation"].item() == 1
    assert result["conv1.bias_bits"].item() == 8
    assert state["conv1.op.weight"][0].item() == pytest.approx(0.26985)  # left as it was


@pytest.mark.long
@given(
    values=st.lists(st.floats(-4, 4, width=32), min_size=3, max_size=12),
    bits=st.sampled_from([1, 2, 4, 8]),
)
def test_formulas_in_exact_numbers(values, bits):
    """Two weights and more, one bias, against the formulas in rational numbers."""
    largest = max(map(abs, values))
    assume(largest > 1e-3)
    assume(any(value != round(value) for value in values[1:]))
    assume(abs(math.log2(largest) - round(math.log2(largest))) > 1e-5)  # float32 may decide these
    exponent = math.floor(-math.log2(largest))
    assume(-7 - bits <= exponent <= 23 - bits)
    one = 2 ** (bits - 1)

    def integer(value):
        scaled = np.float32(value * 2.0**exponent * one) + np.float32(0.5)  # as float32 adds
        return max(-one, min(one - 1, math.floor(Fraction(float(scaled)))))

    state = _layer(values[1:], [values[0], *[0.0] * (len(values) - 2)], weight_bits=bits)
    result, _ = quantize_state(state, DEFAULT)
    assert result["conv1.output_shift"].item() == -exponent
    assert result["conv1.op.weight"].flatten().tolist() == [integer(v) for v in values[1:]]
    assert result["conv1.op.bias"][0].item() == integer(values[0]) * one


def test_narrow_weights_store_narrow_biases():
    result, (report,) = quantize_state(_layer([0.9, -1.0], [0.5, 0.1], weight_bits=4), DEFAULT)
    assert result["conv1.op.weight"].flatten().tolist() == [7, -8]
    assert result["conv1.op.bias"].tolist() == [4 * 8, 1 * 8]
    assert (report.weight_bits, report.output_shift, report.n_clipped) == (4, 0, 0)


def test_clipped_parameters_are_counted():
    state = _layer([0.1] * 98 + [0.9, -0.9], weight_bits=8)
    state["conv1.shift_quantile"] = torch.tensor([0.9])
    result, (report,) = quantize_state(state, DEFAULT)
    assert report.limit == pytest.approx(0.1)
    assert (report.n_clipped, report.n_parameters, report.output_shift) == (2, 100, -3)
    assert result["conv1.op.weight"].flatten()[-2:].tolist() == [127, -128]


def test_widths_come_from_options_then_checkpoint_then_default():
    def bits(stored, **options):
        state = _layer([0.5, 0.25], weight_bits=stored)
        result, _ = quantize_state(state, QuantizeOptions(**options))
        return int(result["conv1.weight_bits"].item())

    assert bits(0) == 8
    assert bits(4) == 4
    assert bits(0, default_weight_bits=2) == 2
    assert bits(4, default_weight_bits=2) == 4
    assert bits(4, weight_bits={"conv1": 1}) == 1
    with pytest.raises(InputError, match="no layer conv2"):
        bits(4, weight_bits={"conv2": 1})
    with pytest.raises(InputError, match="3 bits is not a weight width"):
        bits(3)


@pytest.mark.parametrize(
    ("options", "factor"),
    [
        (QuantizeOptions(clip_method=ClipMethod.SCALE, scale=0.5), 0.5),
        (QuantizeOptions(clip_method=ClipMethod.MAX), 0.75),
        (QuantizeOptions(clip_method=ClipMethod.AVGMAX), (0.75 + 0.25 - 0.5 + 0.5) / 4),
        (QuantizeOptions(clip_method=ClipMethod.STDDEV, n_deviations=10), 0.75),
    ],
)
def test_clip_methods(options, factor):
    result, _ = quantize_state(_layer([0.75, 0.25, -0.5, 0.5], output_shift=2), options)
    weights = torch.tensor([0.75, 0.25, -0.5, 0.5])
    expected = torch.floor(weights * factor * 128 + 0.5)
    assert torch.equal(result["conv1.op.weight"].flatten(), expected)
    assert result["conv1.output_shift"].item() == 2


def test_standard_deviation_clip():
    weights = torch.tensor([-0.5, -0.1, 0.0, 0.1, 0.9])
    reach = 1.0 * weights.std()
    factor = max(abs(max(-0.5, weights.mean() - reach)), abs(min(0.9, weights.mean() + reach)))
    options = QuantizeOptions(clip_method=ClipMethod.STDDEV, n_deviations=1.0)
    result, _ = quantize_state(_layer(weights.tolist()), options)
    expected = torch.floor(weights * factor * 128 + 0.5)
    assert torch.equal(result["conv1.op.weight"].flatten(), expected)


def test_zero_points_and_leftovers_are_dropped():
    state = _layer([0.5, 0.25], weight_bits=8)
    state |= {"conv1.base_b_q": torch.ones(1), "conv1.w_zero_point": torch.zeros(1)}
    result, _ = quantize_state(state, DEFAULT)
    assert not {"conv1.base_b_q", "conv1.w_zero_point"} & set(result)
    with pytest.raises(InputError, match=r"conv1\.b_zero_point: is not zero"):
        quantize_state(state | {"conv1.b_zero_point": torch.ones(1)}, DEFAULT)


@pytest.mark.parametrize(
    ("weights", "why"),
    [([5.0, -3.0], "integers already"), ([math.nan, 1.0], "not all finite")],
)
def test_weights_that_cannot_be_quantized(weights, why):
    with pytest.raises(InputError, match=why):
        quantize_state(_layer(weights), DEFAULT)


def test_loose_batch_norm_weights_are_refused():
    with pytest.raises(InputError, match="one dimension"):
        quantize_state({"norm1.op.weight": torch.ones(3) / 2}, DEFAULT)


# Batch norm that is still there.


@pytest.mark.parametrize("transposed", [False, True])
def test_batch_norm_of_unknown_networks_is_folded(transposed):
    torch.manual_seed(0)
    layer: FusedLayer = (ConvTranspose2d if transposed else Conv2d)(4, 4, batchnorm="Affine")
    model = nn.Sequential(layer)
    for _ in range(3):
        model(torch.rand(4, 4, 6, 6))
    options = QuantizeOptions(transposed=frozenset({"0"} if transposed else ()))
    direct, _ = quantize_state(model.state_dict(), options)
    start_qat(model, QatPolicy(0))
    folded, _ = quantize_state(model.state_dict(), options)
    assert not any(".bn." in name for name in direct)
    for name in ("0.op.weight", "0.op.bias", "0.output_shift"):
        assert torch.equal(direct[name], folded[name]), name


# Our own networks, whole.


def test_integers_equal_training_in_every_layer(tiny, tmp_path):
    """The chain end to end: QAT forward, quantize, integer forward."""
    save_checkpoint(tmp_path / "qat", Checkpoint("TinyStudentModel", 3, tiny.state_dict()))
    quantize_checkpoint(tmp_path / "qat", tmp_path / "q")
    model = load_integer_model(tmp_path / "q")
    assert model.conv1.op.weight.shape == (16, 12, 3, 3)
    pictures = np.random.default_rng(1).integers(-128, 128, (2, 3, 128, 128), dtype=np.int8)
    outputs: dict[str, torch.Tensor] = {}
    for name, layer in tiny.named_children():
        layer.register_forward_hook(lambda _m, _x, y, name=name: outputs.update({name: y}))
    with torch.no_grad():
        tiny(torch.from_numpy(pictures).float() / 128)
    integers = integer_activations(model, fold_image(pictures))
    assert list(integers) == list(outputs)
    for name, real in outputs.items():
        one = 2**14 if name in ("heat", "paf") else 128
        assert np.array_equal(integers[name], (real * one).numpy()), name
    plain = integer_activations(model, pictures)
    assert all(np.array_equal(plain[name], integers[name]) for name in integers)


def test_report_and_extras(tiny, tmp_path):
    source = Checkpoint("TinyStudentModel", 3, tiny.state_dict(), {"best": 0.5}, {"state": {}})
    save_checkpoint(tmp_path / "qat", source)
    report = quantize_checkpoint(tmp_path / "qat", tmp_path / "q")
    assert [layer.name for layer in report.layers] == [name for name, _ in tiny.named_children()]
    by_name = {layer.name: layer for layer in report.layers}
    assert by_name["conv5"].weight_bits == 4
    assert by_name["heat"].output_shift == 0
    assert all(layer.qsnr_db > (10 if layer.weight_bits == 4 else 20) for layer in report.layers)
    assert len(report.to_text().splitlines()) == 14
    assert report.to_json()["layers"][0]["name"] == "conv1"
    quantized = load_checkpoint(tmp_path / "q")
    assert quantized.extras["clipping_method"] == "MAX_BIT_SHIFT"
    assert quantized.extras["best"] == 0.5
    assert not quantized.optimizer
    with pytest.raises(InputError, match="integers already"):
        quantize_checkpoint(tmp_path / "q", tmp_path / "qq")
    assert not (tmp_path / "qq").exists()


@pytest.mark.long
def test_float_checkpoints_are_quantized_as_qat_begins(tmp_path):
    model = _trained(TinyStudentModel()).eval()
    save_checkpoint(tmp_path / "float", Checkpoint("TinyStudentModel", 1, model.state_dict()))
    quantize_checkpoint(tmp_path / "float", tmp_path / "q")
    start_qat(model, QatPolicy(0))
    expected, _ = quantize_state(model.state_dict(), DEFAULT)
    quantized = load_checkpoint(tmp_path / "q").state_dict
    assert all(torch.equal(quantized[name], expected[name]) for name in expected)
    assert quantized["heat.output_shift"].item() == 0


def test_integer_model_needs_integers(tiny, tmp_path):
    save_checkpoint(tmp_path / "qat", Checkpoint("TinyStudentModel", 3, tiny.state_dict()))
    with pytest.raises(InputError, match="holds no integer weights"):
        load_integer_model(tmp_path / "qat")
    with pytest.raises(InputError, match="not in integer mode"):
        integer_activations(tiny, np.zeros((1, 3, 128, 128), np.int8))


def test_stem_is_quantized_as_it_was_trained():
    """The folded kernel's zeros must not change the quantile that chooses the shift."""
    torch.manual_seed(0)
    model = nn.Sequential(FoldedConv2d(3, 8))
    start_qat(model, QatPolicy(0, shift_quantile=0.8))
    picture = torch.randint(-128, 128, (1, 3, 8, 8)).float()
    with torch.no_grad():
        real = model.eval()(picture / 128)
        state, _ = quantize_state(model.state_dict(), DEFAULT)
        model.load_state_dict(state)
        assert torch.equal(model(picture), real * 128)
    assert state["0.fold"].item() == 1
