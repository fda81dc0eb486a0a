"""The simulated accelerator as software meets it: addresses, stores, loads, and a run.

A store that raises CTL.cnn_en of quadrant 0 runs the network at once (with a FIFO: when the last
word of the input frame arrives); afterwards CTL.cnn_irq is set. Time does not pass: cycles are
computed, not lived through. Registers and memories alone decide what happens; a `RegisterProgram`
is only a convenient way to make the stores.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from max78000.facts import regmap
from max78000.facts.chip import MAX78000, WORD_BYTES, Chip
from max78000.facts.cycles import STARTUP_CYCLES
from max78000.facts.regmap import Location, Memory, describe_addr
from max78000.machine.answer import Mismatch, check_known_answer, read_output
from max78000.machine.bus import MemoryMap
from max78000.machine.decode import decode_layer
from max78000.machine.engine import LayerRun, Memories, run_layer
from max78000.machine.frame import InputFrame, awaited_frame
from max78000.machine.gather import ByteGather
from max78000.machine.memory import (
    ByteState,
    DataMemory,
    MachineFault,
    RegisterFile,
    UndefinedFault,
)
from max78000.machine.preconditions import require_quadrants, require_streaming
from max78000.machine.setup import LayerSetup
from max78000.machine.timing import setup_cycles
from max78000.program.program import (
    Copy,
    FastFifo,
    Fifo,
    KernelBlock,
    Operation,
    OutputMap,
    Phase,
    Poll,
    RegisterProgram,
    Require,
    Write,
)

TESTED = (
    ("sram", Memory.DATA),
    ("mram", Memory.KERNEL),
    ("tram", Memory.TRAM),
    ("bram", Memory.BIAS),
)


@dataclass(frozen=True, slots=True)
class RunResult:
    """What happened when the accelerator ran: the layers as it understood them, and their time."""

    setups: tuple[LayerSetup, ...]
    layer_cycles: tuple[int, ...]
    notes: tuple[str, ...]  # reads of what nobody wrote; harmless if no output depends on them

    @property
    def cycles(self) -> int:
        """Clock cycles of the run, start-up included."""
        return STARTUP_CYCLES + sum(self.layer_cycles)

    @property
    def is_estimate(self) -> bool:
        """Streaming layers are only estimated."""
        return any(setup.read.ring_words for setup in self.setups)


Trace = Callable[[LayerRun], None]


class Machine:
    """One accelerator after reset.

    Args:
        chip: its address map.
        trace: called after each layer with all it read and made.
        memories: what they hold; None if nobody ever wrote to them.
    """

    def __init__(
        self,
        chip: Chip = MAX78000,
        trace: Trace | None = None,
        memories: MemoryMap | None = None,
    ) -> None:
        self.chip = chip
        self.trace = trace
        self.result: RunResult | None = None  # of the last run
        self.registers = RegisterFile(chip)
        self.memories = MemoryMap(chip) if memories is None else memories
        self._gather = ByteGather(chip, self.registers, self.memories.data)
        # Quirk master-continues: acknowledging an interrupt clears cnn_en everywhere, and software
        # then continues by setting it in quadrant 0 alone: all that were started take part.
        self._started: set[int] = set()
        self._frame: InputFrame | None = None  # of a run that waits for it

    # -- what software does ------------------------------------------------------------------------

    def store(self, addr: int, value: int) -> RunResult | None:
        """Store a 32-bit word.

        Returns:
            The run that the store set off, by starting the accelerator or by completing the input
            frame that it waited for; None if it did neither.

        Raises:
            MachineFault: no such address, a bit that is not modelled, a value too wide, or whatever
                goes wrong in the run that the store sets off.
        """
        return self.store_words(addr, (value,))

    def store_words(self, addr: int, words: tuple[int, ...]) -> RunResult | None:
        """Store 32-bit words upwards, as a copy loop does; faster than one by one.

        Returns and raises as `store`; of several runs the last is returned.
        """
        try:
            if regmap.locate(self.chip, addr) is None:
                self.memories.store(addr, words, is_packed=self._is_packed(addr))
                return None
        except MachineFault as fault:
            fault.where = f"store to {addr:#010x}, {describe_addr(self.chip, addr)}"
            raise
        run: RunResult | None = None
        for index, word in enumerate(words):
            run = self._store_register(addr + WORD_BYTES * index, word) or run
        return run

    def store_byte(self, addr: int, value: int) -> None:
        """Store a byte: 1 at the odd address of a packed kernel run sets its start word.

        Raises:
            MachineFault: any other byte store.
        """
        self.memories.store_byte(addr, value)

    def load(self, addr: int) -> int:
        """Load a 32-bit word.

        Raises:
            MachineFault: no such address, or a data word of which no byte is defined.
        """
        location = regmap.locate(self.chip, addr)
        if location is not None:
            return self._load_register(location)
        try:
            return self.memories.load(addr)
        except UndefinedFault as fault:
            fault.name_cause(self.result.notes if self.result else ())
            raise

    @property
    def is_irq_pending(self) -> bool:
        """A run has ended and software has not acknowledged it."""
        return bool(self.registers.get(regmap.CTL, "cnn_irq"))

    # -- whole programs ----------------------------------------------------------------------------

    def run(self, program: RegisterProgram) -> RunResult:
        """Execute all phases; the accelerator must have run when they are through.

        Raises:
            MachineFault: a fault, with the phase it occurs in, or no run.
        """
        self.result = None
        run: RunResult | None = None
        for phase in program.phases:
            run = self.execute(phase) or run
        if self._frame is not None:
            raise MachineFault(f"the input frame is not complete: {self._frame}")
        if run is None:
            raise MachineFault("nothing has started the accelerator")
        return run

    def execute(self, phase: Phase) -> RunResult | None:
        """Execute one phase; returns the last run that it set off, if any."""
        fifos = [op for op in phase.operations if isinstance(op, Fifo)]
        run: RunResult | None = None
        try:
            for operation in phase.operations:
                run = self._execute_operation(operation) or run
            return self._feed(fifos) or run
        except MachineFault as fault:
            fault.where = f"{phase.name}: {fault.where}" if fault.where else phase.name
            raise

    def check_known_answer(self, program: RegisterProgram) -> Mismatch | None:
        """Find the first difference between what the last run left and the known answer."""
        setups = self.result.setups if self.result else ()
        return check_known_answer(self.chip, self.memories, program, setups)

    def read_output(self, output: OutputMap) -> NDArray[np.int64]:
        """Collect an output tensor: signed values, shape (channels, rows, columns)."""
        return read_output(self.chip, self.memories, output)

    def _execute_operation(self, operation: Operation) -> RunResult | None:
        run: RunResult | None = None
        match operation:
            case Write(addr, value):
                run = self.store(addr, value)
            case KernelBlock(addr, words):
                self.store_byte(addr | 1, 1)
                self.store_words(addr, words)
            case Copy(addr, words):
                run = self.store_words(addr, words)
            case FastFifo(words):
                for word in words:
                    data_addr = regmap.global_register_addr(self.chip, regmap.FFIFO_DATA)
                    run = self.store(data_addr, word) or run
            case Poll(addr, mask, value) | Require(addr, mask, value):
                found = self.load(addr)
                if found & mask != value:
                    where = describe_addr(self.chip, addr)
                    raise MachineFault(
                        f"is {found:#010x} and will never be {value:#010x}", where=where
                    )
            case Fifo():
                pass  # fed in lock step, after the phase's other operations
        return run

    def _feed(self, fifos: list[Fifo]) -> RunResult | None:
        if len({len(fifo.words) for fifo in fifos}) > 1:
            raise MachineFault("the FIFOs get different numbers of words, but run in lock step")
        run: RunResult | None = None
        for words in zip(*(fifo.words for fifo in fifos), strict=True):
            for fifo, word in zip(fifos, words, strict=True):
                data_addr = regmap.fifo_data_addr(self.chip, fifo.fifo_index)
                run = self.store(data_addr, word) or run
        return run

    # -- registers that act ------------------------------------------------------------------------

    def _store_register(self, addr: int, value: int) -> RunResult | None:
        location = regmap.locate(self.chip, addr)
        if location is None:
            raise MachineFault("the words run past the registers", where=f"store to {addr:#010x}")
        if location.register in (regmap.FIFO_DATA, regmap.FFIFO_DATA):
            return self._push(location, value)
        was_enabled = self.registers.get(regmap.CTL, "cnn_en")
        self.registers.store(location, value)
        quadrant = location.quadrant or 0
        if location.register is regmap.SRAM_TEST:
            self._self_test(quadrant, value)
        elif location.register is regmap.CTL:
            self._gather.control(quadrant, value)
            if regmap.CTL.field("cnn_en").get(value):
                self._started.add(quadrant)
                if self.registers.get(regmap.CTL, "cnn_en") and not was_enabled:
                    return self._start()
        return None

    def _load_register(self, location: Location) -> int:
        register, quadrant = location.register, location.quadrant or 0
        if register is regmap.FIFO_STAT:
            return regmap.FIFO_STAT.pack(empty=0xF)  # a word is consumed the moment it arrives
        if register is regmap.FFIFO_STAT:
            return regmap.FFIFO_STAT.pack(full=0)
        if register is regmap.MLAT:
            return self._gather.load(quadrant)
        return self.registers.load(register, quadrant, location.layer or 0)

    def _is_packed(self, addr: int) -> bool:
        """Whether kernel stores at an address are packed: CTL.mexpress of the quadrant."""
        quadrant = (addr - self.chip.quadrant_base) // self.chip.quadrant_stride
        return bool(self.registers.get(regmap.CTL, "mexpress", max(quadrant, 0)))

    def _self_test(self, quadrant: int, value: int) -> None:
        """Memory self test and zeroise: both leave zeros, at once; the done flags tell."""
        # Quirk self-test-zeros: the test is what clears memories.
        word, test = value, regmap.SRAM_TEST
        for name, memory in TESTED:
            if test.field(f"{name}_run").get(value) or test.field(f"{name}_zero").get(value):
                self.memories.clear(memory, quadrant)
                word |= test.pack(**{f"{name}_done": 1, f"{name}_zero_done": 1})
        if word != value:
            word |= test.pack(done=1, zero_done=1)
        self.registers.store(Location(regmap.SRAM_TEST, quadrant), word)

    # -- the run -----------------------------------------------------------------------------------

    def _start(self) -> RunResult | None:
        """Run at once, or wait for the input frame if the FIFO is on."""
        self._frame = awaited_frame(self.chip, self.registers, sorted(self._started))
        return self._run(None) if self._frame is None else None

    def _push(self, location: Location, word: int) -> RunResult | None:
        fifo = location.quadrant  # None: the fast one
        if self._frame is None or fifo not in self._frame.words:
            name = "the fast FIFO" if fifo is None else f"FIFO {fifo}"
            raise MachineFault("nothing takes words from this FIFO", where=name)
        self._frame.words[fifo].append(word)
        if not self._frame.is_complete:
            return None
        frame, self._frame = self._frame, None
        return self._run(frame)

    def _run(self, frame: InputFrame | None) -> RunResult:
        """Run all layers, raise the interrupt flag, remember the result."""
        quadrants = tuple(sorted(self._started))
        n_layers = self.registers.get(regmap.LCNT_MAX, "value") + 1
        require_quadrants(self.chip, self.registers, quadrants, n_layers)
        setups = tuple(
            decode_layer(self.chip, self.registers, layer, quadrants) for layer in range(n_layers)
        )
        require_streaming(self.registers, quadrants, setups, frame)
        notes: list[str] = []
        source = self._input_of(setups[0], frame)
        for setup, following in zip(setups, [*setups[1:], None], strict=True):
            target = self._source_of(following)
            memories = Memories(self.memories.kernels, self.memories.biases, source, target)
            try:
                run = run_layer(self.chip, setup, memories)
            except UndefinedFault as fault:
                fault.name_cause(notes)
                raise
            notes += [f"layer {setup.index}: {note}" for note in run.notes]
            self._forget_ring(setup)
            if self.trace is not None:
                self.trace(run)
            source = target
        cycles = tuple(setup_cycles(setup, self.chip.kernel_word_bytes) for setup in setups)
        self.result = RunResult(setups, cycles, tuple(notes))
        ctl = self.registers.load(regmap.CTL) | regmap.CTL.pack(cnn_irq=1)
        self.registers.store(Location(regmap.CTL, 0), ctl)
        return self.result

    def _input_of(self, setup: LayerSetup, frame: InputFrame | None) -> DataMemory:
        """Where the first layer reads; with a FIFO its words go there first."""
        source = self._source_of(setup)
        if frame is None:
            return source
        for quadrant, words in frame.by_quadrant().items():
            processor = quadrant * self.chip.processors_per_quadrant
            instance = processor // self.chip.processors_per_instance
            source.store(instance, setup.read.first_word, np.array(words, np.uint32))
        return source

    def _source_of(self, setup: LayerSetup | None) -> DataMemory:
        """Where a layer reads: data memory, or an endless ring if it streams."""
        if setup is None or not setup.read.ring_words:
            return self.memories.data
        return DataMemory(self.chip.n_instances, setup.read.first_word + setup.read.n_words)

    def _forget_ring(self, setup: LayerSetup) -> None:
        """After a streaming layer the ring in data memory holds remains that nobody may use."""
        first, end = setup.read.first_word, setup.read.first_word + setup.read.ring_words
        for processor in setup.read.processors if setup.read.ring_words else ():
            instance = processor // self.chip.processors_per_instance
            self.memories.data.require_words(instance, first, end - 1)
            self.memories.data.states[instance, first:end] = ByteState.UNDEFINED
