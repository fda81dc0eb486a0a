"""What becomes one layer of the accelerator, what needs one of its own, and in which order."""

import pytest
import torch
import torch.nn.functional as F
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import nn

from ai8x_models.describe.convert import convert
from ai8x_models.describe.describe import describe
from ai8x_models.layers.layers import Conv1d, Conv2d, ConvTranspose2d, ElementWise, Linear, Pool
from ai8x_models.layers.qat import DATA_MAX
from max78000.facts.fixed import Combine
from synthesis.read.yaml_reader import read_network


class Net(nn.Module):
    """Layers by name, and what a test does with them."""

    def __init__(self, run, **layers):
        super().__init__()
        self.run = run
        for name, layer in layers.items():
            self.add_module(name, layer)

    def forward(self, x):
        return self.run(self, x)


def lines(model, shape=(4, 8, 8)):
    """The entries as text, without the braces."""
    text = describe(model, shape, "net").to_text()
    read_network(text, "net.yaml")
    return [line.strip("- {}") for line in text.split("layers:\n")[1].splitlines()]


def block(n_in=4, n_out=4, **options):
    return Conv2d(n_in, n_out, **options)


CONV = "op: conv2d, kernel_size: 3x3, pad: 1, activate: None"
ADD, XOR = Combine.ADD, Combine.XOR


def test_the_shortest_description():
    text = describe(
        Net(lambda m, x: m.conv1(x), conv1=block()), (4, 8, 8), "Tiny", "mine"
    ).to_text()
    assert text == (
        "---\n# Tiny: reads 4x8x8.\narch: Tiny\ndataset: mine\ninput_shape: [4, 8, 8]\n"
        "out_channels: [4]\n\nlayers:\n"
        f"  - {{name: conv1, {CONV}}}\n"
    )


def test_a_pooling_goes_into_every_convolution_that_reads_it():
    model = Net(
        lambda m, x: (m.b(y := m.pool(m.a(x))), m.c(y)),
        a=block(), pool=Pool(pool="avg", pool_size=4, pool_stride=2), b=block(), c=block(),
    )  # fmt: skip
    pool = "avg_pool: 4, pool_stride: 2"
    assert lines(model) == [
        f"name: a, {CONV}",
        f"name: b, {CONV}, {pool}, output: true",
        f"name: c, in_sequences: a, {CONV}, {pool}, output: true",
    ]


def test_a_pooling_in_front_of_a_pooling_or_a_linear_layer_stands_alone():
    model = Net(
        lambda m, x: m.answer(m.pool2(m.b(m.pool1(m.a(x)))).flatten(1)),
        a=block(),
        pool1=Pool(pool="max"),
        b=block(pool="max"),
        pool2=Pool(pool="max", pool_size=(2, 1)),
        answer=Linear(8, 3),
    )
    assert lines(model) == [
        f"name: a, {CONV}",
        "name: pool1, op: passthrough, max_pool: 2, pool_stride: 2",
        f"name: b, {CONV}, max_pool: 2, pool_stride: 2",
        "name: pool2, op: passthrough, max_pool: [2, 1], pool_stride: [2, 1]",
        "name: answer, op: linear, flatten: true, activate: None",
    ]


def test_a_join_goes_into_the_convolution_that_alone_reads_it():
    model = Net(
        lambda m, x: m.c(m.add(m.a(x), m.b(x))),
        a=block(), b=block(), add=ElementWise(ADD), c=block(),
    )  # fmt: skip
    assert lines(model) == [
        f"name: a, {CONV}",
        f"name: b, in_sequences: input, {CONV}",
        f"name: c, in_sequences: [a, b], op: conv2d, eltwise: add, {CONV[12:]}",
    ]


def test_a_join_that_two_read_stands_alone_and_its_operands_too_are_copied():
    model = Net(
        lambda m, x: m.d(y := m.xor(a := m.a(x), m.b(a))) + m.e(y),
        a=block(), b=block(), xor=ElementWise(XOR), d=block(), e=block(),
    )  # fmt: skip
    assert lines(model) == [
        f"name: a, {CONV}",
        "name: keep1, op: passthrough",
        f"name: b, in_sequences: a, {CONV}",
        "name: xor, in_sequences: [keep1, b], op: xor",
        f"name: d, {CONV}",
        f"name: e, in_sequences: xor, {CONV}",
        "name: add, in_sequences: [d, e], op: add",
    ]


def test_the_input_and_answers_are_copied_before_they_are_combined():
    model = Net(lambda m, x: (y := m.a(x), m.add(x, y)), a=block(), add=ElementWise(ADD))
    assert lines(model) == [
        "name: keep1, op: passthrough",
        f"name: a, in_sequences: input, {CONV}, output: true",
        "name: keep2, op: passthrough",
        "name: add, in_sequences: [keep1, keep2], op: add, output: true",
    ]


def test_a_tensor_added_to_itself_is_copied_twice():
    model = Net(lambda m, x: m.add(y := m.a(x), y), a=block(), add=ElementWise(ADD))
    assert lines(model) == [
        f"name: a, {CONV}",
        "name: keep1, op: passthrough",
        "name: keep2, in_sequences: a, op: passthrough",
        "name: add, in_sequences: [keep1, keep2], op: add",
    ]


def test_operands_are_pooled_first_or_last_as_the_model_has_it():
    layers = {"a": block(), "b": block(), "add": ElementWise(ADD), "c": block()}
    pools = {"p": Pool(pool="max"), "q": Pool(pool="max")}
    first = Net(lambda m, x: m.c(m.add(m.p(m.a(x)), m.q(m.b(x)))), **layers, **pools)
    last = Net(lambda m, x: m.c(m.p(m.add(m.a(x), m.b(x)))), **layers, p=Pool(pool="max"))
    entry = f"name: c, in_sequences: [a, b], op: conv2d, eltwise: add, {CONV[12:]}"
    assert lines(first)[2:] == [f"{entry}, max_pool: 2, pool_stride: 2"]
    assert lines(last)[2:] == [f"{entry}, pool_first: false, max_pool: 2, pool_stride: 2"]


@pytest.mark.parametrize(
    ("reader", "n_channels", "n_operands", "goes_in"),
    [
        (block(), 4, 3, True),
        (block(pool="max"), 4, 2, True),
        (block(pool="max"), 4, 3, False),  # E4
        (block(100), 100, 2, True),
        (block(100), 100, 3, False),  # E5
        (block(132), 132, 2, False),  # E5
        (ConvTranspose2d(4, 4), 4, 2, True),
        (Pool(pool="max"), 4, 2, False),
    ],
)
def test_what_a_join_can_be_in_front_of(reader, n_channels, n_operands, goes_in):
    layers = {f"op{i}": block(4, n_channels, kernel_size=1) for i in range(n_operands)}
    model = Net(
        lambda m, x: m.last(m.add(*(getattr(m, name)(x) for name in layers))),
        **layers, add=ElementWise(ADD), last=reader,
    )  # fmt: skip
    found = lines(model)
    assert len(found) == n_operands + (1 if goes_in else 2)
    assert (f"operands: {n_operands}" in found[n_operands]) == (n_operands != 2)


def test_a_join_in_front_of_a_one_dimensional_convolution_stands_alone():
    layers = {name: Conv1d(4, 4) for name in "abc"}
    model = Net(lambda m, x: m.c(m.add(m.a(x), m.b(x))), **layers, add=ElementWise(ADD))
    assert [line.split(",")[0] for line in lines(model, (4, 16))] == [
        "name: a",
        "name: b",
        "name: add",
        "name: c",
    ]


def test_concatenations_are_read_in_place():
    model = Net(
        lambda m, x: m.d(F.max_pool2d(torch.cat((torch.cat((m.a(x), m.b(x)), 1), x), 1), 2)),
        a=block(), b=block(), d=block(12, 4),
    )  # fmt: skip
    entry = f"name: d, in_sequences: [a, b, input], {CONV}, max_pool: 2, pool_stride: 2"
    assert lines(model)[-1] == entry


def test_a_concatenation_that_is_an_answer_passes_through():
    model = Net(lambda m, x: torch.cat((m.a(x), m.b(x)), 1), a=block(), b=block())
    assert lines(model)[-1] == "name: cat, in_sequences: [a, b], op: passthrough"


def test_a_concatenation_that_is_combined_passes_through():
    model = Net(
        lambda m, x: m.c(y := torch.cat((m.a(x), m.b(x)), 1)) + y,
        a=block(), b=block(), c=block(8, 8),
    )  # fmt: skip
    assert lines(model)[-3:] == [
        "name: cat, in_sequences: [a, b], op: passthrough",
        f"name: c, in_sequences: [a, b], {CONV}",
        "name: add, in_sequences: [c, cat], op: add",
    ]


def test_pooling_with_a_stride_in_front_of_a_transposed_convolution_stands_alone():
    up = ConvTranspose2d(4, 4, pool="max", pool_size=3, pool_stride=2)
    model = Net(
        lambda m, x: m.up(m.add(m.a(x), m.b(x))),
        a=block(), b=block(), up=up, add=ElementWise(ADD),
    )  # fmt: skip
    assert lines(model)[2:] == [
        "name: up_pool, in_sequences: [a, b], op: add, pool_first: false, max_pool: 3, "
        "pool_stride: 2",
        "name: up, op: convtranspose2d, kernel_size: 3x3, pad: 1, activate: None",
    ]


def test_dropping_pixels_behind_a_join_is_the_same_in_front_of_it():
    """A window of one pixel: `pool_first: false` needs a larger one."""
    model = Net(
        lambda m, x: m.c(m.add(m.a(x), m.b(x))),
        a=block(), b=block(), add=ElementWise(ADD), c=nn.Conv2d(4, 4, 1, stride=2),
    )  # fmt: skip
    assert lines(model)[-1].endswith("output_width: 32")
    assert "max_pool: 1, pool_stride: 2" in lines(model)[-1]
    assert "pool_first" not in lines(model)[-1]


def test_rows_and_columns_may_be_read_in_another_way():
    model = Net(lambda m, x: m.b(m.a(x).flatten(2)), a=block(), b=Conv1d(4, 4))
    assert (
        lines(model)[-1]
        == "name: b, op: conv1d, in_dim: 64, kernel_size: 3, pad: 1, activate: None"
    )
    model = Net(lambda m, x: m.b(m.a(x).reshape(len(x), 4, 4, 16)), a=block(), b=block())
    assert lines(model)[-1].startswith("name: b, op: conv2d, in_dim: [4, 16], kernel_size: 3x3")


def test_layers_run_in_the_order_in_which_the_model_holds_them():
    """That is the order of the checkpoint, which the compiler pairs by position."""
    model = Net(
        lambda m, x: (m.b2(m.b1(y := m.a(x))), m.c2(m.c1(y))),
        a=block(), c1=block(), c2=block(), b1=block(), b2=block(),
    )  # fmt: skip
    names = [layer.name for layer in describe(model, (4, 8, 8)).layers]
    assert names == ["a", "c1", "c2", "b1", "b2"]


def test_names_that_yaml_would_misread_are_changed():
    layers = {"on": block(), "input": block(), "no": block()}
    model = Net(lambda m, x: m.no(m.input(m.on(x))), **layers)
    text = describe(model, (4, 8, 8), "net").to_text()
    names = [layer["name"] for layer in yaml.safe_load(text)["layers"]]
    assert names == ["layer_on", "layer_input", "layer_no"]


def test_json_has_every_field_as_plain_data():
    model = Net(lambda m, x: m.add(m.a(x), m.b(x)), a=block(), b=block(), add=ElementWise(ADD))
    found = describe(model, (4, 8, 8), "net").to_json()
    assert found["layers"][2]["combine"] == "add"
    assert found["layers"][0]["activation"] == "none"
    assert (found["device_shape"], found["fold"]) == ([4, 8, 8], 1)


def test_limits_of_data_are_no_layers():
    plain = nn.Sequential(nn.Conv2d(4, 4, 3, padding=1), nn.Hardtanh(0, DATA_MAX))
    assert lines(plain) == [f"name: layer_0, {CONV.replace('None', 'ReLU')}"]


LAYERS = st.sampled_from(
    (
        lambda n: [nn.Conv2d(n, n + 2, 3, padding=1), nn.BatchNorm2d(n + 2), nn.ReLU()],
        lambda n: [nn.Conv2d(n, n + 1, 1, bias=False)],
        lambda n: [nn.Conv2d(n, n, 3, padding=2), nn.ReLU(), nn.Dropout()],
        lambda n: [nn.Conv2d(n, n, 1, stride=2), nn.BatchNorm2d(n, affine=False)],
        lambda n: [nn.ConvTranspose2d(n, n, 3, 2, 1, output_padding=1), nn.ReLU()],
        lambda n: [nn.AvgPool2d(2, 1), nn.Conv2d(n, n + 3, 3, padding="same")],
        lambda n: [nn.MaxPool2d((2, 2)), nn.Identity()],
    )
)


@pytest.mark.long
@given(builders=st.lists(LAYERS, min_size=1, max_size=6), seed=st.integers(0, 9))
@settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=HealthCheck)
def test_chains_of_plain_layers_keep_their_answers(builders, seed):
    torch.manual_seed(seed)
    channels, layers = 3, []
    for build in builders:
        layers += build(channels)
        channels = next(
            (one.out_channels for one in layers[::-1] if hasattr(one, "out_channels")), channels
        )
    model = nn.Sequential(*layers, nn.AdaptiveMaxPool2d(1), nn.Flatten(), nn.Linear(channels, 3))
    x = torch.rand(4, 3, 22, 22) - 0.5
    if min(model[:-3](x).shape[2:]) > 16:
        return
    network = convert(model.eval(), (3, 22, 22), x).eval()
    (scale,) = network.network.output_scales
    with torch.no_grad():
        found, wanted = network(x * network.network.input_scale) / scale, model(x)
    torch.testing.assert_close(found, wanted, atol=1e-4, rtol=1e-4)
    assert lines(network, (3, 22, 22)) == lines(model, (3, 22, 22))
