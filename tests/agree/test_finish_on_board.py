"""From a plain model to its answers: described, compiled, and on the virtual board as in PyTorch.

What stands behind the last layer is PyTorch's own in the comparison, on the integers that the
network gives: real numbers within a few millionths, indices exactly.
"""

import json

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from test_firmware_builds import EVERY
from torch import nn

from ai8x_models.checkpoint import checkpoint_bytes
from ai8x_models.describe.calibrate import calibrate
from ai8x_models.describe.describe import describe_network
from max78000.board.board import VirtualBoard
from max78000.firmware.build import build_project
from synthesis.api import compile_network

SHAPE = (3, 16, 16)
TOLERANCE = 5e-6  # of numbers, and of what they are larger than 1


class Classifier(nn.Module):
    """Ten classes: what it is, and how sure that is."""

    def __init__(self):
        super().__init__()
        self.conv, self.linear = nn.Conv2d(3, 8, 3, padding=1), nn.Linear(8 * 8 * 8, 10)

    def forward(self, x):
        return self.behind(self.linear(F.max_pool2d(torch.relu(self.conv(x)), 2).flatten(1)))

    def behind(self, scores):
        shares = torch.softmax(scores, 1)
        return shares, scores.argmax(1)


class Detector(nn.Module):
    """Boxes of two maps one after the other, in the manner of SSD."""

    def __init__(self):
        super().__init__()
        self.stem, self.down = nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(8, 8, 3, padding=1)
        self.boxes = nn.ModuleList(nn.Conv2d(8, 8, 3, padding=1) for _ in range(2))
        self.scores = nn.ModuleList(nn.Conv2d(8, 6, 3, padding=1) for _ in range(2))

    def forward(self, x):
        fine = torch.relu(self.stem(x))
        coarse = torch.relu(self.down(F.max_pool2d(fine, 2)))
        maps = (fine, coarse)
        heads = zip((*self.boxes, *self.scores), maps * 2, strict=True)
        return self.behind(*(head(one) for head, one in heads))

    def behind(self, *maps):
        turned = [one.permute(0, 2, 3, 1) for one in maps]
        rows = [one.reshape(len(one), -1, n) for one, n in zip(turned, (4, 4, 3, 3), strict=True)]
        boxes, scores = torch.cat(rows[:2], 1), torch.cat(rows[2:], 1)
        return torch.sigmoid(boxes) * 2 - 0.5, torch.softmax(scores, 2), scores.argmax(2)


class Embedding(nn.Module):
    """A vector of length 1."""

    def __init__(self):
        super().__init__()
        self.conv, self.linear = nn.Conv2d(3, 8, 3, padding=1), nn.Linear(8 * 4 * 4, 16)

    def forward(self, x):
        return self.behind(self.linear(F.avg_pool2d(torch.relu(self.conv(x)), 4).flatten(1)))

    def behind(self, vector):
        return (F.normalize(vector, p=2, dim=1),)


def road(model, folder):
    """Description, integers and a sample of a model; compiled."""
    torch.manual_seed(2)
    model = model()
    examples = torch.rand(8, *SHAPE) * 2 - 1
    found = calibrate(model, SHAPE, examples)
    description = describe_network(found.network, model)
    (folder / "net.yaml").write_text(description.to_text(), encoding="utf-8")
    contents = checkpoint_bytes(found.checkpoint(type(model).__name__))
    (folder / "net-q.pth.tar").write_bytes(contents)
    data = (examples[0] * found.network.input_scale * 128).round().clamp(-128, 127)
    np.save(folder / "net.npy", data.numpy().astype(np.int8))
    files = (folder / "net.yaml", folder / "net-q.pth.tar", folder / "net.npy")
    compiled = compile_network(*files)
    with torch.no_grad():
        outputs = found.integers(data[None])
    outputs = outputs if isinstance(outputs, tuple) else (outputs,)
    units = [16384 if one.dtype == torch.int32 else 128 for one in outputs]
    real = [
        one.double().float() / unit / scale
        for one, unit, scale in zip(outputs, units, found.network.output_scales, strict=True)
    ]
    return compiled, [one[0].numpy() for one in model.behind(*real)]


def assert_answers(found, wanted):
    assert len(found) == len(wanted)
    for one, other in zip(found, wanted, strict=True):
        if one.dtype == np.int32:
            assert one.reshape(-1).tolist() == np.reshape(other, -1).tolist()
        else:
            assert one.shape == other.shape
            np.testing.assert_allclose(one, other, rtol=TOLERANCE, atol=TOLERANCE)


@pytest.mark.parametrize("model", [Classifier, Detector, Embedding])
def test_the_interpreter_and_the_machine_answer_as_pytorch(model, tmp_path):
    compiled, wanted = road(model, tmp_path)
    sample = np.load(tmp_path / "net.npy")
    for outputs in (compiled.interpret(sample), compiled.machine().predict(sample)):
        assert_answers(list(compiled.answers(outputs).values()), wanted)


def board_answers(project, toolchain, finish):
    """What cnn_finish() left in memory, and the console."""
    image = build_project(project, toolchain)
    assert image.symbol("__aeabi_fmul") is None  # the floating point unit multiplies
    board = VirtualBoard()
    board.load_elf(image.elf)
    outcome = board.run()
    assert outcome.is_pass, outcome.console
    symbol = image.symbol("ml_answer")
    memory = np.frombuffer(board.read_memory(symbol.addr, symbol.size_bytes), "<f4")
    found, first = [], 0
    for step in finish.results:
        part = memory[first : first + int(np.prod(step.shape))]
        is_index = type(step.step).__name__ == "Argmax"
        found.append((part.view("<i4") if is_index else part).reshape(step.shape))
        first += part.size
    assert first == len(memory)
    return found, outcome.console


@pytest.mark.long
@EVERY
@pytest.mark.parametrize("model", [Classifier, Detector, Embedding])
def test_the_board_answers_as_pytorch(model, toolchain, tmp_path):
    compiled, wanted = road(model, tmp_path)
    finish = compiled.stages.graph.finish
    project = compiled.write(tmp_path / "net")
    found, console = board_answers(project, toolchain, finish)
    assert_answers(found, wanted)
    printed = dict(
        line.split(": ", 1) for line in console.split("Answers:\n")[1].splitlines() if line
    )
    assert list(printed) == [step.name for step in finish.results]
    for step, numbers in zip(finish.results, found, strict=True):
        listed = [float(word) for word in printed[step.name].removesuffix(" ...").split()]
        shown = numbers.reshape(-1)[: len(listed)]
        assert len(listed) == min(16, numbers.size)
        np.testing.assert_allclose(listed, shown, atol=6e-5)


def test_a_project_without_steps_has_no_trace_of_them(tmp_path):
    compiled, _ = road(Embedding, tmp_path)
    text = (tmp_path / "net.yaml").read_text(encoding="utf-8")
    (tmp_path / "plain.yaml").write_text(text.partition("\n\n#")[0] + "\n", encoding="utf-8")
    plain = compile_network(
        tmp_path / "plain.yaml", tmp_path / "net-q.pth.tar", tmp_path / "net.npy"
    )
    assert not plain.answers(plain.interpret(np.load(tmp_path / "net.npy")))
    with_steps = {path.name for path in compiled.write(tmp_path / "with").iterdir()}
    project = plain.write(tmp_path / "without")
    texts = {path.name: path.read_text(encoding="utf-8") for path in project.iterdir()}
    assert with_steps - texts.keys() == {"cnn_finish.c", "cnn_finish.h"}
    assert json.loads(texts.pop("network.json"))["finish"] == []  # says that there are none
    assert not [name for name, text in texts.items() if "finish" in text]
