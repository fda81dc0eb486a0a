"""From ranges of results to what the layers store: the scale adjustment of QATv2.

A result is kept as bytes whose full scale is its range T. A layer that reads bytes of range P and
gives such of range T computes 2^(P - T) (W x + b / 2^P): weights stay, the bias is divided, and the
shift is less by T - P. Tensors that meet have one range. The order of steps is the vendor's, and
with it what they leave undone (quirk late-producer).

Source: docs/hardware/arithmetic.md#qatv2.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Topology:
    """Who reads whom, by names of layers with parameters.

    Args:
        order: layers, as the model declares them.
        producers: whose results a layer reads, through anything that is no layer.
        adds: of layers that reach an addition or a subtraction, the module that does the last.
        joins: of layers that reach a concatenation, which one.
        wide: layers with 32-bit output.
    """

    order: tuple[str, ...]
    producers: Mapping[str, tuple[str, ...]]
    adds: Mapping[str, str] = field(default_factory=dict)
    joins: Mapping[str, str] = field(default_factory=dict)
    wide: frozenset[str] = frozenset()


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


def _equalize(ranges: dict[str, float], layers: Iterable[str]) -> None:
    names = list(layers)
    if names:
        ranges.update(dict.fromkeys(names, max(ranges[name] for name in names)))
