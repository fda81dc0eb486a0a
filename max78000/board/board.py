"""The virtual board: unmodified firmware in, console text and a verdict out.

Deterministic: the same image meets the same times. There is no boot ROM (the core starts from the
vector table), no cache, no wait state, no RISC-V core. A pass is evidence about the firmware
against this model of the chip, not about the chip.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from max78000.board.accelerator import TimedRun
from max78000.board.code import Code, Symbols, read_elf
from max78000.board.cpu import Stop
from max78000.board.processor import Processor
from max78000.board.stream import UartStream
from max78000.board.timeline import NS_PER_S, Watch
from max78000.board.world import World
from max78000.errors import BoardError, InputError
from max78000.facts.chip import MAX78000, Chip
from max78000.facts.memory_map import FLASH_ADDR, FLASH_BYTES
from max78000.machine.memory import MachineFault

PASS, FAIL = b"*** PASS ***", b"*** FAIL ***"  # what generated firmware prints
FAULT = b"*** FAULT: "  # what firmware on our support package prints before it stops


class End(Enum):
    """Why a run is over."""

    FAIL = "the console says FAIL"
    TEXT = "the console shows the text that was waited for"
    ASLEEP = "the core sleeps and nothing will wake it"
    STUCK = "the core is in an endless loop"
    BKPT = "the program executed bkpt"
    WAITS = "the program waits for something outside"
    TIME = "the time it was given is over"
    HEARD = "the sound that it was given is over"
    ENOUGH = "the verdict is known and the program goes on"


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a program may take without an end."""

    virtual_s: float = 60.0
    n_slices: int = 100_000  # of at most 10,000 instructions each
    after_pass_s: float = 1.0
    is_end_at_time: bool = False  # the end of the time is an end, not an error


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run led to."""

    end: End
    console: str
    time_ns: int  # virtual, since power-on
    runs: tuple[TimedRun, ...]  # of the accelerator
    awaited: str = ""  # from outside, such as "input on UART0"

    @property
    def reason(self) -> str:
        """Why the run is over, in words."""
        match self.end:
            case End.WAITS:
                return f"the program waits for {self.awaited}"
            case End.ASLEEP if self.awaited:
                return f"the core sleeps and waits for {self.awaited}"
        return str(self.end.value)

    @property
    def is_pass(self) -> bool:
        """The firmware found what it expected, and met no fault after that."""
        is_bad = any(word.decode() in self.console for word in (FAIL, FAULT))
        return PASS.decode() in self.console and not is_bad


class VirtualBoard(Processor):
    """A MAX78000 with a console.

    Args:
        chip: the accelerator's facts.
        watch: called with every note: interrupts, pins, the accelerator's registers and layers.
        world: what is connected to the chip's pins.
        is_strict: refuse what silicon would pass over in silence; else `objections` counts it.
    """

    def __init__(
        self,
        chip: Chip = MAX78000,
        watch: Watch | None = None,
        world: World | None = None,
        *,
        is_strict: bool = True,
    ) -> None:
        super().__init__(chip, watch, world, is_strict=is_strict)

    def load_elf(self, path: Path) -> None:
        """Program an ELF file and reset.

        Raises:
            InputError: it cannot be read.
            BoardError: a part of it lies in no memory.
        """
        self.load_code(read_elf(path))

    def load_flash(self, image: bytes) -> None:
        """Program the bytes of a flash image, from its first address, and reset.

        Raises:
            InputError: it is larger than the flash.
        """
        if len(image) > FLASH_BYTES:
            raise InputError(f"the image has {len(image)} bytes, the flash {FLASH_BYTES}")
        self.load_code(Code(((FLASH_ADDR, image),), Symbols()))

    @property
    def console(self) -> str:
        """All text the firmware ever sent."""
        return self.devices.uart.sent.decode("utf-8", "replace").replace("\r\n", "\n")

    def stream(self) -> UartStream:
        """The host's end of the console line."""
        return UartStream(self.devices.uart, self.timeline, self._advance_for_host)

    def run(
        self,
        until: bytes | None = None,
        limits: Limits | None = None,
        on_slice: Callable[[], bool] | None = None,
    ) -> Outcome:
        """Run until the firmware comes to an end, or says FAIL, or says what is waited for.

        Args:
            until: text on the console that ends the run.
            limits: how long to wait for an end.
            on_slice: called now and then; may feed the console. True: the sound is over.
        Raises:
            BoardError: a fault of the firmware, or no end within the limits.
        """
        limits = limits or Limits()
        end_ns = self.timeline.now_ns + round(limits.virtual_s * NS_PER_S)
        passed_ns: int | None = None
        for _ in range(limits.n_slices):
            end = self._end_after(self.advance(), until)
            if end is not None:
                return self._outcome(end)
            now_ns = self.timeline.now_ns
            if passed_ns is None and PASS in self.devices.uart.sent:
                passed_ns = now_ns
            if passed_ns is not None and now_ns - passed_ns > limits.after_pass_s * NS_PER_S:
                return self._outcome(End.ENOUGH)
            if now_ns > end_ns:
                break
            if on_slice is not None and on_slice():
                return self._outcome(End.HEARD)
        if passed_ns is not None:
            return self._outcome(End.ENOUGH)
        if limits.is_end_at_time:
            return self._outcome(End.TIME)
        seconds = self.timeline.now_ns / NS_PER_S
        why = f"no end after {seconds:.3f} virtual seconds"
        raise BoardError(why, where=self.place, fix="the console text so far tells how far it came")

    def _end_after(self, stop: Stop, until: bytes | None) -> End | None:
        sent = self.devices.uart.sent
        if until is not None and until in sent:
            return End.TEXT
        if FAIL in sent:
            return End.FAIL
        if stop is Stop.BKPT:
            return End.BKPT
        if self.is_idle:
            return End.ASLEEP
        if self.awaited:
            return End.WAITS
        return End.STUCK if stop is Stop.SLICE and self.is_stuck else None

    def _outcome(self, end: End) -> Outcome:
        try:
            self.devices.accelerator.settle()
        except MachineFault as fault:
            raise BoardError(str(fault), where=self.place) from fault
        runs = tuple(self.devices.accelerator.runs)
        return Outcome(end, self.console, self.timeline.now_ns, runs, self.awaited)

    def _advance_for_host(self) -> bool:
        """One slice for a host that waits; False if the board stands still."""
        if self.is_idle or self.is_stuck:
            return False
        return self.advance() is not Stop.BKPT
