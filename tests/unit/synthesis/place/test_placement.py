"""Processors and data memory: what is given is kept, what is chosen never overlaps live data."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from max78000.facts.chip import MAX78000
from networks import Net, compile_net, placement_of
from synthesis.graph.ir import Producer
from synthesis.lower.hardware import Passes
from synthesis.place.extents import Extent
from synthesis.place.lanes import words_per_quadrant
from synthesis.place.occupancy import Occupancy, occupancies, peak_bytes
from synthesis.place.placed import (
    highest,
    instances_of,
    lowest,
    members,
    packed_map,
    quadrants_of,
)
from synthesis.place.processors import passed_map

W, W4 = "4x2x3x3", "4x4x3x3"


def maps(net):
    return [(p.processors, p.output_processors) for p in placement_of(net).layers]


def offsets(net):
    return [(p.in_offset, p.out_offset) for p in placement_of(net).layers]


@pytest.mark.parametrize(
    ("channels", "n", "width"),
    [(1, 1, 1), (3, 1, 3), (64, 1, 64), (70, 2, 36), (96, 2, 48), (128, 2, 64), (130, 3, 44),
     (1024, 16, 64)],
)  # fmt: skip
def test_passes(channels, n, width):
    """Source: docs/hardware/memories.md#passes."""
    assert Passes.of(channels, MAX78000) == Passes(n, width)


def test_maps_as_numbers():
    assert (lowest(0b1011000), highest(0b1011000)) == (3, 6)
    assert (lowest(0), highest(0)) == (-1, -1)
    assert members(0x8000000000000021) == (0, 5, 63)
    assert quadrants_of(0x0001000000000001, MAX78000) == (0, 3)
    assert packed_map(3, 4) == 0x70
    assert instances_of(0x0000000000010081, MAX78000) == {0, 1, 4}


@pytest.mark.parametrize(
    ("read", "written"),
    [
        (0xF, 0xF), (0x33, 0xF), (0x55, 0xF), (0x3300, 0xF00), (0x6, 0x3),
        (0x00F0_0F00_0000_0030, 0x00F0_0F00_0000_0030),
        (0xFFFF_0000_0000_1001, 0xFFFF_0000_0000_0003),
    ],
)  # fmt: skip
def test_a_pass_through_layer_packs_each_quadrant(read, written):
    assert passed_map(read, MAX78000) == written


# -- processors ------------------------------------------------------------------------------------


def test_processors_are_dealt_out_lowest_first():
    assert maps(Net("{}\n{}", f"{W} 9x4x3x3")) == [(0x3, 0xF), (0xF, 0x1FF)]


@pytest.mark.parametrize(("count", "is_full"), [(400, True), (300, True), (20, False)])
def test_processors_move_on_when_kernel_memory_fills(count, is_full):
    """Twice 400 words do not fit the same processors, twice 300 would fill them unevenly."""
    narrow = "{kernel_size: 1x1, pad: 0}"
    weights = f"{count}x4x3x3 4x{count}x1x1 {count}x4x3x3"
    first, _, last = (m[0] for m in maps(Net(f"{{}}\n{narrow}\n{{}}", weights, "4x6x6")))
    assert (first & last == 0) == is_full
    assert not is_full or (first, last) != (0xF, 0xF)


def test_pass_through_layers_are_spread_over_two_quadrants():
    """Twenty channels are four words of one quadrant and one of the next, or three of both."""
    net = Net(
        "{name: a}\n{op: none, name: keep}\n{in_sequences: a, name: b}\n"
        "{op: add, in_sequences: [b, keep]}",
        "20x3x3x3 20x20x3x3", "3x24x24",
    )  # fmt: skip
    (read,) = [p.processors for p in placement_of(net).layers if p.layer.name == "keep"]
    assert words_per_quadrant(read, MAX78000) == 3


def test_kernel_memories_are_filled_evenly():
    """Four times 32 words: side by side in two places they are 64, above each other 128."""
    net = Net("{}\n" * 4, "32x32x3x3 32x32x3x3 32x32x3x3 32x32x3x3", "32x8x8")
    assert placement_of(net).kernels.is_used.sum(axis=1).max() <= 64


def test_given_processors_are_kept():
    net = Net("{output_processors: 0xf00}\n{}\n{processors: 0x30}", f"{W} 2x4x3x3 4x2x3x3")
    assert maps(net) == [(0x3, 0xF00), (0xF00, 0x30), (0x30, 0xF)]


def test_the_output_map_of_the_last_layer():
    assert maps(Net("{}", "70x2x3x3")) == [(0x3, 0xF_FFFF_FFFF)]
    assert maps(Net("{output_processors: 0xf0}", W)) == [(0x3, 0xF0)]
    assert maps(Net("{op: none}", "", "3x6x6")) == [(0x7, 0x7)]


def test_without_choice_the_output_map_is_the_next_layers():
    """All processors given: the language of the vendor, to the letter."""
    net = Net(
        "{processors: 3, out_offset: 0x1000}\n"
        "{processors: 3, in_sequences: input, out_offset: 0x2000}\n"
        "{processors: 0xf0, in_sequences: 1}",
        f"{W} {W} {W4}",
    )
    assert maps(net) == [(0x3, 0x3), (0x3, 0xF0), (0xF0, 0xF)]


def test_chw_input_takes_every_fourth_processor():
    assert maps(Net("{data_format: chw}", "4x3x3x3", "3x6x6")) == [(0x111, 0xF)]


# -- offsets ---------------------------------------------------------------------------------------


def test_offsets_are_the_lowest_that_are_free():
    """Tensors of 144 bytes: input, first result behind it, second result where the input was."""
    assert offsets(Net("{}\n{}\n{}", f"{W} {W4} {W4}")) == [(0, 144), (144, 0), (0, 144)]


def test_an_output_stays_to_the_end():
    assert offsets(Net("{}\n{output: true}\n{}\n{}", f"{W} {W4} {W4} {W4}")) == [
        (0, 144), (144, 0), (0, 144), (144, 288),
    ]  # fmt: skip


def test_a_tensor_read_later_stays_until_then():
    layers = "{}\n{}\n{}\n{in_sequences: 0}\n{}"
    assert offsets(Net(layers, f"{W} {W4} {W4} {W4} {W4}")) == [
        (0, 144), (144, 0), (0, 288), (144, 0), (0, 144),
    ]  # fmt: skip


def test_given_offsets_are_kept_and_avoided():
    net = Net("{in_offset: 0x40, out_offset: 0x100}\n{}", f"{W} {W4}")
    assert offsets(net) == [(0x40, 0x100), (0x100, 0)]


def test_without_choice_offsets_are_the_languages_defaults():
    net = Net(
        "{processors: 3}\n{processors: 0xf, out_offset: 8}\n{processors: 0xf}", f"{W} {W4} {W4}"
    )
    assert offsets(net) == [(0, 0), (0, 8), (8, 0)]


def test_cropped_rows_are_skipped():
    net = Net("{}\n{in_crop: [2, 1], in_dim: [3, 6]}", f"{W} {W4}")
    assert offsets(net)[1][0] == 144 + 2 * 6 * 4


def test_folded_convolutions_get_room_in_front():
    """Dilation 5 with three taps writes 5 words before its result; 20 words were read."""
    net = Net("{op: conv1d, kernel_size: 3, pad: 0, dilation: 5}", "4x2x3", "2x20")
    assert offsets(net) == [(0, 80 + 20)]


# -- occupancy -------------------------------------------------------------------------------------


def occupancy(first, last, words, instances=(0,)):
    used = np.zeros(8, bool)
    used[list(words)] = True
    return Occupancy(Producer(0), "x", frozenset(instances), used, first, last)


@pytest.mark.parametrize(
    ("other", "clash"),
    [
        (occupancy(2, 4, [3, 5]), 3),
        (occupancy(1, 1, [5, 7]), 5),
        (occupancy(3, 4, [3, 5]), None),  # later
        (occupancy(0, 4, [0, 7]), None),  # other words
        (occupancy(0, 4, [3], instances=[1, 2]), None),  # other memories
    ],
)
def test_clashes(other, clash):
    one = occupancy(1, 2, [3, 4, 5])
    assert one.clash(other) == clash
    assert other.clash(one) == clash


def words_of(net):
    """Name of a tensor -> words of an instance that it takes."""
    placed = placement_of(net).placed_graph
    return {o.name: np.flatnonzero(o.words).tolist() for o in occupancies(placed, MAX78000)}


def test_words_of_tensors():
    net = Net("{out_offset: 0x100, write_gap: 2}", W, "2x2x2")
    assert words_of(net) == {"the input": [0, 1, 2, 3], "layer0": [64, 67, 70, 73]}
    net = Net("{out_offset: 0x100, write_gap: 1, output_width: 32}", W, "2x1x2")
    assert words_of(net)["layer0"] == [64, 65, 66, 67, 72, 73, 74, 75]
    net = Net("{out_offset: 0x100, data_format: chw}", W, "2x3x3")
    assert words_of(net)["the input"] == [0, 1, 2]
    net = Net("{out_offset: 0x100}", "70x2x3x3", "2x1x2")
    assert words_of(net)["layer0"] == [64, 65, 66, 67]


def test_words_of_a_folded_convolution():
    """Read: 5 columns x 4 rows. Reserved: 5 words in front, 8 results, 20 - 8 words behind."""
    layers = "{op: conv1d, kernel_size: 3, pad: 0, dilation: 5, out_offset: 0x100}"
    net = Net(layers, "4x2x3", "2x18")
    assert words_of(net) == {"the input": list(range(20)), "layer0": list(range(59, 84))}


def test_peak():
    """Input on one memory and output on two: 36 words each, alive together."""
    assert peak_bytes(placement_of(Net("{}", "5x2x3x3")).placed_graph, MAX78000) == 4 * 36 * 3


# -- networks drawn at random ----------------------------------------------------------------------

CHANNELS = st.sampled_from([1, 2, 3, 4, 7, 12, 70])


@st.composite
def branching(draw):
    """Convolutions that read any earlier tensor, some of them outputs; nothing is placed."""
    channels = [draw(CHANNELS)]
    layers, weights = [], []
    for index in range(draw(st.integers(1, 6))):
        source = draw(st.integers(-1, index - 1))
        n_out = draw(CHANNELS)
        keys = [f"in_sequences: {source}", "kernel_size: 1x1", "pad: 0"]
        if draw(st.booleans()):
            keys.append("output: true")
        if draw(st.integers(0, 3)) == 0:
            keys.append(f"out_offset: {4 * draw(st.integers(0x1000, 0x1800))}")
        layers.append(f"{{{', '.join(keys)}}}")
        weights.append(f"{n_out}x{channels[source + 1]}x1x1")
        channels.append(n_out)
    return Net("\n".join(layers), " ".join(weights), f"{channels[0]}x3x4")


def extents(placement):
    """What the allocator thought of each tensor, from the result."""
    graph, layers = placement.graph, placement.layers
    for source in graph.producers:
        layer = placement.placed_graph.layer_of(source)
        offset = layers[0].in_offset if layer is None else layer.out_offset
        processors = layers[0].processors if layer is None else layer.output_processors
        shape = graph.input_shape if layer is None else layer.layer.out_shape
        size = 4 * shape.n_pixels * Passes.of(shape.channels, MAX78000).n
        last = max((r.index for r in graph.consumers(source)), default=source.step)
        if layer is not None and layer.layer in graph.outputs:
            last = len(layers)
        yield Extent(source, 0, 0, offset, size, 0, source.step, last).on(processors, MAX78000)


@settings(max_examples=60)
@given(net=branching())
def test_live_tensors_never_overlap(net):
    placement = placement_of(net)
    found = list(occupancies(placement.placed_graph, MAX78000))
    expected = list(extents(placement))
    given_offsets = [layer.layer.constraints.out_offset is not None for layer in placement.layers]
    for tensor, extent in zip(found, expected, strict=True):
        assert (tensor.first, tensor.last) == (extent.first, extent.last)
        words = np.flatnonzero(tensor.words)
        assert (words[0] * 4, words[-1] * 4 + 4) == (extent.start, extent.end)
        assert sum(1 << i for i in tensor.instances) == extent.instances
    for (one, first), (other, second) in combinations(zip(found, expected, strict=True), 2):
        assert (one.clash(other) is not None) == first.clashes(second)
        if not any(given_offsets):
            assert one.clash(other) is None


@pytest.mark.long
@settings(max_examples=20)
@given(net=branching().filter(lambda net: "out_offset" not in net.layers))
def test_what_is_placed_here_passes_all_rules(net):
    compile_net(net)


def test_quadrants_of_all_results_are_in_use():
    layers = (
        "{op: conv2d, processors: 3, output_processors: 0xf0000, output: true, out_offset: 0x2000}",
        "{op: conv2d, processors: 3, in_sequences: input, in_offset: 0, out_offset: 0x1000}",
    )
    net = Net("\n".join(layers), "4x2x3x3 4x2x3x3")
    assert placement_of(net).placed_graph.quadrants == (0, 1)


def test_quadrants_of_what_is_unloaded_are_in_use():
    layers = (
        "{op: conv2d, processors: 3, output_processors: 0xf00000000, out_offset: 0x2000}",
        "{op: conv2d, processors: 3, in_sequences: input, in_offset: 0, out_offset: 0x1000}",
    )
    unload = "unload:\n  - {processors: 0xf00000000, channels: 4, dim: [6, 6], offset: 0x2000}\n"
    net = Net("\n".join(layers), "4x2x3x3 4x2x3x3", sections=unload)
    assert placement_of(net).placed_graph.quadrants == (0, 2)
