"""The simulated accelerator beside PyTorch: their answers have to be equal, bit for bit."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ai8x_models.layers.qat import Mode
from ai8x_models.tasks.sampled.network import TrainedNetwork
from ai8x_models.training.data.form import Int8s
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
    program = read_program(project)
    machine = LoadedMachine(program)
    inputs = samples.inputs[:count]
    wanted = _wanted(network, [output.name for output in program.outputs], inputs)
    differences = []
    for index, sample in enumerate(inputs):
        answers = machine.predict(network.form.device_input(sample))
        found = np.concatenate([answer.ravel() for answer in answers])
        if not np.array_equal(found, wanted[index]):
            differences.append(_difference(index, wanted[index], found))
        progress(index + 1, len(inputs))
    return Agreement(len(inputs), tuple(differences))


def _wanted(network: TrainedNetwork, names: Sequence[str], inputs: Int8s) -> NDArray[np.int64]:
    """What the accelerator should give, all outputs of an input in a row: (N, numbers).

    Outputs are results of layers, by name; in a description with names of its own, in order.
    """
    results = network.end_results(inputs)
    outputs = [results[name] for name in names] if set(names) <= results.keys() else [
        *network.raw(inputs)
    ]  # fmt: skip
    rows = [one.flatten(1).numpy() for one in outputs]
    return np.concatenate(rows, axis=1).astype(np.int64)


def _difference(index: int, wanted: np.ndarray, found: np.ndarray) -> str:
    if wanted.shape != found.shape:
        return f"example {index}: PyTorch gives {wanted.size} numbers, the accelerator {found.size}"
    first = int(np.flatnonzero(wanted != found)[0])
    return f"example {index}: score {first} is {wanted[first]} in PyTorch, {found[first]} there"
