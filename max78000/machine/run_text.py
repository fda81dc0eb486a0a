"""A run of the machine in words: lines for people, values for scripts. Runs and prints nothing."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from max78000.facts.fixed import Activation
from max78000.machine.machine import RunResult
from max78000.machine.setup import LayerSetup
from max78000.program.program import OutputMap

N_BEST = 5


def run_values(result: RunResult, clock_hz: int) -> dict[str, Any]:
    """Figures of a run."""
    layers = zip(result.setups, result.layer_cycles, strict=True)
    return {
        "cycles": result.cycles,
        "is_estimate": result.is_estimate,
        "milliseconds": _milliseconds(result, clock_hz),
        "layers": [{"layer": layer_text(setup), "cycles": cycles} for setup, cycles in layers],
        "notes": list(result.notes),
    }


def run_lines(result: RunResult, clock_hz: int, *, verbose: bool) -> Iterator[str]:
    """Cycles and time, on request layer by layer."""
    if verbose:
        for setup, cycles in zip(result.setups, result.layer_cycles, strict=True):
            yield f"layer {setup.index:<3}{layer_text(setup):60}{cycles:>10} cycles"
    kind = "about " if result.is_estimate else ""
    time_ms = _milliseconds(result, clock_hz)
    yield f"ran {kind}{result.cycles} cycles, {time_ms} ms at {clock_hz / 1e6:g} MHz"


def output_values(output: OutputMap, values_chw: NDArray[np.int64]) -> dict[str, Any]:
    """An output tensor for scripts: integers as they are in data memory, and what they mean."""
    return {
        "layer": output.layer,
        "name": output.name,
        "final_scale": output.final_scale,
        "values": values_chw.tolist(),
    }


def output_lines(output: OutputMap, values_chw: NDArray[np.int64]) -> Iterator[str]:
    """An output tensor for people: its range, and the largest values if there is one pixel.

    Values are those that the network answers: multiplied by the final scale, without rounding.
    """
    answers = values_chw * 2.0**output.final_scale
    shape = "x".join(map(str, output.shape))
    scale = f" times 2^{output.final_scale}" if output.final_scale else ""
    spread = f"{answers.min():.15g} to {answers.max():.15g}"
    yield f"layer {output.layer} {output.name} {shape} {output.width_bits} bit{scale}: {spread}"
    if answers[0].size == 1:
        scores = answers[:, 0, 0]
        for channel in np.argsort(-scores, kind="stable")[:N_BEST]:
            yield f"  channel {channel}: {scores[channel]:.15g}"


def layer_text(setup: LayerSetup) -> str:
    """Say what a layer does in a few words."""
    kernel, pool, read = setup.kernel, setup.pool, setup.read
    words = [f"{read.rows}x{read.columns}"]
    if pool.rows * pool.columns > 1 or pool.step > 1:
        kind = "max" if pool.is_max else "average"
        words.append(f"{kind} pool {pool.rows}x{pool.columns} step {pool.step}")
    if pool.combine is not None:
        words.append(f"{pool.combine.value} of {read.operands}")
    if kernel is None:
        words.append("pass-through")
    else:
        name = "transposed " if kernel.is_transposed else ""
        words.append(f"{name}convolution {kernel.rows}x{kernel.columns} {kernel.weight_bits} bit")
    if setup.post.activation is not Activation.NONE:
        words.append(setup.post.activation.value)
    rows, columns = setup.out_shape
    return ", ".join(words) + f" -> {rows}x{columns}"


def _milliseconds(result: RunResult, clock_hz: int) -> float:
    return round(1000 * result.cycles / clock_hz, 4)
