"""Core, memories and devices together, as a debugger sees them. Knows no console and no verdict.

Runs the core in slices that end where the next event is due, enters exceptions, lets virtual time
pass. A strict board wants all that the firmware uses modelled and set up; the first fault is a
`BoardError` with the instruction's place. A tolerant one counts what silicon is silent about.
"""

from max78000.board.code import Code, Symbols
from max78000.board.cpu import Core, Stop
from max78000.board.device import INTERRUPT, Device
from max78000.board.dump import dump
from max78000.board.engine import Region
from max78000.board.objections import Objections
from max78000.board.peripherals import Resets, Setting, build_peripherals
from max78000.board.placement import Flash
from max78000.board.scs import FIRST_IRQ, SVC, SystemControl
from max78000.board.timeline import Timeline, Watch
from max78000.board.world import World
from max78000.errors import BoardError
from max78000.facts.chip import WORD_BYTES, Chip
from max78000.facts.memory_map import FLASH_ADDR, FLASH_BYTES, RAM_ADDR, RAM_BYTES

APB_ADDR, APB_BYTES = 0x4000_0000, 0x10_0000
PPB_ADDR, PPB_BYTES = 0xE000_0000, 0x10_0000
# Quirk filled-ram: anything but the zeros that start-up code must make.
RAM_AT_POWER_ON = b"\xa5"
SLICE_INSTRUCTIONS = 10_000
STEPS_AFTER_WAKING = 64  # one by one, until the program lets in the interrupt that woke it
PATIENT_POLLS = 1000  # loads of one register in a row before it counts as waiting
PCLK_CYCLES = 2  # system clock cycles of a register load


class Processor:
    """A MAX78000 at power-on: flash erased, core in reset, time 0. It is a `debug.target.Target`.

    Args:
        chip: the accelerator's facts.
        watch: called with every note: interrupts, pins, the accelerator's registers and layers.
        world: what is connected to the chip's pins.
        is_strict: refuse what silicon would pass over in silence.
    """

    def __init__(
        self,
        chip: Chip,
        watch: Watch | None = None,
        world: World | None = None,
        *,
        is_strict: bool = True,
    ) -> None:
        self.timeline = Timeline(watch)
        self.flash = bytearray(b"\xff" * FLASH_BYTES)
        self._ram = bytearray(RAM_AT_POWER_ON * RAM_BYTES)
        self._symbols = Symbols()
        self._resets = Resets()
        self.objections = Objections(is_strict=is_strict)
        self.devices = build_peripherals(
            chip,
            self.timeline,
            self._resets,
            Flash(self.flash, self._on_code_change),
            Setting(world or World(), self.objections),
        )
        cnn_bytes = chip.quadrant_addr(chip.n_quadrants) - chip.fifo_base
        self._cnn_range = range(chip.fifo_base, chip.fifo_base + cnn_bytes)
        self._scs = SystemControl(self.devices.clocks, self.timeline, self._on_reset_wanted)
        self._core = Core(
            self,
            ((APB_ADDR, APB_BYTES), (chip.fifo_base, cnn_bytes), (PPB_ADDR, PPB_BYTES)),
            (Region(FLASH_ADDR, self.flash, False), Region(RAM_ADDR, self._ram, True)),
            self._describe,
        )
        self._n_careful_steps = 0
        self._slice_end_ns = 0
        self._n_happened = 0  # events that were looked at
        self._is_halted = False
        self._polled_addr, self._n_polls = -1, 0  # a register that is loaded again and again
        self._polled_since = 0  # events that had happened then
        self.reset(is_halting=False)

    def load_code(self, code: Code) -> None:
        """Put a program into flash and RAM, as a programmer would, and reset.

        Raises:
            BoardError: a part of it lies outside both.
        """
        for addr, data in code.segments:
            memory = self._memory(addr, len(data))
            if memory is None:
                why = f"{len(data)} bytes of the program at {addr:#010x} are in no memory"
                raise BoardError(why, fix="link for flash at 0x10000000 and RAM at 0x20000000")
            buffer, offset = memory
            buffer[offset : offset + len(data)] = data
        self._symbols = code.symbols
        self.reset(is_halting=False)

    @property
    def place(self) -> str:
        """Where the core is, in words."""
        return self._core.place

    def _describe(self, addr: int) -> str:
        return self._symbols.describe(addr)

    # -- the bus, as the core sees it --------------------------------------------------------------

    def load(self, addr: int, n_bytes: int) -> int:
        """Load from a device or the accelerator."""
        if addr in self._cnn_range:
            value = self.devices.accelerator.load(addr, n_bytes)
        else:
            self._count_poll(addr)
            self.timeline.poll(self.devices.clocks.cycles_ns(PCLK_CYCLES))
            is_private = addr >= PPB_ADDR
            value = (self._scs if is_private else self.devices.bus).load(addr, n_bytes)
        if self.timeline.n_happened != self._n_happened:
            self._n_happened = self.timeline.n_happened
            self._core.ask_attention()
        return value

    def _count_poll(self, addr: int) -> None:
        """Count loads of one register in a row."""
        if addr != self._polled_addr or self._polled_since != self.timeline.n_happened:
            self._polled_addr, self._n_polls = addr, 0
            self._polled_since = self.timeline.n_happened
        self._n_polls += 1

    def store(self, addr: int, n_bytes: int, value: int) -> None:
        """Store to a device or the accelerator."""
        self._polled_addr = -1
        self.timeline.end_polling()
        if addr in self._cnn_range:
            self.devices.accelerator.store(addr, n_bytes, value)
        elif addr >= PPB_ADDR:
            self._scs.store(addr, n_bytes, value)
            if self._scs.candidate is not None:
                self._core.ask_attention()
        else:
            self.devices.bus.store(addr, n_bytes, value)
        due_ns = self.timeline.next_ns
        is_due_in_slice = due_ns is not None and due_ns < self._slice_end_ns
        if is_due_in_slice or self._resets.is_system_reset_wanted:
            self._core.ask_attention()

    # -- running -----------------------------------------------------------------------------------

    def advance(self) -> Stop:
        """Run one slice, or sleep until the next event; then look at exceptions and resets.

        Raises:
            BoardError: a fault of the program.
        """
        if self._is_locked_up:
            return Stop.SLEEP
        if self.is_asleep:
            self._sleep()
            return Stop.SLEEP
        n_instructions = self._slice()
        stop = self._core.run(n_instructions)
        if self._core.has_used_floats and not self._scs.has_fpu:
            fix = "set bits 23:20 of CPACR first"
            raise BoardError("floating point while it is off", where=self.place, fix=fix)
        match stop:
            case Stop.SLICE:
                self.timeline.advance(self.devices.clocks.cycles_ns(n_instructions))
            case Stop.SLEEP:
                self._begin_sleep()
            case Stop.RETURN:
                self._return()
            case Stop.SUPERVISOR:
                self._scs.pending.add(SVC)
        if self._resets.is_system_reset_wanted:
            self.timeline.note("core", "system reset")
            self.reset(is_halting=False)
        self._take_exception()
        return stop

    @property
    def is_idle(self) -> bool:
        """The core sleeps and nothing will ever wake it, or it has nothing to execute."""
        if self.is_asleep:
            self._wake()  # the host may have sent something
        return self._is_locked_up or (self.is_asleep and not self.timeline.has_alarm)

    @property
    def is_stuck(self) -> bool:
        """The core is in a loop of one instruction and nothing will ever happen."""
        return not self.timeline.has_alarm and self._core.is_in_endless_loop

    @property
    def awaited(self) -> str:
        """What from outside the program waits for, while nothing inside will ever happen."""
        if self.timeline.has_alarm:
            return ""
        if self.is_asleep:
            return next(filter(None, map(self._awaited_by, self.devices.lines)), "")
        if self._n_polls <= PATIENT_POLLS or self._polled_since != self.timeline.n_happened:
            return ""
        return self.devices.bus.awaits(self._polled_addr)

    def _awaited_by(self, line: tuple[Device, tuple[int, ...]]) -> str:
        """What would make a device interrupt, if that is enabled."""
        device, irqs = line
        is_enabled = any(FIRST_IRQ + irq in self._scs.enabled for irq in irqs)
        return device.awaits(INTERRUPT) if is_enabled else ""

    def dump(self) -> str:
        """Registers and callers in words, for whoever looks after a fault."""
        return dump(self._core, self._describe, self._word_at)

    def _word_at(self, addr: int) -> int | None:
        memory = self._memory(addr, WORD_BYTES)
        if memory is None:
            return None
        buffer, offset = memory
        return int.from_bytes(buffer[offset : offset + WORD_BYTES], "little")

    def _slice(self) -> int:
        """Instructions until the next event, at most a slice."""
        due_ns, cycle_ns = self.timeline.next_ns, self.devices.clocks.cycles_ns(1)
        n_instructions = SLICE_INSTRUCTIONS
        if due_ns is not None:
            n_until_due = -(-(due_ns - self.timeline.now_ns) // cycle_ns)
            n_instructions = max(1, min(n_instructions, n_until_due))
        if self._n_careful_steps:
            self._n_careful_steps -= 1
            n_instructions = 1
        self._slice_end_ns = self.timeline.now_ns + n_instructions * cycle_ns
        return n_instructions

    def _begin_sleep(self) -> None:
        if self._scs.is_deep_sleep:
            raise BoardError("deep sleep is not modelled", where=self.place, fix="clear SCR bit 2")
        self.timeline.end_polling()
        self.is_asleep = True
        self._wake()

    def _sleep(self) -> None:
        """Jump to the next event, and wake if it is an interrupt."""
        due_ns = self.timeline.next_ns
        if due_ns is not None:
            self.timeline.sleep_until(due_ns)
        self._wake()
        self._take_exception()

    def _wake(self) -> None:
        """End sleep if an enabled exception is pending, masked or not."""
        # Quirk sleep-race: masked or not, a pending interrupt ends WFI; the handler runs later.
        self._collect_interrupts()
        if self._scs.candidate is not None:
            self.is_asleep = False
            self._n_careful_steps = STEPS_AFTER_WAKING

    def _collect_interrupts(self) -> None:
        for irq in self.devices.asserted_irqs():
            if FIRST_IRQ + irq not in self._scs.active:
                self._scs.pending.add(FIRST_IRQ + irq)

    def _take_exception(self) -> None:
        """Enter the pending exception of the highest priority, if nothing keeps it away."""
        if self.is_asleep:
            return
        self._collect_interrupts()
        exception = self._scs.candidate
        if exception is None or self._core.is_masking:
            return
        if self._scs.preempts(exception, self._core.register("BASEPRI")):
            self._core.enter(exception, self._scs.vector_table_addr)
            self._scs.activate(exception)
            self._n_careful_steps = 0
            irq = exception - FIRST_IRQ
            name = f"interrupt {irq}" if irq >= 0 else f"exception {exception}"
            self.timeline.note("core", name)

    def _return(self) -> None:
        if not self._scs.active:
            raise BoardError("an exception returns although none is active", where=self.place)
        self._core.leave()
        self._scs.deactivate()

    def _on_reset_wanted(self) -> None:
        self._resets.is_system_reset_wanted = True

    def _on_code_change(self) -> None:
        self._core.drop_translations()

    # -- for a debugger ----------------------------------------------------------------------------

    @property
    def is_halted(self) -> bool:
        """The core waits for the debugger."""
        return self._is_halted

    def halt(self) -> None:
        """Stop the core; it is awake then."""
        self._is_halted = True
        self.is_asleep = False

    def resume(self) -> None:
        """Let the core run; it does so inside `run_slice`."""
        self._is_halted = False

    def step(self) -> None:
        """Execute one instruction, breakpoint or not."""
        self._core.is_ignoring_breakpoints = True
        self._n_careful_steps = 1
        try:
            self.advance()
        finally:
            self._core.is_ignoring_breakpoints = False

    def run_slice(self) -> None:
        """Let a running core execute for a while; a `bkpt` or a breakpoint halts it."""
        if not self._is_halted and not self.is_idle:
            self._is_halted = self.advance() in (Stop.BKPT, Stop.BREAKPOINT)

    def reset(self, *, is_halting: bool) -> None:
        """Reset chip and core; with `is_halting` stop before the first instruction."""
        self._resets.is_system_reset_wanted = False
        self.devices.reset()
        self._scs.reset()
        stack_addr, pc = (
            int.from_bytes(self.flash[offset : offset + WORD_BYTES], "little")
            for offset in (0, WORD_BYTES)
        )
        self._core.reset(stack_addr, pc)
        self._is_locked_up = self._memory(pc & ~1, 2) is None  # nothing to run, as in erased flash
        self.is_asleep = False
        self._n_careful_steps = 0
        self._is_halted = is_halting

    def read_memory(self, addr: int, n_bytes: int) -> bytes:
        """Read memory or, as aligned words, device registers.

        Raises:
            BoardError: nothing answers at this address.
        """
        memory = self._memory(addr, n_bytes)
        if memory is not None:
            buffer, offset = memory
            return bytes(buffer[offset : offset + n_bytes])
        self._require_words(addr, n_bytes)
        words = (self._load_word(word_addr) for word_addr in range(addr, addr + n_bytes, 4))
        return b"".join(word.to_bytes(WORD_BYTES, "little") for word in words)

    def write_memory(self, addr: int, data: bytes) -> None:
        """Write memory or, as aligned words, device registers; flash is not written this way.

        Raises:
            BoardError: nothing answers at this address, or it is flash.
        """
        memory = self._memory(addr, len(data))
        if memory is None:
            self._require_words(addr, len(data))
            for offset in range(0, len(data), WORD_BYTES):
                word = int.from_bytes(data[offset : offset + WORD_BYTES], "little")
                self._store_word(addr + offset, word)
            return
        buffer, offset = memory
        if buffer is self.flash:
            raise BoardError(f"a store to flash at {addr:#010x}", fix="use the flash controller")
        buffer[offset : offset + len(data)] = data
        self._core.drop_translations()

    def read_register(self, number: int) -> int:
        """Read a core register, by its number of DCRSR."""
        return self._core.read(number)

    def write_register(self, number: int, value: int) -> None:
        """Write a core register, by its number of DCRSR."""
        self._core.write(number, value)
        if number == 15:
            self._is_locked_up = False

    def set_breakpoints(self, addrs: frozenset[int]) -> None:
        """Halt before executing at any of these addresses."""
        self._core.set_breakpoints(addrs)

    def _memory(self, addr: int, n_bytes: int) -> tuple[bytearray, int] | None:
        """Buffer and offset of plain memory."""
        for base_addr, buffer in ((FLASH_ADDR, self.flash), (RAM_ADDR, self._ram)):
            if base_addr <= addr and addr + n_bytes <= base_addr + len(buffer):
                return buffer, addr - base_addr
        return None

    def _require_words(self, addr: int, n_bytes: int) -> None:
        if addr % WORD_BYTES or n_bytes % WORD_BYTES:
            raise BoardError(f"{n_bytes} bytes at {addr:#010x} are no memory and no words")

    def _load_word(self, addr: int) -> int:
        if addr in self._cnn_range:
            return self.devices.accelerator.load(addr, WORD_BYTES)
        return (self._scs if addr >= PPB_ADDR else self.devices.bus).load(addr, WORD_BYTES)

    def _store_word(self, addr: int, value: int) -> None:
        if addr in self._cnn_range:
            self.devices.accelerator.store(addr, WORD_BYTES, value)
        else:
            target = self._scs if addr >= PPB_ADDR else self.devices.bus
            target.store(addr, WORD_BYTES, value)
