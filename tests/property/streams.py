"""Random networks whose input comes through the FIFOs; some begin with layers that stream."""

from dataclasses import replace

import numpy as np
from hypothesis import strategies as st
from property.strategies import LANES, Draft, Tensor, conv2d, mark_outputs, source_of

from synthesis.graph.ir import Shape
from synthesis.read.description import DataFormat
from synthesis.read.source import InputPath

N_FIFOS = 4


@st.composite
def fifo_networks(draw, max_layers=4):
    """A chain of convolutions, the first of them streaming or not, placed by the compiler."""
    seed = draw(st.integers(0, 1 << 32))
    draft = Draft(draw, is_placed=False, rng=np.random.default_rng(seed))
    is_chw = draw(st.booleans())
    channels = draw(st.integers(1, N_FIFOS if is_chw else N_FIFOS * LANES))
    shape = Shape(channels, draw(st.integers(4, 16)), draw(st.integers(4, 16)))
    tensor = Tensor(("input",), shape, is_chw=is_chw)
    for _ in range(draw(st.integers(1, max_layers))):
        tensor = draft.append(tensor, conv2d(draft, tensor))
    layers = mark_outputs(draft)
    layers[0] = replace(layers[0], data_format=DataFormat.CHW if is_chw else DataFormat.HWC)
    possible = [i + 1 for i, layer in enumerate(layers) if layer.pad or layer.kernel_size == (1, 1)]
    n_streaming = draw(st.sampled_from([0, *possible]))
    for index in range(n_streaming):
        is_output = layers[index].output and index == n_streaming - 1
        layers[index] = replace(layers[index], streaming=True, output=is_output)
    image = draft.rng.integers(-128, 128, (channels, *shape.dims))
    return replace(source_of(layers, draft.weights, image, seed), input_path=InputPath.FIFO)
