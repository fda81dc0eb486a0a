"""Several networks in one simulated accelerator, by turns, as the emitted firmware does it."""

from dataclasses import replace

from max78000.machine.machine import Machine

LOADING = ("load_weights", "load_bias")


class Alternating:
    """An accelerator whose registers are reset at every switch; the memories stay as they are.

    Args:
        combined: the networks, and who is loaded over whom.
    """

    def __init__(self, combined):
        self.combined = combined
        self.machine = Machine()
        self.loaded = set()
        self.n_loads = 0

    def run(self, index):
        """Switch to a network and run it; the first difference to its known answer, if any."""
        program = self.combined.networks[index].program
        self.machine = Machine(memories=self.machine.memories)
        skipped = LOADING if index in self.loaded else ()
        if not skipped:
            self.n_loads += 1
            self.loaded -= set(self.combined.displaced[index])
            self.loaded.add(index)
        phases = tuple(phase for phase in program.phases if phase.name not in skipped)
        self.machine.run(replace(program, phases=phases))
        return self.machine.check_known_answer(program)

    def outputs(self, index):
        """What the last run left."""
        program = self.combined.networks[index].program
        return [self.machine.read_output(output) for output in program.outputs]
