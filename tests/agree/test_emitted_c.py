"""The emitted C does to the accelerator what the register program says, and its helpers work."""

import struct
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path

import numpy as np
import pytest
from emulator import COMPILERS, Core, build
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from installed import CROSS_COMPILERS
from property.strategies import networks
from property.streams import fifo_networks

from max78000.errors import ToolError
from max78000.facts.chip import MAX78000
from max78000.facts.regmap import fifo_data_addr
from max78000.machine import Machine
from max78000.program.program import Copy, Fifo, KernelBlock, Write
from networks import project_of
from synthesis.compile import compile_source
from synthesis.emit.project import ProjectOptions
from synthesis.generate.options import ProgramOptions
from synthesis.read.checkpoint import Checkpoint, LayerWeights
from synthesis.read.files import Files, read_source
from synthesis.read.source import InputPath, Source
from synthesis.read.yaml_reader import read_network

ROOT = Path(__file__).resolve().parents[2]
POSE = Files(
    ROOT / "networks/pose_tiny.yaml",
    ROOT / "checkpoints/pose_tiny-q.pth.tar",
    ROOT / "networks/samples/pose_tiny.npy",
)
CALLS = {
    "init": "cnn_init",
    "load_weights": "cnn_load_weights",
    "load_bias": "cnn_load_bias",
    "configure": "cnn_configure",
    "load_input": "load_input",
    "start": "cnn_start",
}
GCFR, PCLKDIV = 0x4000_5800, 0x4000_0018  # power of the quadrants; clock divider
CLOCK_SOURCE, CLOCK_DIVIDER = 0x20000, 0x10000
QUIET = {
    "derandomize": True,
    "database": None,
    "deadline": None,
    "suppress_health_check": list(HealthCheck),
}
HEAD = "arch: small\ndataset: none\nlayers:\n"
WIDE = HEAD + (
    "  - {op: conv2d, kernel_size: 3x3, pad: 1, activate: ReLU, max_pool: 2, pool_stride: 2}\n"
    "  - {op: conv2d, kernel_size: 1x1, pad: 0, output_width: 32}\n"
)
MIXED = HEAD + (
    "  - {name: a, op: conv2d, kernel_size: 3x3, pad: 1, activate: ReLU}\n"
    "  - {name: b, in_sequences: a, op: conv2d, kernel_size: 3x3, pad: 0, output: true}\n"
    "  - {name: c, in_sequences: a, op: conv2d, kernel_size: 1x1, pad: 0, output_width: 32,"
    " output: true}\n"
)
STREAMED = HEAD + (
    "  - {op: conv2d, kernel_size: 3x3, pad: 1, activate: ReLU, streaming: true, processors: 0x7,"
    " out_offset: 0x2000}\n"
    "  - {op: conv2d, kernel_size: 3x3, pad: 1, streaming: true, processors: 0x1f,"
    " output_processors: 0x3, out_offset: 0x6000}\n"
)
# name -> description, weight shapes, input shape, FIFO
SMALL = {
    "wide": (WIDE, ((6, 3, 3, 3), (5, 6, 1, 1)), (3, 8, 8), InputPath.MEMORY),
    "mixed": (MIXED, ((6, 3, 3, 3), (5, 6, 3, 3), (7, 6, 1, 1)), (3, 7, 6), InputPath.MEMORY),
    "streamed": (STREAMED, ((5, 3, 3, 3), (2, 5, 3, 3)), (3, 12, 10), InputPath.FIFO),
}


@dataclass
class Recorder:
    """Takes stores, answers loads with 0: no FIFO is ever full."""

    stores: list = field(default_factory=list)

    def store(self, address, size, value):
        self.stores.append((address, size, value & ((1 << 8 * size) - 1)))

    def load(self, _address, _size):
        return 0


@dataclass
class Board:
    """The simulated accelerator behind the core."""

    machine: Machine = field(default_factory=lambda: Machine(MAX78000))

    def store(self, address, size, value):
        if size == 1:
            self.machine.store_byte(address, value)
        else:
            self.machine.store(address, value)

    def load(self, address, _size):
        return self.machine.load(address)


def small_source(name):
    text, shapes, image_shape, input_path = SMALL[name]
    rng = np.random.default_rng(len(name))
    layers = tuple(
        LayerWeights(
            f"layer{i}",
            rng.integers(-128, 128, shape),
            None if input_path.is_fifo else rng.integers(-128, 128, shape[0]),
            8,
            -2,
        )
        for i, shape in enumerate(shapes)
    )
    image = rng.integers(-128, 128, image_shape)
    return Source(read_network(text, name), Checkpoint(name, "small", layers), image, input_path)


def expected_stores(phase):
    """The stores that a phase prescribes, in order."""
    feeds = [operation for operation in phase.operations if isinstance(operation, Fifo)]
    for words in zip(*(feed.words for feed in feeds), strict=True):
        for feed, word in zip(feeds, words, strict=True):
            yield fifo_data_addr(MAX78000, feed.fifo_index), 4, word
    for operation in phase.operations:
        if isinstance(operation, Write):
            yield operation.addr, 4, operation.value
        elif isinstance(operation, KernelBlock):
            yield operation.addr | 1, 1, 1
            yield from words_up(operation)
        elif isinstance(operation, Copy):
            yield from words_up(operation)


def words_up(operation):
    return ((operation.addr + 4 * i, 4, word) for i, word in enumerate(operation.words))


@pytest.fixture(scope="module", params=["pose", *SMALL])
def compiled(request):
    source = read_source(POSE) if request.param == "pose" else small_source(request.param)
    return compile_source(source, ProgramOptions(request.param), MAX78000)


@pytest.fixture(scope="module", params=CROSS_COMPILERS)
def elf(request, compiled, tmp_path_factory):
    """The project, built: with time measurement by zig, without by gcc."""
    folder = tmp_path_factory.mktemp("project")
    timer = 0 if request.param == "zig" else None
    options = ProjectOptions(timer=timer)
    for name, text in project_of(compiled, POSE, options).items():
        (folder / name).write_text(text)
    build(COMPILERS[request.param], folder, folder / "firmware.elf")
    return folder / "firmware.elf"


def started(elf, compiled):
    """A core whose network has run on the simulated accelerator."""
    board = Board()
    core = Core(elf, board)
    for phase in compiled.program.phases:
        core.call(CALLS[phase.name])
    return core, board.machine


def test_stores_are_those_of_the_program(elf, compiled):
    recorder = Recorder()
    core = Core(elf, recorder)
    for phase in compiled.program.phases:
        recorder.stores.clear()
        core.call(CALLS[phase.name])
        assert recorder.stores == list(expected_stores(phase)), phase.name


def test_known_answer_passes_and_notices_a_flipped_bit(elf, compiled):
    core, machine = started(elf, compiled)
    assert core.call("check_output") == 1
    block = compiled.program.known_answer[-1]
    machine.store(block.addr, machine.load(block.addr) ^ (block.mask & -block.mask))
    assert core.call("check_output") == 0


def test_unload_delivers_the_results(elf, compiled):
    core, _ = started(elf, compiled)
    core.call("cnn_unload", core.symbols["results"])
    wanted = unloaded(compiled)
    assert core.read(core.symbols["results"], len(wanted)) == wanted


def unloaded(compiled):
    """What `cnn_unload` delivers: all output layers, each from a word of its own on."""
    places = {output.layer: output for output in compiled.program.outputs}
    found = b""
    for layer in compiled.graph.unloaded:
        result = compiled.results[layer.index]
        found += bytes(-len(found) % 4)
        if layer.output_width == 32:
            found += blocks_of_four(result, places[layer.index])
        else:
            found += result.astype(np.int8).tobytes()
    return found


def blocks_of_four(result, place):
    """Words: blocks of channels that share a data memory, up to four; inside, pixel by pixel."""
    pixels = result.reshape(len(result), -1).astype("<i4")
    blocks = groupby(range(len(pixels)), key=lambda channel: place.channel_addrs[channel] // 16)
    return b"".join(pixels[list(channels)].T.tobytes() for _, channels in blocks)


def test_interrupt_is_acknowledged_and_the_network_runs_again(elf, compiled):
    core, machine = started(elf, compiled)
    assert machine.is_irq_pending
    core.call("CNN_ISR")
    assert not machine.is_irq_pending
    assert core.read(core.symbols["cnn_time"], 4) != bytes(4)
    if machine.result.is_estimate:
        return  # a stream reads its input from the FIFO; the rest of the input is gone
    core.call("load_input")
    core.call("cnn_start")
    assert core.call("check_output") == 1


def test_power_goes_to_the_quadrants_in_use(elf, compiled):
    core = Core(elf, Recorder())
    used = sum(1 << quadrant for quadrant in compiled.placement.placed_graph.quadrants)
    core.call("cnn_enable", CLOCK_SOURCE, CLOCK_DIVIDER)
    assert power(core) == (used, used, 0xF & ~used, 0)
    assert core.read(PCLKDIV, 4) == (CLOCK_SOURCE | CLOCK_DIVIDER).to_bytes(4, "little")
    core.call("cnn_disable")
    assert power(core) == (0, 0, 0xF, 0)


def power(core):
    """Power, kernel memory power, isolation and reset: a bit for each quadrant."""
    return struct.unpack("<4I", core.read(GCFR, 16))


# -- random networks -------------------------------------------------------------------------------


def runs_in_c(source, folder):
    """Build a network's project and execute it on the simulated accelerator."""
    try:
        compiled = compile_source(source, ProgramOptions("random"), MAX78000)
    except ToolError:
        return
    for name, text in project_of(compiled, POSE, ProjectOptions()).items():
        (folder / name).write_text(text)
    build(COMPILERS["zig"], folder, folder / "firmware.elf")
    core, _ = started(folder / "firmware.elf", compiled)
    assert core.call("check_output") == 1
    core.call("cnn_unload", core.symbols["results"])
    wanted = unloaded(compiled)
    assert core.read(core.symbols["results"], len(wanted)) == wanted


@settings(max_examples=8, **QUIET)
@given(source=st.one_of(networks(max_layers=3), fifo_networks(max_layers=3)))
def test_random_networks_run_in_c(tmp_path_factory, source):
    runs_in_c(source, tmp_path_factory.mktemp("random"))


@pytest.mark.slow
@settings(max_examples=60, **QUIET)
@given(source=st.one_of(networks(), fifo_networks()))
def test_many_random_networks_run_in_c(tmp_path_factory, source):
    runs_in_c(source, tmp_path_factory.mktemp("random"))


# -- soft-max --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def softmax_core(tmp_path_factory):
    folder = tmp_path_factory.mktemp("softmax")
    compiled = compile_source(small_source("wide"), ProgramOptions("wide"), MAX78000)
    options = ProjectOptions(has_softmax=True)
    for name, text in project_of(compiled, POSE, options).items():
        (folder / name).write_text(text)
    build(COMPILERS["zig"], folder, folder / "firmware.elf")
    return Core(folder / "firmware.elf", Recorder())


def softmax(values):
    """Base-2 soft-max in shifts. Source: docs/hardware/arithmetic.md#soft-max."""
    base = max(values) - (16 << 14)
    above = [v for v in values if v > base]
    quotient = (1 << 32) // sum(1 << ((8192 + v - base) >> 14) for v in above)
    shifts = {v: (17 + ((8191 + base - v) >> 14)) & 0xFF for v in above}
    return [min(32767, quotient >> shifts[v]) if v > base else 0 for v in values]


def computed(core, function, values, *arguments):
    """Shares of 32-bit values as C finds them, and what it leaves of the values."""
    source, target = core.symbols["results"], core.symbols["results"] + 0x1000
    core.write(source, np.array(values, "<i4").tobytes())
    core.call(function, source, len(values), *arguments, target)
    shares = np.frombuffer(core.read(target, 2 * len(values)), "<i2")
    return shares.tolist(), np.frombuffer(core.read(source, 4 * len(values)), "<i4").tolist()


WORDS = st.integers(-(2**31), 2**31 - 1)
NEAR = st.integers(-(2**18), 2**18)  # distances that count


@st.composite
def scores(draw):
    """Words of all sizes, some of them near each other, as those of one network are."""
    centre = draw(WORDS)
    near = NEAR.map(lambda distance: max(-(2**31), min(2**31 - 1, centre + distance)))
    return draw(st.lists(st.one_of(near, near, WORDS), min_size=1, max_size=12))


@settings(max_examples=120, deadline=None, derandomize=True)
@given(scores(), st.sampled_from((0, 4, 6, 7)))
@example([-(2**31), 5 - 2**31], 0)  # nothing lies 16 powers of two below these
@example([2**27, 2**27 + 2**11, -5], 4)  # 2^31 and a little more
@example([-(2**31), 2**31 - 1, 2**31 - 3], 7)
def test_softmax_is_the_formula_for_every_word(softmax_core, values, shift):
    shares, left = computed(softmax_core, "softmax_shift_q17p14_q15", values, shift)
    assert shares == softmax([value << shift for value in values])
    assert left == np.clip(np.array(values) << shift, -(2**31), 2**31 - 1).tolist()


@settings(max_examples=40, deadline=None, derandomize=True)
@given(scores())
def test_softmax_without_shift_is_the_same(softmax_core, values):
    shares, left = computed(softmax_core, "softmax_q17p14_q15", values)
    assert (shares, left) == (softmax(values), values)
