"""The second generation of the vendor's trainer (QATv2): thresholds and final scales."""

import json
import math

import numpy as np
import pytest
import torch
from torch import nn

from ai8x_models.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from ai8x_models.layers.layers import Conv2d, ElementWise, Linear, Pool
from ai8x_models.layers.policy import QatPolicy
from ai8x_models.layers.qat import Mode, set_generation, start_qat
from ai8x_models.quantize.options import ClipMethod, QuantizeOptions
from ai8x_models.quantize.quantize import quantize_checkpoint, quantize_state
from max78000.errors import InputError
from max78000.facts.fixed import Combine

CASES = (
    *("q01_chain8", "q02_wide_last", "q03_mixed_bits", "q04_quantile", "q05_no_bias_nested"),
    *("q06_shift_limits", "q07_v1_keys", "q08_v2_float_ptq", "q09_power_of_two_edge"),
)


# The witness: integers that agree with the vendor's newer quantizer.


@pytest.mark.parametrize("name", CASES)
def test_shared_vectors_tensor_by_tensor(name, v2_dir, tmp_path):
    quantize_checkpoint(v2_dir / f"{name}.pth.tar", tmp_path / "q")
    ours = load_checkpoint(tmp_path / "q").state_dict
    expected = np.load(v2_dir / f"{name}.expected.npz")
    assert set(ours) == set(expected.files)
    for key in expected.files:
        assert np.array_equal(ours[key].double().numpy(), expected[key].astype(float)), key


def test_shared_case(cases_dir, tmp_path):
    report = quantize_checkpoint(cases_dir / "qatv2.pth.tar", tmp_path / "q")
    assert [layer.output_shift for layer in report.layers] == [-3, 0]


# The rules, on numbers that can be checked by hand.


def _layer(threshold, bits=8, weights=(0.75, -0.5), **more):
    state = {
        "output_shift": 0.0,
        "activation_threshold": threshold,
        "final_scale": 0.0,
        "weight_bits": bits,
        "bias_bits": bits,
        "quantize_activation": True,
        "clamp_activation": True,
        "adjust_output_shift": True,
        "shift_quantile": 1.0,
    } | more
    entries = {f"conv1.{name}": torch.tensor(value) for name, value in state.items()}
    return entries | {"conv1.op.weight": torch.tensor(weights).view(-1, 1, 1, 1)}


def test_the_threshold_is_subtracted():
    result, (report,) = quantize_state(_layer(3.0, weights=[1.5, -0.25]), QuantizeOptions())
    assert report.output_shift == result["conv1.output_shift"].item() == 1 - 3
    assert result["conv1.op.weight"].flatten().tolist() == [96, -16]
    assert result["conv1.activation_threshold"].item() == 3
    assert result["conv1.clamp_activation"].item()
    assert not report.note


@pytest.mark.parametrize(
    ("bits", "threshold", "vendors", "chips"),
    [
        (8, 20, -15, -15),
        (8, -20, 15, 15),
        (4, 15, -11, -15),
        (4, 30, -11, -19),
        (4, -15, 15, 11),
        (2, -5, 5, 5),
        (1, -math.inf, 22, 8),
    ],
)
def test_limits_of_the_shift(bits, threshold, vendors, chips):
    state = _layer(float(threshold), bits)
    for has_chip_limits, shift in ((False, vendors), (True, chips)):
        options = QuantizeOptions(has_chip_limits=has_chip_limits)
        _, (report,) = quantize_state(state, options)
        assert report.output_shift == shift
        assert bool(report.note) == (
            shift != -threshold or (vendors != chips and not has_chip_limits)
        )
    if vendors != chips:
        _, (report,) = quantize_state(state, QuantizeOptions())
        assert "--chip-limits" in report.note or "does not exist" in report.note


def test_clip_methods_do_not_know_thresholds():
    options = QuantizeOptions(clip_method=ClipMethod.MAX)
    quantize_state(_layer(0.0), options)
    for state in (_layer(1.0), _layer(0.0, final_scale=2.0)):
        with pytest.raises(InputError, match="leave --clip-method out"):
            quantize_state(state, options)


def test_integers_are_not_quantized_again(tmp_path):
    save_checkpoint(tmp_path / "qat", Checkpoint("net", 1, _layer(1.0, 1, [0.5, -0.75])))
    quantize_checkpoint(tmp_path / "qat", tmp_path / "q")
    with pytest.raises(InputError, match=r"integers already.*thresholds twice"):
        quantize_checkpoint(tmp_path / "q", tmp_path / "qq")
    without = load_checkpoint(tmp_path / "q")
    save_checkpoint(tmp_path / "q", Checkpoint("net", 1, without.state_dict))
    with pytest.raises(InputError, match=r"integers already.*thresholds twice"):
        quantize_checkpoint(tmp_path / "q", tmp_path / "qq")


def test_batch_norm_is_folded_without_the_quarter():
    state = _layer(0.0) | {"conv1.bn.running_mean": torch.zeros(2)}
    state |= {"conv1.bn.running_var": torch.ones(2), "conv1.bn.num_batches_tracked": torch.ones(())}
    options = QuantizeOptions(bn_eps=0.0)
    _, (second,) = quantize_state(state, options)
    of_first = {name: state[name] for name in state if "threshold" not in name}
    _, (first,) = quantize_state(of_first, options)
    assert (second.output_shift, first.output_shift) == (0, -2)


@pytest.mark.parametrize("is_v2", [True, False])
def test_what_a_file_cannot_tell_is_said(tmp_path, is_v2):
    state = _layer(0.0, quantize_activation=False, weight_bits=0)
    if not is_v2:
        state = {name: tensor for name, tensor in state.items() if ".op." in name}
    state |= {f"conv1.bn.running_{one}": torch.ones(2) for one in ("mean", "var")}
    save_checkpoint(tmp_path / "float", Checkpoint("net", 1, state))
    notes = quantize_checkpoint(tmp_path / "float", tmp_path / "q").notes
    assert any("never saw quantization-aware training" in note for note in notes)
    said = "without the quarter" if is_v2 else "divided by 4; nothing in the file tells"
    assert any(said in note for note in notes)


# Layers.


class Residual(nn.Module):
    """The network of the shared forward vectors."""

    def __init__(self):
        super().__init__()
        self.conv1 = Conv2d(3, 4, activation="ReLU")
        self.conv2 = Conv2d(4, 4, activation="ReLU")
        self.add = ElementWise(Combine.ADD)
        self.out = Conv2d(4, 3, 1)
        self.outw = Conv2d(4, 3, 1, wide=True)

    def forward(self, x):
        x = self.conv1(x)
        x = self.add(x, self.conv2(x))
        return self.out(x), self.outw(x)


def _results(model, x):
    results = {}
    for name, layer in model.named_children():
        layer.register_forward_hook(lambda _m, _x, y, name=name: results.update({name: y}))
    with torch.no_grad():
        model.eval()(x)
    return results


@pytest.mark.parametrize("mode", [Mode.QAT, Mode.INTEGER])
def test_shared_forward_vectors(mode, v2_dir):
    expected = np.load(v2_dir / "f01_residual.expected.npz")
    state = load_checkpoint(v2_dir / "f01_residual.pth.tar").state_dict
    if mode is Mode.INTEGER:
        state, _ = quantize_state(state, QuantizeOptions())
        assert all(
            np.array_equal(state[key[2:]].double().numpy(), expected[key].astype(float))
            for key in expected.files
            if key.startswith("q.")
        )
    model = Residual()
    model.load_state_dict(state)
    assert model.outw.mode is mode
    model.add.mode = mode
    data = torch.from_numpy(expected["input"].astype(np.float32))
    results = _results(model, data if mode is Mode.INTEGER else data / 128)
    for name, result in results.items():
        one = 1 if mode is Mode.INTEGER else 2**14 if name == "outw" else 128
        gain = getattr(model, name).final_gain if mode is Mode.QAT and name != "add" else 1
        assert np.array_equal((result.double() * one / gain).numpy(), expected[name]), name
    assert (model.out.final_gain, model.outw.final_gain) == (4, 2)
    unloaded = results["out"] * (model.out.final_gain if mode is Mode.INTEGER else 128)
    assert np.array_equal(unloaded.numpy(), expected["out_unloaded_correct"])


def test_before_qat_nothing_is_clamped_or_divided():
    torch.manual_seed(0)
    model = nn.Sequential(
        Conv2d(1, 2, batchnorm="Affine", activation="Abs"),
        Pool(pool="avg"),
        Conv2d(2, 2, wide=True),
    )
    with torch.no_grad():
        model[0].bn.weight.fill_(8.0)
    x = torch.rand(2, 1, 4, 4)
    set_generation(model, is_v2=True)
    model.eval()
    with torch.no_grad():
        conv = torch.nn.functional.conv2d(x, model[0].op.weight, model[0].op.bias, padding=1)
        assert torch.allclose(model[0](x), (conv * 8 / math.sqrt(1 + 1e-5)).abs())
        assert model[0](x).max() > 1
        assert torch.equal(model[1](x * 9), nn.functional.avg_pool2d(x * 9, 2))
        before = model(x)
        for layer in model:
            layer.fold_batchnorm()
        assert torch.allclose(model(x), before, atol=1e-5)
        added = ElementWise(Combine.ADD)
        assert added(x, x).max() < 1
        added.set_generation(is_v2=True)
        assert torch.equal(added(x, x), x + x)


def test_the_stored_layer_says_of_which_generation_it_is():
    first, second = nn.Sequential(Linear(2, 2), ElementWise(Combine.ADD)), Linear(2, 2)
    second.set_generation(is_v2=True)
    second.get_buffer("activation_threshold").fill_(2)
    state = {f"0.{name}": tensor for name, tensor in second.state_dict().items()}
    state["1.activation_threshold"] = torch.tensor([1.0])[0]
    first.load_state_dict(state)
    assert first[0].is_v2
    assert first[1].is_v2
    assert list(first.state_dict()) == list(state)
    start_qat(first, QatPolicy(0))
    assert first[0].get_buffer("clamp_activation").item()
    with torch.no_grad():  # the second generation computes with the shift less the threshold
        gain = first[0].parameters_in_use(first[0].op.weight, None)[2]
    assert gain == 2.0 ** (first[0].output_shift.item() - 2)
    plain = nn.Sequential(Linear(2, 2)).state_dict()
    first.load_state_dict(plain)
    assert not first[0].is_v2
    assert not first[1].is_v2
    assert list(first.state_dict()) == list(plain)


def test_json_of_a_report_has_notes():
    _, (report,) = quantize_state(_layer(15.0, 4), QuantizeOptions())
    assert json.dumps(report.note)
