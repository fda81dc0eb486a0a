"""A tolerant board goes on where silicon is silent, and says at the end what it passed over."""

import pytest
from board_programs import build

from max78000.board.board import VirtualBoard
from max78000.board.objections import Objections
from max78000.board.world import World
from max78000.errors import BoardError

LOOSE = """
int main(void)
{
    REG(TMR0) = 1; REG(TMR0 + 4) = 2;
    REG(0x40030000u) = 1;
    PCLKDIS0 &= ~1u;
    REG(GPIO0 + 0x400) = 5;
    return (int)(REG(0x40030000u) + REG(TMR0) + REG(GPIO0 + 0x400));
}
"""


def test_objections_are_raised_or_counted():
    with pytest.raises(BoardError, match="X: no"):
        Objections().raise_or_count(BoardError("no", where="X"))
    objections = Objections(is_strict=False)
    for _ in range(3):
        objections.raise_or_count(BoardError("no", where="X"))
    objections.raise_or_count(BoardError("never", where="Y"))
    assert objections.warnings == ("X: no [3 times]", "Y: never")


@pytest.mark.long
def test_what_silicon_passes_over_is_counted():
    board = VirtualBoard(is_strict=False)
    board.load_elf(build(LOOSE))
    board.run()
    assert board.read_register(0) == 0
    assert board.objections.warnings == (
        "TMR0: is used at 0x40010000 while its clock is off (clear GCR PCLKDIS0 bit 15 first)"
        " [2 times]",
        "TMR0: is used at 0x40010004 while its clock is off (clear GCR PCLKDIS0 bit 15 first)",
        "no device is modelled at 0x40030000 [2 times]",
        "GPIO0: the program stores offset 0x400, where no register is modelled",
        "GPIO0: the program loads offset 0x400, where no register is modelled",
    )


@pytest.mark.long
def test_a_strict_board_refuses_it():
    board = VirtualBoard()
    board.load_elf(build(LOOSE))
    with pytest.raises(BoardError, match="TMR0: is used at 0x40010000 while its clock is off"):
        board.run()


def test_bytes_stored_to_registers():
    block = VirtualBoard(is_strict=False).devices.by_name["FCR"]
    block.store_part(2, 1, 0xAB)
    assert block.load(0) == 0xAB0000
    assert block.load_part(2, 1) == 0xAB
    with pytest.raises(BoardError, match="a store of 1 bytes to 0x40000802; registers take words"):
        VirtualBoard().devices.by_name["FCR"].store_part(2, 1, 0xAB)


def test_the_world_holds_pins():
    port = VirtualBoard(world=World(pins={(1, 6): True})).devices.ports[1]
    assert port.level(6)
    port.drive(6, False)
    assert not port.level(6)


def test_who_watches_a_pin_is_told():
    port = VirtualBoard().devices.ports[0]
    seen = []
    port.on_change(3, seen.append)
    for name, value in (("OUTEN", 8), ("OUT_SET", 8), ("OUT_SET", 8), ("OUT_CLR", 8)):
        port.stored(name, value)
    assert seen == [False, True, False]
