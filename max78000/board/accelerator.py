"""The accelerator on the board: power and clock around the simulated machine, and its time.

Stores and loads reach `Machine` unchanged, in batches where they are plain memory; what it
computes is not known here. A run takes the modelled cycles at the present clock: the result is
there at once, but until the time is over the program must not see it.
"""

from dataclasses import dataclass

from max78000.board.system import GlobalControl, PowerControl
from max78000.board.timeline import NS_PER_S, Event, Timeline
from max78000.errors import BoardError
from max78000.facts import regmap
from max78000.facts.chip import WORD_BYTES, Chip
from max78000.facts.regmap import Memory
from max78000.machine.machine import Machine, RunResult
from max78000.machine.memory import MachineFault

CLOCK_GATE_BIT = 25  # of GCR PCLKDIS0
WORD_DEFINED = 0x0101_0101  # state DEFINED in any of the four lanes
PCLK_CYCLES = 2  # system clock cycles of a register load
CTL_IRQ = regmap.CTL.field("cnn_irq").mask


@dataclass(frozen=True, slots=True)
class TimedRun:
    """A run of the accelerator, and the clock it ran at."""

    result: RunResult
    clock_hz: int

    @property
    def duration_ns(self) -> int:
        """Modelled time, rounded up."""
        return -(-self.result.cycles * NS_PER_S // self.clock_hz)


class Accelerator:
    """The address range of the accelerator.

    Args:
        chip: its address map.
        clocks: clock gate and frequency.
        timeline: runs end there.
    """

    def __init__(self, chip: Chip, clocks: GlobalControl, timeline: Timeline) -> None:
        self.chip = chip
        self.power = PowerControl(self._on_power)
        self.runs: list[TimedRun] = []
        self._clocks = clocks
        self._timeline = timeline
        self._machine = Machine(chip)
        self._end: Event | None = None  # of the present run
        self._batch_addr = self._batch_end_addr = 0
        self._batch: list[int] = []
        self._usable = self._find_usable()
        data = self._machine.memories.data
        self._data_words = data.lanes.reshape(-1).view("<u4")
        self._data_states = data.states.reshape(-1).view("<u4")
        for quadrant in range(chip.n_quadrants):
            self._forget(quadrant, tuple(Memory))

    @property
    def machine(self) -> Machine:
        """The simulated accelerator as the program has left it."""
        self.settle()
        return self._machine

    @property
    def is_asserted(self) -> bool:
        """The interrupt line: a run is over and not acknowledged."""
        return self._end is None and self._machine.is_irq_pending

    # -- loads and stores --------------------------------------------------------------------------

    def load(self, addr: int, n_bytes: int) -> int:
        """Load a word, or a part of one.

        Raises:
            BoardError: no power, no clock, or in use by the running network.
            MachineFault: as `Machine.load`.
        """
        self.settle()
        word_addr = addr & ~3
        quadrant, offset = self._require_power(addr)
        if offset >= self.chip.data_offset:
            word = self._load_data(word_addr, quadrant, offset & ~3)
        else:
            word = self._load_other(word_addr, offset & ~3)
        return word >> 8 * (addr & 3) & (1 << 8 * n_bytes) - 1

    def store(self, addr: int, n_bytes: int, value: int) -> None:
        """Store a word; or the byte that sets where packed kernels go.

        Raises:
            BoardError: no power, no clock, or in use by the running network.
            MachineFault: as `Machine.store`, and for everything the run meets that this starts.
        """
        _, offset = self._require_power(addr)
        if n_bytes != WORD_BYTES:
            self._require_kernel_power(addr)
            self.settle()
            if n_bytes != 1:
                raise BoardError(f"a store of {n_bytes} bytes to {addr:#010x}", where="CNN")
            self._machine.store_byte(addr, value)
        elif offset >= self.chip.bias_offset:
            self._store_memory(addr, offset, value)
        else:
            self.settle()
            self._store_register(addr, value)

    def _store_memory(self, addr: int, offset: int, value: int) -> None:
        """Collect words with consecutive addresses: one store of many is much faster."""
        is_next = addr == self._batch_addr + WORD_BYTES * len(self._batch) < self._batch_end_addr
        if not (is_next and self._batch):
            self.settle()
            self._begin_batch(addr, offset)
        self._batch.append(value)

    def _begin_batch(self, addr: int, offset: int) -> None:
        """Start to collect; a batch stays inside one memory."""
        self._require_idle(addr)
        if self.chip.kernel_offset <= offset < self.chip.data_offset:
            self._require_kernel_power(addr)
        place = regmap.locate_memory(self.chip, addr)
        if place is None or addr % WORD_BYTES:
            raise BoardError(f"a store to {addr:#010x}, where no word of a memory is", where="CNN")
        is_data = place.memory is Memory.DATA
        n_bytes = self.chip.data_instance_bytes if is_data else self.chip.processor_stride
        if place.memory is Memory.BIAS:
            n_bytes = WORD_BYTES * self.chip.bias_bytes_per_quadrant
        self._batch_addr, self._batch_end_addr = addr, addr - place.byte + n_bytes

    def settle(self) -> None:
        """Carry out stores that were only collected.

        Raises:
            MachineFault: as `Machine.store`.
        """
        if self._batch:
            words, self._batch = tuple(self._batch), []
            self._machine.store_words(self._batch_addr, words)

    def _store_register(self, addr: int, value: int) -> None:
        if self._timeline.is_watched:
            place = regmap.locate(self.chip, addr)
            self._timeline.note("CNN", f"{place or hex(addr)} = {value:#010x}")
        result = self._machine.store(addr, value)
        if result is not None:
            self._begin(result)

    def _load_data(self, addr: int, quadrant: int, offset: int) -> int:
        self._timeline.end_polling()
        self._require_idle(addr)
        n_bytes = self.chip.data_instance_bytes * self.chip.n_instances // self.chip.n_quadrants
        index = quadrant * n_bytes + offset - self.chip.data_offset
        if offset - self.chip.data_offset < n_bytes:
            word = index // WORD_BYTES
            if int(self._data_states[word]) & WORD_DEFINED:
                return int(self._data_words[word])
        return self._ask_machine(addr)  # which says what is wrong

    def _ask_machine(self, addr: int) -> int:
        try:
            return self._machine.load(addr)
        except MachineFault as fault:
            fault.where = f"load from {addr:#010x}, {regmap.describe_addr(self.chip, addr)}"
            raise

    def _load_other(self, addr: int, offset: int) -> int:
        location = regmap.locate(self.chip, addr)
        register = None if location is None else location.register
        if offset >= self.chip.bias_offset or register is regmap.MLAT:  # it gives data
            self._timeline.end_polling()
            self._require_idle(addr)
            return self._ask_machine(addr)
        self._timeline.poll(self._clocks.cycles_ns(PCLK_CYCLES))
        word = self._ask_machine(addr)
        is_running = self._end is not None
        return word & ~CTL_IRQ if register is regmap.CTL and is_running else word

    # -- the run -----------------------------------------------------------------------------------

    def _begin(self, result: RunResult) -> None:
        """The machine has run; let the time it takes pass."""
        run = TimedRun(result, self._clocks.cnn_clock_hz)
        self.runs.append(run)
        for setup, cycles in zip(result.setups, result.layer_cycles, strict=True):
            self._timeline.note("CNN", f"layer {setup.index}: {cycles} cycles")
        self._end = self._timeline.at(self._timeline.now_ns + run.duration_ns, self._on_end)

    def _on_end(self) -> None:
        self._end = None
        self._timeline.note("CNN", "done")

    def _require_idle(self, addr: int) -> None:
        if self._end is not None:
            rest_us = (self._end.time_ns - self._timeline.now_ns) / 1000
            why = f"{addr:#010x} is used while the network runs, for another {rest_us:.1f} us"
            raise BoardError(why, where="CNN", fix="wait for the interrupt")

    # -- power and clock ---------------------------------------------------------------------------

    def _require_power(self, addr: int) -> tuple[int, int]:
        """Quadrant and offset of an address; -1 below the quadrants.

        Raises:
            BoardError: nothing answers.
        """
        if self._clocks.is_gated("PCLKDIS0", CLOCK_GATE_BIT):
            fix = f"clear GCR PCLKDIS0 bit {CLOCK_GATE_BIT} first"
            raise BoardError(
                f"is used at {addr:#010x} while its clock is off", where="CNN", fix=fix
            )
        quadrant, offset = divmod(addr - self.chip.quadrant_base, self.chip.quadrant_stride)
        if quadrant < 0:
            return 0, 0
        if quadrant not in self._usable:
            raise BoardError(
                f"is used at {addr:#010x}: {self._why_unusable(quadrant)}", where="CNN"
            )
        return quadrant, offset

    def _require_kernel_power(self, addr: int) -> None:
        quadrant = (addr - self.chip.quadrant_base) // self.chip.quadrant_stride
        if not self.power.values["REG1"] >> quadrant & 1:
            why = f"kernels at {addr:#010x}, whose memory has no power (GCFR REG1 bit {quadrant})"
            raise BoardError(why, where="CNN")

    def _find_usable(self) -> frozenset[int]:
        """Quadrants with power, not isolated, not in reset."""
        # Quirk power-order: nothing answers before all three are right.
        values = self.power.values
        working = values["REG0"] & ~values["REG2"] & ~values["REG3"]
        return frozenset(q for q in range(self.chip.n_quadrants) if working >> q & 1)

    def _why_unusable(self, quadrant: int) -> str:
        values = self.power.values
        if not values["REG0"] >> quadrant & 1:
            return f"quadrant {quadrant} has no power (GCFR REG0 bit {quadrant})"
        if values["REG2"] >> quadrant & 1:
            return f"quadrant {quadrant} is isolated (GCFR REG2 bit {quadrant})"
        return f"quadrant {quadrant} is in reset (GCFR REG3 bit {quadrant})"

    def _on_power(self, register: str, before: int, now: int) -> None:
        """GCFR changed: memories without power forget, quadrants in reset lose their registers."""
        self.settle()
        for quadrant in range(self.chip.n_quadrants):
            bit = 1 << quadrant
            # Quirk forgotten-memories: lost with their power; a reset leaves them.
            if before & ~now & bit and register == "REG0":
                self._forget(quadrant, (Memory.DATA, Memory.BIAS, Memory.TRAM))
            if before & ~now & bit and register == "REG1":
                self._forget(quadrant, (Memory.KERNEL,))
            if now & bit and register == "REG3":
                self._machine.registers.forget(quadrant)
        if register == "REG3" and now == (1 << self.chip.n_quadrants) - 1:
            self.restart()
        self._usable = self._find_usable()
        if self._timeline.is_watched:
            self._timeline.note("CNN", f"GCFR {register} = {now:#x}")

    def restart(self) -> None:
        """Reset everything but the memories."""
        self._machine = Machine(self.chip, memories=self._machine.memories)
        if self._end is not None:
            self._end.cancel()
            self._end = None

    def _forget(self, quadrant: int, memories: tuple[Memory, ...]) -> None:
        for memory in memories:
            self._machine.memories.forget(memory, quadrant)
