"""A network that does not fit: the cheapest change with which it does, found by trying.

Changes are tried in the order of what they cost the user: places that are left to the compiler, how
the input is delivered, narrower results, a smaller picture, narrower weights, no biases. The first
that keeps all rules is proposed. Weights that are narrowed here only have the right size: narrow
weights have to be trained. Advice that a single rule gives on the spot is not tried; this is.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple
from zlib import crc32

import numpy as np

from max78000.errors import CapacityError, ProblemList, ToolError
from max78000.facts.chip import Chip
from max78000.facts.fixed import DATA_BITS
from synthesis.compile import Compiled, compile_source, place_source
from synthesis.generate.options import ProgramOptions
from synthesis.graph.ir import Graph, Layer
from synthesis.lower.lower import lower
from synthesis.read.source import InputPath, Source
from synthesis.variants.edits import (
    entry_of,
    narrow,
    positions_of,
    with_bits,
    with_layers,
    without_places,
)

NARROW_BITS = (4, 2)
OF_PLACES = frozenset({"D4", "D7", "D8", "D9", "E6", "E6a", "P8", "P9", "P10", "P12"})
SUBSAMPLING = 2


@dataclass(frozen=True, slots=True)
class Variant:
    """A changed network, and the change in words: "4-bit weights in conv3"."""

    text: str
    source: Source


def compile_or_advise(
    source: Source, options: ProgramOptions, chip: Chip, allowed: frozenset[str] = frozenset()
) -> Compiled:
    """Compile a network; if it does not fit, say also with which change it does.

    Raises:
        ToolError: as `compile_source`; with one more entry at the end if a change helps.
    """
    try:
        return compile_source(source, options, chip, allowed)
    except ToolError as refusal:
        problems = refusal.problems if isinstance(refusal, ProblemList) else (refusal,)
        if not all(map(_may_have_a_way_out, problems)):
            raise
        rules = frozenset(problem.rule for problem in problems)
        variant = cheapest_variant(source, chip, rules, allowed)
        if variant is None:
            raise
        why = "does not fit as it is; the cheapest change with which it does was found by trying"
        kind = type(problems[0])
        advice = kind(why, where=source.network.source, fix=f"use {variant.text}")
        raise ProblemList((*problems, advice)) from None


def _may_have_a_way_out(problem: ToolError) -> bool:
    return isinstance(problem, CapacityError) or problem.rule in OF_PLACES


def cheapest_variant(
    source: Source, chip: Chip, rules: frozenset[str], allowed: frozenset[str] = frozenset()
) -> Variant | None:
    """The first variant that keeps all rules; None if none does, or nothing can be tried.

    Args:
        source: what does not fit.
        chip: sizes of the memories.
        rules: that it breaks; they say which changes can help.
        allowed: rules that only warn.
    """
    try:
        graph = lower(source, chip)
    except ToolError:
        return None
    for variant in _variants(source, graph, rules, chip):
        if _fits(variant.source, chip, allowed):
            return variant
    return None


def _fits(source: Source, chip: Chip, allowed: frozenset[str]) -> bool:
    try:
        place_source(source, chip, allowed)
    except ToolError:
        return False
    return True


def _variants(source: Source, graph: Graph, rules: frozenset[str], chip: Chip) -> Iterator[Variant]:
    """What can help, by the first letter of the rules: D is about data, C about weights.

    Weights that no place can hold are left out: placing a network that is far too large takes long.
    """
    stored = _stored(graph)
    if _least_bytes(stored) <= chip.weight_bytes:
        yield from _unplaced(source)
        if "F1" in rules or "F2" in rules:
            yield from _folded(source)
        if any(rule.startswith("D") for rule in rules):
            yield from _streams(source, chip)
            yield from _of_bytes(source, graph)
            yield from _smaller(source)
    if "C12" in rules:
        for bits in NARROW_BITS:
            for layers in _largest(graph, bits):
                changed = frozenset(map(entry_of, layers))
                if _least_bytes(stored, changed, bits) <= chip.weight_bytes:
                    yield _narrowed(source, layers, bits)
    if "C14" in rules:
        yield from _without_bias(source, graph)


class _Stored(NamedTuple):
    """The weights of a layer: their checkpoint entry, what tells them from others, their number."""

    entry: str
    digest: int
    n: int
    bits: int


def _stored(graph: Graph) -> tuple[_Stored, ...]:
    kernels = ((entry_of(layer), layer.kernel) for layer in graph.layers if layer.kernel)
    return tuple(
        _Stored(
            entry,
            crc32(np.ascontiguousarray(kernel.weights_oihw).data),
            kernel.weights_oihw.size,
            kernel.bits,
        )
        for entry, kernel in kernels
    )


def _least_bytes(
    stored: Sequence[_Stored], narrowed: frozenset[str] = frozenset(), bits: int = 0
) -> int:
    """What weights take at least, those of some entries with so many bits; equal ones lie once."""
    found = (one._replace(bits=bits) if one.entry in narrowed else one for one in stored)
    taken = {(one.digest, one.n, one.bits): one.n * one.bits for one in found}
    return sum(taken.values()) // DATA_BITS


def _unplaced(source: Source) -> Iterator[Variant]:
    """Processors, offsets and gaps chosen by the compiler, if the description gives any."""
    network = without_places(source.network)
    if network != source.network and not (network.buffers or network.unload):
        text = "no processors, offsets and gaps: they are then chosen"
        yield Variant(text, replace(source, network=network))


def _folded(source: Source) -> Iterator[Variant]:
    """A first layer that flattens gets more channels of fewer pixels; weights in another order."""
    first, (channels, rows, columns) = source.network.layers[0], source.image.shape
    if not first.flatten or first.in_dim is not None or first.in_channels is not None:
        return
    network = replace(source.network, input_shape=None)
    for ratio in range(2, min(rows, columns) + 1):
        if rows % ratio == 0 and columns % ratio == 0:
            image = source.image.reshape(channels * ratio**2, rows // ratio, columns // ratio)
            size = f"{image.shape[0]}x{image.shape[1]}x{image.shape[2]}"
            text = f"the picture folded by {ratio} ({size}), weights in that order"
            yield Variant(text, replace(source, network=network, image=image))


def _streams(source: Source, chip: Chip) -> Iterator[Variant]:
    """The input through the FIFOs, so that only some of its rows are in memory at a time."""
    if source.input_path.is_fifo:
        return
    for n in range(1, min(chip.max_streaming, len(source.network.layers)) + 1):
        network = with_layers(source.network, range(n), lambda spec: replace(spec, streaming=True))
        word = "layer" if n == 1 else f"{n} layers"
        yield Variant(
            f"--fifo, and `streaming: true` in the first {word}",
            replace(source, network=network, input_path=InputPath.FIFO),
        )


def _largest(graph: Graph, bits: int) -> Iterator[Sequence[Layer]]:
    """Layers of more bits: one entry's more at a time, the largest first."""
    wide = [
        layer for layer in graph.layers if layer.kernel is not None and layer.kernel.bits > bits
    ]
    entries = sorted({entry_of(layer): _size(layer) for layer in wide}.items(), key=lambda e: -e[1])
    for n in range(1, len(entries) + 1):
        changed = {name for name, _ in entries[:n]}
        yield [layer for layer in wide if entry_of(layer) in changed]


def _narrowed(source: Source, layers: Sequence[Layer], bits: int) -> Variant:
    """Narrower weights in some layers."""
    return Variant(
        f"{bits}-bit weights in {_names(layers)}",
        replace(
            source,
            network=with_bits(source.network, layers, bits),
            checkpoint=narrow(source.checkpoint, list(map(entry_of, layers)), bits),
        ),
    )


def _without_bias(source: Source, graph: Graph) -> Iterator[Variant]:
    """No bias in one more layer at a time, the widest first."""
    biased = [
        layer
        for layer in graph.layers
        if layer.kernel is not None and layer.kernel.bias is not None
    ]
    biased.sort(key=lambda layer: -layer.out_shape.channels)
    for n in range(1, len(biased) + 1):
        names = [entry_of(layer) for layer in biased[:n]]
        layers = tuple(
            replace(entry, bias=None) if entry.name in names else entry
            for entry in source.checkpoint.layers
        )
        yield Variant(
            f"no bias in {_names(biased[:n])}",
            replace(source, checkpoint=replace(source.checkpoint, layers=layers)),
        )


def _of_bytes(source: Source, graph: Graph) -> Iterator[Variant]:
    """Results of 8 bits where there are 32: a quarter of the room."""
    wide = [layer for layer in graph.layers if layer.is_wide]
    if not wide:
        return
    positions = positions_of(source.network, wide)
    network = with_layers(
        source.network, positions, lambda spec: replace(spec, output_width=DATA_BITS)
    )
    yield Variant(f"output_width: 8 in {_names(wide)}", replace(source, network=network))


def _smaller(source: Source) -> Iterator[Variant]:
    """A picture of half the rows and columns, where the layers do not fix their sizes."""
    rows, columns = source.image.shape[1:]
    if min(rows, columns) < SUBSAMPLING:
        return
    image = source.image[:, ::SUBSAMPLING, ::SUBSAMPLING]
    size = f"{image.shape[1]}x{image.shape[2]}"
    network = replace(source.network, input_shape=None)
    smaller = replace(source, network=network, image=np.ascontiguousarray(image))
    yield Variant(f"a picture of {size}", smaller)


def _size(layer: Layer) -> int:
    return layer.kernel.weights_oihw.size if layer.kernel is not None else 0


def _names(layers: Sequence[Layer]) -> str:
    return ", ".join(layer.name for layer in sorted(layers, key=lambda layer: layer.index))
