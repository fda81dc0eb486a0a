"""Whole runs: layers after each other, FIFO and streaming, repeated inference, traces, answers."""

from dataclasses import replace

import numpy as np
import pytest
from hand_made import CHIP, Case

from max78000.facts import regmap
from max78000.facts.cycles import LayerTiming, layer_cycles
from max78000.facts.regmap import describe_addr
from max78000.machine import Machine, MachineFault
from max78000.machine.engine import LayerRun
from max78000.machine.places import output_map_of
from max78000.program.program import Copy, Expected, Fifo, Phase, Poll, Require, Write

X = np.arange(-20, 25).reshape(1, 5, 3, 3)
W = np.random.default_rng(3).integers(-128, 128, (6, 5, 3, 3))
CASE = Case(X, W, pad=(1, 1), shift=-3, in_word=0x100)
CTL0 = regmap.quadrant_register_addr(CHIP, regmap.CTL, 0)


def fifo_program(case, *, is_streaming=False):
    """The same layer fed through FIFO 0 (four channels at most)."""
    program = case.program()
    (copy,) = program.phase("load_input").operations
    assert isinstance(copy, Copy)
    n_words = len(copy.words)
    configure = [
        *program.phase("configure").operations,
        Write(regmap.global_register_addr(CHIP, regmap.FIFO_CTL), 0x1908),
    ]
    for quadrant in range(4):
        for register, values in (
            (regmap.IFRM, {"value": n_words}),
            (regmap.FMAX, {"value": 6 * is_streaming}),
            (regmap.STREAM1, {"start": 1 if is_streaming else n_words}),
        ):
            addr = regmap.layer_register_addr(CHIP, register, 0, quadrant)
            configure.append(Write(addr, register.pack(**values)))
    control = regmap.CTL.pack(fifo_en=1, stream_en=is_streaming, lilbuf=is_streaming)
    start = [
        Write(op.addr, op.value | control)
        for op in program.phase("start").operations
        if isinstance(op, Write)
    ]
    return replace(
        program,
        phases=(
            *(program.phase(name) for name in ("init", "load_weights", "load_bias")),
            Phase("configure", tuple(configure)),
            Phase("start", tuple(start)),
            Phase("load_input", (Fifo(0, copy.words),)),
        ),
    )


FIFO_CASE = replace(CASE, x=X[:, :4], weights=W[:, :4])


def test_a_run_by_hand_raises_and_clears_the_interrupt():
    machine = Machine()
    for phase in CASE.program().phases:
        assert not machine.is_irq_pending
        machine.execute(phase)
    assert machine.is_irq_pending
    machine.execute(Phase("start", (Poll(CTL0, 1 << 12, 1 << 12),)))
    for quadrant in range(4):
        addr = regmap.quadrant_register_addr(CHIP, regmap.CTL, quadrant)
        machine.store(addr, machine.load(addr) & ~(1 << 12 | 1))
    assert not machine.is_irq_pending


def test_continue_needs_quadrant_0_alone():
    """Software acknowledges in every quadrant and then sets cnn_en of the first one only."""
    program = replace(CASE, first_processor=16).program()
    machine = Machine()
    machine.run(program)
    for quadrant in range(4):
        addr = regmap.quadrant_register_addr(CHIP, regmap.CTL, quadrant)
        machine.store(addr, machine.load(addr) & ~(1 << 12 | 1))
    machine.memories.data.lanes[0, 0x1000:] = 0
    machine.store(CTL0, machine.load(CTL0) | 1)
    assert machine.is_irq_pending
    assert machine.check_known_answer(program) is None


def test_a_second_program_run_gives_the_same():
    machine = Machine()
    program = CASE.program()
    assert machine.run(program) == machine.run(program)
    assert machine.check_known_answer(program) is None


def test_the_trace_sees_data_and_output():
    seen: list[LayerRun] = []
    machine = Machine(trace=seen.append)
    machine.run(CASE.program())
    (run,) = seen
    assert run.data.values.shape == (5, 1, 1, 3, 3)
    assert np.array_equal(run.data.values[:, 0, 0], X[0])
    assert np.array_equal(run.output.values, CASE.answer())
    assert run.output.is_unknown is None


def test_fifo():
    program = fifo_program(FIFO_CASE)
    machine = Machine()
    machine.run(program)
    assert machine.check_known_answer(program) is None


@pytest.mark.parametrize("program", [CASE.program(), fifo_program(FIFO_CASE)], ids=["", "fifo"])
def test_a_store_says_which_run_it_started(program):
    """Only the last of all stores does: that to CTL, or that of the picture's last word."""
    machine = Machine()
    *others, last = (run for phase in program.phases for run in stores(machine, phase))
    assert others == [None] * len(others)
    assert last is machine.result
    assert last.cycles > 0
    assert machine.execute(Phase("init", (Write(CTL0, 0),))) is None  # and the old result stays
    assert machine.result is last


def stores(machine, phase):
    """What each operation of a phase gives, one by one."""
    for operation in phase.operations:
        if isinstance(operation, Fifo):
            addr = regmap.fifo_data_addr(CHIP, operation.fifo_index)
            yield from (machine.store(addr, word) for word in operation.words)
        else:
            yield machine.execute(replace(phase, operations=(operation,)))


def test_streaming_through_a_ring():
    program = fifo_program(FIFO_CASE, is_streaming=True)
    machine = Machine()
    result = machine.run(program)
    assert machine.check_known_answer(program) is None
    assert result.is_estimate
    assert result.setups[0].read.n_words != result.setups[0].read.ring_words
    with pytest.raises(MachineFault, match="nobody gave this word a value"):
        machine.load(CHIP.data_addr(0, 4 * 0x100))  # the ring's remains


def test_a_fifo_that_gets_too_little():
    program = fifo_program(FIFO_CASE)
    *rest, fed = program.phases
    (fifo,) = fed.operations
    assert isinstance(fifo, Fifo)
    short = Phase("load_input", (Fifo(0, fifo.words[:-1]),))
    with pytest.raises(MachineFault, match="input frame is not complete: the FIFOs got 8 words"):
        Machine().run(replace(program, phases=(*rest, short)))


def test_a_fifo_that_gets_too_much():
    program = fifo_program(FIFO_CASE)
    more = Phase("load_input", (Fifo(0, (1,)),))
    with pytest.raises(MachineFault, match="load_input: FIFO 0: nothing takes words"):
        Machine().run(replace(program, phases=(*program.phases, more)))


def test_fifos_run_in_lock_step():
    with pytest.raises(MachineFault, match="different numbers of words"):
        Machine().execute(Phase("load_input", (Fifo(0, (1, 2)), Fifo(1, (1,)))))


def test_streaming_needs_a_fifo():
    program = fifo_program(FIFO_CASE, is_streaming=True)
    *rest, start, _ = program.phases
    off = regmap.CTL.pack(fifo_en=1)
    writes = (op for op in start.operations if isinstance(op, Write))
    no_fifo = Phase("start", tuple(Write(op.addr, op.value & ~off) for op in writes))
    with pytest.raises(MachineFault, match="layer 0: streams, but no FIFO is on"):
        Machine().run(replace(program, phases=(*rest, no_fifo)))


@pytest.mark.parametrize("name", ["FIFO_CTL", "IFRM"])
def test_a_fifo_needs_enables_and_a_frame_size(name):
    program = fifo_program(FIFO_CASE)
    init, weights, bias, configure, *rest = program.phases
    writes = (op for op in configure.operations if isinstance(op, Write))
    kept = tuple(op for op in writes if name not in describe_addr(CHIP, op.addr))
    phases = (init, weights, bias, Phase("configure", kept), *rest)
    with pytest.raises(MachineFault, match=r"FIFO_CTL.fifo_en or IFRM is 0"):
        Machine().run(replace(program, phases=phases))


@pytest.mark.parametrize("name", ["stream_en", "lilbuf"])
@pytest.mark.parametrize("is_streaming", [True, False])
def test_control_must_suit_the_layers(name, is_streaming):
    program = fifo_program(FIFO_CASE, is_streaming=is_streaming)
    *rest, start, fed = program.phases
    bit = regmap.CTL.pack(**{name: 1})
    writes = (op for op in start.operations if isinstance(op, Write))
    flipped = Phase("start", tuple(Write(op.addr, op.value ^ bit) for op in writes))
    message = rf"CTL.{name} is {1 - is_streaming}, FMAX of the layers says {int(is_streaming)}"
    with pytest.raises(MachineFault, match=message):
        Machine().run(replace(program, phases=(*rest, flipped, fed)))


def with_layer_register(program, register, word):
    """The program with another value of a register of layer 0, in all quadrants."""
    addrs = {regmap.layer_register_addr(CHIP, register, 0, quadrant) for quadrant in range(4)}
    phases = []
    for phase in program.phases:
        kept = [op for op in phase.operations if getattr(op, "addr", 0) not in addrs]
        added = [Write(addr, word) for addr in sorted(addrs)] if phase.name == "configure" else []
        phases.append(Phase(phase.name, (*kept, *added)))
    return replace(program, phases=tuple(phases))


POOLED = replace(FIFO_CASE, pool=(2, 2))


@pytest.mark.parametrize(
    ("program", "register", "word", "message"),
    [
        (CASE.program(), regmap.STREAM1, 1, "STREAM1.start is 1, its first window needs 0 values"),
        (fifo_program(FIFO_CASE), regmap.STREAM1, 8, "STREAM1.start is 8, .* needs 9 values"),
        (
            fifo_program(POOLED, is_streaming=True), regmap.STREAM1, 4,
            "STREAM1.start is 4, its first window needs 5 values",
        ),
        (
            with_layer_register(fifo_program(POOLED, is_streaming=True), regmap.STREAM1, 5),
            regmap.FMAX, 4, "FMAX is 4, a window needs 5 words",
        ),
    ],
)  # fmt: skip
def test_layers_wait_for_their_first_window(program, register, word, message):
    with pytest.raises(MachineFault, match=f"layer 0: {message}"):
        Machine().run(with_layer_register(program, register, word))


def test_fifos_out_of_step_are_not_modelled():
    program = fifo_program(FIFO_CASE)
    control = regmap.global_register_addr(CHIP, regmap.FIFO_CTL)
    init, weights, bias, configure, *rest = program.phases
    free = Phase("configure", (*configure.operations, Write(control, 0x1108)))
    with pytest.raises(MachineFault, match=r"FIFO_CTL.fifo_cpl is 0: FIFOs out of step"):
        Machine().run(replace(program, phases=(init, weights, bias, free, *rest)))


def test_bias_of_a_streaming_first_layer_starts_one_byte_later():
    fields = FIFO_CASE.fields()[regmap.POST] | {"bptr_en": 1, "bptr_sad": 2}
    case = replace(
        FIFO_CASE, bias=np.arange(1, 7), changes={("POST", 1): regmap.POST.pack(**fields)}
    )  # the bytes themselves start at 3
    program = fifo_program(case, is_streaming=True)
    machine = Machine()
    machine.run(program)
    assert machine.check_known_answer(program) is None


def test_a_quadrant_without_power_cannot_run():
    aon = regmap.global_register_addr(CHIP, regmap.AON)
    phases = (Phase("init", (Write(aon, 1 << 14),)), *CASE.program().phases)
    with pytest.raises(MachineFault, match=r"quadrant 2: runs, but AON.pd takes the power"):
        Machine().run(replace(CASE.program(), phases=phases))


@pytest.mark.parametrize("look", [Poll, Require])
def test_a_wait_that_never_ends_and_a_demand_that_is_not_met(look):
    phase = Phase("init", (look(CTL0, 1, 1),))
    with pytest.raises(MachineFault, match="init: quadrant 0 CTL: is 0x00000000 and will never be"):
        Machine().execute(phase)


def two_layers():
    """CASE, then a 1x1 layer that reads its output."""
    first = CASE.program()
    second = Case(
        CASE.answer()[None],
        np.random.default_rng(4).integers(-128, 128, (3, 6, 1, 1)),
        in_word=CASE.out_word,
        out_word=0x1800,
    )
    kernels = tuple(second.kernels())
    moved = [replace(block, addr=block.addr + 4 * 8) for block in kernels]
    writes = []
    for quadrant in range(4):
        for register, value in second.layer_writes(quadrant).items():
            # kernels start at word 8: 8 * 9 bytes of 8 bits
            moved_by = 8 * 72 * 0x1_0001 if register is regmap.MCNT else 0
            addr = regmap.layer_register_addr(CHIP, register, 1, quadrant)
            writes.append(Write(addr, value + moved_by))
        addr = regmap.quadrant_register_addr(CHIP, regmap.LCNT_MAX, quadrant)
        writes.append(Write(addr, 1))
    extra = (Phase("load_weights", tuple(moved)), Phase("configure", tuple(writes)))
    output = replace(second.output_map(), layer=1, name="logits")
    answer = tuple(replace(expected, layer=1) for expected in second.known_answer())
    phases = (*first.phases[:-1], *extra, first.phases[-1])
    return replace(first, phases=phases, known_answer=answer, outputs=(output,))


def test_two_layers():
    machine = Machine()
    result = machine.run(two_layers())
    assert machine.check_known_answer(two_layers()) is None
    assert [setup.index for setup in result.setups] == [0, 1]
    assert result.cycles == 1 + sum(result.layer_cycles)


@pytest.mark.parametrize(
    ("case", "timing"),
    [
        (CASE, LayerTiming(3, 3, 3, 1, 1, 3, 3, kernels=6)),
        (
            Case(X, W, is_transposed=True, pad=(1, 1)),
            LayerTiming(6, 6, 6, 1, 1, 3, 3, kernels=6),
        ),
        (
            Case(X, W[:, :, :1, :1], pool=(2, 2), step=2),
            LayerTiming(1, 1, 1, pool_size=4, kernels=6),
        ),
        (
            Case(np.concatenate([X, X]), function="add"),
            LayerTiming(3, 3, 3, operands=2, time_slots=2, is_passthrough=True),
        ),
        (
            Case(np.ones((1, 70, 3, 1), np.int64), np.ones((3, 70, 2, 1), np.int64), pad=(1, 0)),
            LayerTiming(3, 1, 1, 1, 0, 2, 1, in_passes=2, kernels=3),
        ),
        (
            Case(
                np.concatenate([X, X]), W, function="add", pad=(1, 1),
                pool=(2, 2), is_pooled_first=False,
            ),
            LayerTiming(
                2, 2, 2, 1, 1, 3, 3, operands=2, pool_size=4, kernels=6, is_pooled_first=False
            ),
        ),
    ],
)  # fmt: skip
def test_cycles_come_from_the_registers(case, timing):
    assert Machine().run(case.program()).layer_cycles == (layer_cycles(timing),)


def test_the_map_of_an_output_can_be_read_back_from_the_registers():
    for case in (CASE, replace(CASE, is_wide=True, shift=0), replace(CASE, gap=2)):
        result = Machine().run(case.program())
        found, known = output_map_of(CHIP, result.setups[0]), case.output_map()
        assert (found.shape, found.width_bits) == (known.shape, known.width_bits)
        assert found.channel_addrs == known.channel_addrs
        assert found.pixel_stride_bytes == known.pixel_stride_bytes


def test_a_mismatch_names_layer_channel_row_and_column():
    program = two_layers()
    machine = Machine()
    machine.run(program)
    addr, lane = program.outputs[0].place(2, 1, 2)
    word, old = (addr & 0x7FFF) // 4, machine.read_output(program.outputs[0])[2, 1, 2]
    machine.memories.data.lanes[0, word, lane] ^= 1
    mismatch = machine.check_known_answer(program)
    assert str(mismatch) == (
        f"layer 1 logits channel 2 row 1 column 2, {addr:#010x} lane 2 (data memory 0 offset "
        f"{4 * word:#06x}) is {old ^ 1}, the known answer is {old}; 1 words differ"
    )


def test_a_mismatch_outside_the_named_outputs_is_found_in_the_registers():
    program = replace(two_layers(), outputs=())
    machine = Machine()
    machine.run(program)
    machine.memories.data.lanes[0, 0x1800 + 4, 1] ^= 0x80
    assert str(machine.check_known_answer(program)).startswith(
        "layer 1 channel 1 row 1 column 1, 0x50406010 lane 1"
    )


def test_a_wide_mismatch_shows_whole_words():
    case = Case(X, W, pad=(1, 1), is_wide=True)
    program, machine = case.program(), Machine()
    machine.run(program)
    machine.memories.data.lanes[0, 0x1000 + 16 * 0 + 1, 2] ^= 1
    text = str(machine.check_known_answer(program))
    want = int(case.answer()[1, 0, 0])
    assert text.startswith("layer 0 out channel 1 row 0 column 0")
    assert f"is {want ^ 0x1_0000}, the known answer is {want};" in text


def test_a_known_answer_outside_data_memory():
    program = replace(CASE.program(), known_answer=(Expected(0, CTL0, 1, (1,)),))
    machine = Machine()
    machine.run(program)
    with pytest.raises(MachineFault, match="0x50100000, quadrant 0 CTL: no output can be there"):
        machine.check_known_answer(program)
