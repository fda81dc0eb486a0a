"""The shipped pose network, three times: PyTorch in integers, the interpreter, the simulated chip.

Bit for bit, every layer, on 32 rendered pictures.
"""

from pathlib import Path

import numpy as np
import pytest

from ai8x_models.quantize.quantize import integer_activations, load_integer_model
from ai8x_models.tasks.pose.figures.figures import PRESETS, SPLIT_BASE, render
from ai8x_models.tasks.pose.network_input import device_input
from max78000.facts.chip import MAX78000
from max78000.machine.machine import Machine
from max78000.program.program import Phase
from synthesis.compile import compile_source
from synthesis.generate.memories import input_copies
from synthesis.generate.options import ProgramOptions
from synthesis.graph.interpret import compare, interpret
from synthesis.read.files import Files, read_source
from synthesis.read.source import Source

ROOT = Path(__file__).resolve().parents[2]
CHECKPOINT = ROOT / "checkpoints" / "pose_tiny-q.pth.tar"
N_PICTURES = 32


@pytest.fixture(scope="module")
def pictures():
    """Folded test pictures, int64 (32, 12, 64, 64), half of them single figures, half scenes."""
    images = [
        render(PRESETS["single" if i % 2 else "scene"], SPLIT_BASE["test"] + i).image
        for i in range(N_PICTURES)
    ]
    return np.stack([device_input(image, "TinyStudentModel") for image in images]).astype(np.int64)


@pytest.fixture(scope="module")
def compiled(pictures):
    network = ROOT / "networks" / "pose_tiny.yaml"
    source = read_source(
        Files(network, CHECKPOINT, ROOT / "networks" / "samples" / "pose_tiny.npy")
    )
    source = Source(source.network, source.checkpoint, pictures[0])
    return compile_source(source, ProgramOptions("pose_tiny"), MAX78000)


@pytest.fixture(scope="module")
def interpreted(compiled, pictures):
    """One tuple of layer outputs per picture."""
    return [interpret(compiled.graph, picture) for picture in pictures]


def test_pytorch_equals_interpreter(compiled, interpreted, pictures):
    activations = integer_activations(load_integer_model(CHECKPOINT), pictures)
    names = [layer.name for layer in compiled.graph.layers]
    assert list(activations) == names
    for picture, results in enumerate(interpreted):
        torch_results = {i: activations[name][picture] for i, name in enumerate(names)}
        assert compare(compiled.graph, torch_results, dict(enumerate(results))) is None


def test_accelerator_equals_interpreter(compiled, interpreted, pictures):
    runs = []
    machine = Machine(MAX78000, trace=runs.append)
    phases = {phase.name: phase for phase in compiled.program.phases}
    for name in ("init", "load_weights", "load_bias", "configure"):
        machine.execute(phases[name])
    for picture, results in zip(pictures, interpreted, strict=True):
        first = compiled.placement.layers[0]
        machine.execute(Phase("load_input", tuple(input_copies(first, picture, MAX78000))))
        runs.clear()
        machine.execute(phases["start"])
        simulated = {i: run.output.values for i, run in enumerate(runs)}
        assert len(simulated) == len(results)
        assert compare(compiled.graph, simulated, dict(enumerate(results))) is None


def test_known_answer_holds(compiled):
    machine = Machine(MAX78000)
    machine.run(compiled.program)
    assert machine.check_known_answer(compiled.program) is None
    assert sum(len(block.words) for block in compiled.program.known_answer) == (19 + 38) * 256


def test_pictures_differ(interpreted):
    last = np.stack([results[-1] for results in interpreted])
    assert len({values.tobytes() for values in last}) == N_PICTURES
