"""What stands behind the accelerator's last layers, with all shapes resolved; and its answers.

Stored integers become real numbers by the scale of their layer: `docs/formats.md`. From there on
everything is float32.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from max78000.facts.fixed import scale_by
from synthesis.finish.compute import Array
from synthesis.finish.steps import Shape, Step
from synthesis.finish.table import operator_of

WIDE_BITS = 32  # no scaled byte is wider


@dataclass(frozen=True, slots=True)
class FinishInput:
    """A result of the accelerator.

    Args:
        name: of the layer.
        shape: channels, rows, columns without what is 1 at the end.
        unit: real number for a stored 1, before the final scale.
        final_scale: power of two by which `cnn_unload` multiplies what is stored.
    """

    name: str
    shape: Shape
    unit: float
    final_scale: int = 0


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


def finish_answers(
    finish: Finish, outputs: Mapping[str, NDArray[np.integer]], *, scales: bool = True
) -> dict[str, Array]:
    """Compute the answers.

    Args:
        finish: what to compute.
        outputs: layer name -> stored integers (C, H, W), as the accelerator leaves them.
        scales: `cnn_unload` multiplies by the final scale, in integers: a negative one cuts bits
            off. Otherwise real numbers are multiplied.
    Returns:
        Result name -> float32, or int32 of an index.
    """
    values = [_real(one, outputs[one.name], scales=scales) for one in finish.inputs]
    for step in finish.steps:
        inputs: Sequence[Array] = [values[index] for index in step.inputs]
        values.append(operator_of(step.step).compute(step.step, inputs, step.shape))
    n_inputs = len(finish.inputs)
    return {
        step.name: np.ascontiguousarray(values[n_inputs + index])
        for index, step in enumerate(finish.steps)
        if step.is_result
    }


def _real(one: FinishInput, stored: NDArray[np.integer], *, scales: bool) -> Array:
    """Stored integers as real numbers."""
    unit = one.unit if scales else one.unit * 2.0**one.final_scale
    delivered = scale_by(stored, one.final_scale if scales else 0, WIDE_BITS)
    real: Array = delivered.astype(np.float32) * np.float32(unit)
    return real.reshape(one.shape)
