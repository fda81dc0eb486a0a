"""Options of the command line that change the emitted C: built, executed, compared.

Every network here has 8-bit and 32-bit outputs, or is streamed; `main` runs on the simulated
accelerator and must print PASS.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from emulator import COMPILERS, Core, build
from installed import find, needs_gcc

from max78000.facts import regmap
from max78000.facts.chip import MAX78000
from max78000.facts.regmap import global_register_addr, layer_register_addr, quadrant_register_addr
from max78000.machine import Machine
from max78000.program.program import Copy, KernelBlock
from networks import Net, compile_net, project_of
from synthesis.emit.options import FileNames, Pin, ProjectOptions
from synthesis.read.files import Files
from synthesis.read.source import InputPath

ROOT = Path(__file__).resolve().parents[2]
QUICKER, OTHER = ("gcc", "zig") if find("arm-none-eabi-gcc") else ("zig", "gcc")
FILES = Files(ROOT / "README.md", ROOT / "LICENSE", None)  # only their hashes are printed
MIXED = Net(
    "{name: a, op: conv2d, pad: 1, activate: ReLU, output_shift: -3}\n"
    "{name: b, in_sequences: a, op: conv2d, pad: 1, output: true, output_shift: -4}\n"
    "{name: c, in_sequences: a, op: conv2d, kernel_size: 1x1, pad: 0, output_width: 32,"
    " output: true}",
    "6x3x3x3 5x6x3x3 7x6x1x1",
    "3x8x6",
    bias=3,
)
STREAMED = Net(
    "{op: conv2d, pad: 1, activate: ReLU, streaming: true, processors: 0x7, out_offset: 0x2000}\n"
    "{op: conv2d, pad: 1, streaming: true, processors: 0x1f, output_processors: 0x3,"
    " out_offset: 0x6000}",
    "5x3x3x3 2x5x3x3",
    "3x12x10",
    input_path=InputPath.FIFO,
)
BYTES = Net("{name: only, op: conv2d, pad: 1, output_shift: -4}", "70x3x3x3", "3x4x5", bias=-7)
PLANES = Net(
    "{name: a, op: conv2d, pad: 1, activate: ReLU, output_shift: -3, output: true}\n"
    "{name: b, op: conv2d, pad: 1, output_shift: -5, output: true}",
    "23x3x3x3 6x23x3x3",
    "3x4x6",
    bias=1,
)
ROLLING = Net(
    "{op: none, name: copy}\n{op: none, in_sequences: past, buffer_shift: 1}\n"
    "{op: conv2d, pad: 0, in_sequences: copy, buffer_insert: 1}\n{op: none, in_sequences: past}",
    "8x2x3x3",
    "2x3x3",
    sections="data_buffer: [{name: past, processors: 0xff, channels: 8, dim: 5, offset: 0x2000}]\n",
)
CTL0 = quadrant_register_addr(MAX78000, regmap.CTL, 0)
SOME = 100_000  # instructions: several inferences
MANY = 3_000_000  # instructions: more than any of these programs executes before it waits


@dataclass
class Board:
    """The simulated accelerator behind the core; keeps what is stored."""

    def __init__(self):
        self.machine = Machine(MAX78000)
        self.stores = []
        self.n_runs = 0

    def store(self, address, size, value):
        self.stores.append((address, value))
        if size == 1:
            self.machine.store_byte(address, value)
            return
        before, self.machine.result = self.machine.result, None
        self.machine.store(address, value)
        self.n_runs += self.machine.result is not None
        self.machine.result = self.machine.result or before

    def load(self, address, _size):
        return self.machine.load(address)


@dataclass(frozen=True)
class Project:
    """A network's files, built."""

    compiled: object
    files: dict
    elf: Path

    def core(self):
        board = Board()
        return Core(self.elf, board), board


@pytest.fixture
def make(tmp_path):
    """Compile, emit and build a network; options of the program are given by keyword."""

    def make(net, options=None, compiler=QUICKER, **program):
        compiled = compile_net(net, **program)
        files = project_of(compiled, FILES, options or ProjectOptions())
        for name, text in files.items():
            (tmp_path / name).write_text(text)
        build(COMPILERS[compiler], tmp_path, tmp_path / "firmware.elf")
        return Project(compiled, files, tmp_path / "firmware.elf")

    return make


def passes(project):
    """Run main to its end; the known answer must come out."""
    core, board = project.core()
    has_ended = core.begin("main", MANY)
    assert "*** PASS ***" in core.console, core.console
    assert has_ended
    return core, board


PIN = Pin(2, 5)
NAMES = FileNames("app.c", None, "w.h", "s.h", None)
# fmt: off
PROGRAMS = [
    # network, options of the code, options of the program
    (MIXED,    {},                                                       {}),
    (MIXED,    {"verifies_kernels": True, "verifies_registers": True},   {}),
    (MIXED,    {"verifies_kernels": True},                               {"packs_kernels": False}),
    (MIXED,    {"verifies_kernels": True, "has_compact_weights": True},  {"packs_kernels": False}),
    (MIXED,    {"verifies_kernels": True},                               {"clears_memories": True}),
    (MIXED,    {},                                                       {"powers_down": True}),
    (MIXED,    {"has_compact_data": False, "boost": PIN, "timer": 1},    {"writes_zeros": True}),
    (MIXED,    {"has_fixed_input": True},                                {"has_fixed_input": True}),
    (MIXED,    {"names": NAMES, "clock_divider": 4},                     {}),
    (MIXED,    {"gathers_bytes": True, "switch_delay_ms": 3},            {}),
    (STREAMED, {"waits_for_fifo": False, "slow_load_us": 5},             {"packs_kernels": False}),
    (STREAMED, {"verifies_registers": True},                             {"clears_memories": True}),
    (ROLLING,  {},                                                       {}),
    (PLANES,   {"gathers_bytes": True},                                  {"clears_memories": True}),
]
# fmt: on


@pytest.mark.parametrize(("net", "code", "program"), PROGRAMS)
def test_the_known_answer_comes_out(make, net, code, program):
    passes(make(net, ProjectOptions(**code), **program))


@needs_gcc
def test_everything_at_once_with_the_other_compiler(make):
    options = ProjectOptions(
        verifies_kernels=True, verifies_registers=True, gathers_bytes=True, boost=PIN,
        measures_energy=True, has_softmax=True,
    )  # fmt: skip
    net = Net("{name: only, op: conv2d, pad: 1}", "4x2x3x3", "2x2x2", bias=1)
    _, board = passes(make(net, options, OTHER, packs_kernels=False, clears_memories=True))
    assert board.n_runs == 100


# -- what differs --------------------------------------------------------------------------------


def test_plain_kernels_are_those_of_the_program(make):
    project = make(MIXED, packs_kernels=False)
    core, board = project.core()
    core.call("cnn_init")
    board.stores.clear()
    core.call("cnn_load_weights")
    copies = project.compiled.program.phase("load_weights").operations
    assert all(isinstance(copy, Copy) for copy in copies)
    assert board.stores == [
        (copy.addr + 4 * i, word) for copy in copies for i, word in enumerate(copy.words)
    ]
    packed = Machine(MAX78000)
    for phase in compile_net(MIXED).program.phases[:2]:
        packed.execute(phase)
    assert (board.machine.memories.kernels.bytes == packed.memories.kernels.bytes).all()


@pytest.mark.parametrize("program", [{}, {"packs_kernels": False}])
def test_a_wrong_kernel_is_found(make, program):
    core, board = make(MIXED, ProjectOptions(verifies_kernels=True), **program).core()
    for name in ("cnn_init", "cnn_load_weights"):
        core.call(name)
    assert core.call("cnn_verify_weights") == 1
    used = np.argwhere(board.machine.memories.kernels.is_written)
    for processor, word in used[:: len(used) // 5]:
        for byte in (0, 1, 8):
            board.machine.memories.kernels.bytes[processor, word, byte] ^= 0x10
            assert core.call("cnn_verify_weights") == 0
            board.machine.memories.kernels.bytes[processor, word, byte] ^= 0x10
    assert core.call("cnn_verify_weights") == 1


def test_a_register_that_keeps_another_value_is_found(make):
    core, board = make(MIXED, ProjectOptions(verifies_registers=True)).core()
    core.call("cnn_init")
    addr = layer_register_addr(MAX78000, regmap.POST, 1, 0)
    honest = board.load
    board.load = lambda address, size: honest(address, size) ^ (address == addr)
    assert core.call("cnn_configure") == 0


def test_memories_are_cleared_before_anything_is_loaded(make):
    project = make(MIXED, clears_memories=True)
    core, board = project.core()
    used = project.compiled.placement.placed_graph.quadrants
    core.call("cnn_init")
    for quadrant in used:
        addr = quadrant_register_addr(MAX78000, regmap.SRAM_TEST, quadrant)
        written = [value for address, value in board.stores if address == addr]
        assert written == [1 << 0, 0, 1 << 2, 0, 1 << 4, 0, 1 << 6, 0]
    assert board.machine.load(MAX78000.data_addr(0, 0x7FFC)) == 0


def test_a_memory_that_fails_its_test_is_found(make):
    core, board = make(MIXED, clears_memories=True).core()
    fail = regmap.SRAM_TEST.pack(tram_fail=1)
    addr = quadrant_register_addr(MAX78000, regmap.SRAM_TEST, 0)
    honest = board.load
    board.load = lambda address, size: honest(address, size) | (fail if address == addr else 0)
    assert core.call("cnn_init") == 0
    assert len([store for store in board.stores if store[0] == addr]) == 5  # the third test fails


def test_kernels_of_nothing_but_zeros_need_not_be_loaded(make):
    net = replace(MIXED, fill=0, bias=None)
    assert not compile_net(net, clears_memories=True).program.phase("load_weights").operations
    loaded = compile_net(net).program.phase("load_weights").operations
    assert all(isinstance(block, KernelBlock) for block in loaded)
    passes(make(net, clears_memories=True))


def test_unused_quadrants_lose_power_before_the_start(make):
    project = make(MIXED, powers_down=True)
    _, board = passes(project)
    used = sum(1 << quadrant for quadrant in project.compiled.placement.placed_graph.quadrants)
    stores = [value for address, value in board.stores
              if address == global_register_addr(MAX78000, regmap.AON)]  # fmt: skip
    assert stores == [0, regmap.AON.pack(pd=0xF & ~used)]


def test_the_clock_is_divided_and_the_supply_is_waited_for(make):
    options = ProjectOptions(clock_divider=16, switch_delay_ms=7, debug_wait_s=0)
    core, _ = passes(make(MIXED, options))
    assert core.read(0x4000_0018, 4) == (0xC000).to_bytes(4, "little")
    assert int.from_bytes(core.read(core.symbols["waited_us"], 4), "little") == 7000


def test_the_boost_pin_is_driven(make):
    project = make(MIXED, ProjectOptions(boost=PIN, runs_forever=True))
    core, _ = project.core()
    assert not core.begin("main", SOME)
    assert int.from_bytes(core.read(0x4008_0400, 4), "little") == 1 << 5
    core, _ = passes(make(MIXED, ProjectOptions(boost=PIN)))
    assert int.from_bytes(core.read(0x4008_0400, 4), "little") == 0


def test_it_runs_for_ever(make):
    core, board = make(MIXED, ProjectOptions(runs_forever=True)).core()
    assert not core.begin("main", SOME)
    assert core.console.count("*** PASS ***") == 1
    assert board.n_runs > 3


def test_it_stays_awake(make):
    core, board = make(MIXED, ProjectOptions(sleeps=False)).core()
    assert not core.begin("main", MANY)  # spins
    assert board.n_runs == 1
    core.interrupt("CNN_ISR")
    assert "*** PASS ***" in core.console


def test_energy_is_measured_between_markers(make):
    net = Net("{name: only, op: conv2d, pad: 1}", "4x2x3x3", "2x3x3", bias=1)
    core, board = passes(make(net, ProjectOptions(measures_energy=True)))
    lit = np.frombuffer(core.read(core.symbols["lit"], 8), "<u4")
    assert lit.tolist() == [1, 3]  # idle; weights, input, input and inference
    assert board.n_runs == 100
    n_inputs = len([1 for address, _ in board.stores if address == MAX78000.data_addr(0)])
    assert n_inputs == 200
    assert core.console.count("100 times") == 3


def test_energy_of_a_fifo_input_is_that_of_the_inference(make):
    net = Net("{name: only, op: conv2d, pad: 1}", "4x2x3x3", "2x3x3", input_path=InputPath.FIFO)
    core, board = passes(make(net, ProjectOptions(measures_energy=True)))
    assert core.console.count("100 times") == 2
    assert board.n_runs == 100


# -- results -------------------------------------------------------------------------------------


@pytest.mark.parametrize("net", [MIXED, PLANES])
def test_gathered_bytes_are_those_that_software_sorts(make, net):
    read = []
    for gathers in (False, True):
        project = make(net, ProjectOptions(gathers_bytes=gathers))
        core, board = project.core()
        for phase in project.compiled.program.phases:
            board.machine.execute(phase)
        core.call("CNN_ISR")
        board.stores.clear()
        before = dict(board.machine.registers._values)
        core.call("cnn_unload", core.symbols["results"])
        assert board.machine.registers._values == before
        assert any(addr == CTL0 for addr, _ in board.stores) == gathers
        read.append(core.read(core.symbols["results"], 4096))
    assert read[0] == read[1]


def test_softmax_of_bytes(make):
    net = Net("{op: linear, flatten: true, output_shift: -6}", "9x8", "2x2x2", bias=3)
    project = make(net, ProjectOptions(has_softmax=True))
    core, _ = passes(project)
    values = project.compiled.results[-1].reshape(-1).tolist()
    shares = np.frombuffer(core.read(core.symbols["ml_softmax"], 18), "<i2")
    exact = np.exp2(np.array(values, float) - max(values))
    assert np.abs(shares / 32768 - exact / exact.sum()).max() < 1 / 1000
    for i, value in enumerate(values):
        assert f"[{value:7}] -> Class {i}: " in core.console


# -- differences ---------------------------------------------------------------------------------


def said(core):
    """The last difference that was printed."""
    return [line for line in core.console.splitlines() if line.startswith("Data mismatch")][-1]


def as_printed(mismatch):
    """The line for what the simulated accelerator finds to differ first."""
    output, mask = mismatch.output, 0xFF if mismatch.output.width_bits == 8 else 0xFFFF_FFFF
    channel, row, column = output.find(mismatch.addr, mismatch.lane)
    return (
        f"Data mismatch at 0x{mismatch.addr:08x}: 0x{mismatch.found & mask:x}, expected "
        f"0x{mismatch.expected & mask:x} (layer {output.layer} {output.name}, "
        f"channel {channel}, row {row}, column {column})"
    )


@pytest.mark.parametrize("net", [MIXED, BYTES])
def test_every_expected_value_is_named(make, net):
    """Flip a bit of every eighth word in turn, in memory; the element must be named."""
    project = make(net)
    core, board = project.core()
    program = project.compiled.program
    for phase in program.phases:
        board.machine.execute(phase)
    assert core.call("check_output") == 1
    words = [(b.addr + 4 * i, b.mask) for b in program.known_answer for i in range(len(b.words))]
    for i, (addr, mask) in enumerate(words[::8]):
        bits = [bit for bit in range(32) if mask >> bit & 1]
        value = board.machine.load(addr)
        board.machine.store(addr, value ^ 1 << bits[7 * i % len(bits)])
        assert core.call("check_output") == 0
        assert said(core) == as_printed(board.machine.check_known_answer(program))
        board.machine.store(addr, value)
    assert core.call("check_output") == 1


KERNEL = MAX78000.kernel_addr(0) + 4  # the second word of the first run
BIAS = MAX78000.bias_addr(0, 1)
SCALE = layer_register_addr(MAX78000, regmap.POST, 1, 0)


@pytest.mark.parametrize(
    ("addr", "flip"), [(KERNEL, 1 << 30), (BIAS, 1 << 7), (SCALE, regmap.POST.pack(scale_reg=1))]
)
def test_a_flipped_bit_ends_in_fail(make, addr, flip):
    project = make(MIXED)
    core, board = project.core()
    honest = board.store
    board.store = lambda a, size, value: honest(a, size, value ^ (flip if a == addr else 0))
    assert not core.begin("main", MANY)
    assert core.console.endswith("\n*** FAIL ***\n\n")
    wanted = as_printed(board.machine.check_known_answer(project.compiled.program))
    assert said(core) == wanted


def test_a_flipped_bit_of_the_known_answer_ends_in_fail(make):
    project = make(MIXED)
    core, _ = project.core()
    first_word = core.symbols["sample_output"] + 12  # after address, mask and count
    core.write(first_word, bytes([core.read(first_word, 1)[0] ^ 1]))
    assert not core.begin("main", MANY)
    assert core.console.endswith("\n*** FAIL ***\n\n")
    block = project.compiled.program.known_answer[0]
    output = next(o for o in project.compiled.program.outputs if o.layer == block.layer)
    lane = next(lane for lane in range(4) if block.mask >> 8 * lane & 0xFF)
    channel, row, column = output.find(block.addr, lane)
    where = f"layer {output.layer} {output.name}, channel {channel}, row {row}, column {column}"
    assert f"Data mismatch at 0x{block.addr:08x}: 0x" in core.console
    assert f"({where})" in core.console
