"""The flash controller: what it does, what it refuses, and what it calls a fault of the program."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from max78000.board.devices import flash_controller as flc
from max78000.board.devices.flash_controller import FlashController
from max78000.errors import BoardError

DATA = tuple(range(flc.DATA0, flc.DATA0 + 16, 4))


@pytest.fixture
def flash():
    return bytearray(b"\xff" * flc.FLASH_BYTES)


@pytest.fixture
def controller(flash):
    return FlashController(flash)


def operate(controller, offset, settings, operation):
    controller.store(flc.ADDR, offset)
    controller.store(flc.CTRL, flc.UNLOCKED | settings)
    controller.store(flc.CTRL, flc.UNLOCKED | settings | operation)
    return controller.load(flc.INTR)


def write_line(controller, offset, data):
    for index, register in enumerate(DATA):
        controller.store(register, int.from_bytes(data[4 * index :][:4], "little"))
    return operate(controller, offset, 0, flc.CTRL_WRITE)


def test_reset_state(controller):
    assert controller.load(flc.CTRL) == flc.LOCKED
    assert controller.load(flc.INTR) == 0


def test_a_line_is_written_and_the_operation_ends_at_once(controller, flash):
    assert write_line(controller, 0x40, bytes(range(16))) == flc.INTR_DONE
    assert flash[0x40:0x50] == bytes(range(16))
    assert flash[0x50] == 0xFF
    assert controller.load(flc.CTRL) == flc.UNLOCKED


@given(st.binary(min_size=16, max_size=16), st.binary(min_size=16, max_size=16))
def test_writing_only_clears_bits(first, second):
    flash = bytearray(b"\xff" * flc.FLASH_BYTES)
    controller = FlashController(flash)
    write_line(controller, 0, first)
    write_line(controller, 0, second)
    assert flash[:16] == bytes(a & b for a, b in zip(first, second, strict=True))


def test_32_bit_mode_writes_the_first_word(controller, flash):
    controller.store(flc.DATA0, 0x0403_0201)
    operate(controller, 0x24, flc.CTRL_IS_32_BIT, flc.CTRL_WRITE)
    assert flash[0x20:0x2C] == b"\xff" * 4 + bytes((1, 2, 3, 4)) + b"\xff" * 4


def test_page_erase_takes_the_whole_page_and_clears_its_code(controller, flash):
    flash[:] = bytes(flc.FLASH_BYTES)
    operate(controller, 0x2010, flc.PAGE_CODE, flc.CTRL_PAGE_ERASE)
    assert flash[0x2000:0x4000] == b"\xff" * flc.PAGE_BYTES
    assert flash[0x1FFF] == flash[0x4000] == 0
    assert not controller.load(flc.CTRL) & flc.CTRL_ERASE_CODE


def test_mass_erase(controller, flash):
    flash[:] = bytes(flc.FLASH_BYTES)
    operate(controller, 0, flc.MASS_CODE, flc.CTRL_MASS_ERASE)
    assert flash == b"\xff" * flc.FLASH_BYTES


# fmt: off
REFUSED = (
    # operation                                      what is wrong
    (flc.UNLOCKED | flc.CTRL_PAGE_ERASE,             "no erase code"),
    (flc.UNLOCKED | flc.MASS_CODE | flc.CTRL_PAGE_ERASE, "the other erase's code"),
    (flc.UNLOCKED | flc.PAGE_CODE | flc.CTRL_MASS_ERASE, "the other erase's code"),
    (flc.LOCKED | flc.PAGE_CODE | flc.CTRL_PAGE_ERASE, "locked"),
    (flc.LOCKED | flc.CTRL_WRITE,                    "locked"),
    (flc.UNLOCKED | flc.PAGE_CODE | flc.CTRL_PAGE_ERASE | flc.CTRL_WRITE, "two operations"),
)
# fmt: on


@pytest.mark.parametrize(("ctrl", "_why"), REFUSED)
def test_access_failures_change_nothing(controller, flash, ctrl, _why):
    flash[:] = bytes(flc.FLASH_BYTES)
    for register in DATA:
        controller.store(register, 0xFFFF_FFFF)
    controller.store(flc.CTRL, ctrl)
    assert controller.load(flc.INTR) & flc.INTR_ACCESS_FAILURE
    assert not any(flash)


def test_locked_pages_and_the_information_block_fail(flash):
    controller = FlashController(flash, locked_pages=frozenset({1}))
    failed = flc.INTR_DONE | flc.INTR_ACCESS_FAILURE
    assert write_line(controller, 0x2000, bytes(16)) == failed
    controller.store(flc.INTR, 0)
    assert write_line(controller, 0x0000, bytes(16)) == flc.INTR_DONE
    assert operate(controller, 0x2000, flc.PAGE_CODE, flc.CTRL_PAGE_ERASE) == failed
    controller.store(flc.INTR, 0)
    assert write_line(controller, flc.INFO_BLOCK_OFFSET, bytes(16)) == failed


def test_flags_are_cleared_by_zeros_and_not_set_by_ones(controller):
    controller.store(flc.INTR, flc.INTR_ENABLES | flc.INTR_FLAGS)
    assert controller.load(flc.INTR) == flc.INTR_ENABLES
    write_line(controller, 0, bytes(16))
    controller.store(flc.INTR, flc.INTR_ACCESS_FAILURE)
    assert controller.load(flc.INTR) == 0


# fmt: off
FAULTS = (
    # stores                                                       message
    (((flc.WELR0, 0),),                                            "page locks"),
    (((flc.RLR1, 0),),                                             "page locks"),
    (((0x0C, 0),),                                                 "no register|where no register"),
    (((flc.CTRL, 1 << 27),),                                       "bits 0x8000000 unknown"),
    (((flc.ADDR, 0x48), (flc.CTRL, flc.UNLOCKED | 1)),             "not aligned"),
    (((flc.ADDR, 0x1000_0000), (flc.CTRL, flc.UNLOCKED | 1)),      "outside flash"),
    (((flc.CLKDIV, 0), (flc.CTRL, flc.UNLOCKED | 1)),              "CLKDIV = 0"),
)
# fmt: on


@pytest.mark.parametrize(("stores", "message"), FAULTS)
def test_what_would_do_harm_is_a_fault(controller, stores, message):
    *before, last = stores
    for offset, value in before:
        controller.store(offset, value)
    with pytest.raises(BoardError, match=message):
        controller.store(*last)


def test_unknown_registers_cannot_be_read_and_locks_read_open(controller):
    with pytest.raises(BoardError, match="no register"):
        controller.load(0x0C)
    assert controller.load(flc.WELR0) == 0xFFFF_FFFF


@pytest.mark.parametrize(
    ("system_mhz", "divider", "is_right"), [(60, 60, True), (100, 100, True), (100, 60, False)]
)
def test_the_flash_clock_must_be_1_mhz(flash, system_mhz, divider, is_right):
    controller = FlashController(flash, system_clock_hz=lambda: system_mhz * 1_000_000)
    controller.store(flc.CLKDIV, divider)
    if is_right:
        assert write_line(controller, 0, bytes(16)) == flc.INTR_DONE
    else:
        with pytest.raises(BoardError, match=r"1\.67 MHz instead of 1 MHz"):
            write_line(controller, 0, bytes(16))


def test_changes_are_told_and_reset_keeps_the_flash(flash):
    changes = []
    controller = FlashController(flash, on_change=lambda: changes.append(1))
    write_line(controller, 0, bytes(16))
    controller.reset()
    assert changes == [1]
    assert controller.load(flc.CTRL) == flc.LOCKED
    assert not any(flash[:16])


def test_the_size_of_the_flash_is_checked():
    with pytest.raises(ValueError, match="16 of 524288"):
        FlashController(bytearray(16))
