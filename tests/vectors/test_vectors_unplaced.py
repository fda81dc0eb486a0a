"""The vendor's networks without a word about placement: the solver does at least as well by hand.

All placement keys are taken out of the descriptions. Each network has to compile, to give the known
answer on the simulated accelerator, and to take no more cycles than the vendor's placement.
"""

from dataclasses import replace

import pytest
from test_vectors import ACCEPTED, CASES, source_of_case

from max78000.errors import ToolError
from max78000.facts.chip import MAX78000
from max78000.machine.machine import Machine
from synthesis.compile import compile_source
from synthesis.place.search import EMPTY_SHARE

PLACEMENT = (
    "processors", "output_processors", "in_offset", "out_offset", "write_gap", "data_format",
    "bias_group",
)  # fmt: skip
# Operands from one producer: what the registers compute is not what the vendor's tool expects.
REFUSED = ("test-multilayer-eltwise",)


def without_places(network):
    layers = tuple(replace(layer, **dict.fromkeys(PLACEMENT)) for layer in network.layers)
    return replace(network, layers=layers, output_map=None)


def cycles_without_places(folder):
    source, options = source_of_case(folder)
    compiled = compile_source(
        replace(source, network=without_places(source.network)), options, MAX78000
    )
    machine = Machine(MAX78000)
    machine.run(compiled.program)
    assert machine.check_known_answer(compiled.program) is None
    return compiled.program.cycles.total


@pytest.mark.parametrize("folder", ACCEPTED, ids=lambda folder: folder.name)
def test_no_network_is_slower(folder):
    if folder.name in REFUSED:
        with pytest.raises(ToolError, match=r"\[G14\]"):
            cycles_without_places(folder)
        return
    expected = CASES[folder].get("cycles")
    found = cycles_without_places(folder)
    assert expected is None or found <= expected["total"]


def test_some_are_quicker():
    """Those whose channels the solver spreads, or whose outputs it packs."""
    names = ("test-eltwiseadd-31ch", "test-eltwiseadd-pool", "test-nonsquare")
    folders = [folder for folder in ACCEPTED if folder.name in names]
    for folder in folders:
        assert cycles_without_places(folder) < CASES[folder]["cycles"]["total"]


# -- kernel memories -------------------------------------------------------------------------------

NOT_WORTH_IT = MAX78000.kernel_words // EMPTY_SHARE
NETWORKS = [folder for folder in ACCEPTED if folder.parent.name in ("timing", "trained")]
# Widths by which the vendor trains `simplenet` for mixed precision; all others have two bits.
MIXED = {"conv1": 8, "conv2": 4, "conv11": 4, "conv12": 4, "conv13": 4, "conv14": 4}


def fullest(source, options):
    """Kernel words of the processor that has most."""
    allowed = frozenset({"D7"})  # as the vendor's flags do for one
    placement = compile_source(source, options, MAX78000, allowed).placement
    return placement.kernels.is_used.sum(axis=1).max()


def in_mixed_widths(source):
    """The same network with fewer bits; what the weights are does not matter."""
    layers = []
    for layer in source.checkpoint.layers:
        bits = MIXED.get(layer.name, 2)
        one = 1 << (bits - 1)
        layers.append(replace(layer, weight=layer.weight.clip(-one, one - 1), weight_bits=bits))
    return replace(source, checkpoint=replace(source.checkpoint, layers=tuple(layers)))


def is_as_even_as_by_hand(source, options):
    placed = replace(source, network=without_places(source.network))
    return fullest(placed, options) <= max(fullest(source, options), NOT_WORTH_IT)


@pytest.mark.parametrize("folder", NETWORKS, ids=lambda folder: folder.name)
def test_kernel_memories_are_at_least_as_even(folder):
    assert is_as_even_as_by_hand(*source_of_case(folder))


def test_kernel_memories_of_mixed_widths_are_at_least_as_even():
    for folder in NETWORKS:
        if folder.name == "timing-cifar100-simplenet":
            source, options = source_of_case(folder)
            assert is_as_even_as_by_hand(in_mixed_widths(source), options)
