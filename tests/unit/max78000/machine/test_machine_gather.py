"""The byte gather: four pixels of a lane at each load, and everything else is a fault."""

import pytest

from max78000.facts import regmap
from max78000.facts.chip import MAX78000 as CHIP
from max78000.facts.regmap import layer_register_addr, quadrant_register_addr
from max78000.machine import Machine, MachineFault

FIRST = 0x00112233, 0x44556677, 0x8899AABB, 0xCCDDEEFF
SECOND = 0x01020304, 0x11121314, 0x21222324, 0x31323334


def gathering(quadrant=0, instance=0, word=0, lane=0):
    """A machine with eight words of data, told to gather one lane of them."""
    machine = Machine()
    machine.store_words(CHIP.data_addr(4 * instance, 4 * word), (*FIRST, *SECOND))
    start = regmap.WPTR_BASE.pack(instance=instance, word=word)
    machine.store(layer_register_addr(CHIP, regmap.WPTR_BASE, 0, quadrant), start)
    control = regmap.CTL.pack(clk_en=1, mlat_ld=1, mlatch_sel=lane)
    machine.store(quadrant_register_addr(CHIP, regmap.CTL, quadrant), control)
    return machine


def load(machine, quadrant=0):
    return machine.load(quadrant_register_addr(CHIP, regmap.MLAT, quadrant))


@pytest.mark.parametrize(("quadrant", "instance", "word"), [(0, 0, 0), (0, 3, 0x100), (2, 9, 8184)])
def test_four_pixels_of_a_lane_at_each_load(quadrant, instance, word):
    for lane, wanted in enumerate(((0xFFBB7733, 0x34241404), (0xEEAA6622, 0x33231303))):
        machine = gathering(quadrant, instance, word, lane)
        assert load(machine, quadrant) == 0  # the first load returns nothing
        assert (load(machine, quadrant), load(machine, quadrant)) == wanted


def test_it_starts_again_when_it_is_switched_off_and_on():
    machine = gathering()
    first = [load(machine) for _ in range(2)]
    control = quadrant_register_addr(CHIP, regmap.CTL, 0)
    machine.store(control, regmap.CTL.pack(clk_en=1))
    machine.store(control, regmap.CTL.pack(clk_en=1, mlat_ld=1))
    assert [load(machine) for _ in range(2)] == first


def test_it_is_switched_on_first():
    with pytest.raises(MachineFault, match=r"quadrant 1 MLAT: is read, but CTL.mlat_ld is 0"):
        load(gathering(), 1)


def test_nothing_else_runs_meanwhile():
    machine, control = Machine(), quadrant_register_addr(CHIP, regmap.CTL, 0)
    with pytest.raises(MachineFault, match="gathers bytes while the network runs"):
        machine.store(control, regmap.CTL.pack(clk_en=1, mlat_ld=1, cnn_en=1))


# fmt: off
FAULTS = [
    (regmap.LCTL2,     1,                                      "LCTL2 of layer 0 is not 0"),
    (regmap.WPTR_BASE, regmap.WPTR_BASE.pack(instance=4),      "data memory 4 belongs to another"),
    (regmap.WPTR_BASE, regmap.WPTR_BASE.pack(word=8),          "nobody gave words 0x8.. lane 0"),
    (regmap.WPTR_BASE, regmap.WPTR_BASE.pack(word=8190),       "words 0x1ffe..0x2001 are not in"),
]
# fmt: on


@pytest.mark.parametrize(("register", "value", "message"), FAULTS)
def test_what_is_not_known_is_a_fault(register, value, message):
    machine = gathering()
    machine.store(layer_register_addr(CHIP, register, 0, 0), value)
    load(machine)
    with pytest.raises(MachineFault, match=message):
        load(machine)
