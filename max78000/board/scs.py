"""The core's own registers: interrupt controller, system control, cycle counter.

Decides which exception comes next; entering it is the core's business. No debug registers.
Source: [Armv7-M] B1.5 (exceptions), B3 (address map), C1.8 (DWT).
"""

from collections.abc import Callable, Mapping
from enum import IntEnum
from types import MappingProxyType

from max78000.board import mpu, systick
from max78000.board.mpu import Mpu
from max78000.board.system import GlobalControl
from max78000.board.systick import SysTick
from max78000.board.timeline import NS_PER_S, Timeline
from max78000.errors import BoardError
from max78000.facts.memory_map import FLASH_ADDR

NMI, HARD_FAULT, MEMORY_FAULT = 2, 3, 4
SVC, PENDSV, FIRST_IRQ = 11, 14, 16
FIXED_PRIORITIES: Mapping[int, int] = MappingProxyType({NMI: -2, HARD_FAULT: -1})
N_IRQS = 104
PRIORITY_MASK = 0xE0  # three bits
THREAD_PRIORITY = 0x100  # of code outside exceptions
CPUID_VALUE = 0x410F_C241  # r0p1
RESET_KEY = 0x05FA
TRACE_ENABLE = 1 << 24  # DEMCR
SLEEPDEEP = 1 << 2  # SCR
FPU_ACCESS = 0xF << 20  # CPACR
MEMORY_FAULT_ENABLE = 1 << 16  # SHCSR
FORCED = 1 << 30  # HFSR


class Reg(IntEnum):
    """Addresses of registers, or of the first of a bank."""

    # fmt: off
    DWT_CTRL, DWT_CYCCNT = 0xE000_1000, 0xE000_1004
    ICTR = 0xE000_E004
    ISER, ICER = 0xE000_E100, 0xE000_E180  # a bit per interrupt; a one sets, clears
    ISPR, ICPR = 0xE000_E200, 0xE000_E280
    IABR, IPR  = 0xE000_E300, 0xE000_E400
    CPUID, ICSR, VTOR, AIRCR = 0xE000_ED00, 0xE000_ED04, 0xE000_ED08, 0xE000_ED0C
    SCR, CCR, SHPR1, SHCSR   = 0xE000_ED10, 0xE000_ED14, 0xE000_ED18, 0xE000_ED24
    CFSR, HFSR               = 0xE000_ED28, 0xE000_ED2C
    MMFAR, BFAR, AFSR        = 0xE000_ED34, 0xE000_ED38, 0xE000_ED3C
    CPACR                    = 0xE000_ED88
    DHCSR, DEMCR             = 0xE000_EDF0, 0xE000_EDFC
    STIR                     = 0xE000_EF00
    FPCCR, FPCAR, FPDSCR     = 0xE000_EF34, 0xE000_EF38, 0xE000_EF3C
    # fmt: on


# registers that only remember; DHCSR tells that there is no debugger
# fmt: off
ZERO: tuple[int, ...] = (
    Reg.SCR, Reg.SHCSR, Reg.CFSR, Reg.HFSR, Reg.MMFAR, Reg.BFAR, Reg.AFSR, Reg.CPACR,
    Reg.DHCSR, Reg.DEMCR, Reg.FPCAR, Reg.FPDSCR,
)
# fmt: on
RESET_VALUES: Mapping[int, int] = MappingProxyType(
    dict.fromkeys(ZERO, 0)
    | {int(Reg.CCR): 0x200, int(Reg.FPCCR): 0xC000_0000, int(Reg.DWT_CTRL): 0x4000_0000}
)
FAULTS = (Reg.CFSR, Reg.HFSR)  # a stored one clears
BANK_BYTES = 4 * (N_IRQS // 32 + 1)


class SystemControl:
    """Registers of the private peripheral bus that programs use.

    Args:
        clocks: of the core.
        timeline: for SysTick and the cycle counter.
        on_reset: called when the program asks for a system reset.
    """

    def __init__(
        self, clocks: GlobalControl, timeline: Timeline, on_reset: Callable[[], None]
    ) -> None:
        self._clocks = clocks
        self._timeline = timeline
        self._on_reset = on_reset
        self.pending: set[int] = set()
        self.enabled: set[int] = set()  # of the interrupts; system exceptions always are
        self.active: list[int] = []  # innermost last
        self.systick = SysTick(clocks, timeline, self.pending.add)
        self.mpu = Mpu()
        self.reset()

    def reset(self) -> None:
        """Return to the state after a system reset."""
        self.pending.clear()
        self.enabled.clear()
        self.active.clear()
        self._values = dict(RESET_VALUES)
        self._priorities = bytearray(FIRST_IRQ + N_IRQS)
        self._counter_start = 0  # cycles
        self.vector_table_addr = FLASH_ADDR
        self.systick.reset()
        self.mpu.reset()

    # -- exceptions --------------------------------------------------------------------------------

    @property
    def candidate(self) -> int | None:
        """The pending and enabled exception of the highest priority, whether masked or not."""
        return min(self.ready, key=lambda n: (self._priority(n), n), default=None)

    @property
    def ready(self) -> list[int]:
        """The pending and enabled exceptions."""
        return [n for n in self.pending if n < FIRST_IRQ or n in self.enabled]

    def preempts(self, exception: int, base_priority: int) -> bool:
        """Whether an exception interrupts what runs now; PRIMASK is not considered."""
        running = min((self._priority(n) for n in self.active), default=THREAD_PRIORITY)
        limit = min(running, base_priority or THREAD_PRIORITY)
        return self._priority(exception) < limit

    def activate(self, exception: int) -> None:
        """An exception is entered."""
        self.pending.discard(exception)
        self.active.append(exception)
        self.mpu.is_changed |= exception in FIXED_PRIORITIES

    def deactivate(self) -> int:
        """The innermost exception returns; which one it was."""
        exception = self.active.pop()
        self.mpu.is_changed |= exception in FIXED_PRIORITIES
        return exception

    def note_fault(self, flags: int, addr: int | None = None) -> None:
        """Say in CFSR, and with an address in MMFAR, what the program did."""
        self._values[Reg.CFSR] |= flags
        if addr is not None:
            self._values[Reg.MMFAR] = addr

    def pend_memory_fault(self, *, is_masked: bool) -> None:
        """Make the exception pending; a hard fault if that is off or cannot come now."""
        if is_masked or not self._values[Reg.SHCSR] & MEMORY_FAULT_ENABLE:
            self.pend_hard_fault()
        else:
            self.pending.add(MEMORY_FAULT)

    def pend_hard_fault(self) -> None:
        """Make a hard fault pending, in place of an exception that cannot come."""
        self._values[Reg.HFSR] |= FORCED
        self.pending.add(HARD_FAULT)

    @property
    def is_deep_sleep(self) -> bool:
        """Reg.SCR asks WFI for more than sleep."""
        return bool(self._values[Reg.SCR] & SLEEPDEEP)

    @property
    def has_fpu(self) -> bool:
        """Reg.CPACR lets the program use the floating-point unit."""
        return self._values[Reg.CPACR] & FPU_ACCESS == FPU_ACCESS

    def _priority(self, exception: int) -> int:
        fixed = FIXED_PRIORITIES.get(exception)
        return self._priorities[exception] & PRIORITY_MASK if fixed is None else fixed

    # -- registers ---------------------------------------------------------------------------------

    def load(self, addr: int, n_bytes: int) -> int:
        """Load a word; bytes and halfwords of the priority registers too.

        Raises:
            BoardError: no register is modelled there.
        """
        word = self._load_word(addr & ~3)
        return word >> 8 * (addr & 3) & (1 << 8 * n_bytes) - 1

    def store(self, addr: int, n_bytes: int, value: int) -> None:
        """Store a word; bytes and halfwords of the priority registers too.

        Raises:
            BoardError: no register is modelled there, or it does not take this.
        """
        first = _priority_index(addr)
        if first is not None:
            for index, byte in enumerate(value.to_bytes(n_bytes, "little"), first):
                if index < len(self._priorities):
                    self._priorities[index] = byte & PRIORITY_MASK
        elif n_bytes != 4:
            raise self._fault(addr, f"takes words, not {n_bytes} bytes")
        else:
            self._store_word(addr, value)

    def _load_word(self, addr: int) -> int:
        first = _priority_index(addr)
        if first is not None:
            return int.from_bytes(self._priorities[first : first + 4], "little")
        if systick.CSR <= addr <= systick.CALIB:
            return self.systick.load(addr)
        if mpu.TYPE <= addr <= mpu.LAST:
            return self.mpu.load(addr)
        bank = self._bank_of(addr)
        if bank is not None:
            return _bits_of(bank[0], bank[1])
        if addr in self._values:
            return self._values[addr]
        return self._load_special(addr)

    def _load_special(self, addr: int) -> int:
        match addr:
            case Reg.CPUID:
                return CPUID_VALUE
            case Reg.ICSR:
                candidate = self.candidate or 0
                active = self.active[-1] if self.active else 0
                return active | candidate << 12 | (systick.EXCEPTION in self.pending) << 26
            case Reg.VTOR:
                return self.vector_table_addr
            case Reg.AIRCR:
                return 0xFA05 << 16
            case Reg.ICTR:
                return N_IRQS // 32
            case Reg.DWT_CYCCNT:
                return self._cycles() - self._counter_start & 0xFFFF_FFFF
        raise self._fault(addr, "is no register that is modelled")

    def _store_word(self, addr: int, value: int) -> None:
        if systick.CSR <= addr <= systick.CALIB:
            self.systick.store(addr, value)
        elif mpu.TYPE <= addr <= mpu.LAST:
            self.mpu.store(addr, value)
        elif addr in FAULTS:
            self._values[addr] &= ~value
        elif (bank := self._bank_of(addr)) is not None:
            irqs, first, is_set = bank
            changed = {first + bit for bit in range(32) if value >> bit & 1}
            if is_set:
                irqs |= changed
            else:
                irqs -= changed
        elif addr in self._values:
            self._values[addr] = value
        else:
            self._store_special(addr, value)

    def _store_special(self, addr: int, value: int) -> None:
        match addr:
            case Reg.ICSR:
                self._store_icsr(value)
            case Reg.VTOR:
                # Quirk vector-alignment: 120 words, rounded up to a power of two.
                if value % 512:
                    raise self._fault(addr, f"VTOR {value:#010x} is not a multiple of 512")
                self.vector_table_addr = value
            case Reg.AIRCR:
                if value >> 16 == RESET_KEY and value >> 2 & 1:
                    self._on_reset()
            case Reg.STIR:
                self.pending.add(FIRST_IRQ + (value & 0x1FF))
            case Reg.DWT_CYCCNT:
                self._counter_start = self._cycles() - value
            case _:
                raise self._fault(addr, "is no register that is modelled")

    def _store_icsr(self, value: int) -> None:
        """Make system exceptions pending, or not."""
        for set_bit, exception in ((28, PENDSV), (26, systick.EXCEPTION)):
            if value >> set_bit & 1:
                self.pending.add(exception)
            elif value >> set_bit - 1 & 1:
                self.pending.discard(exception)

    def _bank_of(self, addr: int) -> tuple[set[int], int, bool] | None:
        """Set, first exception and effect of a bank that has a bit per interrupt."""
        # fmt: off
        banks = (
            #  first  set            a one adds
            (Reg.ISER, self.enabled,     True), (Reg.ICER, self.enabled, False),
            (Reg.ISPR, self.pending,     True), (Reg.ICPR, self.pending, False),
            (Reg.IABR, set(self.active), True),
        )
        # fmt: on
        for first_addr, irqs, is_set in banks:
            if first_addr <= addr < first_addr + BANK_BYTES:
                return irqs, FIRST_IRQ + 8 * (addr - first_addr), is_set
        return None

    def _cycles(self) -> int:
        """Cycles the counter of the DWT has seen: none in sleep, none while it is off."""
        if not (self._values[Reg.DEMCR] & TRACE_ENABLE and self._values[Reg.DWT_CTRL] & 1):
            return 0
        # Quirk sleeping-counters: it stands still in sleep.
        awake_ns = self._timeline.now_ns - self._timeline.slept_ns
        return awake_ns * self._clocks.system_clock_hz // NS_PER_S

    def _fault(self, addr: int, why: str) -> BoardError:
        return BoardError(f"{addr:#010x} {why}", where="core registers")


def _priority_index(addr: int) -> int | None:
    """Exception whose priority byte is at an address."""
    if Reg.IPR <= addr < Reg.IPR + N_IRQS:
        return addr - Reg.IPR + FIRST_IRQ
    return addr - Reg.SHPR1 + 4 if Reg.SHPR1 <= addr < Reg.SHPR1 + 12 else None


def _bits_of(exceptions: set[int], first: int) -> int:
    return sum(1 << n - first for n in exceptions if first <= n < first + 32)
