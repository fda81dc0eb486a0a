"""The fast FIFO of the RISC-V core: its registers, what the machine refuses, another input."""

from dataclasses import replace

import numpy as np
import pytest

from max78000.facts import regmap
from max78000.facts.chip import MAX78000
from max78000.machine import Machine, MachineFault
from max78000.machine.predict import LoadedMachine
from max78000.program.program import FastFifo, Phase, Write, from_json, to_json
from networks import Net, compile_net, image_of, source_of
from synthesis.compile import compile_source
from synthesis.generate.options import ProgramOptions
from synthesis.read.source import InputPath

CR, SR, DR = 0x400C_0400, 0x400C_0404, 0x400C_0410
CONTROL = (0x5010_0000, 0x5050_0000, 0x5090_0000, 0x50D0_0000)
APART = "0x0001000100010001"  # a processor in each quadrant


def compiled(layers="{}", weights="4x3x3x3", image="3x6x5"):
    source = source_of(Net(layers, weights, image, input_path=InputPath.FAST_FIFO))
    return compile_source(source, ProgramOptions("tiny"), MAX78000, frozenset({"S8a"}))


def apart():
    layers = f"{{processors: {APART}, output_processors: 0xf, out_offset: 0x4000}}"
    return compiled(layers, "4x4x3x3", "4x6x5")


def writes(program, name):
    return [(op.addr, op.value) for op in program.phase(name).operations if isinstance(op, Write)]


def changed(program, addr, value):
    """The program with another value for the last store to a register."""
    phases = []
    for phase in program.phases:
        ops = list(phase.operations)
        at = [i for i, op in enumerate(ops) if isinstance(op, Write) and op.addr == addr]
        if at and phase.name != "init":
            ops[at[-1]] = Write(addr, value)
        phases.append(Phase(phase.name, tuple(ops)))
    return replace(program, phases=tuple(phases))


def test_registers_of_processors_0_to_3():
    """No FIFO control, CR = 0xA0 as the last."""
    program = compiled().program
    assert (CONTROL[0], 0x0010_8008) in writes(program, "init")
    assert writes(program, "configure")[-1] == (CR, 0xA0)
    assert not any(addr == 0x5000_0000 for addr, _ in writes(program, "configure"))
    assert writes(program, "start") == [(CONTROL[0], 0x00D0_8808), (CONTROL[0], 0x00D0_8809)]
    assert [phase.name for phase in program.phases][-2:] == ["start", "load_input"]


def test_registers_of_one_processor_in_each_quadrant():
    program = apart().program
    first, *others, master = writes(program, "start")
    assert first == (CONTROL[0], 0x0050_8808)
    assert others == [(addr, 0x0050_8809) for addr in CONTROL[1:]]
    assert master == (CONTROL[0], 0x0050_8809)


@pytest.mark.parametrize("is_chw", [False, True], ids=["hwc", "chw"])
def test_words_are_those_of_fifo_0(is_chw):
    layers, sizes = (
        ("{data_format: chw}", ("4x1x3x3", "1x6x5")) if is_chw else ("{}", ("4x3x3x3", "3x6x5"))
    )
    fast = compiled(layers, *sizes).program.phase("load_input").operations
    plain = (
        compile_net(Net(layers, *sizes, input_path=InputPath.FIFO))
        .program.phase("load_input")
        .operations
    )
    assert [op.words for op in fast if isinstance(op, FastFifo)] == [op.words for op in plain]  # type: ignore[union-attr]


def test_it_runs_and_is_written_down():
    program = compiled().program
    assert from_json(to_json(program, MAX78000)) == program
    machine = Machine()
    machine.run(program)
    assert machine.check_known_answer(program) is None
    assert machine.load(SR) == 0
    assert machine.load(CR) == 0xA0


@pytest.mark.parametrize("make", [compiled, apart])
def test_another_input_through_the_fast_fifo(make):  # type: ignore[no-untyped-def]
    made = make()
    loaded = LoadedMachine(made.program)
    sample = image_of(Net("", image="4x6x5" if make is apart else "3x6x5"))
    assert np.array_equal(loaded.predict(sample)[0], made.results[-1])
    rng = np.random.default_rng(4)
    image = rng.integers(-128, 128, (4 if make is apart else 3, 6, 5))
    (first,) = loaded.predict(image)
    (again,) = loaded.predict(image)
    (other,) = loaded.predict(image[::-1])
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize(
    ("addr", "value", "message"),
    [
        (CONTROL[0], 0x00D0_0809, r"CTL.ffifo_en without CTL.fifo_en, in quadrants \[0\]"),
        (CONTROL[0], 0x0090_8809, r"CTL.fifogrp is set in quadrants \[0\], the fast FIFO feeds"),
        (CR, 0, "the fast FIFO is on, but FFIFO_CTL or IFRM is 0"),
        (0x5010_0990, 0, "the fast FIFO is on, but FFIFO_CTL or IFRM is 0"),
        (CR, 0xA1, "sets unnamed bits 0x00000001, which is not modelled"),
        (CONTROL[0], 0x80D0_8809, "sets qupac, which is not modelled"),
    ],
)
def test_contradictions(addr, value, message):
    with pytest.raises(MachineFault, match=message):
        Machine().run(changed(compiled().program, addr, value))


def test_both_kinds_of_fifo():
    program = compiled().program
    machine = Machine()
    machine.store(regmap.global_register_addr(MAX78000, regmap.FIFO_CTL), 0x1908)
    with pytest.raises(MachineFault, match=r"FIFO_CTL\.fifo_en is not 0"):
        machine.run(program)


def test_words_that_nothing_takes():
    program = compiled().program
    with pytest.raises(MachineFault, match="the fast FIFO: nothing takes words"):
        Machine().store(DR, 1)
    *rest, fed = program.phases
    (operation,) = fed.operations
    assert isinstance(operation, FastFifo)
    short = Phase("load_input", (FastFifo(operation.words[:-1]),))
    with pytest.raises(MachineFault, match="not complete: the FIFOs got 29 words"):
        Machine().run(replace(program, phases=(*rest, short)))


@pytest.mark.parametrize("addr", [0x400C_0408, 0x400C_040C, 0x400C_0414])
def test_interrupts_and_dma_are_not_modelled(addr):
    with pytest.raises(MachineFault, match="there is no word"):
        Machine().store(addr, 0)
