"""Damaged descriptions: a network of `strategies`, with one or two keys changed to something odd.

Every value is one that the YAML reader lets through. Most results are illegal, some are legal but
no longer what was meant, and a few mean the same as before.
"""

from dataclasses import replace

from hypothesis import strategies as st
from property.strategies import Keys

from max78000.facts.fixed import Activation, Combine
from synthesis.read.description import DataFormat, Operator

ALL_PROCESSORS = (1 << 64) - 1


def _run(n, first):
    return (((1 << n) - 1) << first & ALL_PROCESSORS) or 1


PAIRS = st.tuples(st.integers(0, 17), st.integers(0, 17))
RUNS = st.builds(_run, st.integers(1, 64), st.integers(0, 63))
PROCESSORS = st.one_of(st.integers(1, ALL_PROCESSORS), RUNS)
OFFSETS = st.one_of(st.integers(0, 0x7FFF).map(lambda n: 4 * n), st.integers(0, 100))
COUNTS = st.sampled_from((1, 2, 3, 16, 64, 65, 1024, 1025))

ODD_VALUES: dict[str, st.SearchStrategy[object]] = {
    "name": st.sampled_from(("input", "stop", "a")),
    "sequence": st.integers(0, 31),
    "next_sequence": st.sampled_from((1, 2, "stop", "a")),
    "in_sequences": st.lists(st.integers(-1, 4), min_size=1, max_size=3).map(tuple),
    "weight_source": st.integers(0, 3),
    "output": st.just(True),
    "op": st.sampled_from((*Operator, Combine.ADD, Combine.SUB)),
    "eltwise": st.sampled_from(Combine),
    "operands": st.integers(2, 16),
    "pool_first": st.booleans(),
    "activate": st.sampled_from(Activation),
    "kernel_size": st.sampled_from(((1, 1), (3, 3), (2, 2), (5, 5), (9, 1), (10, 1), (1, 3))),
    "pad": st.integers(-1, 3),
    "stride": st.sampled_from(((1, 1), (2, 2), (1, 2), (3, 3))),
    "dilation": st.sampled_from(((1, 1), (2, 2), (5, 5), (12, 12), (1, 2))),
    "output_pad": st.integers(0, 2),
    "flatten": st.booleans(),
    "max_pool": st.one_of(PAIRS, st.integers(0, 17)),
    "avg_pool": PAIRS,
    "pool_stride": PAIRS,
    "quantization": st.sampled_from((1, 2, 4, 8)),
    "output_shift": st.integers(-24, 20),
    "output_width": st.sampled_from((8, 32)),
    "in_channels": COUNTS,
    "out_channels": COUNTS,
    "in_dim": st.tuples(st.integers(1, 40), st.integers(1, 40)),
    "in_crop": st.tuples(st.integers(-1, 4), st.integers(0, 4)),
    "processors": PROCESSORS,
    "output_processors": PROCESSORS,
    "in_offset": OFFSETS,
    "out_offset": OFFSETS,
    "write_gap": st.integers(0, 15),
    "bias_group": st.sampled_from(((0,), (1,), (0, 3), (2, 3))),
    "data_format": st.sampled_from(DataFormat),
    "streaming": st.just(True),
    "buffer_shift": st.just(1),
}
UNPLACED: Keys = {
    "processors": None,
    "output_processors": None,
    "in_offset": None,
    "out_offset": None,
}


@st.composite
def damaged(draw, sources):
    """A network with odd keys; sometimes the whole placement is taken away as well."""
    source = draw(sources)
    layers = list(source.network.layers)
    for _ in range(draw(st.integers(1, 2))):
        index = draw(st.integers(0, len(layers) - 1))
        key = draw(st.sampled_from(sorted(ODD_VALUES)))
        odd: Keys = {key: draw(ODD_VALUES[key])}
        if isinstance(odd.get("op"), Combine):  # as the reader takes an element-wise word
            combine = layers[index].eltwise or odd["op"]
            odd = {"op": Operator.PASSTHROUGH, "eltwise": combine}
        layers[index] = replace(layers[index], **odd)
    if draw(st.integers(0, 5)) == 0:
        layers = [replace(layer, **UNPLACED) for layer in layers]
    return replace(source, network=replace(source.network, layers=tuple(layers)))
