"""The flash controller (FLC): erases pages, writes lines, and refuses what the chip refuses.

A peripheral of the virtual board; it changes the flash it is given and knows no processor core.
It is no model of time: an operation is over when the store that started it returns. It is stricter
than silicon where silicon would damage data in silence: such a store is a `BoardError`.

Source: docs/hardware/firmware.md#flash-controller; [MSDK] flc_regs.h, flc_reva.c, flc_me17.c; [ERR]
item 5 (page locks).
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from max78000.board.devices.info_block import content, serial_number
from max78000.board.objections import Objections
from max78000.board.placement import Placement, Surroundings
from max78000.errors import BoardError
from max78000.facts.memory_map import FLASH_BYTES, LINE_BYTES, PAGE_BYTES

# fmt: off
#       register   offset
ADDR,   CLKDIV,  CTRL   = 0x00, 0x04, 0x08
INTR,   DATA0,   ACTRL  = 0x24, 0x30, 0x40
WELR0,  WELR1           = 0x80, 0x88
RLR0,   RLR1            = 0x90, 0x98

#                 bit of CTRL
CTRL_WRITE      = 1 << 0
CTRL_MASS_ERASE = 1 << 1
CTRL_PAGE_ERASE = 1 << 2
CTRL_IS_32_BIT  = 1 << 4
CTRL_ERASE_CODE = 0xFF << 8
CTRL_LOW_VOLTAGE = 1 << 25
CTRL_UNLOCK     = 0xF << 28
# fmt: on
CTRL_OPERATIONS = CTRL_WRITE | CTRL_MASS_ERASE | CTRL_PAGE_ERASE
CTRL_KNOWN = CTRL_OPERATIONS | CTRL_IS_32_BIT | CTRL_ERASE_CODE | CTRL_LOW_VOLTAGE | CTRL_UNLOCK

UNLOCKED, LOCKED = 2 << 28, 3 << 28
INFO_KEY = (0x3A7F_5CA3, 0xA1E3_4F20, 0x9608_B2C1)  # stores to ACTRL that open the block
PAGE_CODE, MASS_CODE = 0x55 << 8, 0xAA << 8

INTR_DONE = 1 << 0
INTR_ACCESS_FAILURE = 1 << 1
INTR_FLAGS = INTR_DONE | INTR_ACCESS_FAILURE
INTR_ENABLES = INTR_FLAGS << 8

INFO_BLOCK_OFFSET = FLASH_BYTES  # the information block follows the flash in the controller's view
INFO_BLOCK_BYTES = 0x4000
ERASED = b"\xff"
FLASH_CLOCK_HZ = 1_000_000
CLOCK_TOLERANCE = 0.1

_RESET: Mapping[int, int] = MappingProxyType(
    {ADDR: 0, CLKDIV: 100, CTRL: LOCKED, INTR: 0, ACTRL: 0}
    | {DATA0 + 4 * index: 0 for index in range(4)}
)


class FlashController:
    """Registers of the FLC in front of a flash.

    Args:
        flash: writable buffer of 524,288 bytes; what is erased reads 0xFF.
        system_clock_hz: tells the present system clock; the flash clock, that is system clock /
            CLKDIV, must then be 1 MHz within a tenth. None checks only that CLKDIV is not 0.
        on_change: called after each erase or write, so that cached code can be dropped.
        locked_pages: pages whose erase and write fail; firmware may not lock any, tests may.
        info: what the program sees of the information block; erased while that is locked.
        info_content: what is in it.
    """

    def __init__(
        self,
        flash: bytearray | memoryview,
        *,
        system_clock_hz: Callable[[], int] | None = None,
        on_change: Callable[[], None] | None = None,
        locked_pages: frozenset[int] = frozenset(),
        info: bytearray | None = None,
        info_content: bytes = ERASED * INFO_BLOCK_BYTES,
    ) -> None:
        self.name = "FLC"
        self.base_addr = 0x4002_9000
        self.size_bytes = 0x1000
        self.objections = Objections()
        self._flash = memoryview(flash).cast("B")
        self._system_clock_hz = system_clock_hz
        self._on_change = on_change
        self.locked_pages = locked_pages
        self._info = bytearray(INFO_BLOCK_BYTES) if info is None else info
        self._info_content = bytearray(info_content)
        self._keys: tuple[int, ...] = ()  # the last stores to ACTRL
        self._words = dict(_RESET)
        self._lock_info()
        if len(self._flash) != FLASH_BYTES:
            raise ValueError(f"the flash has {len(self._flash)} of {FLASH_BYTES} bytes")

    @property
    def asserted(self) -> int:
        """The interrupt line."""
        return int(bool(self._words[INTR] & self._words[INTR] >> 8 & INTR_FLAGS))

    @property
    def requests(self) -> int:
        """It has no DMA requests."""
        return 0

    def awaits(self, _offset: int) -> str:
        """It waits for nothing outside."""
        return ""

    def load_part(self, offset: int, n_bytes: int) -> int:
        """Return a part of a word."""
        return self.load(offset & ~3) >> 8 * (offset & 3) & (1 << 8 * n_bytes) - 1

    def store_part(self, offset: int, n_bytes: int, value: int) -> None:
        """Refuse what is no word.

        Raises:
            BoardError: always.
        """
        raise self._fault(f"stores {n_bytes} bytes, {value:#x}, to offset {offset:#x}")

    def reset(self) -> None:
        """Return to the registers after a system reset; the flash keeps its contents."""
        self._words = dict(_RESET)
        self._lock_info()

    def load(self, offset: int) -> int:
        """Return the register at a byte offset.

        Raises:
            BoardError: no register is there.
        """
        if offset in (WELR0, WELR1, RLR0, RLR1):
            return 0xFFFF_FFFF
        if offset not in self._words:
            raise self._fault(f"reads offset {offset:#x}, where no register is")
        return self._words[offset]

    def store(self, offset: int, value: int) -> None:
        """Take a register at a byte offset; a set operation bit of CTRL starts the operation.

        Raises:
            BoardError: no register is there, or what is stored would do harm on the chip.
        """
        if offset in (WELR0, WELR1, RLR0, RLR1):
            # Quirk page-locks: they last until power is removed, and then stop execution.
            why = f"writes the page locks at offset {offset:#x}, which last until power is removed"
            raise self._fault(why, "leave WELR and RLR alone: errata item 5")
        if offset not in self._words:
            raise self._fault(f"writes offset {offset:#x}, where no register is")
        if offset == CTRL:
            self._store_ctrl(value)
        elif offset == INTR:  # a flag is cleared by writing 0 and cannot be set
            self._words[INTR] = (self._words[INTR] & value & INTR_FLAGS) | (value & INTR_ENABLES)
        elif offset == ACTRL:
            self._take_key(value)
        else:
            self._words[offset] = value & (0xFF if offset == CLKDIV else 0xFFFF_FFFF)

    def _store_ctrl(self, value: int) -> None:
        if value & ~CTRL_KNOWN:
            raise self._fault(
                f"writes {value:#010x} to CTRL, bits {value & ~CTRL_KNOWN:#x} unknown"
            )
        if value & CTRL_OPERATIONS:
            flag = INTR_DONE if self._operate(value) else INTR_DONE | INTR_ACCESS_FAILURE
            self._words[INTR] |= flag
            value &= ~(CTRL_OPERATIONS | CTRL_ERASE_CODE)  # done: both clear themselves
        self._words[CTRL] = value

    def _operate(self, ctrl: int) -> bool:
        """Do what CTRL asks for; False is an access failure."""
        self._check_clock()
        if ctrl & CTRL_UNLOCK != UNLOCKED:
            return False
        done = {
            CTRL_WRITE: self._write,
            CTRL_PAGE_ERASE: self._erase_page,
            CTRL_MASS_ERASE: self._erase_all,
        }.get(ctrl & CTRL_OPERATIONS)
        is_done = done is not None and done(ctrl)
        if is_done and self._on_change:
            self._on_change()
        return is_done

    def _write(self, ctrl: int) -> bool:
        n_bytes = 4 if ctrl & CTRL_IS_32_BIT else LINE_BYTES
        start = self._offset()
        if start % n_bytes:
            raise self._fault(f"writes {n_bytes} bytes at offset {start:#x}, which is not aligned")
        if not self._is_open(start):
            return False
        words = [self._words[DATA0 + 4 * index] for index in range(n_bytes // 4)]
        data = b"".join(word.to_bytes(4, "little") for word in words)
        memory, start = self._memory(start)
        for index, byte in enumerate(data, start):
            memory[index] &= byte  # programming clears bits, only an erase sets them
        return True

    def _erase_page(self, ctrl: int) -> bool:
        start = self._offset() // PAGE_BYTES * PAGE_BYTES
        if ctrl & CTRL_ERASE_CODE != PAGE_CODE or not self._is_open(start):
            return False
        memory, start = self._memory(start)
        memory[start : start + PAGE_BYTES] = ERASED * PAGE_BYTES
        return True

    def _erase_all(self, ctrl: int) -> bool:
        if ctrl & CTRL_ERASE_CODE != MASS_CODE or self.locked_pages:
            return False
        self._flash[:] = ERASED * FLASH_BYTES
        return True

    def _offset(self) -> int:
        """Byte offset in the flash, or behind it in the information block."""
        offset = self._words[ADDR]
        if offset >= INFO_BLOCK_OFFSET + INFO_BLOCK_BYTES:
            why = f"has {offset:#x} in ADDR, outside flash and information block"
            raise self._fault(why, "give the offset in the flash, address & 0x7ffff")
        return offset

    def _is_open(self, offset: int) -> bool:
        if offset >= INFO_BLOCK_OFFSET:
            return self.is_info_open
        return offset // PAGE_BYTES not in self.locked_pages

    def _memory(self, offset: int) -> tuple[bytearray | memoryview, int]:
        """Flash or information block, and the offset there."""
        if offset < INFO_BLOCK_OFFSET:
            return self._flash, offset
        return self._info, offset - INFO_BLOCK_OFFSET

    @property
    def is_info_open(self) -> bool:
        """The program has given the key of the information block."""
        return self._keys == INFO_KEY

    def _take_key(self, value: int) -> None:
        """A store to ACTRL: the key's last word opens the information block, others lock it."""
        if self.is_info_open:
            self._info_content[:] = self._info
        self._keys = (*self._keys, value)[-len(INFO_KEY) :]
        if self.is_info_open:
            self._info[:] = self._info_content
        else:
            self._info[:] = ERASED * INFO_BLOCK_BYTES

    def _lock_info(self) -> None:
        self._take_key(0)

    def _check_clock(self) -> None:
        divider = self._words[CLKDIV]
        if divider == 0:
            raise self._fault("starts with CLKDIV = 0", "set CLKDIV to the system clock in MHz")
        if self._system_clock_hz is None:
            return
        # Quirk flash-clock: 1 MHz, from the system clock.
        clock_hz = self._system_clock_hz() / divider
        if abs(clock_hz - FLASH_CLOCK_HZ) > CLOCK_TOLERANCE * FLASH_CLOCK_HZ:
            why = f"would run at {clock_hz / 1e6:.2f} MHz instead of 1 MHz: CLKDIV is {divider}"
            raise self._fault(why, "set CLKDIV to the system clock in MHz")

    def _fault(self, why: str, fix: str = "") -> BoardError:
        return BoardError(f"flash controller: the program {why}", where=self.name, fix=fix)


def flash_controller(_place: Placement, around: Surroundings) -> FlashController:
    """Make the controller of the board's flash."""
    clocks, flash = around.clocks, around.flash
    return FlashController(
        flash.content,
        system_clock_hz=lambda: clocks.system_clock_hz,
        on_change=flash.on_change,
        info=flash.info,
        info_content=content(serial_number(around.world.seed), INFO_BLOCK_BYTES),
    )
