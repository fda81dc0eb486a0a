"""Halting debug: what each debug register does to the core."""

import pytest
from mock_target import RAM_ADDR, MockTarget

from max78000.debug import core
from max78000.debug.core import CoreDebug
from max78000.debug.identity import FPB_ADDR, ROM_TABLE_ADDR, SCS_ADDR, Identity
from max78000.errors import BoardError

KEY = 0xA05F_0000


@pytest.fixture
def target():
    return MockTarget()


@pytest.fixture
def debug(target):
    return CoreDebug(target)


def status(debug):
    return debug.read(core.DHCSR, 4)


def test_halt_and_resume_need_the_key(debug, target):
    debug.write(core.DHCSR, core.C_DEBUGEN | core.C_HALT, 4)
    assert target.calls == []
    debug.write(core.DHCSR, KEY | core.C_DEBUGEN | core.C_HALT, 4)
    assert target.calls == ["halt"]
    assert status(debug) & core.S_HALT
    assert debug.read(core.DFSR, 4) == core.DFSR_HALTED
    debug.write(core.DHCSR, KEY | core.C_DEBUGEN, 4)
    assert target.calls == ["halt", "resume"]
    assert not status(debug) & core.S_HALT


def test_halting_without_debug_enabled_does_nothing(debug, target):
    debug.write(core.DHCSR, KEY | core.C_HALT, 4)
    assert target.calls == []


def test_step_executes_one_instruction_and_stays_halted(debug, target):
    debug.write(core.DHCSR, KEY | core.C_DEBUGEN | core.C_HALT, 4)
    debug.write(core.DHCSR, KEY | core.C_DEBUGEN | core.C_STEP, 4)
    assert target.calls == ["halt", "step"]
    assert status(debug) & core.S_HALT


def test_a_breakpoint_instruction_is_told_in_dfsr(debug, target):
    target.on_slice = target.halt
    debug.run()
    assert debug.read(core.DFSR, 4) == core.DFSR_BKPT
    debug.write(core.DFSR, core.DFSR_BKPT, 4)
    assert debug.read(core.DFSR, 4) == 0


def test_core_registers_travel_through_dcrdr(debug, target):
    target.is_halted = True
    debug.write(core.DCRDR, 0x1234, 4)
    debug.write(core.DCRSR, core.DCRSR_IS_WRITE | 13, 4)
    assert target.registers == {13: 0x1234}
    debug.write(core.DCRDR, 0, 4)
    debug.write(core.DCRSR, 13, 4)
    assert debug.read(core.DCRDR, 4) == 0x1234


def test_core_registers_of_a_running_core_are_refused(debug):
    with pytest.raises(BoardError, match="core runs"):
        debug.write(core.DCRSR, 0, 4)


@pytest.mark.parametrize(
    ("catch", "expected"), [(0, "reset run"), (core.VC_CORERESET, "reset halt")]
)
def test_reset_by_aircr_stops_if_the_vector_is_caught(debug, target, catch, expected):
    debug.write(core.DHCSR, KEY | core.C_DEBUGEN, 4)
    debug.write(core.DEMCR, catch, 4)
    debug.write(core.AIRCR, 0x05FA_0004, 4)
    assert target.calls == [expected]
    assert bool(debug.read(core.DFSR, 4) & core.DFSR_VCATCH) == bool(catch)


def test_reset_is_shown_once(debug):
    assert status(debug) & core.S_RESET
    assert not status(debug) & core.S_RESET
    debug.write(core.AIRCR, 0x05FA_0004, 4)
    assert status(debug) & core.S_RESET


def test_aircr_without_its_key_resets_nothing(debug, target):
    debug.write(core.AIRCR, 0x0000_0004, 4)
    assert target.calls == []


def test_nothing_answers_while_the_reset_pin_is_held(debug, target):
    debug.hold_reset(True)
    with pytest.raises(BoardError, match="held in reset"):
        debug.read(RAM_ADDR, 4)
    debug.hold_reset(False)
    assert target.calls == ["reset run"]
    assert debug.read(RAM_ADDR, 4) == 0


def test_a_fault_of_the_program_is_lockup_until_reset(debug, target):
    def fail():
        raise BoardError("reads an unknown address", where="0x50000000")

    target.on_slice = fail
    debug.run()
    assert status(debug) & core.S_LOCKUP
    assert "unknown address" in str(debug.fault)
    debug.write(core.AIRCR, 0x05FA_0004, 4)
    assert debug.fault is None
    assert not status(debug) & core.S_LOCKUP


@pytest.mark.parametrize(
    ("comparator", "addrs"),
    [
        (1 << 30 | 0x1000_0100 | 1, {0x1000_0100}),
        (2 << 30 | 0x1000_0100 | 1, {0x1000_0102}),
        (3 << 30 | 0x1000_0100 | 1, {0x1000_0100, 0x1000_0102}),
        (1 << 30 | 0x1000_0100, set()),
    ],
)
def test_breakpoints_of_the_fpb(debug, target, comparator, addrs):
    debug.write(FPB_ADDR + 8, comparator, 4)
    assert target.breakpoints == frozenset()
    debug.write(FPB_ADDR, 3, 4)
    assert target.breakpoints == addrs
    debug.write(FPB_ADDR, 2, 4)
    assert target.breakpoints == frozenset()


def test_the_fpb_has_six_comparators_and_keeps_them(debug, target):
    debug.write(FPB_ADDR, 3, 4)
    for index in range(8):
        debug.write(FPB_ADDR + 8 + 4 * index, 1 << 30 | 0x1000_0000 + 4 * index | 1, 4)
    assert target.breakpoints == {0x1000_0000 + 4 * index for index in range(6)}
    assert debug.read(FPB_ADDR, 4) == 0x261
    assert debug.read(FPB_ADDR + 12, 4) == 1 << 30 | 0x1000_0004 | 1


def test_watchpoints_are_refused(debug):
    assert debug.read(0xE000_1000, 4) >> 28 == 4
    debug.write(0xE000_1028, 0, 4)
    with pytest.raises(BoardError, match="watchpoint"):
        debug.write(0xE000_1028, 5, 4)


def test_components_are_found_through_the_rom_table(debug):
    for offset, part in ((0, 0x00C), (4, 0x002), (8, 0x003)):
        entry = debug.read(ROM_TABLE_ADDR + offset, 4)
        assert entry & 3 == 3
        base = (ROM_TABLE_ADDR + (entry & ~0xFFF)) & 0xFFFF_FFFF
        assert debug.read(base + 0xFE0, 4) | (debug.read(base + 0xFE4, 4) & 0xF) << 8 == part
        cidr = [debug.read(base + 0xFF0 + 4 * index, 4) for index in range(4)]
        assert cidr == [0x0D, 0xE0, 0x05, 0xB1]
    assert debug.read(ROM_TABLE_ADDR + 12, 4) == 0
    assert debug.read(ROM_TABLE_ADDR + 0xFF4, 4) == 0x10


def test_cpuid_is_what_the_identity_says(target):
    assert CoreDebug(target).read(SCS_ADDR + 0xD00, 4) == 0x410F_C241
    assert CoreDebug(target, Identity(cpuid=0x412F_C230)).read(SCS_ADDR + 0xD00, 4) == 0x412F_C230


def test_memory_of_all_sizes(debug, target):
    debug.write(RAM_ADDR, 0x4433_2211, 4)
    debug.write(RAM_ADDR + 2, 0xBBAA, 2)
    debug.write(RAM_ADDR + 1, 0xCC, 1)
    assert target.ram[:4] == bytes((0x11, 0xCC, 0xAA, 0xBB))
    assert debug.read(RAM_ADDR + 2, 2) == 0xBBAA
    with pytest.raises(BoardError, match="not aligned"):
        debug.read(RAM_ADDR + 1, 2)
