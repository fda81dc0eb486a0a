"""Quirks of docs/hardware/quirks.md that no other test would notice.

What the chip or the vendor's generator does, seen in the program that is written.
"""

from pathlib import Path

import numpy as np
import pytest
from property.agreement import require_agreement

from max78000.errors import ToolError
from max78000.facts import regmap
from max78000.facts.chip import MAX78000, WORD_BYTES
from max78000.facts.regmap import layer_register_addr, quadrant_register_addr
from max78000.machine.machine import Machine
from max78000.machine.memory import MachineFault
from max78000.program.program import Write
from networks import Net, compile_net, graph_of, placement_of, project_of, source_of
from synthesis.compile import compile_source
from synthesis.emit.options import ProjectOptions
from synthesis.generate.options import ProgramOptions
from synthesis.graph.interpret import interpret
from synthesis.place.fifo import enabled_fifos
from synthesis.place.stream import stream_of
from synthesis.read.files import Files
from synthesis.read.source import InputPath

ROOT = Path(__file__).resolve().parents[4]
FILES = Files(ROOT / "README.md", ROOT / "LICENSE", None)  # only their hashes are printed
S = "op: conv2d, pad: 1, streaming: true"


def fields_of(compiled, register, layer=0):
    """Fields of a layer's register in quadrant 0; of a register that is not written all 0."""
    addr = layer_register_addr(MAX78000, register, layer, 0)
    written = compiled.program.phase("configure").operations
    words = [op.value for op in written if isinstance(op, Write) and op.addr == addr]
    return register.unpack(sum(words))


@pytest.mark.parametrize(
    ("layer", "input_path", "acknowledged"),
    [
        ("{op: conv2d, pad: 1}", InputPath.MEMORY, "0x00001001u"),
        (f"{{{S}}}", InputPath.FIFO, "0x00005001u"),
    ],
)
def test_a_stream_is_acknowledged_with_its_bit(layer, input_path, acknowledged):
    compiled = compile_net(Net(layer, "4x2x3x3", input_path=input_path))
    text = project_of(compiled, FILES, ProjectOptions())["cnn.c"]
    assert f"REG(0x50100000) &= ~({acknowledged});" in text


def test_only_quadrants_in_use_are_tested():
    net = Net("{op: conv2d, pad: 1, processors: 0x3, output_processors: 0xf0000}", "4x2x3x3")
    compiled = compile_net(net, clears_memories=True)
    tested = {
        quadrant
        for quadrant in range(MAX78000.n_quadrants)
        for op in compiled.program.phase("init").operations
        if op.addr == quadrant_register_addr(MAX78000, regmap.SRAM_TEST, quadrant)
    }
    assert tested == set(compiled.placement.placed_graph.quadrants) == {0, 1}


@pytest.mark.parametrize(
    ("processors", "fifos"),
    [(0x1, (0,)), (0x3, (0,)), (0x2_0001, (0,)), (0x1_0002_0001, (0, 2)), (0x2, ())],
)
def test_a_fifo_is_switched_on_by_its_first_processor(processors, fifos):
    n_channels = processors.bit_count()
    net = Net(
        f"{{op: conv2d, pad: 1, processors: {processors:#x}}}",
        f"4x{n_channels}x3x3",
        f"{n_channels}x6x6",
        input_path=InputPath.FIFO,
    )
    assert enabled_fifos(placement_of(net).layers[0]) == fifos


@pytest.mark.parametrize(
    ("n_pixels", "post", "tptr", "passes"),
    [
        (16, {"flatten_en": 0, "xpmp_cnt": 0}, {"start": 0, "max": 0}, 15),
        (17, {"flatten_en": 1, "xpmp_cnt": 1}, {"start": 16, "max": 33}, 0),
        (256, {"flatten_en": 1, "xpmp_cnt": 15}, {"start": 255, "max": 511}, 15),
    ],
)
def test_a_flattened_count_moves_to_the_larger_counter(n_pixels, post, tptr, passes):
    net = Net("{op: linear, flatten: true}", f"3x{2 * n_pixels}", f"2x{n_pixels}x1")
    compiled = compile_net(net)
    found = fields_of(compiled, regmap.POST)
    assert {name: found[name] for name in post} == post
    assert fields_of(compiled, regmap.TPTR) == tptr
    assert fields_of(compiled, regmap.LCTL2)["inpchexp"] == passes
    require_agreement(compiled)


def test_a_width_without_weights_shows_in_one_register():
    layers = "{{op: none, {}}}\n{{op: conv2d, pad: 1}}"
    plain, wide = (
        compile_net(Net(layers.format(key), "4x4x3x3", "4x6x6"))
        for key in ("name: a", "quantization: 4")
    )
    assert fields_of(plain, regmap.LCTL2)["xpch_max"] == 0
    assert fields_of(wide, regmap.LCTL2)["xpch_max"] == 3 * 4
    assert fields_of(wide, regmap.POST) == fields_of(plain, regmap.POST)
    assert wide.program.known_answer == plain.program.known_answer


def test_passes_of_operands_are_counted_as_rows():
    compiled = compile_net(Net("{op: add, operands: 3}", image="210x5x2"))
    assert compiled.placement.layers[0].in_passes.n == 2
    assert fields_of(compiled, regmap.RCNT)["max"] == 2 * 5 - 1
    assert fields_of(compiled, regmap.CCNT)["max"] == 2 - 1
    assert fields_of(compiled, regmap.LCTL2)["inpchexp"] == 0
    assert fields_of(compiled, regmap.MCNT)["end"] == 0
    require_agreement(compiled)


def test_rings_lie_a_word_apart():
    layers = f"{{{S}, data_format: CHW}}\n{{{S}}}"
    net = Net(layers, "4x1x3x3 2x4x3x3", "1x9x9", input_path=InputPath.FIFO)
    graph = placement_of(net).placed_graph
    first, second = graph.layers
    ring_words = stream_of(first, graph).ring_words
    assert second.in_offset - first.in_offset == WORD_BYTES * (ring_words + 1)


@pytest.mark.parametrize("limit", [0, 5, 1000])
def test_one_word_more_than_the_limit_is_compared(limit):
    net = Net("{op: conv2d, pad: 1}", "5x2x3x3")
    whole = compile_net(net).program.known_answer
    n_words = sum(len(block.words) for block in whole)
    cut = compile_net(net, max_checked_words=limit).program.known_answer
    assert sum(len(block.words) for block in cut) == min(limit + 1, n_words)
    assert cut[0].words == whole[0].words[: limit + 1]


@pytest.mark.parametrize("layer", ["op: none", "op: conv1d, kernel_size: 1, pad: 0"])
def test_averages_of_a_line_are_not_rounded(layer):
    entry = f"{{{layer}, avg_pool: 2, pool_stride: 2}}"
    weights = "3x2x1" if "conv" in layer else ""
    with pytest.raises(ToolError, match=r"^net.yaml:4 .*averages along a line .*\[L11\]"):
        compile_net(Net(entry, weights, "2x8"), round_average=True)
    require_agreement(compile_net(Net(entry, weights, "2x8")))
    largest = Net(entry.replace("avg", "max"), weights, "2x8")
    require_agreement(compile_net(largest, round_average=True))


def test_averages_of_a_line_are_the_accelerators():
    net = Net("{op: none, avg_pool: 2, pool_stride: 2}", image="1x4x1")
    sample = np.array([[[1], [2], [-1], [-2]]])
    (result,) = interpret(graph_of(net), sample, round_average=True)
    assert result.ravel().tolist() == [2, -2]


def test_a_ring_holds_the_windows_of_all_passes():
    """As the vendor counts, 128 words, the machine sees that 156 are needed."""
    layers = f"{{{S}}}\n{{{S}, max_pool: 3, pool_stride: 3}}"
    net = Net(layers, "256x2x3x3 4x256x3x3", "2x6x18", bits=2, input_path=InputPath.FIFO)
    options, allowed = ProgramOptions("tiny"), frozenset({"S17"})
    compiled = compile_source(source_of(net), options, MAX78000, allowed)
    with pytest.raises(MachineFault, match="FMAX is 128, a window needs 156 words"):
        Machine(MAX78000).run(compiled.program)
