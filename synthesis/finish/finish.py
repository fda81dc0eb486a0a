"""What stands behind the accelerator's last layers, with all shapes resolved; and its answers.

Stored integers become real numbers by the scale of their layer: `docs/formats.md`. From there on
everything is float32.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from synthesis.finish.compute import Array
from synthesis.finish.steps import Shape, Step
from synthesis.finish.table import operator_of


@dataclass(frozen=True, slots=True)
class FinishInput:
    """A result of the accelerator.

    Args:
        layer: index of the layer.
        name: its name.
        shape: channels, rows, columns without what is 1 at the end.
        scale: real number for a stored 1.
    """

    layer: int
    name: str
    shape: Shape
    scale: float


@dataclass(frozen=True, slots=True)
class FinishStep:
    """A step with its inputs: values are numbered, those of the accelerator first, then steps."""

    name: str
    where: str  # file, line and position, for messages
    step: Step
    inputs: tuple[int, ...]
    shape: Shape
    is_result: bool


@dataclass(frozen=True, slots=True)
class Finish:
    """Everything behind the accelerator, in order of execution."""

    inputs: tuple[FinishInput, ...]
    steps: tuple[FinishStep, ...]

    @property
    def results(self) -> tuple[FinishStep, ...]:
        """Steps whose results are the network's answers."""
        return tuple(step for step in self.steps if step.is_result)

    def shape(self, value: int) -> Shape:
        """Shape of an input or of a step's result."""
        n_inputs = len(self.inputs)
        return self.inputs[value].shape if value < n_inputs else self.steps[value - n_inputs].shape


def finish_answers(finish: Finish, outputs: Mapping[int, NDArray[np.integer]]) -> dict[str, Array]:
    """Compute the answers.

    Args:
        finish: what to compute.
        outputs: layer index -> stored integers (C, H, W), as the accelerator leaves them.
    Returns:
        Result name -> float32, or int32 of an index.
    """
    values: list[Array] = [
        (outputs[one.layer].astype(np.float32) * np.float32(one.scale)).reshape(one.shape)
        for one in finish.inputs
    ]
    for step in finish.steps:
        inputs: Sequence[Array] = [values[index] for index in step.inputs]
        values.append(operator_of(step.step).compute(step.step, inputs, step.shape))
    n_inputs = len(finish.inputs)
    return {
        step.name: np.ascontiguousarray(values[n_inputs + index])
        for index, step in enumerate(finish.steps)
        if step.is_result
    }
