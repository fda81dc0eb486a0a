"""What the quantizer is told beside the checkpoint."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from ai8x_models.layers.batchnorm import DEFAULT_EPS
from max78000.facts.fixed import DATA_BITS


class ClipMethod(Enum):
    """How weights are scaled without QAT; the value is the word of the vendor's command line."""

    MAX = "MAX"
    AVGMAX = "AVGMAX"
    STDDEV = "STDDEV"
    SCALE = "SCALE"


@dataclass(frozen=True, slots=True)
class QuantizeOptions:
    """What the checkpoint does not say itself.

    Args:
        weight_bits: widths by layer name; they win over the checkpoint's own.
        default_weight_bits: for layers whose width neither `weight_bits` nor the checkpoint gives.
        clip_method: scale weights so, and leave output shifts alone; None is QAT's way.
        scale: factor of `ClipMethod.SCALE`.
        n_deviations: standard deviations of `ClipMethod.STDDEV`.
        bn_eps: of batch norms that are still in the checkpoint of an unknown network.
        transposed: names of transposed convolutions with as many input as output channels, for
            the batch norm of an unknown network; others are recognised.
        no_bias: layers whose bias is dropped.
        has_chip_limits: of shifts with a threshold, keep to what the chip has below 8 bits, too;
            the vendor's quantizer, which is followed otherwise, has other limits there.
    """

    weight_bits: Mapping[str, int] = field(default_factory=dict)
    default_weight_bits: int = DATA_BITS
    clip_method: ClipMethod | None = None
    scale: float = 0.85
    n_deviations: float = 2.0
    bn_eps: float = DEFAULT_EPS
    transposed: frozenset[str] = frozenset()
    no_bias: frozenset[str] = frozenset()
    has_chip_limits: bool = False
