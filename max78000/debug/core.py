"""Halting debug of a Cortex-M4: the registers by which a debugger stops, steps, reads and resets.

Stands between the memory access port and a `Target`: debug registers are answered here, everything
else is the target's memory. It moves no bits and knows no wire. A fault of the running program is
kept, and shown to the debugger as lockup.

Source: [Armv7-M] C1.6 (halting debug registers), B3.2 (AIRCR, CPUID).
"""

from max78000.debug.breakpoints import BreakpointUnit, WatchUnit
from max78000.debug.identity import (
    COMPONENTS,
    DWT_ADDR,
    FIXED_WORDS,
    FPB_ADDR,
    Identity,
    identification_word,
)
from max78000.debug.target import Target
from max78000.errors import BoardError

# fmt: off
CPUID, AIRCR, DFSR          = 0xE000_ED00, 0xE000_ED0C, 0xE000_ED30
DHCSR, DCRSR, DCRDR, DEMCR  = 0xE000_EDF0, 0xE000_EDF4, 0xE000_EDF8, 0xE000_EDFC

#       bit                  of DHCSR
C_DEBUGEN,  C_HALT,  C_STEP  = 1 << 0, 1 << 1, 1 << 2
C_KEPT                       = 0x2F
DHCSR_KEY                    = 0xA05F
S_REGRDY,   S_HALT           = 1 << 16, 1 << 17
S_LOCKUP,   S_RESET          = 1 << 19, 1 << 25

#       bit                  of DFSR, DEMCR, AIRCR, DCRSR
DFSR_HALTED, DFSR_BKPT, DFSR_VCATCH = 1 << 0, 1 << 1, 1 << 3
VC_CORERESET                 = 1 << 0
AIRCR_KEY, AIRCR_RESETS      = 0x05FA, 1 << 2 | 1 << 0
AIRCR_READ_KEY               = 0xFA05_0000
DCRSR_IS_WRITE               = 1 << 16
# fmt: on
_OWN_WORDS = (CPUID, AIRCR, DFSR, DHCSR, DCRSR, DCRDR, DEMCR)


class CoreDebug:
    """Debug registers and memory of one core, as its memory access port reaches them."""

    def __init__(self, target: Target, identity: Identity | None = None) -> None:
        self._target = target
        self._identity = identity or Identity()
        self._breakpoints = BreakpointUnit()
        self._watch = WatchUnit()
        self._control = 0  # DHCSR, the part that is kept
        self._catch = 0  # DEMCR
        self._why_halted = 0  # DFSR
        self._exchange = 0  # DCRDR
        self._was_reset = True
        self._is_in_reset = False
        self.fault: BoardError | None = None  # what the running program did wrong, if anything

    def run(self) -> None:
        """Give a running core some time."""
        if self._target.is_halted or self._is_in_reset or self.fault:
            return
        try:
            self._target.run_slice()
        except BoardError as error:
            self.fault = error
        if self._target.is_halted:  # by an instruction or a breakpoint
            self._why_halted |= DFSR_BKPT
            self._control |= C_HALT

    def hold_reset(self, is_held: bool) -> None:
        """Take the reset pin; the chip restarts when it is let go."""
        if self._is_in_reset and not is_held:
            self._reset()
        self._is_in_reset = is_held

    def read(self, addr: int, n_bytes: int) -> int:
        """Return 1, 2 or 4 bytes at an aligned address as a number, little-endian.

        Raises:
            BoardError: nothing answers, or the chip is held in reset.
        """
        self._check_access(addr, n_bytes)
        word = self._debug_word(addr & ~3)
        if word is None:
            return int.from_bytes(self._target.read_memory(addr, n_bytes), "little")
        return word >> 8 * (addr & 3) & ((1 << 8 * n_bytes) - 1)

    def write(self, addr: int, value: int, n_bytes: int) -> None:
        """Write 1, 2 or 4 bytes at an aligned address.

        Raises:
            BoardError: nothing answers or it is read-only, or the chip is held in reset.
        """
        self._check_access(addr, n_bytes)
        if addr in _OWN_WORDS:
            self._write_own(addr, value)
        elif addr & ~0xFFF == FPB_ADDR:
            self._breakpoints.store(addr & 0xFFF, value)
            self._target.set_breakpoints(self._breakpoints.addrs())
        elif addr & ~0xFFF == DWT_ADDR:
            self._watch.store(addr & 0xFFF, value)
        else:
            self._target.write_memory(addr, value.to_bytes(n_bytes, "little"))

    def _check_access(self, addr: int, n_bytes: int) -> None:
        if self._is_in_reset:
            raise BoardError("the chip is held in reset", where=f"address {addr:#010x}")
        if addr % n_bytes:
            raise BoardError(f"{n_bytes} bytes are not aligned", where=f"address {addr:#010x}")

    def _debug_word(self, addr: int) -> int | None:
        """Return a debug register; None where plain memory or a device answers."""
        if addr in _OWN_WORDS:
            return self._read_own(addr)
        if addr in FIXED_WORDS:
            return FIXED_WORDS[addr]
        word = identification_word(addr)
        if word is not None:
            return word
        base, offset = addr & ~0xFFF, addr & 0xFFF
        if base == FPB_ADDR:
            return self._breakpoints.load(offset)
        if base == DWT_ADDR:
            return self._watch.load(offset)
        is_table = base in COMPONENTS and COMPONENTS[base][1] == 1
        return 0 if is_table else None

    def _read_own(self, addr: int) -> int:
        if addr == DHCSR:
            return self._status()
        return {
            CPUID: self._identity.cpuid,
            AIRCR: AIRCR_READ_KEY,
            DFSR: self._why_halted,
            DCRDR: self._exchange,
            DEMCR: self._catch,
        }.get(addr, 0)

    def _status(self) -> int:
        status = self._control | S_REGRDY
        if self._target.is_halted:
            status |= S_HALT
        elif self.fault:
            status |= S_LOCKUP
        if self._was_reset:
            status |= S_RESET
            self._was_reset = False  # cleared by reading
        return status

    def _write_own(self, addr: int, value: int) -> None:
        if addr == DHCSR and value >> 16 == DHCSR_KEY:
            self._control_core(value & C_KEPT)
        elif addr == AIRCR and value >> 16 == AIRCR_KEY and value & AIRCR_RESETS:
            self._reset()
        elif addr == DCRSR:
            self._transfer(value & 0x7F, is_write=bool(value & DCRSR_IS_WRITE))
        elif addr == DCRDR:
            self._exchange = value
        elif addr == DEMCR:
            self._catch = value
        elif addr == DFSR:
            self._why_halted &= ~value

    def _control_core(self, control: int) -> None:
        self._control = control
        wants_halt = control & C_DEBUGEN and control & C_HALT
        if wants_halt:
            if not self._target.is_halted:
                self._target.halt()
                self._why_halted |= DFSR_HALTED
        elif self._target.is_halted:
            self._let_go(is_step=bool(control & C_DEBUGEN and control & C_STEP))

    def _let_go(self, *, is_step: bool) -> None:
        self.fault = None
        if not is_step:
            self._target.resume()
            return
        try:
            self._target.step()
        except BoardError as error:
            self.fault = error
        self._control |= C_HALT
        self._why_halted |= DFSR_HALTED

    def _transfer(self, number: int, *, is_write: bool) -> None:
        if not self._target.is_halted:
            raise BoardError("the core runs", where=f"core register {number}", fix="halt it first")
        if is_write:
            self._target.write_register(number, self._exchange)
        else:
            self._exchange = self._target.read_register(number)

    def _reset(self) -> None:
        """Restart the chip; debug registers keep their contents, as only power-on clears them."""
        is_halting = bool(self._control & C_DEBUGEN and self._catch & VC_CORERESET)
        self._target.reset(is_halting=is_halting)
        self.fault = None
        self._was_reset = True
        self._control &= ~(C_HALT | C_STEP)
        if is_halting:
            self._control |= C_HALT
            self._why_halted |= DFSR_VCATCH
