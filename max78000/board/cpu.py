"""The Cortex-M4 core: executes instructions, enters and leaves exceptions. Knows no device.

The instructions are unicorn's; exceptions are made here by hand, since unicorn has no interrupt
controller. Exceptions are entered between slices, after WFI, and right after an access to the bus
during which that asked for attention. The process stack and lazy stacking are not modelled. Faults
end the run as a `BoardError` that names the instruction, but for those of memory protection.

Source: [Armv7-M] B1.5 (exceptions).
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any

from max78000.board.core_registers import CORE_NAMES, CORE_REGISTERS, SPECIAL_NAMES, core_name
from max78000.board.engine import (
    FETCH_PROTECTED,
    INVALID_ACCESS,
    PROTECTED,
    Denied,
    Region,
    load_unicorn,
    permissions,
    share,
)
from max78000.board.exception_frame import (
    EXC_RETURN_FIRST,
    N_FLOATS,
    ExceptionFrame,
    FloatRegisters,
    exc_return,
    frame_bytes,
    restores_floats,
)
from max78000.board.load_store import Bus, LoadStoreUnit
from max78000.board.mpu import ALL_RIGHTS, Rights
from max78000.errors import BoardError

NEVER = 0xFFFF_FFFE  # an address no program reaches: unicorn wants one to stop at
SVC_EVENT, BKPT_EVENT, RETURN_EVENT = 2, 7, 8  # numbers of unicorn's interrupt hook
WFI, WFE = 0xBF30, 0xBF20
BRANCH_TO_SELF = 0xE7FE
LONG_BRANCH, TO_SELF = 0xF7FF, (0xFFFE, 0xBFFE)  # bl and b.w, the two halves
XPSR_THUMB, XPSR_IPSR, XPSR_ALIGNED = 1 << 24, 0x1FF, 1 << 9
CONTROL_PROCESS_STACK, CONTROL_FLOAT = 1 << 1, 1 << 2


class Stop(Enum):
    """Why the core came back."""

    SLICE = "it executed as many instructions as asked"
    SLEEP = "it waits for an interrupt"
    BKPT = "it met a bkpt instruction"
    BREAKPOINT = "it met a breakpoint"
    RETURN = "an exception returns"
    SUPERVISOR = "it executed svc"
    ATTENTION = "the bus asked for a look at exceptions and resets"
    DENIED = "memory protection forbids what it wanted to do"


@dataclass(slots=True)
class Met:
    """What unicorn has met since it was started; the loads and stores are `LoadStoreUnit`'s."""

    event: int | None = None  # a number of its interrupt hook
    invalid: str = ""  # an access to no memory, in words
    denied: Denied | None = None  # the same, if memory protection is the reason
    is_at_breakpoint: bool = False


class Core:
    """One core.

    Args:
        bus: takes loads and stores of `bus_ranges`, (address, bytes) each.
        regions: plain memory; the core works on the very buffers.
        describe: an address of code in words, for messages.
    """

    def __init__(
        self,
        bus: Bus,
        bus_ranges: tuple[tuple[int, int], ...],
        regions: tuple[Region, ...],
        describe: Callable[[int], str],
    ) -> None:
        self._describe = describe
        self._unicorn, self._names = load_unicorn()
        self._uc = self._new_engine()
        self.pc = 0
        self._met = Met()
        self._load_store = LoadStoreUnit(bus)
        self._is_stale = False  # unicorn has translated code that may have changed since
        self._breakpoints: dict[int, Any] = {}  # address -> unicorn's hook
        self.is_ignoring_breakpoints = False
        self._protected: dict[int, tuple[int, Rights]] = {}  # bytes and rights, by address
        self.is_frame_lost = False  # the last exception's, where nothing may be stored
        self._keep = [share(self._uc, region, self._unicorn) for region in regions]
        for addr, n_bytes in bus_ranges:
            self._uc.mmio_map(addr, n_bytes, self._on_load, addr, self._on_store, addr)

    # -- running -----------------------------------------------------------------------------------

    def run(self, n_instructions: int) -> Stop:
        """Execute instructions, at most about as many.

        Raises:
            BoardError: a fault of the program, with the place.
        """
        if self._is_stale:
            self._uc.ctl_flush_tb()
            self._is_stale = False
        self._met = Met()
        self._load_store.begin()
        self._emulate(n_instructions)
        if self._load_store.is_attention_wanted and not self._is_over:
            self._finish_access()
            if not self._is_over and not self._met.is_at_breakpoint:
                return Stop.ATTENTION
        self._load_store.is_attention_wanted = False
        return self._why()

    def _finish_access(self) -> None:
        """Let the instruction end during which the bus asked for attention.

        Unicorn stops before a load or store is over, and the program counter still names it; only
        inside an IT block it stops later, if at all. So one more instruction is executed, and if it
        is the access that the bus has seen, the bus does not see it again.
        """
        # Quirk emulator-repeat: stopped in an access, unicorn would do it again.
        while self._load_store.is_attention_wanted and not self._is_over:
            self._load_store.begin_repetition()
            self._emulate(1)
            self._load_store.end_repetition()

    @property
    def denied(self) -> Denied | None:
        """What memory protection has forbidden in the last run."""
        return self._met.denied

    @property
    def _is_over(self) -> bool:
        """The program cannot go on before something is looked after."""
        return self._met.event is not None or self._met.denied is not None

    def ask_attention(self) -> None:
        """For the bus, during a load or store: come back right after this instruction."""
        self._load_store.is_attention_wanted = True

    def _emulate(self, n_instructions: int) -> None:
        try:
            self._uc.emu_start(self.pc | 1, NEVER, 0, n_instructions)
        except self._unicorn.UcError as error:
            self.pc = self.register("PC")
            if self._met.denied is not None:
                # Quirk emulator-protection: it would let the next load pass.
                self._uc.ctl(self._unicorn.UC_CTL_TLB_FLUSH, self._unicorn.UC_CTL_IO_WRITE)
                return
            raise BoardError(self._met.invalid or f"{error}".lower(), where=self.place) from None
        self.pc = self.register("PC")
        failure = self._load_store.failure
        if failure is not None:
            raise BoardError(str(failure), where=self.place) from failure

    def _why(self) -> Stop:
        event = self._met.event
        if self._met.denied is not None:
            return Stop.DENIED
        if event == SVC_EVENT:
            return Stop.SUPERVISOR
        if event == BKPT_EVENT:
            return Stop.BKPT
        # Quirk emulator-return: the program counter is at EXC_RETURN, less its lowest bit.
        if event == RETURN_EVENT and self.pc >= EXC_RETURN_FIRST:
            return Stop.RETURN
        if event is not None:
            raise BoardError(f"exception {event} of the processor", where=self.place)
        if self._met.is_at_breakpoint:
            return Stop.BREAKPOINT
        # a slice that ends on a jump to right behind a WFI counts as sleep: it may wake at any time
        return Stop.SLEEP if self.opcode(self.pc - 2) in (WFI, WFE) else Stop.SLICE

    @property
    def has_used_floats(self) -> bool:
        """Floating-point registers hold something (CONTROL.FPCA)."""
        return bool(self.register("CONTROL") & CONTROL_FLOAT)

    @property
    def is_masking(self) -> bool:
        """PRIMASK or FAULTMASK keeps interrupts away."""
        return bool((self.register("PRIMASK") | self.register("FAULTMASK")) & 1)

    @property
    def place(self) -> str:
        """Where the core is, in words."""
        return f"PC {self.pc:#010x} {self._describe(self.pc)}".rstrip()

    @property
    def is_in_endless_loop(self) -> bool:
        """The next instruction is a branch to itself."""
        opcode = self.opcode(self.pc)
        if opcode == LONG_BRANCH:
            return self.opcode(self.pc + 2) in TO_SELF
        return opcode == BRANCH_TO_SELF

    def snapshot(self) -> tuple[int, ...]:
        """All that a program without floating point can tell apart, but for memory."""
        return (self.pc, *(self.register(name) for name in CORE_REGISTERS))

    def opcode(self, addr: int) -> int | None:
        """The halfword at an address; None where no memory is."""
        try:
            return int.from_bytes(self._uc.mem_read(addr, 2), "little")
        except self._unicorn.UcError:
            return None

    def drop_translations(self) -> None:
        """Code may have changed."""
        self._is_stale = True

    # -- exceptions --------------------------------------------------------------------------------

    def enter(self, exception: int, vector_table_addr: int) -> None:
        """Save the frame and go to a handler.

        Raises:
            BoardError: the stack has left the memory, or the vector is no handler.
        """
        control = self.register("CONTROL")
        if control & CONTROL_PROCESS_STACK:
            raise BoardError("the process stack is not modelled", where=self.place)
        has_floats = bool(control & CONTROL_FLOAT)
        stack = self.register("SP")
        xpsr = self.register("XPSR") & ~XPSR_ALIGNED | XPSR_THUMB
        is_nested = bool(xpsr & XPSR_IPSR)
        frame = self._frame(xpsr | (XPSR_ALIGNED if stack & 4 else 0), has_floats=has_floats)
        frame_addr = (stack - frame.n_bytes) & ~7
        self._push(frame_addr, frame)
        self._set("SP", frame_addr)
        self._set("CONTROL", control & ~CONTROL_FLOAT)
        self._set("LR", exc_return(has_floats=has_floats, is_nested=is_nested))
        self._set("IPSR", exception)
        vector = int.from_bytes(self._uc.mem_read(vector_table_addr + 4 * exception, 4), "little")
        if not vector & 1:
            why = f"the vector of exception {exception} is {vector:#010x}, which is no function"
            raise BoardError(why, where=self.place)
        self.pc = vector & ~1

    def leave(self) -> None:
        """Restore the frame; the core has jumped to EXC_RETURN, whose bit 0 unicorn drops."""
        n_bytes = frame_bytes(has_floats=restores_floats(self.pc))
        addr = self.register("SP")
        frame = ExceptionFrame.unpack(bytes(self._uc.mem_read(addr, n_bytes)))
        self._set("SP", addr + n_bytes + (4 if frame.xpsr & XPSR_ALIGNED else 0))
        self._set("XPSR", frame.xpsr & ~XPSR_ALIGNED)
        self._set("IPSR", frame.xpsr & XPSR_IPSR)
        self._restore(frame)

    def _frame(self, xpsr: int, *, has_floats: bool) -> ExceptionFrame:
        """The registers to save; `xpsr` tells the handler's return how the stack was aligned."""
        floats = None
        if has_floats:
            s = tuple(self.register(f"S{n}") for n in range(N_FLOATS))
            floats = FloatRegisters(s, self.register("FPSCR"))
        return ExceptionFrame(
            r0=self.register("R0"),
            r1=self.register("R1"),
            r2=self.register("R2"),
            r3=self.register("R3"),
            r12=self.register("R12"),
            lr=self.register("LR"),
            return_addr=self.pc,
            xpsr=xpsr,
            floats=floats,
        )

    def _restore(self, frame: ExceptionFrame) -> None:
        """Set the saved registers, but for SP and XPSR."""
        self._set("R0", frame.r0)
        self._set("R1", frame.r1)
        self._set("R2", frame.r2)
        self._set("R3", frame.r3)
        self._set("R12", frame.r12)
        self._set("LR", frame.lr)
        if frame.floats is not None:
            self._set("CONTROL", self.register("CONTROL") | CONTROL_FLOAT)
            for n, value in enumerate(frame.floats.s):
                self._set(f"S{n}", value)
            self._set("FPSCR", frame.floats.fpscr)
        self.pc = frame.return_addr & ~1

    def _push(self, addr: int, frame: ExceptionFrame) -> None:
        self.is_frame_lost = any(
            not rights.may_store and first < addr + frame.n_bytes and addr < first + n_bytes
            for first, (n_bytes, rights) in self._protected.items()
        )
        if self.is_frame_lost:
            return
        try:
            self._uc.mem_write(addr, frame.pack())
        except self._unicorn.UcError:
            raise BoardError(f"the stack has run to {addr:#010x}", where=self.place) from None

    # -- registers ---------------------------------------------------------------------------------

    def register(self, name: str) -> int:
        """A register by the name unicorn gives it."""
        return int(self._uc.reg_read(self._names[name]))

    def _set(self, name: str, value: int) -> None:
        self._uc.reg_write(self._names[name], value)

    def read(self, number: int) -> int:
        """A register by its number of DCRSR."""
        if number == 15:
            return self.pc
        if number == 20:
            return sum(self.register(name) << 8 * i for i, name in enumerate(SPECIAL_NAMES))
        value = self.register(core_name(number))
        return value | XPSR_THUMB if number == 16 else value

    def write(self, number: int, value: int) -> None:
        """Set a register by its number of DCRSR."""
        if number == 15:
            self.pc = value & ~1
        elif number == 20:
            for i, name in enumerate(SPECIAL_NAMES):
                self._set(name, value >> 8 * i & 0xFF)
        else:
            self._set(core_name(number), value)

    def reset(self, stack_addr: int, pc: int) -> None:
        """Set all registers as a reset leaves them."""
        for name in (*CORE_NAMES.values(), *SPECIAL_NAMES):
            self._set(name, 0)
        self._set("XPSR", XPSR_THUMB)
        self._set("SP", stack_addr & ~3)
        self._set("LR", 0xFFFF_FFFF)
        self.pc = pc & ~1
        self._is_stale = True

    def protect(self, addr: int, n_bytes: int, rights: Rights, region: Region) -> None:
        """Allow no more than these rights in pages of a memory; all rights end it."""
        self._uc.mem_protect(addr, n_bytes, permissions(region, rights, self._unicorn))
        self._protected.pop(addr, None)
        if rights != ALL_RIGHTS:
            self._protected[addr] = n_bytes, rights

    def set_breakpoints(self, addrs: frozenset[int]) -> None:
        """Stop before executing at any of these addresses."""
        for hook in self._breakpoints.values():
            self._uc.hook_del(hook)
        code = self._unicorn.UC_HOOK_CODE
        self._breakpoints = {
            addr: self._uc.hook_add(code, self._on_breakpoint, None, addr, addr) for addr in addrs
        }
        self._is_stale = True

    # -- unicorn -----------------------------------------------------------------------------------

    def _new_engine(self) -> Any:
        unicorn = self._unicorn
        engine = unicorn.Uc(unicorn.UC_ARCH_ARM, unicorn.UC_MODE_THUMB | unicorn.UC_MODE_MCLASS)
        engine.ctl_set_cpu_model(unicorn.arm_const.UC_CPU_ARM_CORTEX_M4)
        engine.hook_add(unicorn.UC_HOOK_INTR, self._on_event)
        engine.hook_add(unicorn.UC_HOOK_MEM_INVALID, self._on_invalid)
        return engine

    def _on_event(self, uc: Any, number: int, _data: object) -> None:
        self._met.event = number
        uc.emu_stop()

    def _on_breakpoint(self, uc: Any, _addr: int, _size: int, _data: object) -> None:
        if not self.is_ignoring_breakpoints:
            self._met.is_at_breakpoint = True
            uc.emu_stop()

    def _on_invalid(
        self, _uc: Any, access: int, addr: int, _size: int, _value: int, _data: object
    ) -> bool:
        text = INVALID_ACCESS.get(access, "has a bad access to {addr}")
        self._met.invalid = "the program " + text.format(addr=f"{addr:#010x}")
        pages = self._protected.items()
        if access in PROTECTED and any(a <= addr < a + n_bytes for a, (n_bytes, _) in pages):
            self._met.denied = Denied(addr, access == FETCH_PROTECTED, self._met.invalid)
        if access == self._unicorn.UC_MEM_FETCH_UNMAPPED:
            self._met.invalid += f"; it came from {self._describe(self.register('LR') & ~1)}"
        return False

    def _on_load(self, uc: Any, offset: int, n_bytes: int, base_addr: int) -> int:
        value = self._load_store.load(base_addr + offset, n_bytes)
        if self._load_store.is_stop_wanted:
            uc.emu_stop()
        return value

    def _on_store(self, uc: Any, offset: int, n_bytes: int, value: int, base_addr: int) -> None:
        self._load_store.store(base_addr + offset, n_bytes, value)
        if self._load_store.is_stop_wanted:
            uc.emu_stop()
