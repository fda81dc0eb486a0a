"""Three small networks, word for word: where the compiler places them and the program it writes.

A change of these texts is a change of what users get: it belongs to the commit that causes it.
"""

from pathlib import Path

import pytest

from max78000.facts.chip import MAX78000
from max78000.machine import Machine
from networks import Net, checkpoint_of, image_of
from synthesis.compile import compile_source
from synthesis.generate.options import ProgramOptions
from synthesis.read.source import Source
from synthesis.read.yaml_reader import read_network
from synthesis.text import stage_text

FOLDER = Path(__file__).parent
STAGES = {"placed": "placed.yaml", "program": "program.txt"}
# name -> weights in the order of the layers, sample, weight bits that all layers can hold
SHAPES = {
    "branches": Net("", "6x3x3x3 10x6x3x3 5x10x1x1 7x10x1x1", "3x12x10", bits=4, bias=3),
    "residual": Net("", "8x3x3x3 8x8x3x3 8x8x1x1 8x8x3x3", "3x8x6", bias=-2),
    "speech": Net("", "72x4x3 9x72x3 6x9x1 10x36", "4x22", bits=2, bias=1),
}


@pytest.fixture(scope="module", params=SHAPES)
def golden(request):
    """A network's folder, and the network compiled."""
    folder, net = FOLDER / request.param, SHAPES[request.param]
    text = (folder / "network.yaml").read_text(encoding="utf-8")
    network = read_network(text, f"{request.param}/network.yaml")
    source = Source(network, checkpoint_of(net), image_of(net))
    return folder, compile_source(source, ProgramOptions(request.param), MAX78000)


@pytest.mark.parametrize("stage", STAGES)
def test_text(stage, golden, request):
    folder, compiled = golden
    path, text = folder / STAGES[stage], stage_text(stage, compiled, MAX78000)
    if request.config.getoption("--update-golden"):
        fresh = path.with_suffix(".new")
        fresh.write_text(text, encoding="utf-8")
        fresh.replace(path)
    assert path.read_text(encoding="utf-8") == text, "`make golden` if this is meant"


def test_program_runs(golden):
    _, compiled = golden
    machine = Machine(MAX78000)
    assert machine.run(compiled.program).cycles == compiled.program.cycles.total
    assert machine.check_known_answer(compiled.program) is None
