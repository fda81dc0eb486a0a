"""Core, memories and devices together, running. Knows no debugger, no console and no verdict.

Runs the core in slices that end where the next event is due, enters exceptions, lets virtual time
pass. A strict board wants all that the firmware uses modelled and set up; the first fault is a
`BoardError` with the instruction's place. A tolerant one counts what silicon is silent about.
"""

from max78000.board.bus import PeripheralBus
from max78000.board.code import Code, Symbols
from max78000.board.cpu import Core, Stop
from max78000.board.device import INTERRUPT, Device
from max78000.board.devices.wake_status import WAS_IN_BACKUP
from max78000.board.dump import dump
from max78000.board.memories import AddressMap, Words
from max78000.board.objections import Objections
from max78000.board.peripherals import Resets, Setting, build_peripherals
from max78000.board.placement import Flash
from max78000.board.power import MODE_MASK, OFF_MODES, Mode, may_wake
from max78000.board.protection import Protection
from max78000.board.scs import FIRST_IRQ, HARD_FAULT, SVC, SystemControl
from max78000.board.timeline import Timeline, Watch
from max78000.board.waiting import WaitDetector
from max78000.board.world import World
from max78000.errors import BoardError
from max78000.errors.interruption import delayed
from max78000.facts.chip import WORD_BYTES, Chip

APB_ADDR, APB_BYTES = 0x4000_0000, 0x10_0000
PPB_ADDR, PPB_BYTES = 0xE000_0000, 0x10_0000
SLICE_INSTRUCTIONS = 10_000
STEPS_AFTER_WAKING = 64  # one by one, until the program lets in the interrupt that woke it
PATIENT_POLLS = 1000  # loads of one register in a row before it counts as waiting
PCLK_CYCLES = 2  # system clock cycles of a register load


class Execution:
    """A MAX78000 at power-on: flash erased, core in reset, time 0.

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
        self.memories = AddressMap(Words(self._load_word, self._store_word))
        self.flash = self.memories.flash
        self._symbols = Symbols()
        self._resets = Resets()
        self.objections = Objections(is_strict=is_strict)
        self.devices = build_peripherals(
            chip,
            self.timeline,
            self._resets,
            Flash(self.flash, self._on_code_change, self.memories.info),
            Setting(world or World(), self.objections, self.memories),
        )
        cnn_bytes = chip.quadrant_addr(chip.n_quadrants) - chip.fifo_base
        self._cnn_range = range(chip.fifo_base, chip.fifo_base + cnn_bytes)
        self._scs = SystemControl(self.devices.clocks, self.timeline, self._on_reset_wanted)
        self._core = Core(
            self,
            ((APB_ADDR, APB_BYTES), (chip.fifo_base, cnn_bytes), (PPB_ADDR, PPB_BYTES)),
            self.memories.regions,
            self._describe,
        )
        regions = self.memories.regions
        self._protection = Protection(self._core, self._scs, regions, self.objections)
        self._n_careful_steps = 0
        self._slice_end_ns = 0
        self._n_happened = 0  # events that were looked at
        self._is_halted = False
        self._waits = WaitDetector()
        self._is_quiet = True  # no load or store of a device since the last slice
        self._polled_addr, self._n_polls = -1, 0  # a register that is loaded again and again
        self._polled_since = 0  # events that had happened then
        self.reset(is_halting=False)

    def load_code(self, code: Code) -> None:
        """Put a program into flash and RAM, as a programmer would, and reset.

        Raises:
            BoardError: a part of it lies outside both.
        """
        for addr, data in code.segments:
            memory = self.memories.find(addr, len(data))
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
        self._is_quiet = False
        if addr in self._cnn_range:
            value = self.devices.accelerator.load(addr, n_bytes)
        else:
            self._count_poll(addr)
            self.timeline.poll(self.devices.clocks.cycles_ns(PCLK_CYCLES))
            value = self._target(addr).load(addr, n_bytes)
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
        self._is_quiet = False
        self.timeline.end_polling()
        if addr in self._cnn_range:
            self.devices.accelerator.store(addr, n_bytes, value)
        elif addr >= PPB_ADDR:
            self._scs.store(addr, n_bytes, value)
            if self._scs.candidate is not None or self._scs.mpu.is_changed:
                self._core.ask_attention()
        else:
            device = self.devices.bus.store(addr, n_bytes, value)
            if device is not None and device.asserted:
                self._look_at_interrupts(device)
        due_ns = self.timeline.next_ns
        is_due_in_slice = due_ns is not None and due_ns < self._slice_end_ns
        is_off = self._wanted_mode in OFF_MODES
        if is_due_in_slice or self._resets.is_system_reset_wanted or is_off:
            self._core.ask_attention()

    def _look_at_interrupts(self, device: Device) -> None:
        """A store has made a device interrupt: so soon, if the program lets it."""
        for irq in self.devices.irqs_of(device):
            exception = FIRST_IRQ + irq
            if exception in self._scs.enabled and exception not in self._scs.active:
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
        self._protection.follow()
        n_instructions = self._slice()
        with delayed():
            stop = self._core.run(n_instructions)
        if self._core.has_used_floats and not self._scs.has_fpu:
            fix = "set bits 23:20 of CPACR first"
            raise BoardError("floating point while it is off", where=self.place, fix=fix)
        match stop:
            case Stop.SLICE:
                self.timeline.advance(self.devices.clocks.cycles_ns(n_instructions))
                self._watch_for_waiting(n_instructions)
            case Stop.SLEEP:
                self._begin_sleep()
            case Stop.RETURN:
                self._return()
            case Stop.SUPERVISOR:
                self._call_supervisor()
            case Stop.DENIED:
                assert self._core.denied is not None
                self._protection.fault(self._core.denied)
        self._reset_if_wanted()
        self._power_off_if_wanted()
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
        """The core is in a loop that only an interrupt could end, and there will be none."""
        if self.timeline.has_alarm:
            return False
        return self._core.is_in_endless_loop or self._waits.is_waiting

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
        return dump(self._core, self._describe, self.memories.word_at)

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

    def _watch_for_waiting(self, n_instructions: int) -> None:
        """Let time go straight to the next event if the program only waits for one."""
        if not self._is_quiet or n_instructions < SLICE_INSTRUCTIONS:
            self._is_quiet = True
            return
        self._waits.see(self._core.snapshot())
        due_ns = self.timeline.next_ns
        if self._waits.is_waiting and due_ns is not None:
            self.timeline.advance(due_ns - self.timeline.now_ns)

    def _reset_if_wanted(self) -> None:
        if self._resets.is_system_reset_wanted:
            self.timeline.note("core", "system reset")
            self.reset(is_halting=False)

    def _begin_sleep(self) -> None:
        self._mode = self._wanted_mode if self._scs.is_deep_sleep else Mode.SLEEP
        self._fall_asleep()

    def _power_off_if_wanted(self) -> None:
        """Backup and power-down begin with the store to PM, without a WFI."""
        if self._wanted_mode in OFF_MODES and not self.is_asleep:
            self._mode = self._wanted_mode
            self._fall_asleep()

    def _fall_asleep(self) -> None:
        self.timeline.end_polling()
        self.is_asleep = True
        if self._mode is not Mode.SLEEP:
            self.timeline.note("core", f"enters {self._mode.name.lower().replace('_', ' ')}")
        self._wake()

    @property
    def _wanted_mode(self) -> Mode:
        return Mode(self.devices.clocks.values["PM"] & MODE_MASK)

    def _sleep(self) -> None:
        """Jump to the next event, and wake if it is an interrupt."""
        due_ns = self.timeline.next_ns
        if due_ns is not None:
            self.timeline.sleep_until(due_ns)
        self._reset_if_wanted()
        self._wake()
        self._take_exception()

    def _wake(self) -> None:
        """End sleep if an enabled exception is pending, masked or not."""
        # Quirk sleep-race: masked or not, a pending interrupt ends WFI; the handler runs later.
        self._collect_interrupts()
        if self._mode in OFF_MODES:
            if any(map(self._is_waker, self.devices.asserted_irqs())):
                self.timeline.note("core", "wakes by a reset")
                if self._mode is Mode.BACKUP:
                    self.devices.wake_status.values["LPPWST"] |= WAS_IN_BACKUP
                self.reset(is_halting=False)
            return
        ready = self._scs.ready
        if any(n < FIRST_IRQ or self._is_waker(n - FIRST_IRQ) for n in ready):
            self.is_asleep = False
            self._n_careful_steps = STEPS_AFTER_WAKING
            self._mode = Mode.ACTIVE
            self.devices.clocks.values["PM"] &= ~MODE_MASK

    def _is_waker(self, irq: int) -> bool:
        """Whether an interrupt ends the mode the chip is in."""
        enables = {
            "PM": self.devices.clocks.values["PM"],
            "LPPWEN": self.devices.wake_status.values["LPPWEN"],
        }
        return may_wake(irq, self._mode, enables)

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
        if exception is None or (self._core.is_masking and exception != HARD_FAULT):
            return
        if self._scs.preempts(exception, self._core.register("BASEPRI")):
            self._core.enter(exception, self._scs.vector_table_addr)
            self._waits.forget()
            self._scs.activate(exception)
            self._n_careful_steps = 0
            irq = exception - FIRST_IRQ
            name = f"interrupt {irq}" if irq >= 0 else f"exception {exception}"
            self.timeline.note("core", name)
            if self._core.is_frame_lost and self._protection.note_lost_frame(exception):
                self._take_exception()

    def _call_supervisor(self) -> None:
        """Make `svc` pending; where it cannot be handled at once it is a hard fault (B1.5.6)."""
        can_come = self._scs.preempts(SVC, self._core.register("BASEPRI"))
        if can_come and not self._core.is_masking:
            self._scs.pending.add(SVC)
        else:
            self._scs.pend_hard_fault()

    def _return(self) -> None:
        if not self._scs.active:
            raise BoardError("an exception returns although none is active", where=self.place)
        self._core.leave()
        self._scs.deactivate()

    def _on_reset_wanted(self) -> None:
        self._resets.is_system_reset_wanted = True

    def _on_code_change(self) -> None:
        self._core.drop_translations()

    def reset(self, *, is_halting: bool) -> None:
        """Reset chip and core; with `is_halting` stop before the first instruction."""
        self._resets.is_system_reset_wanted = False
        self._waits.forget()
        self.devices.reset()
        self._scs.reset()
        stack_addr, pc = (
            int.from_bytes(self.flash[offset : offset + WORD_BYTES], "little")
            for offset in (0, WORD_BYTES)
        )
        self._core.reset(stack_addr, pc)
        self._is_locked_up = (
            self.memories.find(pc & ~1, 2) is None
        )  # nothing to run, as in erased flash
        self.is_asleep = False
        self._mode = Mode.ACTIVE
        self._n_careful_steps = 0
        self._is_halted = is_halting

    def _load_word(self, addr: int) -> int:
        if addr in self._cnn_range:
            return self.devices.accelerator.load(addr, WORD_BYTES)
        return self._target(addr).load(addr, WORD_BYTES)

    def _target(self, addr: int) -> SystemControl | PeripheralBus:
        """Who has the registers at an address that is not the accelerator's."""
        return self._scs if addr >= PPB_ADDR else self.devices.bus

    def _store_word(self, addr: int, value: int) -> None:
        if addr in self._cnn_range:
            self.devices.accelerator.store(addr, WORD_BYTES, value)
        else:
            self._target(addr).store(addr, WORD_BYTES, value)
