"""Which checkpoint entry belongs to which layer: by position, as stored, skipping layers without
weights.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from max78000.errors import InputError, raise_all
from synthesis.graph.ir import Kernel, Producer
from synthesis.lower.operation import Operation
from synthesis.lower.sequence import Step
from synthesis.read.checkpoint import Checkpoint, LayerWeights
from synthesis.read.description import Operator, Pair
from synthesis.read.npy_weights import needed_bits


def assign_kernels(
    steps: Sequence[Step], operations: Sequence[Operation], checkpoint: Checkpoint
) -> tuple[Kernel | None, ...]:
    """Pair layers with weights and bring these into the hardware's orientation.

    Raises:
        ProblemList: too few entries (rule G11), kernel shapes that contradict the description (C9),
            weights taken from, or given to, a layer without weights (G8).
    """
    owners = weight_owners(steps, operations)
    if len(checkpoint.layers) < len(owners):
        raise InputError(
            f"{len(owners)} layers need weights, {checkpoint.source} has {len(checkpoint.layers)}: "
            + _pairing(steps, owners, checkpoint),
            where=steps[owners[len(checkpoint.layers)]].where,
            fix="check for a missing `op: passthrough` or `weight_source`",
            rule="G11",
        )
    entries = dict(zip(map(Producer, owners), checkpoint.layers, strict=False))
    problems = []
    for i, step in enumerate(steps):
        if step.weight_source is None:
            continue
        if step.weight_source in entries and operations[i].op is not Operator.PASSTHROUGH:
            entries[Producer(i)] = entries[step.weight_source]
        else:
            why = f"weight_source {step.spec.weight_source!r}: one of the two has no weights"
            problems.append(InputError(why, where=step.where, fix="name a convolution", rule="G8"))
    problems += [
        problem
        for user, entry in entries.items()
        if (problem := _kernel_problem(steps[user.step], operations[user.step], entry, checkpoint))
    ]
    raise_all(problems)
    found = (entries.get(Producer(i)) for i in range(len(steps)))
    return tuple(
        None if entry is None else _kernel(step, operation, entry)
        for step, operation, entry in zip(steps, operations, found, strict=True)
    )


def weight_owners(steps: Sequence[Step], operations: Sequence[Operation]) -> list[int]:
    """Positions of the layers that take weights of their own, in order."""
    return [
        i
        for i, (step, operation) in enumerate(zip(steps, operations, strict=True))
        if operation.op is not Operator.PASSTHROUGH and step.weight_source is None
    ]


def _pairing(steps: Sequence[Step], owners: Sequence[int], checkpoint: Checkpoint) -> str:
    names = [entry.name for entry in checkpoint.layers] + ["nothing"]
    pairs = (f"{steps[o].name} <- {names[min(i, len(names) - 1)]}" for i, o in enumerate(owners))
    return ", ".join(pairs)


def _taps(weight: NDArray[np.int64]) -> Pair:
    rows, columns = (*weight.shape[2:], 1, 1)[:2]
    return int(rows), int(columns)


def _kernel_problem(
    step: Step, operation: Operation, entry: LayerWeights, checkpoint: Checkpoint
) -> InputError | None:
    if _taps(entry.weight) == operation.kernel_size:
        return None
    wanted = "x".join(map(str, operation.kernel_size))
    stored = "x".join(map(str, entry.weight.shape))
    return InputError(
        f"kernel_size is {wanted}, {entry.name} in {checkpoint.source} has weights {stored}",
        where=step.where,
        fix="correct kernel_size, or the order of the layers",
        rule="C9",
    )


def _kernel(step: Step, operation: Operation, entry: LayerWeights) -> Kernel:
    weights = entry.weight.reshape(*entry.weight.shape[:2], *_taps(entry.weight))
    # Quirk transposed-kernel: the engine correlates; raw weights are turned already.
    if operation.op is Operator.CONVTRANSPOSE2D and not entry.is_raw:
        weights = np.ascontiguousarray(weights[:, :, ::-1, ::-1].transpose(1, 0, 2, 3))
        weights.setflags(write=False)
    # Quirk zero-weights: a layer of zeros is stored in one bit a weight.
    default_bits = 8 if weights.any() else 1
    bits = step.spec.quantization or entry.weight_bits or default_bits
    if entry.is_raw:
        weights = weights >> max(0, needed_bits(weights) - bits)
        weights.setflags(write=False)
    shift = step.spec.output_shift
    bias = entry.bias if entry.bias is not None and entry.bias.any() else None
    return Kernel(
        weights_oihw=weights,
        bias=bias,
        bits=bits,
        output_shift=entry.output_shift if shift is None else shift,
        source=entry.name,
        final_scale=entry.final_scale,
    )
