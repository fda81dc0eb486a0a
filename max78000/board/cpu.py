"""The Cortex-M4 core: executes instructions, enters and leaves exceptions. Knows no device.

The instructions are unicorn's; exceptions are made here by hand, since unicorn has no interrupt
controller. Exceptions are entered between slices, after WFI, and right after an access to the bus
during which that asked for attention. The process stack, lazy stacking and faults as exceptions are
not modelled: a fault ends the run as a `BoardError` that names the instruction.

Source: [Armv7-M] B1.5 (exceptions), C1.6 (register numbers).
"""

from collections.abc import Callable, Mapping
from enum import Enum
from types import MappingProxyType
from typing import Any, Protocol, TypeAlias

from max78000.board.engine import INVALID_ACCESS, Region, load_unicorn, share
from max78000.errors import BoardError, ToolError

NEVER = 0xFFFF_FFFE  # an address no program reaches: unicorn wants one to stop at
EXC_RETURN = 0xFFFF_FFE0  # and above
SVC_EVENT, BKPT_EVENT, RETURN_EVENT = 2, 7, 8  # numbers of unicorn's interrupt hook
WFI, WFE = 0xBF30, 0xBF20
BRANCH_TO_SELF = 0xE7FE
XPSR_THUMB, XPSR_IPSR, XPSR_ALIGNED = 1 << 24, 0x1FF, 1 << 9
CONTROL_PROCESS_STACK, CONTROL_FLOAT = 1 << 1, 1 << 2
BASIC_FRAME_BYTES, FLOAT_FRAME_BYTES = 32, 104
N_FLOATS = 16  # S0..S15 are saved by the core, the others by who uses them

CORE_NAMES: Mapping[int, str] = MappingProxyType(
    {n: f"R{n}" for n in range(13)}
    | {13: "SP", 14: "LR", 16: "XPSR", 17: "MSP", 18: "PSP", 0x21: "FPSCR"}
    | {0x40 + n: f"S{n}" for n in range(32)}
)
SPECIAL_NAMES = ("PRIMASK", "BASEPRI", "FAULTMASK", "CONTROL")  # bytes of register 20
STACKED = ("R0", "R1", "R2", "R3", "R12", "LR")

Access: TypeAlias = tuple[int, int, int | None]  # address, bytes, and what is stored


class Stop(Enum):
    """Why the core came back."""

    SLICE = "it executed as many instructions as asked"
    SLEEP = "it waits for an interrupt"
    BKPT = "it met a bkpt instruction"
    BREAKPOINT = "it met a breakpoint"
    RETURN = "an exception returns"
    SUPERVISOR = "it executed svc"
    ATTENTION = "the bus asked for a look at exceptions and resets"


class Bus(Protocol):
    """Everything that is not plain memory."""

    def load(self, addr: int, n_bytes: int) -> int:
        """Load; a `ToolError` ends the run."""

    def store(self, addr: int, n_bytes: int, value: int) -> None:
        """Store; a `ToolError` ends the run."""


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
        self._bus = bus
        self._describe = describe
        self._unicorn, self._names = load_unicorn()
        self._uc = self._new_engine()
        self.pc = 0
        self._event: int | None = None
        self._failure: ToolError | None = None
        self._invalid = ""
        self._is_attention_wanted = False
        self._access: Access | None = None  # during which the bus asked for attention
        self._seen: Access | None = None  # the same while it may be executed once more
        self._loaded = 0  # what the last load gave
        self._is_stale = False
        self._breakpoints: dict[int, Any] = {}
        self._is_at_breakpoint = False
        self.is_ignoring_breakpoints = False
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
        self._event, self._failure, self._invalid = None, None, ""
        self._is_at_breakpoint = False
        self._emulate(n_instructions)
        if self._is_attention_wanted and self._event is None:
            self._finish_access()
            if self._event is None and not self._is_at_breakpoint:
                return Stop.ATTENTION
        self._is_attention_wanted = False
        return self._why()

    def _finish_access(self) -> None:
        """Let the instruction end during which the bus asked for attention.

        Unicorn stops before a load or store is over, and the program counter still names it; only
        inside an IT block it stops later, if at all. So one more instruction is executed, and if it
        is the access that the bus has seen, the bus does not see it again.
        """
        # Quirk emulator-repeat: stopped in an access, unicorn would do it again.
        # Quirk emulator-blocks: a stop at any other place may fall into an IT block.
        while self._is_attention_wanted and self._event is None:
            self._is_attention_wanted, self._seen = False, self._access
            self._emulate(1)
            self._seen = None

    def ask_attention(self) -> None:
        """For the bus, during a load or store: come back right after this instruction."""
        self._is_attention_wanted = True

    def _emulate(self, n_instructions: int) -> None:
        try:
            self._uc.emu_start(self.pc | 1, NEVER, 0, n_instructions)
        except self._unicorn.UcError as error:
            self.pc = self.register("PC")
            raise BoardError(self._invalid or f"{error}".lower(), where=self.place) from None
        self.pc = self.register("PC")
        if self._failure is not None:
            failure = self._failure
            raise BoardError(str(failure), where=self.place) from failure

    def _why(self) -> Stop:
        if self._event == SVC_EVENT:
            return Stop.SUPERVISOR
        if self._event == BKPT_EVENT:
            return Stop.BKPT
        # Quirk emulator-return: the program counter is at EXC_RETURN, less its lowest bit.
        if self._event == RETURN_EVENT and self.pc >= EXC_RETURN:
            return Stop.RETURN
        if self._event is not None:
            raise BoardError(f"exception {self._event} of the processor", where=self.place)
        if self._is_at_breakpoint:
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
        return self.opcode(self.pc) == BRANCH_TO_SELF

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
        frame_bytes = FLOAT_FRAME_BYTES if has_floats else BASIC_FRAME_BYTES
        frame_addr = (stack - frame_bytes) & ~7
        xpsr = self.register("XPSR") & ~XPSR_ALIGNED | XPSR_THUMB
        xpsr |= XPSR_ALIGNED if stack & 4 else 0
        words = [*(self.register(name) for name in STACKED), self.pc, xpsr]
        if has_floats:
            words += [self.register(f"S{n}") for n in range(N_FLOATS)]
            words += [self.register("FPSCR"), 0]
        self._write_frame(frame_addr, words)
        is_nested = bool(xpsr & XPSR_IPSR)
        self._set("SP", frame_addr)
        self._set("CONTROL", control & ~CONTROL_FLOAT)
        self._set("LR", (0xFFFF_FFE1 if has_floats else 0xFFFF_FFF1) | (0 if is_nested else 8))
        self._set("IPSR", exception)
        vector = int.from_bytes(self._uc.mem_read(vector_table_addr + 4 * exception, 4), "little")
        if not vector & 1:
            why = f"the vector of exception {exception} is {vector:#010x}, which is no function"
            raise BoardError(why, where=self.place)
        self.pc = vector & ~1

    def leave(self) -> None:
        """Restore the frame; the core has jumped to EXC_RETURN, whose bit 0 unicorn drops."""
        has_floats = not self.pc & 0x10
        addr = self.register("SP")
        frame_bytes = FLOAT_FRAME_BYTES if has_floats else BASIC_FRAME_BYTES
        words = memoryview(bytes(self._uc.mem_read(addr, frame_bytes))).cast("I")
        xpsr = words[7]
        self._set("SP", addr + frame_bytes + (4 if xpsr & XPSR_ALIGNED else 0))
        self._set("XPSR", xpsr & ~XPSR_ALIGNED)
        self._set("IPSR", xpsr & XPSR_IPSR)
        for name, word in zip(STACKED, words, strict=False):
            self._set(name, word)
        if has_floats:
            self._set("CONTROL", self.register("CONTROL") | CONTROL_FLOAT)
            for n in range(N_FLOATS):
                self._set(f"S{n}", words[8 + n])
            self._set("FPSCR", words[24])
        self.pc = words[6] & ~1

    def _write_frame(self, addr: int, words: list[int]) -> None:
        try:
            self._uc.mem_write(addr, b"".join(word.to_bytes(4, "little") for word in words))
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
        value = self.register(_core_name(number))
        return value | XPSR_THUMB if number == 16 else value

    def write(self, number: int, value: int) -> None:
        """Set a register by its number of DCRSR."""
        if number == 15:
            self.pc = value & ~1
        elif number == 20:
            for i, name in enumerate(SPECIAL_NAMES):
                self._set(name, value >> 8 * i & 0xFF)
        else:
            self._set(_core_name(number), value)

    def reset(self, stack_addr: int, pc: int) -> None:
        """Set all registers as a reset leaves them."""
        for name in (*CORE_NAMES.values(), *SPECIAL_NAMES):
            self._set(name, 0)
        self._set("XPSR", XPSR_THUMB)
        self._set("SP", stack_addr & ~3)
        self._set("LR", 0xFFFF_FFFF)
        self.pc = pc & ~1
        self._is_stale = True

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
        self._event = number
        uc.emu_stop()

    def _on_breakpoint(self, uc: Any, _addr: int, _size: int, _data: object) -> None:
        if not self.is_ignoring_breakpoints:
            self._is_at_breakpoint = True
            uc.emu_stop()

    def _on_invalid(
        self, _uc: Any, access: int, addr: int, _size: int, _value: int, _data: object
    ) -> bool:
        text = INVALID_ACCESS.get(access, "has a bad access to {addr}")
        self._invalid = "the program " + text.format(addr=f"{addr:#010x}")
        if access == self._unicorn.UC_MEM_FETCH_UNMAPPED:
            self._invalid += f"; it came from {self._describe(self.register('LR') & ~1)}"
        return False

    def _on_load(self, uc: Any, offset: int, n_bytes: int, base_addr: int) -> int:
        access = base_addr + offset, n_bytes, None
        if self._is_new(access):
            self._loaded = 0
            try:
                self._loaded = self._bus.load(base_addr + offset, n_bytes)
            except ToolError as error:
                self._failure = error
            self._stop_if_wanted(uc, access)
        return self._loaded

    def _on_store(self, uc: Any, offset: int, n_bytes: int, value: int, base_addr: int) -> None:
        access = base_addr + offset, n_bytes, value
        if self._is_new(access):
            try:
                self._bus.store(base_addr + offset, n_bytes, value)
            except ToolError as error:
                self._failure = error
            self._stop_if_wanted(uc, access)

    def _is_new(self, access: Access) -> bool:
        """The bus has not seen this access, and the run is not over."""
        seen, self._seen = self._seen, None
        return seen != access and self._failure is None

    def _stop_if_wanted(self, uc: Any, access: Access) -> None:
        if self._is_attention_wanted or self._failure is not None:
            self._access = access
            uc.emu_stop()


def _core_name(number: int) -> str:
    name = CORE_NAMES.get(number)
    if name is None:
        raise BoardError(f"the core has no register {number:#x}")
    return name
