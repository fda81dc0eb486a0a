"""From ranges of results to what the layers store: the scale adjustment of QATv2.

A result is kept as bytes whose full scale is its range T. A layer that reads bytes of range P and
gives such of range T computes 2^(P - T) (W x + b / 2^P): weights stay, the bias is divided, and the
shift is less by T - P. Tensors that meet have one range. `adjusted_scales` takes the vendor's steps
in the vendor's order, and with it what they leave undone (quirk late-producer); networks that are
trained here get `exact_scales`, with which QAT computes what the chip computes.

Source: docs/hardware/arithmetic.md#qatv2.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

INPUT = ""  # the network's input, among the producers of `exact_scales`


@dataclass(frozen=True, slots=True)
class Topology:
    """Who reads whom, by names of layers with parameters.

    Args:
        order: layers, as the model declares them.
        producers: whose results a layer reads, through anything that is no layer.
        adds: of layers that reach an addition or a subtraction, the module that does the last.
        joins: of layers that reach a concatenation, which one.
        wide: layers with 32-bit output.
        answers: layers whose results leave the network and are read by nothing in it.
        unscaled: those that reach the network's end through an addition or the like, or are read
            as well: no final scale can be theirs alone.
    """

    order: tuple[str, ...]
    producers: Mapping[str, tuple[str, ...]]
    adds: Mapping[str, str] = field(default_factory=dict)
    joins: Mapping[str, str] = field(default_factory=dict)
    wide: frozenset[str] = frozenset()
    answers: frozenset[str] = frozenset()
    unscaled: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Scale:
    """What a layer stores, as logarithms of powers of two.

    Args:
        threshold: `activation_threshold`, by which the output shift is less.
        final_scale: `final_scale`, which gives back the size of what leaves the network.
        bias_log2: the bias is divided by two to the power of this.
    """

    threshold: float
    final_scale: float
    bias_log2: float


def adjusted_scales(
    topology: Topology, ranges: Mapping[str, float], sums: Mapping[str, float]
) -> dict[str, Scale]:
    """Turn absolute ranges into what each layer stores.

    Args:
        topology: of the network.
        ranges: logarithm of each layer's range.
        sums: of each element-wise module's.
    """
    common = dict(ranges)
    for layer in topology.order:
        common[layer] = sums.get(topology.adds.get(layer, ""), common[layer])
    groups: dict[str, list[str]] = {}
    for layer in topology.order:
        if layer in topology.joins:
            groups.setdefault(topology.joins[layer], []).append(layer)
    for members in groups.values():
        _equalize(common, members)
    for layer in topology.order:
        _equalize(common, topology.producers.get(layer, ()))
    # Quirk late-producer: a layer that is declared behind its reader keeps a final scale.
    scales: dict[str, Scale] = {}
    finals = dict.fromkeys(topology.order, 0.0)
    for layer in topology.order:
        producers = topology.producers.get(layer, ())
        first = next((one for one in topology.order if one in producers), None)
        before = 0.0 if first is None else common[first]
        if first is not None:
            finals[layer] = before if layer in topology.wide else common[layer]
            finals.update(dict.fromkeys(producers, 0.0))
        scales[layer] = Scale(common[layer] - before, 0.0, before)
    return {
        layer: Scale(scale.threshold, finals[layer], scale.bias_log2)
        for layer, scale in scales.items()
    }


def exact_scales(
    topology: Topology, ranges: Mapping[str, float], sums: Mapping[str, float]
) -> dict[str, Scale]:
    """As `adjusted_scales`, for any network: QAT and the chip then compute the same numbers.

    Tensors that meet have one range however long the chain of those that meet; that of the input,
    and of what cannot have a final scale, is 1; a layer that reads the input has a final scale if
    it is an answer; a layer that is read has none; nor has a 32-bit result a threshold.
    """
    common = _common_ranges(topology, ranges, sums)
    scales: dict[str, Scale] = {}
    for layer in topology.order:
        before = next((common[one] for one in topology.producers[layer]), 0.0)
        is_wide = layer in topology.wide
        final = before if is_wide else common[layer]
        threshold = 0.0 if is_wide else common[layer] - before
        scales[layer] = Scale(threshold, final if layer in topology.answers else 0.0, before)
    return scales


def _common_ranges(
    topology: Topology, ranges: Mapping[str, float], sums: Mapping[str, float]
) -> dict[str, float]:
    """Range of every layer and of the input, the same for all that meet."""
    group = {name: {name} for name in (INPUT, *topology.order)}
    for members in _meeting(topology):
        met = set().union(*(group[name] for name in members))
        for name in met:
            group[name] = met
    settled = {INPUT, *topology.unscaled}
    common: dict[str, float] = {}
    for name, members in group.items():
        found = [
            sums[topology.adds[one]] if one in topology.adds else ranges[one]
            for one in members
            if one != INPUT
        ]
        largest = max(found, default=0.0)
        is_measured = not members & settled and math.isfinite(largest)
        common[name] = largest if is_measured else 0.0
    return common


def _meeting(topology: Topology) -> Iterable[set[str]]:
    """Layers whose results are read together, added or joined."""
    yield from (set(names) for names in topology.producers.values() if names)
    for table in (topology.adds, topology.joins):
        for place in set(table.values()):
            yield {name for name, other in table.items() if other == place}


def _equalize(ranges: dict[str, float], layers: Iterable[str]) -> None:
    names = list(layers)
    if names:
        ranges.update(dict.fromkeys(names, max(ranges[name] for name in names)))
