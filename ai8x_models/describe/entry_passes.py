"""What the accelerator needs besides what a network says: entries are added, or marked.

Tensors that are combined are copied where others read them too, poolings that a transposed
convolution cannot have get a layer of their own, and layers stream whose input is too large for the
data memory. Each pass takes all entries and gives all entries.
"""

from collections.abc import Sequence
from dataclasses import replace
from math import prod

from ai8x_models.describe.description import INPUT, LayerEntry, PoolEntry
from ai8x_models.zoo.registry import Shape

MAX_PASS_CHANNELS = 64
MAX_PIXELS = 8_192  # of a picture in the data memory, a word each


def with_split_poolings(entries: Sequence[LayerEntry]) -> tuple[LayerEntry, ...]:
    """A transposed convolution pools with stride 1 at most: the rest is done in front of it.

    Source: docs/hardware/registers.md#stride, which is 0 there (rule L2).
    """
    found: list[LayerEntry] = []
    for entry in entries:
        pool = entry.pool
        if entry.op != "convtranspose2d" or pool is None or max(pool.stride) == 1:
            found.append(entry)
            continue
        name = _unused(f"{entry.name}_pool", entries)
        shape = _pooled(entry.in_shape, pool)
        before = LayerEntry(
            name,
            "passthrough",
            entry.sources,
            entry.in_shape,
            shape,
            combine=entry.combine,
            pool_first=entry.pool_first,
            pool=pool,
            in_dim=entry.in_dim,
        )
        found.append(before)
        found.append(
            replace(
                entry,
                sources=(name,),
                in_shape=shape,
                combine=None,
                pool_first=True,
                pool=None,
                in_dim=None,
            )
        )
    return tuple(found)


def _pooled(shape: Shape, pool: PoolEntry) -> Shape:
    rows, columns = (
        (n - size) // stride + 1
        for n, size, stride in zip(shape[1:], pool.size, pool.stride, strict=True)
    )
    return shape[0], rows, columns


def _unused(name: str, entries: Sequence[LayerEntry]) -> str:
    while any(entry.name == name for entry in entries):
        name += "_"
    return name


def with_copies(entries: Sequence[LayerEntry]) -> tuple[LayerEntry, ...]:
    """Copy operands that others read as well; `keep1`, `keep2` ... stand behind what they copy."""
    found = list(entries)
    n_copies = 0
    for join in [entry for entry in found if entry.combine is not None]:
        for position, source in enumerate(join.sources):
            if not _is_shared(found, join.name, position, source):
                continue
            n_copies += 1
            copy = _copy_of(found, source, f"keep{n_copies}")
            place = next((i + 1 for i, one in enumerate(found) if one.name == source), 0)
            place += sum(one == replace(copy, name=one.name) for one in found)
            found.insert(place, copy)
            at = next(i for i, one in enumerate(found) if one.name == join.name)
            sources = (*found[at].sources[:position], copy.name, *found[at].sources[position + 1 :])
            found[at] = replace(found[at], sources=sources)
    return tuple(found)


def _is_shared(entries: list[LayerEntry], join: str, position: int, source: str) -> bool:
    """True if an operand is the input, an answer, or read by anyone else."""
    others = [
        (entry.name, i)
        for entry in entries
        for i, one in enumerate(entry.sources)
        if one == source and (entry.name, i) != (join, position)
    ]
    is_answer = any(entry.name == source and entry.is_output for entry in entries)
    return source == INPUT or is_answer or bool(others)


def _copy_of(entries: list[LayerEntry], source: str, name: str) -> LayerEntry:
    shape = next((entry.out_shape for entry in entries if entry.name == source), None)
    shape = shape or next(entry.in_shape for entry in entries if INPUT in entry.sources)
    return LayerEntry(_unused(name, entries), "passthrough", (source,), shape, shape)


def with_streaming(entries: Sequence[LayerEntry]) -> tuple[LayerEntry, ...]:
    """Leading layers that read more pixels than the data memory holds start while data arrive."""
    found = list(entries)
    for index, entry in enumerate(entries):
        producer = entries[index - 1].name if index else INPUT
        n_pixels = prod(entry.in_shape[1:]) * -(-entry.in_shape[0] // MAX_PASS_CHANNELS)
        if n_pixels <= MAX_PIXELS or entry.sources != (producer,):
            break
        found[index] = replace(entry, is_streaming=True)
    return tuple(found)
