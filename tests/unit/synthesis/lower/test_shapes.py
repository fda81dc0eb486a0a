"""Shapes that a description gives, or that are found: of the sample, and without a checkpoint."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from max78000.errors import CapacityError, InputError, ToolError
from max78000.facts.chip import MAX78000
from networks import Net, compile_net, description, image_of, network_of, source_of, write_files
from synthesis.api import Request, compile_files
from synthesis.generate.options import ProgramOptions
from synthesis.graph.ir import Shape
from synthesis.lower.stand_in import made_up_image, made_up_weights
from synthesis.read.files import find_files
from synthesis.read.yaml_reader import read_network

POOLED = Net(
    "{name: first, pad: 1, max_pool: 2, pool_stride: 2}\n{name: last, op: linear, flatten: true}",
    "4x1x3x3 3x256", "1x16x16",
)  # fmt: skip
GIVEN = "input_shape: [1, 16, 16]\nout_channels: [4, 3]\n"


# -- a sample of another shape ---------------------------------------------------------------------


def with_image(net, shape):
    return replace(source_of(net), image=image_of(replace(net, image=shape)))


@pytest.mark.parametrize("shape", ["1x28x28", "16x16x1", "1x15x9"])
def test_the_shape_of_the_sample_is_found(shape):
    with pytest.raises(InputError) as refusal:
        compile_net(POOLED, with_image(POOLED, shape))
    assert str(refusal.value) == (
        f"net.yaml: the sample is {shape}; these layers with these weights take 1x16x16 [G24] "
        "(give a sample of 1x16x16 (channels, rows, columns))"
    )


def test_a_line_is_found():
    layers = "{op: conv1d, kernel_size: 3, pad: 1}\n{op: linear, flatten: true}"
    net = Net(layers, "4x2x3 3x80", "2x21")
    with pytest.raises(InputError, match=r"the sample is 2x21x1; .* take 2x20x1"):
        compile_net(net)


def test_the_shape_that_the_description_gives_comes_first():
    net = replace(POOLED, sections=GIVEN)
    compile_net(net)
    with pytest.raises(InputError) as refusal:
        compile_net(net, with_image(net, "1x28x28"))
    assert str(refusal.value) == (
        "net.yaml: the sample is 1x28x28, the network takes 1x16x16 [G24] (give a sample of "
        "1x16x16 (channels, rows, columns), or correct input_shape)"
    )


def test_layers_that_no_sample_suits_are_refused_as_before():
    net = Net("{}\n{}", "4x2x3x3 4x5x3x3")
    with pytest.raises(ToolError, match=r"layers\[1\].*\[P2\]"):
        compile_net(net)


@pytest.mark.parametrize(
    ("section", "problem"),
    [
        ("input_shape: 3", "must be a list of integers above 0"),
        ("input_shape: [3, 0, 1]", "must be an integer from 1 to 1048576"),
        ("input_shape: [3]", r"must be \[channels, rows, columns\], or \[channels, length\]"),
        ("out_channels: [a]", "must be an integer"),
    ],
)
def test_shapes_that_are_none(section, problem):
    with pytest.raises(InputError, match=problem + r" \[G22\]"):
        read_network(description("{}") + section + "\n", "net.yaml")


# -- without a checkpoint --------------------------------------------------------------------------


def shapes_of(net):
    network = network_of(net)
    image = made_up_image(network)
    weights = made_up_weights(network, Shape(*image.shape), MAX78000)
    return image.shape, [entry.weight.shape for entry in weights.layers]


def test_weights_have_the_shapes_of_the_description():
    assert shapes_of(replace(POOLED, sections=GIVEN)) == (
        (1, 16, 16), [(4, 1, 3, 3), (3, 256, 1, 1)],
    )  # fmt: skip


def test_keys_of_the_layers_do_as_well():
    layers = (
        "{op: conv1d, kernel_size: 5, in_channels: 3, in_dim: 20, out_channels: 6, name: a}",
        "{op: conv1d, kernel_size: 1, pad: 0, out_channels: 6, name: b}",
        "{op: add, in_sequences: [a, b]}",
        "{op: none, in_sequences: [a, b], in_dim: [4, 4], name: joined}",
        "{op: convtranspose2d, out_channels: 2, name: up}",
        "{op: conv1d, kernel_size: 1, pad: 0, weight_source: b, in_sequences: a}",
    )
    assert shapes_of(Net("\n".join(layers)))[1] == [(6, 3, 5, 1), (6, 6, 1, 1), (12, 2, 3, 3)]


def test_a_count_that_is_missing_is_not_made_up():
    network = network_of(replace(POOLED, sections="out_channels: [4]\n"))
    assert made_up_image(network) is None
    assert made_up_weights(network, Shape(1, 16, 16), MAX78000) is None


@pytest.fixture
def check(tmp_path, monkeypatch):
    """Check a description that is alone in its folder, but for the files named."""

    def check(net, *there):
        for path in write_files(tmp_path, net):
            if not path.name.endswith((".yaml", *there)):
                path.unlink()
        monkeypatch.chdir(tmp_path)
        given = {ending: tmp_path / f"tiny{ending}" for ending in there}
        files = find_files(
            tmp_path / "tiny.yaml", given.get("-q.pth.tar"), given.get(".npy")
        )  # fmt: skip
        return compile_files(Request(files, ProgramOptions("tiny"), checks_shapes=True))

    return check


@pytest.fixture
def check_named(tmp_path, monkeypatch):
    """Check a description that is alone in its folder, with a sample named."""

    def check(name):
        there = write_files(tmp_path, replace(POOLED, sections=GIVEN))
        path = next(one for one in there if one.suffix == ".yaml")
        (tmp_path / "alone").mkdir()
        path = path.rename(tmp_path / "alone" / path.name)
        monkeypatch.chdir(path.parent)
        files = find_files(path, None, Path(name))
        return compile_files(Request(files, ProgramOptions("tiny"), checks_shapes=True))

    return check


def said(network):
    """Warnings that come from no rule."""
    return [text for text in network.warnings if "[" not in text]


@pytest.mark.long
def test_a_description_is_checked_alone(check):
    warnings = said(check(replace(POOLED, sections=GIVEN)))
    assert [text.partition(": ")[2] for text in warnings] == [
        "no checkpoint, weights are checked by their shapes, without biases",
        "no sample, random data are checked",
    ]


@pytest.mark.long
def test_what_is_there_is_read(check):
    net = replace(POOLED, sections=GIVEN)
    assert len(said(check(net, ".npy"))) == 1
    assert len(said(check(net, "-q.pth.tar"))) == 1
    assert len(said(check(net, ".npy", "-q.pth.tar"))) == 0


@pytest.mark.parametrize("name", ["nope.npy", "nope.png"])
def test_a_sample_that_was_named_has_to_be_there(check_named, name):
    with pytest.raises(InputError) as refusal:
        check_named(name)
    assert str(refusal.value) == f"{name}: no such file [G24] (give --sample-input)"


@pytest.mark.long
def test_what_does_not_fit_is_refused_by_its_shapes(check):
    shapes = "input_shape: [64, 8, 8]\nout_channels: [512, 512]\n"
    net = Net("{}\n{}", "64x64x3x3", "64x8x8", sections=shapes)
    with pytest.raises(CapacityError, match=r"\[C12\]"):
        check(net)


def test_a_description_without_shapes_needs_its_files(check):
    with pytest.raises(ToolError, match="no such file"):
        check(POOLED)


def test_made_up_weights_use_their_bits():
    network = network_of(
        replace(POOLED, layers=POOLED.layers.replace("pad", "quantization: 2, pad"))
    )
    network = replace(network, out_channels=(4, 3))
    first, last = made_up_weights(network, Shape(1, 16, 16), MAX78000).layers
    assert np.unique(first.weight).tolist() == [-2, -1, 0, 1]
    assert first.weight_bits == 2
    assert np.abs(last.weight).max() > 100


def test_pooling_that_leaves_no_row_is_refused_without_a_checkpoint_too(check):
    net = replace(
        POOLED,
        layers="{name: first, pad: 1}\n{name: last, op: linear, flatten: true, max_pool: 8}",
        image="1x4x40",
        sections="input_shape: [1, 4, 40]\nout_channels: [4, 3]\n",
    )
    with pytest.raises(InputError, match=r"nothing is left: input 4x4x40, .*\[D3\]"):
        check(net)
