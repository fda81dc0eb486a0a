from fractions import Fraction
from math import floor

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from ai8x_models.layers.layers import Conv2d
from ai8x_models.layers.policy import QatPolicy, Ranges, read_policy
from ai8x_models.layers.qat import (
    DATA_GRID,
    WIDE_GRID,
    Mode,
    fake_quantize,
    output_shift_for,
    parameter_limit,
    set_mode,
    start_qat,
    truncate,
    weight_grid,
)
from ai8x_models.quantize.options import QuantizeOptions
from ai8x_models.quantize.quantize import quantize_state
from max78000.errors import InputError, ProblemList


def test_fake_quantize_rounds_half_up_and_clamps():
    x = torch.tensor([-2.0, -1.0, -1.5 / 128, -0.5 / 128, 0.5 / 128, 2.5 / 128, 0.999, 3.0])
    expected = torch.tensor([-128.0, -128, -1, 0, 1, 3, 127, 127]) / 128
    assert torch.equal(fake_quantize(x, DATA_GRID), expected)
    assert torch.equal(fake_quantize(x, DATA_GRID, rectify=True), expected.clamp(min=0))


def test_wide_outputs_are_trained_within_their_range():
    one = 1 << 14
    x = torch.tensor([-1e6, -(2.0**15), 0.4 / one, 0.6 / one, 2.0**15, 1e6])
    expected = torch.tensor([-(2.0**15), -(2.0**15), 0, 1 / one, 2.0**15, 2.0**15])
    assert torch.equal(fake_quantize(x, WIDE_GRID), expected)


@given(
    x=st.floats(-3, 3, width=32),
    bits=st.sampled_from([1, 2, 4, 8]),
    exponent=st.integers(-4, 4),
)
def test_fake_quantize_is_the_formula(x, bits, exponent):
    one, gain = 2 ** (bits - 1), 2.0**exponent
    scaled = np.float32(np.float32(x) * np.float32(gain * one)) + np.float32(0.5)  # as float32 adds
    integer = max(-one, min(one - 1, floor(Fraction(float(np.float32(scaled))))))
    quantized = fake_quantize(torch.tensor([x]), weight_grid(bits), gain)
    assert quantized.item() == integer / one


def test_gradients_pass_where_nothing_is_clamped():
    x = torch.tensor([-1.2, -0.3, 0.001, 0.7, 1.2], requires_grad=True)
    fake_quantize(x, DATA_GRID, gain=2.0).sum().backward()
    assert x.grad is not None
    assert x.grad.tolist() == [0, 2, 2, 0, 0]
    x.grad = None
    fake_quantize(x, DATA_GRID, rectify=True).sum().backward()
    assert x.grad.tolist() == [0, 0, 1, 1, 0]
    x.grad = None
    truncate(x).sum().backward()
    assert x.grad.tolist() == [1, 1, 1, 1, 1]


def test_truncate_goes_toward_zero():
    x = torch.tensor([-2.75, -0.5, 0.5, 2.75]) / 128
    assert (truncate(x) * 128).tolist() == [-2, 0, 0, 2]


@pytest.mark.parametrize(
    ("limit", "shift"), [(0.519, 0), (0.27, -1), (5.82, 3), (0.5, -1), (1.0039, 1), (0.0, -15)]
)
def test_output_shift_examples(limit, shift):
    assert output_shift_for(torch.tensor(limit), weight_bits=8) == shift


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_output_shift_stays_what_the_shifter_takes(bits):
    shifts = {output_shift_for(torch.tensor(limit), bits) for limit in (1e-9, 1e9)}
    assert shifts == {bits - 23, bits + 7}


@given(quantile=st.floats(0.01, 1), n=st.integers(2, 40))
def test_parameter_limit_is_the_interpolated_quantile(quantile, n):
    values = np.random.default_rng(n).normal(size=n).astype(np.float32)
    limit = parameter_limit(torch.from_numpy(values[:-1]), torch.from_numpy(values[-1:]), quantile)
    assert limit.item() == pytest.approx(np.quantile(np.abs(values), quantile), rel=1e-5)


LAYERS = st.fixed_dictionaries(
    {
        "bits": st.sampled_from([1, 2, 4, 8]),
        "scale": st.sampled_from([0.02, 0.2, 0.6, 3.0]),
        "kernel": st.sampled_from([1, 3]),
        "pool": st.sampled_from([None, "max", "avg"]),
        "activation": st.sampled_from([None, "ReLU", "Abs", "wide", "fixed_scale"]),
        "quantile": st.sampled_from([1.0, 0.9]),
        "seed": st.integers(0, 10_000),
    }
)


@given(drawn=LAYERS)
@settings(max_examples=60)
def test_qat_and_integers_are_twins(drawn):
    """The same data through a layer in QAT and through its quantized integers: equal, always."""
    kind = drawn["activation"]
    wide = kind in ("wide", "fixed_scale")
    layer = Conv2d(
        6,
        5,
        drawn["kernel"],
        pool=drawn["pool"],
        activation=None if wide else kind,
        wide=wide,
        fixed_scale=kind == "fixed_scale",
    ).eval()
    model, generator = nn.Sequential(layer), torch.Generator().manual_seed(drawn["seed"])
    for parameter in layer.parameters():
        parameter.data = torch.randn(parameter.shape, generator=generator) * drawn["scale"]
    start_qat(model, QatPolicy(0, drawn["bits"], shift_quantile=drawn["quantile"]))
    data = torch.randint(-128, 128, (2, 6, 8, 8), generator=generator).float()
    with torch.no_grad():
        trained = model(data / 128)
        state, _ = quantize_state(model.state_dict(), QuantizeOptions())
        model.load_state_dict(state)
        assert layer.mode is Mode.INTEGER
        integers = model(data)
    one = 128 * 2 ** (drawn["bits"] - 1) if wide else 128
    assert torch.equal(trained.double() * one, integers.double())


def _small_model():
    torch.manual_seed(0)
    return nn.Sequential(
        Conv2d(2, 4, batchnorm="Affine", activation="ReLU"),
        Conv2d(4, 3, 1, wide=True),
    )


def test_start_qat_folds_batch_norm_and_sets_the_state():
    model = _small_model()
    for _ in range(5):
        model(torch.rand(4, 2, 6, 6))
    model.eval()
    x = torch.randint(-128, 128, (2, 2, 6, 6)) / 128
    before = model(x)
    start_qat(model, QatPolicy(3, 8, overrides={"1": 4}, shift_quantile=0.999))
    assert model[0].bn is None
    assert model[0].mode is model[1].mode is Mode.QAT
    assert (model[0].weight_bits.item(), model[1].weight_bits.item()) == (8, 4)
    after = model(x)  # a wide output grows by 2^-shift when QAT scales its weights
    assert torch.allclose(after * 2 ** model[1].output_shift, before, atol=0.15)


@pytest.mark.long
def test_qat_trains():
    model = _small_model()
    start_qat(model, QatPolicy(0))
    optimizer = torch.optim.Adam(model.parameters(), 0.01)
    x, target = torch.rand(8, 2, 6, 6), torch.rand(8, 3, 6, 6) * 0.5
    losses = []
    for _ in range(40):
        loss = (model(x) - target).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0] / 3


def test_integer_layers_cannot_be_trained():
    model = _small_model()
    set_mode(model, Mode.INTEGER)
    with pytest.raises(InputError, match="cannot be trained"):
        start_qat(model, QatPolicy(0))


def test_overrides_must_name_layers():
    with pytest.raises(InputError, match=r"overrides\.conv9: names no layer"):
        start_qat(_small_model(), QatPolicy(0, overrides={"conv9": 4}))


def test_policy_refuses_impossible_values_together():
    with pytest.raises(ProblemList) as caught:
        QatPolicy(-1, 3, overrides={"a": 16}, shift_quantile=0)
    assert len(caught.value.problems) == 4


def test_read_policy(tmp_path):
    path = tmp_path / "policy.yaml"
    path.write_text(
        "start_epoch: 10\nweight_bits: 8\nshift_quantile: 0.985\n"
        "overrides:\n  conv1:\n    weight_bits: 4\n  stage.0.conv2: 2\n"
    )
    expected = QatPolicy(10, 8, {"conv1": 4, "stage.0.conv2": 2}, 0.985)
    assert read_policy(path) == expected


def test_read_policy_of_the_second_generation(tmp_path):
    path = tmp_path / "policy.yaml"
    path.write_text(
        "start_epoch: 5\nweight_bits: 2\noutlier_removal_z_score: 2.0\n"
        "overrides:\n  conv1:\n    weight_bits: 8\n    shift_quantile: 0.99\n"
        "  fc: {shift_quantile: 0.9}\n"
    )
    policy = read_policy(path)
    assert policy == QatPolicy(
        *(5, 2, {"conv1": 8}, 1.0, {"conv1": 0.99, "fc": 0.9}), outlier_removal_z_score=2.0
    )
    assert policy.measures
    assert (policy.weight_bits_of("fc"), policy.shift_quantile_of("fc"), policy.z_score) == (
        *(2, 0.9),
        2.0,
    )
    path.write_text("start_epoch: 5\nweight_bits: 8\nranges: measured\n")
    assert read_policy(path).measures
    assert read_policy(path).z_score == 8


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("ranges: wide", "policy.yaml:3 ranges: must be fixed or measured"),
        ("outlier_removal_z_score: 0", "outlier_removal_z_score: 0.0 is not above 0"),
        ("overrides: {conv1: {bits: 4}}", "policy.yaml:3 overrides: must be lines of"),
        ("overrides: {conv1: {shift_quantile: 2}}", "quantile_overrides.conv1: 2.0 is not above 0"),
    ],
)
def test_policy_refusals(tmp_path, line, message):
    path = tmp_path / "policy.yaml"
    path.write_text(f"start_epoch: 5\nweight_bits: 8\n{line}\n")
    with pytest.raises(InputError) as caught:
        read_policy(path)
    assert message in str(caught.value)


def test_fixed_ranges_have_no_outliers():
    with pytest.raises(InputError, match="only measured ranges have outliers"):
        QatPolicy(0, ranges=Ranges.FIXED, outlier_removal_z_score=2.0)


def test_the_vendors_policies_are_read(vectors_dir):
    folder = vectors_dir and vectors_dir.parent / "vendor" / "policies"
    if folder is None or not folder.is_dir():
        pytest.skip("the vendor's policies are not beside this checkout")
    paths = sorted(folder.glob("qat_policy*.yaml"))
    assert len(paths) == 18
    assert {read_policy(path).weight_bits for path in paths} == {2, 4, 8}


def test_read_policy_reports_every_problem_with_its_line(tmp_path):
    path = tmp_path / "policy.yaml"
    path.write_text("start_epoch: soon\nweight_bit: 8\nstart_epoch: 1\noverrides: 4\n")
    with pytest.raises(ProblemList) as caught:
        read_policy(path)
    messages = [str(problem).removeprefix(str(path)) for problem in caught.value.problems]
    assert [message.split(" (")[0] for message in messages] == [
        ":1 start_epoch: must be a whole number",
        ":2 weight_bit: is an unknown key",
        ":3 start_epoch: is given twice",
        ":4 overrides: must be lines of `layer: bits` or `layer: {weight_bits: bits}`",
        ": lacks `weight_bits`",
    ]


@pytest.mark.parametrize("text", ["", "[", "a: b: c", "- 1"])
def test_read_policy_of_something_else(tmp_path, text):
    path = tmp_path / "policy.yaml"
    path.write_text(text)
    with pytest.raises((InputError, ProblemList)):
        read_policy(path)
    with pytest.raises(InputError, match="cannot be read"):
        read_policy(tmp_path / "none.yaml")
