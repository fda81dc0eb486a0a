"""The buffer of `cnn_unload`: what lies where in it, and which numbers."""

import json

import numpy as np
import pytest

from max78000.facts.chip import MAX78000
from max78000.facts.fixed import scale_by
from networks import Net, compile_net, network_of, placement_of, write_checkpoint
from synthesis.generate.unload import element_bits, unload_layout
from synthesis.graph.scales import final_scale
from synthesis.read.checkpoint import read_checkpoint
from synthesis.read.source import Source

LIMIT = 1 << 31
ONE = "{kernel_size: 1x1, pad: 0}"
ENDS = (
    "{name: a, kernel_size: 1x1, pad: 0, output: true}\n"
    "{name: b, kernel_size: 1x1, pad: 0, in_sequences: input, output_width: 32, output: true}\n"
    "{name: c, kernel_size: 1x1, pad: 0, in_sequences: input, output: true}\n"
    "{name: d, kernel_size: 1x1, pad: 0, in_sequences: input}"
)


def layout_of(net, **options):
    return unload_layout(placement_of(net).placed_graph, MAX78000, **options)


def parts_of(net, **options):
    """Name, first word, bits of an element, scale."""
    return [
        (part.output.name, part.offset_words, part.element_bits, part.scale)
        for part in layout_of(net, **options).parts
    ]


# -- numbers ---------------------------------------------------------------------------------------


def test_shared_values(vectors_dir):
    """Ours is the exact value, rounded down; the vendor's is ours but where it loses the sign or
    the high bits.
    """
    path = vectors_dir and vectors_dir / "qatv2" / "unload.json"
    if path is None or not path.exists():
        pytest.skip("the shared vectors of QATv2 are not beside this checkout")
    cases = json.loads(path.read_text())
    assert len(cases) == 56
    for case in cases:
        width, scale, raw = case["width"], case["final_scale"], case["raw"]
        ours = int(scale_by(np.array(raw), scale, max(16, element_bits(width, scale))))
        exact = int(np.floor(case["mathematically"]))
        assert ours == min(max(exact, -LIMIT), LIMIT - 1), case
        vendors = case["vendor_int16"] if width == 8 else case["vendor_int32"]
        if width == 8 and scale >= 0:
            taken = (raw & 0xFF) << scale & 0xFFFF  # zero-extended, cut to 16 bits
            assert vendors == taken - (taken >> 15 << 16)
        elif exact == ours:
            assert vendors == exact
        else:
            assert vendors == (exact + LIMIT) % (2 * LIMIT) - LIMIT


@pytest.mark.parametrize(("value", "scale", "bits", "wanted"), [
    (-128,           8,  16, -32768),
    (127,            8,  16, 32512),
    (127,            9,  32, 65024),
    (-1,             3,  16, -8),
    (-1,            -3,  16, -1),
    (127,           -1,  16, 63),
    (-127,          -1,  16, -64),
    (5,              0,   8, 5),
    (-(1 << 30),     1,  32, -(1 << 31)),
    (1 << 30,        1,  32, (1 << 31) - 1),
    (-(1 << 30) - 1, 1,  32, -(1 << 31)),
    (1,             31,  32, (1 << 31) - 1),
    (-5,           -31,  32, -1),
])  # fmt: skip
def test_values_are_scaled_with_their_sign_and_saturate(value, scale, bits, wanted):
    assert int(scale_by(np.array(value), scale, bits)) == wanted


@pytest.mark.parametrize(
    ("width", "scale", "bits"),
    [(8, 0, 8), (8, 1, 16), (8, 8, 16), (8, -4, 16), (8, 9, 32), (32, 0, 32), (32, -2, 32)],
)
def test_an_element_holds_every_scaled_byte(width, scale, bits):
    assert element_bits(width, scale) == bits


RESIDUAL = """\
{name: conv1, pad: 1, activate: ReLU}
{name: conv2, pad: 1, activate: ReLU}
{name: add, op: add, in_sequences: [conv1, conv2]}
{name: out, kernel_size: 1x1, pad: 0, output: true}
{name: outw, in_sequences: add, kernel_size: 1x1, pad: 0, output_width: 32, output: true}
"""


def test_a_shared_checkpoint_answers_as_it_should(vectors_dir, tmp_path):
    """Integers of every layer, and what is unloaded, of a network of the vendor's trainer."""
    path = vectors_dir and vectors_dir / "qatv2" / "f01_residual.expected.npz"
    if path is None or not path.exists():
        pytest.skip("the shared vectors of QATv2 are not beside this checkout")
    wanted = np.load(path)
    state = {key.removeprefix("q."): wanted[key] for key in wanted.files if key.startswith("q.")}
    file = write_checkpoint(tmp_path / "q.pth.tar", {"arch": "tiny", "state_dict": state})
    for picture in range(2):
        image = wanted["input"][picture]
        source = Source(network_of(Net(RESIDUAL)), read_checkpoint(file), image)
        compiled = compile_net(Net(""), source)
        assert not [text for text in compiled.warnings if "G27" in text]
        results = dict(
            zip((layer.name for layer in compiled.graph.layers), compiled.results, strict=True)
        )
        for name, found in results.items():
            if name in wanted.files:
                assert np.array_equal(found, wanted[name][picture]), name
        parts = unload_layout(compiled.placement.placed_graph, MAX78000).parts
        assert [(part.output.name, part.scale) for part in parts] == [("out", 2), ("outw", 1)]
        for part, key in zip(parts, ("out_unloaded_correct", "outw_unloaded"), strict=True):
            assert np.array_equal(part.delivered(results[part.output.name]), wanted[key][picture])


# -- places ----------------------------------------------------------------------------------------


def test_every_output_begins_with_a_word_of_its_own():
    """3 bytes, 5 wide values, 7 values of 16 bits, of one pixel; nothing of the last layer."""
    net = Net(ENDS, "3x2x1x1 5x2x1x1 7x2x1x1 2x2x1x1", "2x1x1", scales="0 2 -1 3")
    assert parts_of(net) == [("a", 0, 8, 0), ("b", 1, 32, 2), ("c", 6, 16, -1)]
    layout = layout_of(net)
    assert (layout.n_words, layout.n_values) == (10, 15)
    unscaled = layout_of(net, scales=False)
    assert [part.element_bits for part in unscaled.parts] == [8, 32, 8]
    assert (unscaled.n_words, unscaled.n_values) == (8, 15)


@pytest.mark.parametrize("channels", [1, 2, 3, 4, 5, 64, 70])
@pytest.mark.parametrize("scale", [0, 2, 9])
def test_a_buffer_of_as_many_words_as_values_is_long_enough(channels, scale):
    layout = layout_of(Net(ONE, f"{channels}x2x1x1", "2x1x1", scales=f"{scale}"))
    assert layout.n_values == channels
    assert channels * layout.parts[0].element_bits <= 32 * layout.n_words <= 32 * layout.n_values


# -- whose scale -----------------------------------------------------------------------------------


def test_what_another_layer_reads_is_not_scaled():
    """The first layer keeps a scale, as one does that the model declares after its reader."""
    compiled = compile_net(Net(f"{ONE}\n{ONE}", "4x2x1x1 3x4x1x1", scales="5 1"))
    plain = compile_net(Net(f"{ONE}\n{ONE}", "4x2x1x1 3x4x1x1"))
    assert [output.final_scale for output in compiled.program.outputs] == [1]
    assert compiled.program.phases == plain.program.phases
    assert compiled.program.known_answer == plain.program.known_answer


@pytest.mark.parametrize(
    "last",
    [
        "{op: none}",
        "{op: none, max_pool: 2, pool_stride: 2}",
        "{op: none, move: true}",
        "{op: none}\n{op: none}",
        "{in_sequences: input, weight_source: 0, kernel_size: 1x1, pad: 0}",
        "{in_sequences: input, kernel_size: 1x1, pad: 0}\n{op: add, in_sequences: [0, 1]}",
        "{in_sequences: input, kernel_size: 1x1, pad: 0}\n{op: none, in_sequences: [0, 1]}",
    ],
)
def test_what_passes_a_tensor_on_has_its_scale(last):
    weights = "4x2x1x1 4x2x1x1" if "in_sequences: input, kernel" in last else "4x2x1x1"
    net = Net(f"{ONE}\n{last}", weights, scales="3 3")
    assert [part[2:] for part in parts_of(net)] == [(16, 3)]


def test_the_input_passed_on_has_no_scale():
    graph = placement_of(Net("{op: none}")).graph
    assert final_scale(graph.layers[0], graph) == 0


LISTED = (
    "{name: a, processors: 3, kernel_size: 1x1, pad: 0, out_offset: 0x100, output: true,"
    " output_processors: 0xff0}\n"
    "{name: b, processors: 3, in_sequences: input, kernel_size: 1x1, pad: 0, out_offset: 0x400}"
)


def listed(*entries, scales="2 -1"):
    sections = "unload:\n" + "".join(f"  - {{{entry}}}\n" for entry in entries)
    return Net(LISTED, "8x2x1x1 4x2x1x1", sections=sections, scales=scales)


def test_listed_data_has_the_scale_of_its_layer():
    """Not that of the layer with the entry's number."""
    last = "processors: 0xf, channels: 4, dim: [6, 6], offset: 0x400"
    first = "processors: 0xf0, channels: 4, dim: [6, 6], offset: 0x100"
    other = "processors: 0xf000, channels: 4, dim: [6, 6], offset: 0x100"
    assert [part[2:] for part in parts_of(listed(last, first, other))] == [
        (16, -1),
        (16, 2),
        (8, 0),
    ]


def test_listed_data_of_several_scales_has_none():
    both = "processors: 0xff, channels: 8, dim: [6, 6], offset: 0x100"
    assert [part[2:] for part in parts_of(listed(both))] == [(8, 0)]
    assert [part[2:] for part in parts_of(listed(both, scales="0 5"))] == [(8, 0)]
