"""The vendor's detectors all the way: described, in integers, compiled, and their boxes at the end.

What the model itself gives in integer mode, heads turned and joined, is what the steps behind the
accelerator give; one of them also on the virtual board. Left out without the files.
"""

import importlib.util

import numpy as np
import pytest
import torch
from vendor_table import FOLDER, GIVEN, imports_replaced, shape_of

from ai8x_models.checkpoint import checkpoint_bytes
from ai8x_models.describe.convert import network_of
from ai8x_models.describe.describe import describe_network
from ai8x_models.describe.integers import integer_checkpoint, integer_state
from ai8x_models.layers.policy import QatPolicy
from ai8x_models.layers.qat import Mode, set_mode, start_qat
from max78000.board.board import VirtualBoard
from max78000.firmware.build import build_project
from max78000.firmware.toolchain import find_zig
from synthesis.api import compile_network
from synthesis.read.source import InputPath

DETECTORS = sorted(FOLDER.glob("ai85net-tinierssd*.py"))
pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(not DETECTORS, reason="needs the files in shared/vendor/models"),
]
POLICY = QatPolicy(0, weight_bits=4)


def built(path):
    """A model of a file, and the shape of its input."""
    spec = importlib.util.spec_from_file_location("brought_detector", path)
    module = importlib.util.module_from_spec(spec)
    with imports_replaced():
        spec.loader.exec_module(module)
    (entry,) = module.models
    torch.manual_seed(3)
    model = getattr(module, entry["name"])(pretrained=False, **GIVEN[entry["name"]]).eval()
    return model, shape_of(type(model), entry["dim"])


def compiled_detector(path, folder):
    """The compiled network, a sample, and the model's own answers in integers."""
    model, shape = built(path)
    network = network_of(model, shape)
    description = describe_network(network, model)
    state = integer_state(network, model, POLICY)
    files = (folder / "net.yaml", folder / "net-q.pth.tar", folder / "net.npy")
    files[0].write_text(description.to_text(), encoding="utf-8")
    files[1].write_bytes(checkpoint_bytes(integer_checkpoint(description.arch, state)))
    sample = np.random.default_rng(4).integers(-128, 128, shape)
    np.save(files[2], sample.astype(np.int8))
    start_qat(model, POLICY)
    model.load_state_dict(state)
    set_mode(model, Mode.INTEGER)
    with torch.no_grad():
        wanted = model(torch.from_numpy(sample).float()[None])
    assert not description.left
    streams = any(layer.is_streaming for layer in description.layers)
    path = InputPath.FIFO if streams else InputPath.MEMORY
    return (
        compile_network(*files, input_path=path),
        sample,
        [one[0].numpy() / 128 for one in wanted],
    )


@pytest.mark.parametrize("path", DETECTORS, ids=lambda path: path.stem)
def test_boxes_and_scores_are_the_models(path, tmp_path):
    compiled, sample, wanted = compiled_detector(path, tmp_path)
    found = list(compiled.answers(compiled.interpret(sample)).values())
    assert [one.shape for one in found] == [one.shape for one in wanted]
    assert all(np.array_equal(one, other) for one, other in zip(found, wanted, strict=True))
    assert any(one.any() for one in found)
    assert compiled.report.finish.ram_bytes == 4 * sum(one.size for one in found)


def test_the_board_gives_them(tmp_path):
    compiled, _, wanted = compiled_detector(FOLDER / "ai85net-tinierssd.py", tmp_path)
    image = build_project(compiled.write(tmp_path / "net"), find_zig())
    board = VirtualBoard()
    board.load_elf(image.elf)
    outcome = board.run()
    assert outcome.is_pass, outcome.console
    symbol = image.symbol("ml_answer")
    memory = np.frombuffer(board.read_memory(symbol.addr, symbol.size_bytes), "<f4")
    assert np.array_equal(memory, np.concatenate([one.reshape(-1) for one in wanted]))
