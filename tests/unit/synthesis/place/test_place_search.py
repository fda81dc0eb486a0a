"""What the solver chooses: joins, copies, lanes, offsets, the picture's layout; all of it runs."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from property.agreement import compile_or_refuse, require_agreement

from max78000.errors import CapacityError, ToolError
from max78000.facts.chip import MAX78000
from max78000.machine.machine import Machine
from max78000.machine.memory import MachineFault
from networks import Net, compile_net, graph_of, placement_of, source_of
from synthesis.compile import compile_source
from synthesis.generate.options import ProgramOptions
from synthesis.graph.ir import Producer
from synthesis.lower.hardware import Passes
from synthesis.place.lanes import spread_map
from synthesis.place.placed import packed_map
from synthesis.place.slide import slide_bytes
from synthesis.place.tied import Tied
from synthesis.read.description import DataFormat
from synthesis.read.source import InputPath
from synthesis.read.yaml_reader import read_network
from synthesis.text import placed_yaml

ONE = "kernel_size: 1x1, pad: 0"


def layers(net):
    return placement_of(net).layers


def runs(net):
    """Compile, run on the simulated accelerator, compare; returns the program."""
    compiled = compile_net(net)
    machine = Machine(MAX78000)
    machine.run(compiled.program)
    assert machine.check_known_answer(compiled.program) is None
    return compiled


def reads_again(net):
    """The completed description gives the same program."""
    compiled = compile_net(net)
    network = read_network(placed_yaml(compiled.placement.placed_graph), "placed.yaml")
    assert compile_net(net, replace(source_of(net), network=network)).program == compiled.program


# -- element-wise ----------------------------------------------------------------------------------

RESIDUAL = Net(
    f"{{{ONE}, name: stem}}\n{{{ONE}, name: branch}}\n{{op: add, in_sequences: [stem, branch]}}\n"
    f"{{{ONE}}}",
    "8x2x1x1 8x8x1x1 4x8x1x1",
)


def test_operands_lie_in_turn():
    net = Net(
        f"{{{ONE}}}\n{{{ONE}, in_sequences: input}}\n{{op: sub, in_sequences: [1, 0]}}",
        "8x2x1x1 8x2x1x1",
    )
    first, second, join = layers(net)
    assert (first.write_gap, second.write_gap) == (1, 1)
    assert first.out_offset == second.out_offset + 4 == join.in_offset + 4
    assert first.output_processors == second.output_processors == join.processors
    runs(net)
    reads_again(net)


def test_a_tensor_that_others_read_too_is_copied():
    placed = layers(RESIDUAL)
    assert [p.layer.name for p in placed] == ["stem", "branch", "stem_copy", "layer2", "layer3"]
    assert [p.write_gap for p in placed] == [0, 1, 1, 0, 0]
    assert placed[3].layer.sources == (Producer(2), Producer(1))
    runs(RESIDUAL)
    reads_again(RESIDUAL)


def test_the_input_is_copied_for_a_join():
    net = Net(f"{{{ONE}}}\n{{op: add, in_sequences: [input, 0]}}", "2x2x1x1")
    assert [p.layer.name for p in layers(net)] == ["layer0", "input_copy", "layer1"]
    runs(net)


def test_a_tensor_added_to_itself_is_copied_twice():
    net = Net(f"{{{ONE}, name: a}}\n{{op: add, in_sequences: [a, a]}}", "3x2x1x1")
    assert [p.layer.name for p in layers(net)] == ["a", "a_copy", "a_copy2", "layer1"]
    runs(net)


def test_copies_count_as_layers():
    chain = "\n".join(
        f"{{{ONE}, name: c{i}}}\n{{op: add, name: a{i}, "
        f"in_sequences: [{f'a{i - 1}' if i else 'input'}, c{i}]}}"
        for i in range(11)
    )
    with pytest.raises(CapacityError) as refusal:
        placement_of(Net(chain, "2x2x1x1 " * 11))
    assert str(refusal.value) == (
        "net.yaml: 22 layers and 11 copies for joins that share their tensors with other layers, "
        "the chip has 32 [G5] (join fewer tensors, or merge pooling into the convolution that "
        "follows)"
    )


# -- concatenation ---------------------------------------------------------------------------------


def joined(*channels, n_out=4):
    entries = [f"{{{ONE}, in_sequences: input, name: p{i}}}" for i in range(len(channels))]
    names = ", ".join(f"p{i}" for i in range(len(channels)))
    entries.append(f"{{{ONE}, in_sequences: [{names}]}}")
    weights = [f"{n}x2x1x1" for n in channels] + [f"{n_out}x{sum(channels)}x1x1"]
    return Net("\n".join(entries), " ".join(weights))


def test_channels_lie_side_by_side():
    net = joined(8, 4, 5)
    *parts, join = layers(net)
    assert [p.output_processors for p in parts] == [0xFF, 0xF00, 0x1F000]
    assert len({p.out_offset for p in parts}) == 1
    assert join.processors == 0x1FFFF
    runs(net)
    reads_again(net)


def test_parts_start_in_a_memory_of_their_own():
    """A store fills a word of four channels."""
    net = joined(6, 5)
    assert [p.output_processors for p in layers(net)[:2]] == [0x3F, 0x1F00]
    assert layers(net)[2].processors == 0x1F3F
    runs(net)


def test_above_64_channels_parts_are_passes():
    net = joined(48, 48)
    first, second, join = layers(net)
    assert first.output_processors == second.output_processors == (1 << 48) - 1
    assert (first.write_gap, second.out_offset - first.out_offset) == (1, 4)
    assert join.in_offset == first.out_offset
    runs(net)
    reads_again(net)


@pytest.mark.parametrize(
    ("channels", "message"),
    [
        ((64, 32), "joins 64 + 32 channels, more than 64, in unequal parts [P1] (join equal parts "
                   "of at most 64 channels, a multiple of 4)"),
        ((62, 2), "joins 62 + 2 channels: 66 of 64 processors, as each tensor starts at a multiple "
                  "of 4 [P10] (make all but the last a multiple of 4 channels)"),
    ],
)  # fmt: skip
def test_joins_that_cannot_be(channels, message):
    with pytest.raises(ToolError) as refusal:
        placement_of(joined(*channels))
    assert message in str(refusal.value)


def test_a_tensor_that_would_be_in_two_places_is_copied():
    net = Net(
        f"{{{ONE}, name: a}}\n{{{ONE}, in_sequences: input, name: b}}\n"
        f"{{{ONE}, in_sequences: [a, b], name: ab}}\n{{{ONE}, in_sequences: [b, a], name: ba}}\n"
        "{op: add, in_sequences: [ab, ba]}",
        "8x2x1x1 12x2x1x1 4x20x1x1 4x20x1x1",
    )
    placed = layers(net)
    copies = [p for p in placed if p.layer.copies_anywhere]
    assert [p.layer.name for p in copies] == ["a_copy"]
    assert copies[0].processors != copies[0].output_processors
    runs(net)
    assert "move: true" in placed_yaml(placement_of(net).placed_graph)
    reads_again(net)


def test_a_move_may_be_asked_for():
    net = Net(
        "{processors: 0x3, op: none, move: true, output_processors: 0xff00.0000.0000.0000}",
        image="8x3x3",
    )
    net = replace(net, layers=net.layers.replace("0x3,", "0xff,"))
    compiled = runs(net)
    assert np.array_equal(compiled.results[0], source_of(net).image)


def test_a_move_only_copies():
    with pytest.raises(ToolError, match=r"move in a layer that does more than to copy \[P6\]"):
        graph_of(Net("{op: none, move: true, max_pool: 2, pool_stride: 2}"))


# -- processors ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("n", "expected"),
    [(4, 0xF), (5, 0x1000F), (16, 0x000F_000F_000F_000F), (20, 0xF_00FF_00FF),
     (64, (1 << 64) - 1)],
)  # fmt: skip
def test_spread_maps(n, expected):
    assert spread_map(n, MAX78000) == expected


def test_what_passes_through_is_spread():
    """A quadrant stores four channels at a time."""
    net = Net("{op: none, max_pool: 2, pool_stride: 2}", image="16x6x6")
    packed = replace(
        net, layers="{op: none, max_pool: 2, pool_stride: 2, processors: 0xffff, out_offset: 512}"
    )
    assert layers(net)[0].processors == 0x000F_000F_000F_000F
    quick, slow = (runs(n).program.cycles.total for n in (net, packed))
    assert quick < slow


@pytest.mark.long
def test_kernels_are_spread_when_they_do_not_fit_lowest_first():
    """Of four layers that fill most of 16 processors, each goes to a quadrant of its own."""
    wide = [f"{{{ONE}}}", "{}"] * 4
    weights = "16x4x1x1 400x16x3x3 " + "16x400x1x1 400x16x3x3 " * 3
    net = Net("\n".join(wide), weights, "4x2x2")
    placement = placement_of(net)
    assert placement.kernels.is_used.shape[1] == MAX78000.kernel_words
    assert len({p.processors for p in placement.layers if p.layer.in_shape.channels == 16}) > 1
    runs(net)


# -- data memory -----------------------------------------------------------------------------------


def test_a_picture_that_needs_it_comes_channel_by_channel():
    net = Net("{max_pool: 4, pool_stride: 4}", "4x3x3x3", "3x150x150")
    (placed,) = layers(net)
    assert placed.data_format is DataFormat.CHW
    assert placed.processors == 0x111
    runs(net)


def test_a_layer_writes_over_its_input_if_there_is_no_other_room():
    """Each tensor takes 26,244 of the 32,768 bytes, on all processors."""
    net = Net(f"{{{ONE}}}\n{{}}\n{{{ONE}}}", "64x64x1x1 64x64x3x3 64x64x1x1", "64x81x81", bits=2)
    net = replace(net, layers=net.layers.replace("{}", "{quantization: 2}"))
    assert {p.out_offset for p in layers(net)} == {0}
    runs(net)


def naive_slide(layer):
    """The smallest lead of the output, by trying; in words."""
    read_at = {}
    kernel, pad, stride = layer.kernel_size, layer.pad, layer.pool.stride
    window, (rows, columns) = layer.pool.window, layer.in_shape.dims
    time = 0
    for row in range(layer.pooled[0]):
        for column in range(layer.pooled[1]):
            time += 1
            for i in range(window[0]):
                for j in range(window[1]):
                    read_at[(row * stride[0] + i) * columns + column * stride[1] + j] = time
    unit, worst = layer.output_width // 8, -rows * columns
    for n in range(layer.out_shape.n_pixels):
        row, column = divmod(n, layer.out_shape.columns)
        last_row = min(row + kernel[0] - 1 - pad[0], layer.pooled[0] - 1)
        last_column = min(column + kernel[1] - 1 - pad[1], layer.pooled[1] - 1)
        if row + kernel[0] - 1 - pad[0] > layer.pooled[0] - 1:
            last_column = layer.pooled[1] - 1  # rows of padding: everything has been read
        now = last_row * layer.pooled[1] + last_column + 1
        unread = min((pixel for pixel, when in read_at.items() if when > now), default=None)
        if unread is not None:
            worst = max(worst, (n + 1) * unit - unread)
    return worst


@pytest.mark.long
@given(
    kernel=st.sampled_from([("1x1", 0), ("3x3", 0), ("3x3", 1)]),
    pool=st.sampled_from([(1, 1), (2, 2), (2, 1), (3, 2), (1, 2)]),
    rows=st.integers(7, 11),
    columns=st.integers(7, 11),
    width=st.sampled_from([8, 32]),
)
def test_how_far_the_output_has_to_lead(kernel, pool, rows, columns, width):
    size, pad = kernel
    taps = size.replace("x", "x")
    entry = f"max_pool: {pool[0]}, pool_stride: {pool[1]}, kernel_size: {size}, pad: {pad}"
    net = Net(f"{{{entry}, output_width: {width}}}", f"2x2x{taps}", f"2x{rows}x{columns}")
    (layer,) = graph_of(net).layers
    assert slide_bytes(layer, MAX78000) == 4 * naive_slide(layer)


@pytest.mark.parametrize(
    "entry",
    ["op: convtranspose2d", f"{ONE}, in_crop: [1, 1], in_dim: [4, 6]", f"{ONE}, data_format: CHW"],
)
def test_layers_that_must_not_write_over_their_input(entry):
    weights = "2x2x3x3t" if "transpose" in entry else "2x2x1x1"
    layer = graph_of(Net(f"{{{entry}}}", weights)).layers[0]
    assert slide_bytes(layer, MAX78000) is None


def test_given_places_that_overlap_are_refused_all_the_same():
    entry = f"{{{ONE}, processors: 0x3, in_offset: 0x100, out_offset: 0x100}}"
    with pytest.raises(ToolError, match=r"overwrites the input .*\[D7\]"):
        compile_net(Net(entry, "2x2x1x1"))


STREAMED = (
    "{{streaming: true, processors: 1, out_offset: {}}}\n"
    "{{kernel_size: 1x1, pad: 0, processors: 0xf, max_pool: 2, pool_stride: 2, "
    "output_processors: 0xff, in_offset: {}, out_offset: {}}}"
)


@pytest.mark.parametrize(("in_offset", "out_offset"), [(0x200, 0x1E0), (0x200, 0x204), (0x200, 0)])
def test_what_comes_in_a_stream_may_be_overwritten_where_given_places_are_safe(
    in_offset, out_offset
):
    net = Net(
        STREAMED.format(in_offset, in_offset, out_offset), "4x1x3x3 8x4x1x1", "1x12x12",
        input_path=InputPath.FIFO,
    )  # fmt: skip
    require_agreement(compile_net(net))


@pytest.mark.parametrize("out_offset", [0x2D8, 0x400])
def test_what_comes_in_a_stream_is_not_overwritten_too_early(out_offset):
    """The second row of windows begins at pixel 24; its predecessor writes word 5."""
    net = Net(
        STREAMED.format(0x200, 0x200, out_offset), "4x1x3x3 8x4x1x1", "1x12x12",
        input_path=InputPath.FIFO,
    )  # fmt: skip
    with pytest.raises(ToolError, match=r"overwrites .*\[D7\]"):
        compile_net(net)
    allowed = frozenset({"D7"})
    compiled = compile_source(source_of(net), ProgramOptions("tiny"), MAX78000, allowed)
    with pytest.raises(MachineFault, match="input that is still needed"):
        Machine(MAX78000).run(compiled.program)


@pytest.mark.long
@given(
    layer=st.sampled_from(["", ", max_pool: 2, pool_stride: 2", ", max_pool: 3, pool_stride: 2",
                           ", output_width: 32", ", pad: 0"]),
    channels=st.sampled_from([(4, 8), (4, 72), (72, 4), (68, 68)]),
    is_streaming=st.booleans(),
    lead=st.integers(-60, 200),
)  # fmt: skip
def test_given_places_behind_a_fifo_are_safe_or_refused(layer, channels, is_streaming, lead):
    middle, last = channels
    layers = (
        f"{{streaming: {is_streaming}, processors: 1, out_offset: 0x1000, "
        f"output_processors: {map_of(middle)}}}\n"
        f"{{processors: {map_of(middle)}, out_offset: {0x1000 - 4 * lead}, "
        f"output_processors: {map_of(last)}{layer}}}"
    )
    net = Net(layers, f"{middle}x1x3x3 {last}x{middle}x3x3", "1x9x7", input_path=InputPath.FIFO)
    compiled = compile_or_refuse(source_of(net))
    if compiled is not None:
        require_agreement(compiled)


def map_of(channels):
    """A run of processors for so many channels."""
    return hex(packed_map(Passes.of(channels, MAX78000).width))


# -- what is tied ----------------------------------------------------------------------------------


def test_tied_values():
    tied = Tied(range(5))
    assert tied.tie(0, 1, 8)
    assert tied.tie(3, 2, -4)
    assert tied.tie(1, 3, 4)
    assert tied.tie(0, 2, 8)
    assert not tied.tie(0, 2, 9)
    assert tied.joined(4, 2, 1) == {0: 0, 1: 8, 2: 8, 3: 12, 4: 7}
    assert tied.groups() == [{0: 0, 1: 8, 2: 8, 3: 12}, {4: 0}]
