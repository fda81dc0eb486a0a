"""Answers layer by layer: PyTorch, interpreter, accelerator and board, and who differs where first.

The board is the virtual one, with firmware made for layer checks, right and with a broken kernel.
"""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from shipped import NETWORKS, ROOT
from test_firmware_builds import EVERY

from ai8x_models.checkpoint import Checkpoint, save_checkpoint
from ai8x_models.commands.dump import dump
from ai8x_models.layers.qat import start_qat
from ai8x_models.quantize.quantize import quantize_checkpoint
from ai8x_models.zoo.registry import MODELS, create_model
from max78000.board.board import End, VirtualBoard
from max78000.commands.compare import compare
from max78000.facts.memory_map import FLASH_ADDR
from max78000.firmware.build import build_project
from max78000.firmware.toolchain import find_toolchain
from max78000.program.layer_dump import first_difference, read_dump, save_dump
from networks import Net, write_files
from synthesis import compile_network
from synthesis.emit.layer_checks import emit_layer_checks
from synthesis.emit.options import Pin, ProjectOptions
from synthesis.emit.rows import kernel_array
from synthesis.generate.options import ProgramOptions
from synthesis.read.checkpoint import read_checkpoint
from synthesis.read.source import InputPath
from synthesis.read.yaml_reader import read_network

# Several passes and quadrants, words and bytes, a pool; layers overwrite each other.
NET = Net(
    "{name: stem, op: conv2d, pad: 1, activate: ReLU, output_shift: -2}\n"
    "{name: wide, op: conv2d, pad: 1, activate: ReLU, max_pool: 2, pool_stride: 2,"
    " output_shift: -3}\n"
    "{name: last but one, op: conv2d, kernel_size: 1x1, pad: 0, output_shift: -3}\n"
    "{name: scores, op: conv2d, pad: 1, output_width: 32}",
    "6x2x3x3 70x6x3x3 9x70x1x1 5x9x3x3",
    "2x10x6",
    bias=3,
)
OTHERS = {
    "streamed": Net(
        "{op: conv2d, pad: 1, activate: ReLU, streaming: true, processors: 0x7,"
        " out_offset: 0x2000}\n"
        "{op: conv2d, pad: 1, streaming: true, processors: 0x1f, output_processors: 0x3,"
        " out_offset: 0x6000}\n"
        "{op: conv2d, pad: 1, output_shift: -3}",
        "5x3x3x3 2x5x3x3 4x2x3x3",
        "3x12x10",
        input_path=InputPath.FIFO,
    ),
    "rolling": Net(
        "{op: none, name: copy}\n{op: none, in_sequences: past, buffer_shift: 1}\n"
        "{op: conv2d, pad: 0, in_sequences: copy, buffer_insert: 1}\n"
        "{op: none, in_sequences: past}",
        "8x2x3x3",
        "2x3x3",
        sections="data_buffer: [{name: past, processors: 0xff, channels: 8, dim: 5,"
        " offset: 0x2000}]\n",
    ),
    "single": Net("{op: conv2d, pad: 1, output_shift: -4}", "4x3x3x3", "3x4x5", bias=-7),
}


def network_from(net, folder, **options):
    paths = write_files(folder, net)
    return compile_network(*paths, ProgramOptions("tiny", **options), input_path=net.input_path)


@pytest.fixture(scope="module")
def workplace(tmp_path_factory):
    return tmp_path_factory.mktemp("compare")


@pytest.fixture(scope="module")
def network(workplace):
    return network_from(NET, workplace)


@pytest.fixture(scope="module")
def project(network, workplace):
    return network.write(workplace / "project", layer_checks=True)


@pytest.fixture(scope="module")
def image(project):
    return build_project(project, find_toolchain())


def run_board(image, flips=()):
    """Run firmware; `flips` are pairs of a word of the array `kernels` and what to change in it."""
    board = VirtualBoard()
    board.load_elf(image.elf)
    kernels = image.symbol("kernels").addr - FLASH_ADDR
    for index, bits in flips:
        at = kernels + 4 * index
        word = int.from_bytes(board.flash[at : at + 4], "little") ^ bits
        board.flash[at : at + 4] = word.to_bytes(4, "little")
    return board.run()


def invoke(*arguments, **options):
    return CliRunner().invoke(compare, [str(one) for one in arguments], **options)


def broken(network, layer, channel):
    """The same network with one bit of one weight of a layer wrong."""
    checkpoint = read_checkpoint(network.request.files.checkpoint)
    entries = list(checkpoint.layers)
    weight = entries[layer].weight.copy()
    weight[channel].flat[0] ^= 0x40
    entries[layer] = replace(entries[layer], weight=weight)
    wrong = replace(checkpoint, layers=tuple(entries))
    sample = network.request.files.checkpoint.with_name("tiny.npy")
    return compile_network(network.request.files.network, wrong, sample, network.request.options)


def kernel_words(network):
    lines = kernel_array(network.program).lines
    return [int(word, 16) for line in lines for word in line.split(",") if word.strip()]


# -- the board -------------------------------------------------------------------------------------


def test_right_firmware_passes(project, image):
    outcome = run_board(image)
    assert outcome.is_pass, outcome.console
    assert outcome.end is End.ASLEEP
    assert len(outcome.runs) == 4  # once up to each layer
    result = invoke(project, "--console", "-", input=outcome.console)
    assert (result.exit_code, result.stdout.splitlines()) == (
        0,
        ["layers.json: 4 layers agree", "console: 4 layers agree"],
    )


@pytest.mark.parametrize(("layer", "channel"), [(0, 5), (1, 69), (2, 0), (2, 7), (3, 4)])
def test_a_broken_kernel_word_is_localised(network, project, image, layer, channel):
    wrong = broken(network, layer, channel)
    pairs = enumerate(zip(kernel_words(network), kernel_words(wrong), strict=True))
    flips = [(index, one ^ other) for index, (one, other) in pairs if one != other]
    assert len(flips) == 1
    expected = first_difference(network.layers, wrong.layers)
    assert expected is not None
    assert (expected.layer, expected.channel) == (list(network.layers)[layer], channel)
    outcome = run_board(image, flips)
    assert outcome.end is End.FAIL
    assert f"{4 - layer} of 4 layers differ" in outcome.console
    result = invoke(project, "--console", "-", input=outcome.console)
    assert result.exit_code == 1
    assert result.stdout.splitlines()[-1] == f"console: {expected}"


@pytest.mark.parametrize("name", OTHERS)
def test_other_networks_pass_layer_by_layer(name, tmp_path):
    network = network_from(OTHERS[name], tmp_path)
    project = network.write(tmp_path / "project", layer_checks=True)
    outcome = run_board(build_project(project, find_toolchain()))
    assert outcome.is_pass, outcome.console
    result = invoke(project, "--console", "-", input=outcome.console)
    assert result.exit_code == 0, result.output


@EVERY
def test_no_compiler_has_anything_to_say(network, tmp_path, toolchain):
    options = ProjectOptions(
        timer=0, debug_wait_s=0, sleeps=False, boost=Pin(2, 5), has_compact_data=False
    )
    project = network.write(tmp_path / "project", options, layer_checks=True)
    warnings = []

    def watch(text, *, is_warning):
        if is_warning:
            warnings.append(text)

    image = build_project(project, toolchain, watch=watch)
    assert warnings == []
    assert run_board(image).is_pass


def test_cleared_memories_are_loaded_again(tmp_path):
    network = network_from(OTHERS["single"], tmp_path, clears_memories=True, packs_kernels=False)
    project = network.write(tmp_path / "project", layer_checks=True)
    assert run_board(build_project(project, find_toolchain())).is_pass


def test_the_same_network_gives_the_same_text(network):
    def text():
        chip, made_of = network.request.chip, ("Made of x.",)
        return emit_layer_checks(network.program, network.table, ProjectOptions(), chip, made_of)

    assert text() == text()
    assert " * Made of x.\n" in text()


# -- files -----------------------------------------------------------------------------------------


def test_the_program_alone_is_held_against_the_interpreter(network, project, tmp_path):
    assert invoke(project).exit_code == 0
    for name in ("program.json", "layers.json"):
        (tmp_path / name).write_text((project / name).read_text())
    wrong = broken(network, 2, 3).write(tmp_path / "wrong")
    (tmp_path / "program.json").write_text((wrong / "program.json").read_text())
    result = invoke(tmp_path)
    assert result.exit_code == 1
    why = "layer 2 last but one channel 3 has another checksum"
    assert result.stdout == f"layers.json: {why}\n"


def test_dumps_of_all_sides_agree(network, project, tmp_path):
    network.save_layers(tmp_path / "interpreter.npz")
    given = ("--dump", tmp_path / "interpreter.npz", "--save", tmp_path / "accelerator.npz")
    assert invoke(project, *given).exit_code == 0
    saved = read_dump(tmp_path / "accelerator.npz")
    assert first_difference(network.layers, saved) is None
    saved["wide"][69, 4, 2] ^= 1
    del saved["stem"]
    save_dump(tmp_path / "odd.npz", saved)
    result = invoke(project, *given[:2], "--dump", tmp_path / "odd.npz", "--json")
    assert result.exit_code == 1
    report = json.loads(result.stdout)
    assert not report["agree"]
    _, right, odd = report["sides"]
    assert (right["layers"], right["missing"], right["difference"]) == (4, [], None)
    assert (odd["layers"], odd["missing"]) == (3, ["stem"])
    assert odd["difference"].startswith("layer wide channel 69 row 4 column 2 is ")


def test_what_cannot_be_compared_is_refused(project, tmp_path):
    save_dump(tmp_path / "other.npz", {"other": np.zeros((1, 1, 1), int)})
    result = invoke(project, "--dump", tmp_path / "other.npz")
    assert "other.npz: there is no layer in both" in str(result.exception)
    save_dump(tmp_path / "shape.npz", {"stem": np.zeros((1, 1, 1), int)})
    result = invoke(project, "--dump", tmp_path / "shape.npz")
    assert "shape.npz layer stem: has shape 1x1x1, expected 6x10x6" in str(result.exception)
    result = invoke(project, "--console", "-", input="*** PASS ***")
    assert "console: holds no line of a layer check" in str(result.exception)
    result = invoke(project, "--console", tmp_path / "missing.txt")
    assert "missing.txt: cannot be read: No such file" in str(result.exception)
    assert "layers.json: cannot be read" in str(invoke(tmp_path).exception)


# -- PyTorch ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module", params=["digit_net", "residual_net", "signal_net", "small_unet"])
def trained(request, tmp_path_factory):
    """A network of the zoo, untrained but quantized: its files, and those of its project."""
    folder, name = tmp_path_factory.mktemp(request.param), request.param
    info = MODELS[NETWORKS[name].arch]
    torch.manual_seed(1)
    model = create_model(info.name)
    start_qat(model, info.policy)
    save_checkpoint(folder / "qat.pth.tar", Checkpoint(info.name, 1, dict(model.state_dict())))
    quantize_checkpoint(folder / "qat.pth.tar", folder / "q.pth.tar")
    sample = np.random.default_rng(1).integers(-128, 128, info.device_shape, dtype=np.int8)
    np.save(folder / "sample.npy", sample)
    description = ROOT / "networks" / f"{name}.yaml"
    compile_network(description, folder / "q.pth.tar", sample).write(folder / "project")
    return folder


def run_dump(folder, *more, out="torch.npz"):
    given = [folder / "q.pth.tar", folder / "sample.npy", folder / out, *more]
    return CliRunner().invoke(dump, [str(one) for one in given])


def test_pytorch_agrees_in_every_layer(trained):
    result = run_dump(trained, "--overwrite")
    assert result.exit_code == 0, result.exception
    result = invoke(trained / "project", "--dump", trained / "torch.npz", "--json")
    assert result.exit_code == 0, result.output
    side = json.loads(result.stdout)["sides"][-1]
    assert side["layers"] >= 5
    assert len(side["missing"]) <= 1  # what the model computes inside another layer


def test_what_pytorch_cannot_run_is_refused(trained):
    assert run_dump(trained, out="once.npz").exit_code == 0
    assert "exists already (--overwrite" in str(run_dump(trained, out="once.npz").exception)
    right = np.load(trained / "sample.npy")
    for data, message in (
        (right.astype(float), "holds float64 of shape"),
        (right.astype(int) + 128, "are not in -128..127 (subtract 128 from pixels)"),
        (right[None, None], "save one int8 sample as (C, H, W) or (C, L)"),
        (right[:0], "save one int8 sample"),
        (np.concatenate([right] * 7), "the network does not run on"),
    ):
        np.save(trained / "sample.npy", data)
        assert message in str(run_dump(trained, out="never.npz").exception)
    (trained / "sample.npy").write_bytes(b"no array")
    assert "is not a readable array" in str(run_dump(trained, out="never.npz").exception)
    np.save(trained / "sample.npy", right)
    assert not (trained / "never.npz").exists()


def test_descriptions_and_models_share_the_names_of_layers(trained):
    name = trained.name.rstrip("0123456789")
    text = (ROOT / "networks" / f"{name}.yaml").read_text()
    described = {layer.name for layer in read_network(text, name).layers}
    run_dump(trained, "--overwrite")
    assert described & set(read_dump(trained / "torch.npz"))
