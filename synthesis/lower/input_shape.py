"""Which sample a description without `input_shape` takes, found by trying.

A sample of another size is noticed late: where its pixels are flattened, or nothing is left of
them. Whoever gave it wants to hear what to give instead.
"""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from max78000.errors import InputError, ProblemList, ToolError
from max78000.facts.chip import Chip
from synthesis.graph.ir import Graph, Shape
from synthesis.lower.lower import lower
from synthesis.read.description import Operator
from synthesis.read.source import Source, Tensor

OF_THE_SAMPLE = frozenset({"D3", "G14", "G24", "P2"})  # what a wrong one can break
MAX_SIDE = 512  # of the pictures that are tried
MAX_LENGTH = 2048


def lower_or_say_shape(source: Source, chip: Chip) -> Graph:
    """As `lower`; but if another sample is all that is needed, say which.

    Raises:
        ToolError: as `lower`.
    """
    try:
        return lower(source, chip)
    except ToolError as refusal:
        problems = refusal.problems if isinstance(refusal, ProblemList) else (refusal,)
        if source.network.input_shape is not None:
            raise
        if any(problem.rule not in OF_THE_SAMPLE for problem in problems):
            raise
        wanted = next((s for s in _candidates(source) if _is_taken(source, s, chip)), None)
        if wanted is None:
            raise
        given = Shape(*source.image.shape)
        raise InputError(
            f"the sample is {given}; these layers with these weights take {wanted}",
            where=source.network.source,
            fix=f"give a sample of {wanted} (channels, rows, columns)",
            rule="G24",
        ) from None


def _candidates(source: Source) -> Iterator[Shape]:
    """The sample with its axes moved; if a layer fixes its pixels, lines or squares, too."""
    shape = source.image.shape
    yield Shape(shape[2], shape[0], shape[1])
    yield Shape(shape[1], shape[2], shape[0])
    if not any(layer.flatten for layer in source.network.layers):
        return
    first, entries = source.network.layers[0], source.checkpoint.layers
    channels = shape[0]
    if entries and first.op is not Operator.PASSTHROUGH and not first.flatten:
        is_turned = first.op is Operator.CONVTRANSPOSE2D
        channels = int(entries[0].weight.shape[0 if is_turned else 1]) * (first.operands or 1)
    if first.op is Operator.CONV1D:
        yield from (Shape(channels, n, 1) for n in range(1, MAX_LENGTH))
    else:
        yield from (Shape(channels, n, n) for n in range(1, MAX_SIDE))


def _is_taken(source: Source, shape: Shape, chip: Chip) -> bool:
    nothing: Tensor = np.broadcast_to(np.int64(0), (shape.channels, *shape.dims))
    try:
        graph = lower(replace(source, image=nothing), chip)
    except ToolError:
        return False
    first = graph.layers[0]
    return shape.channels == first.in_shape.channels * first.operands
