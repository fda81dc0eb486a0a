"""What a correct program never does: each fault with its place and reason."""

from dataclasses import replace

import numpy as np
import pytest
from hand_made import CHIP, Case

from max78000.facts import regmap
from max78000.machine import Machine, MachineFault
from max78000.machine.memory import ByteState, UndefinedFault
from max78000.program.program import Copy, KernelBlock, Phase, Write

X = np.arange(1, 33).reshape(1, 2, 4, 4)
W = np.ones((5, 2, 3, 3), np.int64)
CONV = Case(X, W, pad=(1, 1))
ADD = Case(np.concatenate([X, X]), function="add")


def changed(case, register, value, quadrants=(0, 1, 2, 3)):
    return replace(case, changes={(register, quadrant): value for quadrant in quadrants})


def value_of(case, register):
    return case.layer_writes(0)[register]


def without(program, phase_name):
    return replace(program, phases=tuple(p for p in program.phases if p.name != phase_name))


FLATTEN = regmap.POST.pack(flatten_en=1, xpmp_cnt=1)


@pytest.mark.parametrize(
    ("case", "register", "value", "message"),
    [
        (CONV, "MCNT", 0x0004_0024, "MCNT 4..36 does not hold whole steps of 8 bits"),
        (CONV, "MCNT", 0x0024, "MCNT 0..36 does not hold whole steps of 8 bits in 1 passes"),
        (CONV, "MCNT", 5 * 8, "6 output columns, room for 5"),
        (CONV, "LCTL2", 0x2100, "LCTL2.xpch_max 33 is no multiple of the weight bits"),
        (CONV, "TPTR", 4, "TPTR gives 5 row buffer entries, the layer needs 4"),
        (CONV, "ENA", 0x0001_0003, "quadrant 0: ENA.mask_en does not suit ENA.pro_en"),
        (CONV, "ENA", 0, "no processor is enabled"),
        (CONV, "WPTR_MOFFS", 0, "two output columns have the same place"),
        (CONV, "WPTR_CHOFFS", 2, "pixels are 1 words apart, passes 2"),
        (CONV, "RCNT", 0x0003_0002, "RCNT leaves -3 input rows or columns"),
        (CONV, "PRCNT", 1, "a pool window of 2x1, but LCTL.pool_en is 0"),
        (CONV, "POST", FLATTEN, "TPTR.start is not the 16 of LCTL2 and POST"),
        (CONV, "WPTR_MOFFS", 4, "two output columns share words of data memory 0"),
        (CONV, "RPTR_BASE", 8180, "data memory 0: words 0x1ff4..0x2003 are not in 0..0x1fff"),
        (CONV, "WPTR_BASE", 8180, "output to data memory 0: words 0x1ff4..0x2003 are not in"),
        (ADD, "POST", regmap.POST.pack(ts_en=1, scale_reg=1), "a pass-through with shift"),
        (ADD, "LCTL2", 1, "a pass-through with 2 input and 1 output passes"),
        (CONV, "ONED", regmap.ONED.pack(oned_en=1), "ONED.oned_width is 0, not 1..9"),
        (CONV, "ONED", regmap.ONED.pack(oned_en=1, oned_width=10), "ONED.oned_width is 10, not"),
        (CONV, "LCTL", 0x900, "LCTL.master is 0, which no layer of this kind has"),
        (CONV, "ONED", regmap.ONED.pack(conv_2d=1), "ONED.conv_2d is 1, which no layer of this"),
        (ADD, "POST", regmap.POST.pack(ts_en=1, onexone_en=1), "POST.onexone_en is 1, which no"),
    ],
)
def test_registers_that_contradict_each_other(case, register, value, message):
    with pytest.raises(MachineFault, match="layer 0") as caught:
        Machine().run(changed(case, register, value).program())
    assert message in str(caught.value)


def test_output_behind_the_last_instance():
    case = replace(CONV, first_out_processor=60)
    with pytest.raises(MachineFault, match="output to data memory 16: there is no such instance"):
        Machine().run(case.program())


def test_kernels_behind_the_last_word():
    case = changed(CONV, "MCNT", regmap.MCNT.pack(start=767 * 8, end=771 * 8))
    with pytest.raises(MachineFault, match=r"layer 0: kernel word 771 is not in 0..767"):
        Machine().run(case.program())


def test_quadrants_must_agree():
    with pytest.raises(MachineFault, match=r"RCNT.max is 5 in quadrant 0, 6 in quadrant 2"):
        Machine().run(changed(CONV, "RCNT", 0x0001_0006, (2,)).program())


def test_every_working_quadrant_must_be_added():
    lctl = value_of(CONV, regmap.LCTL) & ~0xF000
    case = replace(CONV, first_processor=32)
    with pytest.raises(MachineFault, match=r"quadrant 2 works, but LCTL.cnnsi_en does not add it"):
        Machine().run(changed(case, "LCTL", lctl, (0,)).program())


def test_bias_from_two_quadrants_is_not_modelled():
    case = changed(replace(CONV, bias=np.arange(5)), "POST", regmap.POST.pack(bptr_en=1), (0,))
    with pytest.raises(MachineFault, match=r"bias from quadrants \[0, 1\]"):
        Machine().run(case.program())


def test_too_many_processors_for_the_time_slots():
    case = Case(np.ones((1, 9, 2, 2), np.int64))
    oned = value_of(case, regmap.ONED)
    with pytest.raises(MachineFault, match=r"ONED.tscnt_max allows 2 words per quadrant"):
        Machine().run(changed(case, "ONED", oned & ~0xF | 1).program())


def test_layers_must_be_counted_alike():
    program = CONV.program()
    more = Write(regmap.quadrant_register_addr(CHIP, regmap.LCNT_MAX, 3), 4)
    phases = (Phase("init", (more,)), *program.phases)
    with pytest.raises(MachineFault, match="quadrant 3: LCNT_MAX is 4, in quadrant 0 0"):
        Machine().run(replace(program, phases=phases))


def test_a_running_quadrant_has_a_clock():
    program = CONV.program()
    start = program.phase("start").operations
    stopped = Write(start[1].addr, start[1].value & ~regmap.CTL.pack(clk_en=1))
    phases = (*program.phases[:-1], Phase("start", (start[0], stopped, *start[2:])))
    with pytest.raises(MachineFault, match=r"quadrant 2: runs, but CTL.clk_en is 0"):
        Machine().run(replace(program, phases=phases))


def test_a_quadrant_that_works_must_be_started():
    program = replace(CONV, first_processor=48).program()
    *others, master = program.phase("start").operations
    phases = (*program.phases[:-1], Phase("start", (*others[:-1], master)))
    with pytest.raises(MachineFault, match="quadrant 3: layer 0 needs it, but it was not started"):
        Machine().run(replace(program, phases=phases))


def test_kernels_that_were_never_loaded():
    with pytest.raises(
        MachineFault, match="whole output is undefined: kernels of 5 output columns"
    ):
        Machine().run(without(CONV.program(), "load_weights"))


def test_input_that_was_never_loaded():
    with pytest.raises(MachineFault, match="32 undefined input values, first processor 0 pass 0"):
        Machine().run(without(CONV.program(), "load_input"))


def test_bias_that_was_never_loaded():
    program = replace(CONV, bias=np.arange(5)).program()
    with pytest.raises(MachineFault, match="its biases were never written"):
        Machine().run(without(program, "load_bias"))


def test_nothing_started():
    with pytest.raises(MachineFault, match="nothing has started the accelerator"):
        Machine().run(without(CONV.program(), "start"))


def test_a_missing_kernel_spoils_the_outputs_that_need_it():
    program = CONV.program()
    first, last = program.phase("load_weights").operations
    assert isinstance(last, KernelBlock)
    shorter = KernelBlock(last.addr, last.words[:9])  # four of five kernels
    phases = [p for p in program.phases if p.name != "load_weights"]
    phases.insert(1, Phase("load_weights", (first, shorter)))
    machine = Machine()
    result = machine.run(replace(program, phases=tuple(phases)))
    assert result.notes == (
        "layer 0: kernels of 1 output columns were never written, "
        "first output column 4 processor 1",
    )
    assert "channel 4 row 0 column 0" in str(machine.check_known_answer(program))
    is_unknown = (machine.memories.data.states == ByteState.UNDEFINED).all(axis=2)
    instance, word = np.argwhere(is_unknown)[0]
    offset = int(instance) * CHIP.data_instance_bytes + 4 * int(word)
    addr = CHIP.quadrant_addr(0) + CHIP.data_offset + offset
    with pytest.raises(MachineFault, match="this word a value; it began with layer 0: kernels of"):
        machine.load(addr)
    with pytest.raises(MachineFault, match="out channel 4: nobody gave all of it a value"):
        machine.read_output(program.outputs[0])


def test_the_first_cause_is_named_not_the_last():
    fault = UndefinedFault("the whole output is undefined: 9 undefined input values")
    fault.name_cause(("layer 0: 3 undefined input values", "layer 1: 9 undefined input values"))
    assert str(fault).endswith("9 undefined input values; it began with layer 0: 3 undefined"
                               " input values")  # fmt: skip
    fault = UndefinedFault("the whole output is undefined")
    fault.name_cause(())
    assert str(fault) == "the whole output is undefined"


def test_missing_input_spoils_only_what_depends_on_it():
    program = Case(X, W[:, :, :1, :1]).program()
    (copy,) = program.phase("load_input").operations
    assert isinstance(copy, Copy)
    phases = [p for p in program.phases if p.name != "load_input"]
    phases.insert(-1, Phase("load_input", (Copy(copy.addr, copy.words[:-1]),)))
    machine = Machine()
    result = machine.run(replace(program, phases=tuple(phases)))
    mismatch = machine.check_known_answer(program)
    assert mismatch is not None
    assert mismatch.n_words == 2  # the last pixel: four channels, and the fifth
    assert "channel 0 row 3 column 3" in str(mismatch)
    assert "has no value" in str(mismatch)
    assert "2 undefined input values, first processor 0 pass 0 operand 0 row 3 column 3" in str(
        result.notes
    )


def test_missing_input_under_zero_kernels_does_not_matter():
    weights = W.copy()
    weights[:, 1] = 0
    case = Case(X, weights, pad=(1, 1))
    program = case.program()
    machine = Machine()
    for phase in program.phases:
        machine.execute(phase)
        if phase.name == "load_input":
            machine.memories.data.states[0, :16, 1] = 0  # as if lane 1 had never been written
    assert machine.check_known_answer(program) is None
    assert machine.result is not None
    assert "undefined input" in machine.result.notes[0]


@pytest.mark.parametrize(
    ("case", "out_word", "is_refused"),
    [
        # a 1x1 kernel may write where it has just read, not further on
        (Case(X, W[:, :, :1, :1]), 0, False),
        (Case(X, W[:, :, :1, :1]), 1, True),
        # a padded 3x3 kernel is a row and a column behind its reading
        (CONV, 0, False),
        (CONV, 4, False),
        (CONV, 5, True),
        # pooling reads further still before it writes
        (Case(X, W[:, :, :1, :1], pool=(2, 2), step=2), 5, False),
        (Case(X, W[:, :, :1, :1], pool=(2, 2), step=2), 6, True),
        # two operands: two words are read for each that is written
        (ADD, 1, False),
        (ADD, 2, True),
        # another instance is no danger
        (replace(CONV, first_out_processor=4), 6, False),
        # transposed layers write four pixels for every one they read
        (Case(X, W, is_transposed=True, pad=(1, 1)), 0, True),
        (Case(X, W, is_transposed=True, pad=(1, 1)), 16, False),
    ],
)
def test_output_over_input(case, out_word, is_refused):
    program = replace(case, out_word=out_word).program()
    machine = Machine()
    if is_refused:
        with pytest.raises(MachineFault, match=r"overwrites word .* input that is still needed"):
            machine.run(program)
    else:
        machine.run(program)
        assert machine.check_known_answer(program) is None
