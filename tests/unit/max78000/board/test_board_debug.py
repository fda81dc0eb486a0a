"""The virtual board as a debugger's target: halt, step, breakpoints, registers, memory, reset."""

import sys

import pytest
from board_programs import board_with

from max78000.board.board import VirtualBoard
from max78000.errors import BoardError, UnsupportedError
from max78000.facts.memory_map import RAM_ADDR

COUNTER = """
static volatile uint32_t count;
static volatile float half;
USED void __attribute__((noinline)) tick(void) { count++; }
int main(void)
{
    for (;;) tick();
}
"""
PC, LR, SP, XPSR, SPECIAL = 15, 14, 13, 16, 20


@pytest.fixture
def board():
    return board_with(COUNTER)


def addr_of(board, name):
    symbols = board._symbols
    return symbols.addrs[symbols.names.index(name)]


def as_target(board):
    """The type checker's word for it that the board is a target."""
    return board


def test_reset_state(board):
    target = as_target(board)
    target.reset(is_halting=True)
    assert target.is_halted
    assert target.read_register(PC) == addr_of(board, "reset")
    assert target.read_register(SP) == 0x20020000
    assert target.read_register(LR) == 0xFFFFFFFF
    assert target.read_register(XPSR) == 1 << 24
    target.run_slice()
    assert target.read_register(PC) == addr_of(board, "reset")


def test_breakpoints_halt_before_the_instruction(board):
    tick = addr_of(board, "tick")
    board.set_breakpoints(frozenset({tick}))
    board.run_slice()
    assert board.is_halted
    assert board.read_register(PC) == tick
    count = int.from_bytes(board.read_memory(RAM_ADDR, 4), "little")
    board.resume()
    board.run_slice()
    assert board.is_halted  # the comparator matches again
    board.step()
    assert board.read_register(PC) == tick + 2
    board.resume()
    board.run_slice()
    assert int.from_bytes(board.read_memory(RAM_ADDR, 4), "little") == count + 1
    board.set_breakpoints(frozenset())
    board.resume()
    board.run_slice()
    assert not board.is_halted


def test_halt_and_resume(board):
    board.run_slice()
    board.halt()
    before = board.read_memory(RAM_ADDR, 4)
    board.run_slice()
    assert board.read_memory(RAM_ADDR, 4) == before
    board.resume()
    board.run_slice()
    assert board.read_memory(RAM_ADDR, 4) != before


def test_bkpt_halts():
    board = board_with("int main(void) { return 7; }")
    board.run_slice()
    assert board.is_halted
    assert board.read_memory(board.read_register(PC), 2) == b"\x00\xbe"
    assert board.read_register(0) == 7


def test_registers_can_be_written(board):
    board.halt()
    for number in [*range(13), *range(0x40, 0x60)]:
        board.write_register(number, 0x1000 + number)
    for number in [*range(13), *range(0x40, 0x60)]:
        assert board.read_register(number) == 0x1000 + number
    board.write_register(PC, addr_of(board, "tick") | 1)
    assert board.read_register(PC) == addr_of(board, "tick")
    board.write_register(SPECIAL, 1)
    assert board.read_register(SPECIAL) & 0xFF == 1
    with pytest.raises(BoardError, match="no register 0x7f"):
        board.read_register(0x7F)


def test_code_in_ram_runs_and_can_be_replaced():
    board = VirtualBoard()  # erased: locked up until a debugger helps
    board.run_slice()
    assert not board.is_halted
    for immediate in (1, 2):
        board.halt()
        code = (0x2000 | immediate).to_bytes(2, "little") + b"\x00\xbe"  # movs r0, #n; bkpt
        board.write_memory(RAM_ADDR + 0x100, code)
        board.write_register(PC, RAM_ADDR + 0x100)
        board.write_register(SP, RAM_ADDR + 0x1000)
        board.resume()
        board.run_slice()
        assert board.is_halted
        assert board.read_register(0) == immediate


def test_memory_and_devices_through_the_debugger(board):
    board.write_memory(RAM_ADDR + 3, b"abc")
    assert board.read_memory(RAM_ADDR + 2, 4)[1:] == b"abc"
    assert board.read_memory(0x10000000, 4) == (0x20020000).to_bytes(4, "little")
    assert board.read_memory(0xE000ED00, 4) == (0x410FC241).to_bytes(4, "little")
    board.write_memory(0xE000ED88, (15 << 20).to_bytes(4, "little"))
    assert board.read_memory(0x40000050, 4) == b"\xa1\0\0\0"
    board.write_memory(0x40000028, b"\x04\0\0\0")
    assert board.read_memory(0x40000028, 4) == b"\x04\0\0\0"
    for addr in (0x10080000, 0x60000000, 0x40030000, 0xE0003000):
        with pytest.raises(BoardError, match=r"no (device|register)"):
            board.read_memory(addr, 4)
    with pytest.raises(BoardError, match=r"a store to flash at 0x10000000 \(use the flash contr"):
        board.write_memory(0x10000000, bytes(4))
    with pytest.raises(BoardError, match="2 bytes at 0x40000050 are no memory and no words"):
        board.read_memory(0x40000050, 2)


def test_flash_controller_changes_what_runs():
    board = board_with("int main(void) { return 1; }")
    board.run_slice()
    image = bytes(board_with("int main(void) { return 2; }").flash[:0x2000])
    board.halt()
    flc = 0x40029000

    def store(offset, value):
        board.write_memory(flc + offset, value.to_bytes(4, "little"))

    store(4, 60)
    store(0, 0)
    store(8, 2 << 28 | 0x55 << 8 | 4)
    assert board.flash[:0x2000] == b"\xff" * 0x2000
    for offset in range(0, len(image), 16):
        store(0, offset)
        for i in range(4):
            word = image[offset + 4 * i : offset + 4 * i + 4]
            store(0x30 + 4 * i, int.from_bytes(word, "little"))
        store(8, 2 << 28 | 1)
    board.reset(is_halting=False)
    board.run_slice()
    assert board.read_register(0) == 2


def test_without_the_emulator(monkeypatch):
    monkeypatch.setitem(sys.modules, "unicorn", None)
    with pytest.raises(UnsupportedError, match=r"needs unicorn \(pip install .*\[board\]"):
        VirtualBoard()
