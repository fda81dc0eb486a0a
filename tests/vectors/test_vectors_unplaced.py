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
