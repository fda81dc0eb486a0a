"""Random networks on the fast FIFO, streaming or not: interpreter and simulated accelerator agree.

The examples are the same in every run.
"""

from dataclasses import replace

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from property.agreement import OPTIONS, require_agreement
from property.streams import fifo_networks

from max78000.errors import ToolError
from max78000.facts.chip import MAX78000
from max78000.program.program import FastFifo
from synthesis.compile import compile_source
from synthesis.place.fifo import fed_processors
from synthesis.place.placed import members
from synthesis.read.description import DataFormat
from synthesis.read.source import InputPath

EVERY_QUADRANT = fed_processors(DataFormat.CHW, MAX78000)  # its first processor


@st.composite
def fast_networks(draw):
    """Like `fifo_networks`, with as many channels as a word carries, on either set of
    processors.
    """
    source = draw(fifo_networks(max_layers=3).filter(carries_all))
    first, *others = source.network.layers
    first = replace(first, output_width=8)
    if len(source.image) > 1 and draw(st.booleans()):
        apart = sum(1 << p for p in members(EVERY_QUADRANT)[: len(source.image)])
        first = replace(first, processors=apart)
    network = replace(source.network, layers=(first, *others))
    return replace(source, network=network, input_path=InputPath.FAST_FIFO)


def carries_all(source):
    is_chw = source.network.layers[0].data_format is DataFormat.CHW
    return len(source.image) <= (1 if is_chw else MAX78000.n_fifos)


def test_networks_on_the_fast_fifo_agree():
    found = {"agrees": 0, "refused": 0, "streaming": 0, "apart": 0}

    @settings(
        max_examples=100,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(fast_networks())
    def check(source):
        try:
            compiled = compile_source(source, OPTIONS, MAX78000, frozenset({"S8a"}))
        except ToolError:
            found["refused"] += 1
            return
        require_agreement(compiled)
        (fed,) = compiled.program.phase("load_input").operations
        assert isinstance(fed, FastFifo)
        found["agrees"] += 1
        found["streaming"] += compiled.graph.n_streaming > 0
        found["apart"] += compiled.placement.layers[0].processors > 0xF

    check()
    assert found["agrees"] > 2 * found["refused"], found
    assert min(found["streaming"], found["apart"]) > 4, found
