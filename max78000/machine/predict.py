"""A network on the simulated accelerator as a function: integers in, integers out.

Bit for bit what the chip computes. Weights and registers are loaded once, only the words of the
input change; every answer is that of a freshly loaded chip, whatever was asked before. What the
integers mean (scaling, classes) is somebody else's matter, and so are real numbers.
"""

import copy
from dataclasses import replace
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from max78000.facts.fixed import DATA_ONE
from max78000.machine.engine import LayerRun
from max78000.machine.inputs import LOAD_INPUT, with_input
from max78000.machine.machine import Machine, RunResult
from max78000.machine.setup import ReadSetup
from max78000.program.input_file import signed_bytes
from max78000.program.layer_table import LayerTable
from max78000.program.program import OutputMap, Phase, RegisterProgram, chip_of

START = "start"
EACH_TIME = (LOAD_INPUT, START)  # phases of every inference; the others load the network

Values = NDArray[np.int64]  # channels, rows, columns


class LoadedMachine:
    """The accelerator with one network in it.

    Args:
        program: what the compiler made, from `CompiledNetwork.program` or `program.json`.
    Raises:
        MachineFault: the program does what no correct program does.
    """

    def __init__(self, program: RegisterProgram) -> None:
        self.program = program
        self._chip = chip_of(program)
        self._loaded = Machine(self._chip)
        for phase in program.phases:
            if phase.name not in EACH_TIME:
                self._loaded.execute(phase)

    @cached_property
    def sample(self) -> RunResult:
        """What comes of the program's own input: layers as the machine reads them, and cycles."""
        return _finish(self._copy(), self.program)

    def unit_of(self, output: OutputMap) -> float:
        """Real number for a stored 1 of an output; docs/hardware/arithmetic.md."""
        setup = next(one for one in self.sample.setups if one.index == output.layer)
        bits = setup.kernel.weight_bits if setup.post.is_wide and setup.kernel is not None else 1
        return 2.0**output.final_scale / (DATA_ONE << (bits - 1))

    def predict(self, x: ArrayLike) -> tuple[Values, ...]:
        """Run the network once.

        Args:
            x: integers -128..127, (C, H, W) or (C, L): pictures folded as the network is.
        Returns:
            The result of every output layer, in the order of `program.outputs`: int64 (C, H, W);
            bytes, or the accumulators of layers with 32 bits.
        Raises:
            InputError: real numbers, another shape, values that 8 bits do not hold.
        """
        machine = self._copy()
        _finish(machine, self.given(x))
        return tuple(machine.read_output(output) for output in self.program.outputs)

    def layers(self, table: LayerTable, x: ArrayLike | None = None) -> dict[str, Values]:
        """Run the network once, and take every layer's result from data memory when it is done.

        Args:
            table: where the results are.
            x: as for `predict`; None: the program's own sample.
        Returns:
            int64 (C, H, W) by layer name, in the order in which they run.
        """
        machine = self._copy()
        outputs = {entry.output.layer: entry.output for entry in table.entries}
        found: dict[str, Values] = {}

        def keep(run: LayerRun) -> None:
            output = outputs.get(run.setup.index)
            if output is not None:
                found[output.name] = machine.read_output(output)

        machine.trace = keep
        _finish(machine, self.program if x is None else self.given(x))
        return found

    def given(self, x: ArrayLike) -> RegisterProgram:
        """The program on another input, for whoever runs it elsewhere; see `predict`."""
        image = signed_bytes(x, "x")
        return with_input(self.program, self.read_as(image.shape), image, self._chip)

    def read_as(self, shape: tuple[int, ...]) -> ReadSetup:
        """How layer 0 reads an input of this shape.

        If it flattens, its registers know the pixels as passes over a single one: the same words in
        the same order, with nothing left to tell how many rows they were.
        """
        # Quirk flatten-pixel: no register tells how many rows the pixels were.
        read, (rows, columns) = self.sample.setups[0].read, shape[1:]
        passes, rest = divmod(read.passes, rows * columns)
        if rest or (read.rows, read.columns) != (1, 1):
            return read
        return replace(read, rows=rows, columns=columns, passes=passes)

    def _copy(self) -> Machine:
        """The machine as loading has left it: no answer depends on the one before."""
        return copy.deepcopy(self._loaded)


def _finish(machine: Machine, program: RegisterProgram) -> RunResult:
    """Let a loaded machine take the program's input and run."""
    phases: tuple[Phase, ...] = tuple(p for p in program.phases if p.name in EACH_TIME)
    return machine.run(replace(program, phases=phases))
