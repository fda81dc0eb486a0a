"""The simulated accelerator beside PyTorch: their answers have to be equal, bit for bit."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ai8x_models.layers.qat import Mode
from ai8x_models.tasks.sampled.network import TrainedNetwork
from ai8x_models.training.data.open import Samples
from ai8x_models.training.progress import Progress, no_progress
from max78000.errors import InputError
from max78000.machine.predict import LoadedMachine
from max78000.program.folder import read_program


@dataclass(frozen=True, slots=True)
class Agreement:
    """What came of a comparison.

    Args:
        n_examples: compared.
        differences: one line for every example whose answers differ.
    """

    n_examples: int
    differences: tuple[str, ...]

    def to_json(self) -> dict[str, object]:
        """Give what `json.dumps` takes."""
        return {"n_examples": self.n_examples, "differences": list(self.differences)}

    def to_text(self) -> str:
        """One line, and one more for every difference."""
        n_equal = self.n_examples - len(self.differences)
        head = f"simulated accelerator: equal to PyTorch on {n_equal} of {self.n_examples} examples"
        return "\n".join((head, *self.differences))


def compare_with_machine(
    network: TrainedNetwork,
    project: Path,
    samples: Samples,
    count: int,
    progress: Progress = no_progress,
) -> Agreement:
    """Give the first examples of a split to both.

    Args:
        network: with integers.
        project: folder that `synthesize` wrote for the same checkpoint.
        samples: examples.
        count: how many of them.
        progress: called after each.

    Raises:
        InputError: no project, a network that is not in integers, or one of another input.
    """
    if network.mode is not Mode.INTEGER:
        why = "the accelerator computes with integers, this network does not"
        raise InputError(why, fix="quantize it: ai8x quantize IN OUT")
    machine = LoadedMachine(read_program(project))
    inputs = samples.inputs[:count]
    outputs = [one.flatten(1).numpy() for one in network.raw(inputs)]
    wanted = np.concatenate(outputs, axis=1).astype(np.int64)
    differences = []
    for index, sample in enumerate(inputs):
        answers = machine.predict(network.form.device_input(sample))
        found = np.concatenate([answer.ravel() for answer in answers])
        if not np.array_equal(found, wanted[index]):
            differences.append(_difference(index, wanted[index], found))
        progress(index + 1, len(inputs))
    return Agreement(len(inputs), tuple(differences))


def _difference(index: int, wanted: np.ndarray, found: np.ndarray) -> str:
    if wanted.shape != found.shape:
        return f"example {index}: PyTorch gives {wanted.size} numbers, the accelerator {found.size}"
    first = int(np.flatnonzero(wanted != found)[0])
    return f"example {index}: score {first} is {wanted[first]} in PyTorch, {found[first]} there"
