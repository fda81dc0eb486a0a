"""Every register field that a program can set has a witness: the machine notices if it is wrong.

The networks here set every field that any program sets. Each field is changed in turn; then the
accelerator has to refuse, to answer something else or to take another time. Fields without effect
in the machine are listed with the reason, and with what holds them instead.
"""

import gzip
import json
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from property.agreement import compile_or_refuse
from property.strategies import networks
from property.streams import fifo_networks

from max78000.errors import ToolError
from max78000.facts import regmap
from max78000.facts.chip import MAX78000
from max78000.facts.regs import Model
from max78000.machine import Machine, MachineFault
from max78000.machine.state import read_state
from max78000.program.program import Phase, Write
from networks import Net, source_of
from synthesis.compile import compile_source
from synthesis.generate.options import ProgramOptions, ReadySelect
from synthesis.read.source import InputPath

FIFO, FAST_FIFO = InputPath.FIFO, InputPath.FAST_FIFO
WAITS = ReadySelect(1, 1, 1)
ALLOWED = frozenset({"P12", "S8a"})

# fmt: off
NETS = (
    (Net("{max_pool: [2, 3], pool_stride: 2, activate: ReLU, pad: 1}\n"
         "{avg_pool: 2, pool_stride: 1, activate: Abs, output_shift: -6, quantization: 4}",
         "20x3x3x3 8x20x3x3", "3x9x9", bits=4, bias=3), {"round_average": True}),
    (Net("{op: conv2d, pad: 1}\n{op: linear, flatten: true, output_width: 32}",
         "4x2x3x3 3x144", bias=5), {"clears_memories": True, "ready": WAITS}),
    (Net("{op: conv1d, kernel_size: 4, pad: 0, processors: 0x1f, output_processors: 0x1f, "
         "out_offset: 0x4000}\n{op: conv1d, kernel_size: 5, pad: 2, processors: 0x1f, "
         "output_processors: 0x3f, in_offset: 0x4000}", "5x5x4 6x5x5", "5x12"),
        {"packs_kernels": False}),
    (Net("{op: conv2d, kernel_size: 1x1, pad: 0}\n{op: convtranspose2d, pad: 1}",
         "70x70x1x1 70x4x3x3t", "70x4x5"), {"powers_down": True}),
    (Net("{eltwise: sub, operands: 3, max_pool: 2, pool_stride: 2, pad: 1}",
         "5x20x3x3", "60x6x6"), {"powers_down": True}),
    (Net("{op: none, max_pool: 2, pool_stride: 2}", "", "70x2x2"), {}),
    (Net("{op: none, processors: 0x1f, output_processors: 0x1f, write_gap: 1, in_offset: 0x40, "
         "out_offset: 0x4000}", "", "5x6x6"), {}),
    (Net("{op: xor, operands: 2}", "", "10x6x6"), {}),
    (Net("{output_processors: 0x17, out_offset: 0x4000}", "4x2x3x3"), {}),
    (Net("{data_format: chw}", "4x2x3x3"), {}),
    (Net("{streaming: true, pad: 1}\n{streaming: true, pad: 1, max_pool: 2, pool_stride: 2}\n{}",
         "4x3x3x3 5x4x3x3 6x5x3x3", "3x9x9", input_path=FIFO), {"ready": WAITS}),
    (Net("{}", "4x3x3x3", "3x6x5", input_path=FAST_FIFO), {}),
    (Net("{processors: 0x0001000100010001, output_processors: 0xf, out_offset: 0x4000}",
         "4x4x3x3", "4x6x5", input_path=FAST_FIFO), {}),
)

# What the machine stores and reads back, and who holds it.
HELD = {
    ("CTL", "rdy_sel"): "wait states of the bus: time only",
    ("AON", "rdy_sel"): "wait states of the bus: time only",
    ("FIFO_CTL", "rdy_sel"): "wait states of the bus: time only",
    ("CTL", "ext_sync"): "the vendor's words, docs/hardware/quirks.md sync-field",
    ("SRAM", "rmargin_en"): "margins of the memories are analogue; the vendor's words",
    ("SRAM", "rmargin"): "margins of the memories are analogue; the vendor's words",
    ("SRAM", "wneg_en"): "margins of the memories are analogue; the vendor's words",
    ("FIFO_CTL", "full_thresh"): "flags that no program reads; the vendor's words",
    ("FIFO_CTL", "empty_thresh"): "flags that no program reads; the vendor's words",
    ("FFIFO_CTL", "thresh"): "flags that no program reads; the vendor's words",
    ("STREAM2", "invol"): "layers run as a whole here; the vendor's words",
    ("STREAM2", "delta1"): "layers run as a whole here; the vendor's words",
    ("STREAM2", "delta2"): "layers run as a whole here; the vendor's words",
}
# fmt: on


def program_of(net, options):
    return compile_source(
        source_of(net), ProgramOptions("tiny", **options), MAX78000, ALLOWED
    ).program


PROGRAMS = [program_of(net, options) for net, options in NETS]


def register_writes(program):
    for phase in program.phases:
        for operation in phase.operations:
            if isinstance(operation, Write):
                location = regmap.locate(MAX78000, operation.addr)
                if location is not None:
                    yield location.register, operation.value


def emitted(program):
    """Register and field, by name, of every field that is not 0 in some write."""
    return {
        (register.name, field.name)
        for register, value in register_writes(program)
        for field in register.fields
        if field.get(value)
    }


REGISTERS = {register.name: register for register in regmap.REGISTERS}
EMITTED = sorted(set().union(*map(emitted, PROGRAMS)))


def emitted_with(model):
    """Those of the emitted fields that the machine treats in one way."""
    return [(name, field) for name, field in EMITTED if REGISTERS[name].field(field).model is model]


def test_no_program_sets_what_the_machine_refuses():
    assert emitted_with(Model.FORBIDDEN) == []


def test_what_the_machine_only_stores_has_a_reason():
    assert emitted_with(Model.HELD) == sorted(HELD)


# -- no program sets another field -----------------------------------------------------------------


@pytest.mark.parametrize("drawn", [networks(), fifo_networks()], ids=["memory", "fifo"])
def test_random_networks_set_no_other_field(drawn):
    @settings(max_examples=30, database=None, suppress_health_check=list(HealthCheck))
    @given(drawn)
    def check(source):
        compiled = compile_or_refuse(source)
        if compiled is not None:
            assert emitted(compiled.program) - set(EMITTED) == set()

    check()


def test_the_vendors_programs_set_no_other_field(vectors_dir):
    for path in vectors_dir.glob("*/*/expected.json.gz") if vectors_dir else ():
        if "reject" not in json.loads(gzip.decompress(path.read_bytes())):
            assert emitted(read_state(path, MAX78000)) - set(EMITTED) == set()


# -- every field matters ---------------------------------------------------------------------------


def outcome(program):
    """What a run shows: a refusal, or the outputs and the time."""
    machine = Machine()
    try:
        cycles = machine.run(program).cycles
        outputs = [machine.read_output(output).tobytes() for output in program.outputs]
    except ToolError as refusal:
        return type(refusal)
    return cycles, outputs, machine.check_known_answer(program) is None


def changed(program, register, field, change):
    """The program with a field changed wherever it is not 0."""

    def operation_of(operation):
        if not isinstance(operation, Write):
            return operation
        location = regmap.locate(MAX78000, operation.addr)
        value = field.get(operation.value)
        if location is None or location.register is not register or not value:
            return operation
        word = operation.value & ~field.mask | (change(value) % field.limit) << field.lsb
        return Write(operation.addr, word)

    phases = (Phase(p.name, tuple(map(operation_of, p.operations))) for p in program.phases)
    return replace(program, phases=tuple(phases))


CHANGES = (lambda value: 0, lambda value: value + 1, lambda value: value - 1)
OUTCOMES = [outcome(program) for program in PROGRAMS]


@pytest.mark.parametrize(("name", "field_name"), emitted_with(Model.FULL), ids=str)
def test_a_wrong_value_is_noticed(name, field_name):
    register, field = REGISTERS[name], REGISTERS[name].field(field_name)
    assert any(
        outcome(changed(program, register, field, change)) != before
        for program, before in zip(PROGRAMS, OUTCOMES, strict=True)
        if (name, field_name) in emitted(program)
        for change in CHANGES
    )


def test_the_programs_are_right_as_they_are():
    assert all(isinstance(found, tuple) and found[2] for found in OUTCOMES)


@pytest.mark.parametrize(("slack", "is_refused"), [(2, False), (3, True)])
def test_a_later_layer_waits_too(slack, is_refused):
    """The vendor's generator lets it wait for two positions more than it needs."""
    net = next(net for net, _ in NETS if "streaming" in net.layers)
    program = program_of(net, {})
    addr = regmap.layer_register_addr(MAX78000, regmap.STREAM1, 1, 0)
    phases = []
    for phase in program.phases:
        operations = [
            Write(addr, op.value - slack) if isinstance(op, Write) and op.addr == addr else op
            for op in phase.operations
        ]
        phases.append(Phase(phase.name, tuple(operations)))
    shorter = replace(program, phases=tuple(phases))
    assert shorter != program
    if is_refused:
        with pytest.raises(MachineFault, match=r"layer 1: STREAM1.start is \d+, its first window"):
            Machine().run(shorter)
    else:
        assert outcome(shorter) == outcome(program)
