"""Every network of the zoo goes the whole road: a few steps of training, QAT, integers, registers.

At its end three answers agree bit for bit in every layer: PyTorch with integers, the interpreter,
the simulated accelerator. The weights are hardly trained; what is tested does not depend on them.
The pose networks have tests of their own.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch

from ai8x_models.checkpoint import Checkpoint, save_checkpoint
from ai8x_models.layers.layers import ElementWise
from ai8x_models.layers.qat import DATA_GRID, WIDE_GRID, Layer, start_qat
from ai8x_models.layers.space_to_depth import fold_image
from ai8x_models.quantize.quantize import (
    integer_activations,
    load_integer_model,
    quantize_checkpoint,
)
from ai8x_models.zoo.registry import MODELS, ModelInfo, create_model
from ai8x_models.zoo.toy_data import draw_samples, train_briefly
from max78000.facts.chip import MAX78000
from max78000.machine.machine import Machine
from synthesis.compile import Compiled, compile_source
from synthesis.generate.memories import output_map
from synthesis.generate.options import ProgramOptions
from synthesis.graph.interpret import compare
from synthesis.read.checkpoint import read_checkpoint
from synthesis.read.source import InputPath, Source
from synthesis.read.yaml_reader import read_network

ROOT = Path(__file__).resolve().parents[2]
ZOO = {info.name: info for info in MODELS.values() if info.task != "pose"}
# fmt: off
SIZES = {
    # network     parameters  cycles
    "DigitNet":    (37_306,    36_979),
    "ColorNet":    (253_194,   94_038),
    "ResidualNet": (67_098,    60_953),
    "StreamNet":   (64_053,    744_554),
    "SmallUNet":   (61_184,    105_909),
    "KeywordNet":  (121_685,   40_929),
    "SignalNet":   (23_430,    19_007),
    "AutoEncoder": (86_688,    1_399),
}
# fmt: on
# Behind these layers' last row lies what nobody wrote: it is read, and the answer of it dropped.
READS_BEYOND = {"SignalNet": "layer 3: "}  # a line of 124 steps as a picture of 16 columns
N_EXAMPLES = 8
FLOAT_STEPS, QAT_STEPS = 3, 4


@dataclass(frozen=True, slots=True)
class Road:
    """What a network leaves behind on its way."""

    info: ModelInfo
    losses: tuple[list[float], list[float]]  # before QAT and in it
    qat_answers: torch.Tensor
    data: np.ndarray  # the accelerator's input, int64 (N, C, H, W)
    integers: Path
    compiled: Compiled


def descriptions():
    """Descriptions of `networks/` by architecture."""
    paths = sorted((ROOT / "networks").glob("*.yaml"))
    networks = [read_network(path.read_text(encoding="utf-8"), path.name) for path in paths]
    return {network.arch: network for network in networks}


def compile_for(info, integers, image):
    network = descriptions()[info.name]
    streams = any(layer.streaming for layer in network.layers)
    input_path = InputPath.FIFO if streams else InputPath.MEMORY
    source = Source(network, read_checkpoint(integers), image, input_path)
    return compile_source(source, ProgramOptions(info.name.lower()), MAX78000)


@pytest.fixture(scope="module", params=ZOO)
def road(request, tmp_path_factory):
    info, folder = ZOO[request.param], tmp_path_factory.mktemp(request.param)
    torch.manual_seed(1)
    model, samples = create_model(info.name), draw_samples(info.dataset, N_EXAMPLES)
    float_losses = train_briefly(model, info.dataset, [samples] * FLOAT_STEPS)
    start_qat(model, info.policy)
    qat_losses = train_briefly(model, info.dataset, [samples] * QAT_STEPS)
    with torch.no_grad():
        answers = model.eval()(samples.inputs)
    save_checkpoint(folder / "qat.pth.tar", Checkpoint(info.name, 1, dict(model.state_dict())))
    quantize_checkpoint(folder / "qat.pth.tar", folder / "integers.pth.tar")
    data = samples.device_inputs()
    data = fold_image(data, info.fold) if info.fold > 1 else data
    data = data.reshape((*data.shape, 1)[:4])
    compiled = compile_for(info, folder / "integers.pth.tar", data[0])
    losses = (float_losses, qat_losses)
    return Road(info, losses, answers, data, folder / "integers.pth.tar", compiled)


def simulated_answers(program, placed_layers):
    """Run the accelerator; the output of every layer, taken before the next one starts."""
    answers = {}

    def keep(run):
        placed = placed_layers[run.setup.index]
        following = placed_layers[run.setup.index + 1 : run.setup.index + 2]
        if any(layer.layer.is_streaming for layer in following):  # it is in no memory to read
            answers[run.setup.index] = run.output.values
        else:
            answers[run.setup.index] = machine.read_output(output_map(placed, MAX78000))

    machine = Machine(MAX78000, trace=keep)
    machine.run(program)
    return machine, answers


def torch_answers(road):
    """Output of every layer for the first example, (C, H, W), by name."""
    data = road.data[:1].reshape(1, *road.info.device_shape)
    found = integer_activations(load_integer_model(road.integers), data)
    return {
        name: values[0].reshape((*values.shape[1:], 1, 1)[:3]) for name, values in found.items()
    }


def test_sizes(road):
    n_parameters = sum(one.numel() for one in create_model(road.info.name).parameters())
    assert (n_parameters, road.compiled.program.cycles.total) == SIZES[road.info.name]


def test_descriptions_compile_without_warnings(road):
    assert road.compiled.warnings == ()


def test_training_learns_before_and_during_qat(road):
    for losses in road.losses:
        assert losses[-1] < losses[0]


def test_integers_are_what_qat_computed_with(road):
    model = load_integer_model(road.integers)
    with torch.no_grad():
        integers = model(torch.from_numpy(road.data.reshape(-1, *road.info.device_shape)).float())
    one = WIDE_GRID.one if road.compiled.graph.layers[-1].output_width == 32 else DATA_GRID.one
    assert torch.equal(integers.double(), road.qat_answers.double() * one)


def test_three_answers_agree_in_every_layer(road):
    graph = road.compiled.graph
    interpreted = dict(enumerate(road.compiled.results))
    by_name = torch_answers(road)
    in_torch = {layer.index: by_name[layer.name] for layer in graph.layers if layer.name in by_name}
    assert compare(graph, in_torch, interpreted) is None
    machine, simulated = simulated_answers(road.compiled.program, road.compiled.placement.layers)
    assert len(simulated) == len(graph.layers)
    assert compare(graph, simulated, interpreted) is None
    assert machine.check_known_answer(road.compiled.program) is None
    beyond = READS_BEYOND.get(road.info.name)
    assert all(beyond and note.startswith(beyond) for note in machine.result.notes)


def test_descriptions_name_the_layers_of_the_model(road):
    """Some are on one side only: additions inside a layer, and copies, which PyTorch needs not."""
    model = create_model(road.info.name)
    in_torch = {name: layer for name, layer in model.named_modules() if isinstance(layer, Layer)}
    in_graph = {layer.name: layer for layer in road.compiled.graph.layers}
    inside = [layer for layer in in_graph.values() if layer.combine and layer.kernel]
    additions = [in_torch[name] for name in in_torch.keys() - in_graph.keys()]
    copies = [in_graph[name] for name in in_graph.keys() - in_torch.keys()]
    assert [type(layer) for layer in additions] == [ElementWise] * len(inside)
    assert not any(layer.kernel or layer.combine for layer in copies)


def test_layers_have_the_widths_of_the_registry(road):
    kernels = {layer.name: layer.kernel for layer in road.compiled.graph.layers if layer.kernel}
    widths = {name: kernel.bits for name, kernel in kernels.items()}
    assert widths == dict.fromkeys(kernels, 8) | dict(road.info.policy.overrides)


def test_no_layer_is_silent(road):
    """Answers that are all zero would agree whatever is wrong."""
    for layer, result in zip(road.compiled.graph.layers, road.compiled.results, strict=True):
        assert np.count_nonzero(result) > result.size / 20, layer.name
