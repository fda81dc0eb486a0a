"""The vendor's model files on the whole road, with another import: the page docs/models.md.

Run as a program it writes the page; `test_vendor_models.py` compares. Weights are what the classes
start with and one step of QAT leaves, inputs are noise: sizes, places and cycles do not depend on
them.
"""

import contextlib
import gzip
import importlib.util
import inspect
import io
import json
import sys
import tempfile
import types
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch

from ai8x_models.checkpoint import save_checkpoint
from ai8x_models.describe.convert import Converted, network_of
from ai8x_models.describe.describe import describe_network
from ai8x_models.describe.integers import integer_checkpoint, integer_state, noise
from ai8x_models.layers import vendor_blocks, vendor_names
from ai8x_models.layers.policy import QatPolicy, read_policy
from ai8x_models.layers.qat import start_qat
from max78000.board.board import VirtualBoard
from max78000.errors import CapacityError, ProblemList, ToolError
from max78000.firmware.build import build_project
from max78000.firmware.toolchain import find_toolchain
from synthesis.api import compile_network
from synthesis.emit.options import ProjectOptions
from synthesis.generate.options import ProgramOptions
from synthesis.read.source import InputPath

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from brought import beside  # noqa: E402 - found by the line above

PAGE = ROOT / "docs" / "models.md"
FOLDER = beside("vendor", "models")
VECTORS = beside("vectors")
HEAD = """\
# The vendor's models

Model files for the MAX78000 of the vendor's training repository (August 2024), with nothing changed
but the imports: `from ai8x_models.layers import vendor_names as ai8x`, and `vendor_blocks as
ai8x_blocks`. Channels and sizes are the classes' own defaults, or those of the vendor's published
network where its cycles are given. This page is written by `make models`, never by hand.

Each network goes as far as it gets: constructed, described, one step of quantization-aware
training, quantized, compiled (cycles; beside them those of the vendor's own description, with its
placement by hand), and run as firmware on the virtual board, which compares every output with the
known answer. Weights are untrained and inputs are noise; neither changes sizes or cycles. What
does not fit as it comes has a second row, with a smaller input or narrower weights.

Some are of no use whatever the tool does: `SoftwareLinear` is for a chip without linear layers,
`ai8x_nas` searches networks, and `ai85actiontcn` runs a whole network once per frame (the vendor
describes by hand what becomes of one frame, behind a rolling buffer). Between layers, pictures of
128x128 pixels need 64 KiB where four channels have 32 KiB, and streaming ends where a network goes
up again: the small and medium U-Net and `bayer2rgbnet` have to be given less.

Kernel words of the fullest processor, here and by the vendor's hand: `ai85faceidnet` 313 and 313,
`ai85cdnet` 112 and 159, `ai85simplenet` 736 and 764 (185 and 192 in the widths that the vendor's
policy gives it), `ai85simplenetwide2x` 1284 and 1284; `ai85ressimplenet` takes 144,043 cycles by
hand. The vendor's own checkpoint of mixed widths is not at hand.

| file | model | input | constructed | described | QAT step | quantized | cycles | the vendor's | \
board | [on the CPU](formats.md#finish), or why not |
|---|---|---|---|---|---|---|---|---|---|---|
"""
N_EXAMPLES = 2
LEARNING_RATE = 1e-4
# Sizes where a class has no defaults, or others than its data have.
GIVEN = {
    "ai85tinierssd": {"num_classes": 2},
    "ai85tinierssdface": {"num_classes": 2},
    "ai85tinierssdqr": {"num_classes": 2},
    "ai85net5": {"num_channels": 1},
    "ai85netextrasmall": {"num_channels": 1},
    "ai85unetlarge": {"num_channels": 48, "dimensions": (48, 48)},
}
SHAPES = {
    "ai85autoencoder": (256, 3),
    "ai85actiontcn": (15, 96, 60, 60),  # frames
    "ai85net5": (1, 28, 28),
    "ai85netextrasmall": (1, 28, 28),
    "ai85unetlarge": (48, 48, 48),
}
# What is too large runs in smaller sizes, or with narrower weights, in a row of its own.
SMALLER = {
    "ai85faceidnet_112": {"policy_file": "qat_policy_faceid_112.yaml"},  # the vendor's
    "ai85net6": {"weight_bits": 4},
    "ai85simplenetwide2x": {"weight_bits": 4},
    "ai85unetmedium": {"shape": (3, 64, 64)},
    "ai85unetsmall": {"shape": (3, 64, 64)},
    "bayer2rgbnet": {"shape": (4, 32, 32)},
}
N_CHECKED = 16_384  # words of an answer for which RAM or flash has no room
# The vendor's description of a network, in the vectors.
PUBLISHED = {
    "ai85autoencoder": "trained/autoencoder",
    "ai85unetlarge": "trained/camvid_unet",
    "ai85cdnet": "trained/cats-dogs",
    "ai85nascifarnet": "trained/cifar-10",
    "ai85kws20netv3": "trained/kws20_v3",
    "ai85net5": "trained/mnist",
    "ai85netextrasmall": "trained/mnist-extrasmall",
    "ai85simplenet": "timing/timing-cifar100-simplenet",
}
STEPS = ("constructed", "described", "trained", "quantized", "cycles", "published", "board")


@dataclass(frozen=True)
class Row:
    """How far a model gets: one cell a step, as text; none behind the first `no`."""

    file: str
    model: str
    shape: tuple = ()
    weight_bits: int = 8
    policy_file: str = ""
    cells: dict = field(default_factory=dict)
    words: str = ""

    def to_text(self):
        sizes = "x".join(map(str, self.shape))
        sizes += f", {self.weight_bits} bits" if self.weight_bits < 8 else ""
        sizes += f", {self.policy_file}" if self.policy_file else ""
        cells = " | ".join(self.cells.get(step, "") for step in STEPS)
        words = self.words.replace("|", "\\|")
        return f"| {self.file} | {self.model} | {sizes} | {cells} | {words} |"

    @property
    def policy(self):
        """Widths of the weights."""
        if self.policy_file:
            return read_policy(FOLDER.parent / "policies" / self.policy_file)
        return QatPolicy(0, self.weight_bits)

    @property
    def beginning(self):
        """The text up to the description."""
        return self.to_text().split(" | ")[: 3 + STEPS.index("trained")]

    def ended(self, step, words):
        """The row of a model that does not get beyond a step."""
        return replace(self, cells={**self.cells, step: "no"}, words=words)

    def with_cell(self, step, text="yes"):
        return replace(self, cells={**self.cells, step: text})


@contextlib.contextmanager
def imports_replaced():
    """The vendor's names for ours; what its files take from its own tools is empty."""
    empty = types.ModuleType("utils")
    empty.object_detection_utils = types.ModuleType("utils.object_detection_utils")
    ours = {
        "ai8x": vendor_names,
        "ai8x_blocks": vendor_blocks,
        "utils": empty,
        "utils.object_detection_utils": empty.object_detection_utils,
    }
    before = {name: sys.modules.get(name) for name in ours}
    sys.modules.update(ours)
    try:
        yield
    finally:
        for name, module in before.items():
            sys.modules.pop(name)
            if module is not None:
                sys.modules[name] = module


def module_of(path):
    """The module in a file, with another import."""
    spec = importlib.util.spec_from_file_location("brought_model", path)
    module = importlib.util.module_from_spec(spec)
    with imports_replaced():
        spec.loader.exec_module(module)
    return module


def rows_of(path, is_whole=True):
    """A row for every model of a file; to its description, or as far as it gets."""
    with imports_replaced(), contextlib.redirect_stdout(io.StringIO()):
        try:
            module = module_of(path)
        except ModuleNotFoundError as error:
            words = f"imports {error.name}, a part of the vendor's training that is not here"
            return [Row(path.name, "").ended("constructed", words)]
        return [
            row_of(module, entry, Row(path.name, entry["name"], **given), is_whole)
            for entry in module.models
            for given in ({}, *([SMALLER[entry["name"]]] if entry["name"] in SMALLER else []))
        ]


def row_of(module, entry, row, is_whole):
    name = entry["name"]
    torch.manual_seed(0)
    try:
        model = getattr(module, name)(pretrained=False, **GIVEN.get(name, {}))
    except ToolError as error:
        return row.ended("constructed", words_of(error))
    shape = row.shape or SHAPES.get(name) or shape_of(type(model), entry["dim"])
    row = replace(row, shape=shape).with_cell("constructed")
    try:
        network = network_of(model.eval(), shape)
        description = describe_network(network, model)
    except ToolError as error:
        return row.ended("described", words_of(error))
    steps = ", ".join(dict.fromkeys(entry.step.op for entry in description.finish))
    left = f"left to the application: {', '.join(description.left)}" if description.left else ""
    row = replace(row.with_cell("described"), words="; ".join(filter(None, (steps, left))))
    return further(row, model, network, description) if is_whole else row


def further(row, model, network, description):
    """From a description to the virtual board."""
    layered = Converted(network) if network.is_new else model
    if not takes_a_step(layered, row.shape, row.policy):
        return row.ended("trained", "a step of QAT leaves no finite numbers")
    row = row.with_cell("trained")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        try:
            state = integer_state(network, layered, row.policy)
            save_checkpoint(folder / "net-q.pth.tar", integer_checkpoint(description.arch, state))
            row = row.with_cell("quantized")
            found = compiled(folder, description)
        except ToolError as error:
            return row.ended("cycles" if "quantized" in row.cells else "quantized", words_of(error))
        row = row.with_cell("cycles", f"{found.program.cycles.total:,}")
        row = row.with_cell("published", published_cycles(row.model))
        try:
            return row.with_cell("board", verdict(found, folder / "project"))
        except CapacityError:
            found = compiled(folder, description, is_large=True)
            words = f"too large for RAM and flash: {N_CHECKED:,} words of the answer are checked"
            row = replace(row, words="; ".join(filter(None, (row.words, words))))
            return row.with_cell("board", verdict(found, folder / "part"))


def verdict(found, folder):
    """What the virtual board says of a network's firmware."""
    found.write(folder)
    image = build_project(folder, find_toolchain("zig"))
    board = VirtualBoard()
    board.load_elf(image.elf)
    return "PASS" if board.run().is_pass else "FAIL"


def takes_a_step(model, shape, policy):
    """One step of an optimizer in QAT; True if all parameters are finite behind it."""
    start_qat(model, policy)
    generator = torch.Generator().manual_seed(1)
    x = torch.rand(N_EXAMPLES, *shape, generator=generator) * 2 - 1
    answers = model.train()(x)
    answers = answers if isinstance(answers, tuple | list) else (answers,)
    optimizer = torch.optim.SGD(model.parameters(), LEARNING_RATE)
    sum(one.square().mean() for one in tensors(answers)).backward()
    optimizer.step()
    model.eval()
    return all(bool(one.isfinite().all()) for one in model.parameters())


def tensors(answers):
    """Tensors in lists of answers."""
    for one in answers:
        if isinstance(one, torch.Tensor):
            yield one
        else:
            yield from tensors(one)


def compiled(folder, description, is_large=False):
    (folder / "net.yaml").write_text(description.to_text(), encoding="utf-8")
    np.save(folder / "net.npy", noise(description.device_shape))
    is_fed = any(layer.is_streaming for layer in description.layers)
    return compile_network(
        folder / "net.yaml",
        folder / "net-q.pth.tar",
        folder / "net.npy",
        ProgramOptions("net", max_checked_words=N_CHECKED if is_large else None),
        project=ProjectOptions(has_unload=not is_large),
        input_path=InputPath.FIFO if is_fed else InputPath.MEMORY,
    )


def published_cycles(model):
    """What the vendor's tool says of its own description; nothing where there is none."""
    if model not in PUBLISHED:
        return ""
    with gzip.open(VECTORS / PUBLISHED[model] / "expected.json.gz") as stream:
        return f"{json.load(stream)['cycles']['total']:,}"


def shape_of(kind, n_dims):
    defaults = inspect.signature(kind).parameters
    channels, sizes = defaults["num_channels"].default, defaults["dimensions"].default
    return (channels, *sizes[:n_dims])


def words_of(error):
    problems = error.problems if isinstance(error, ProblemList) else (error,)
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    rule = f" [{problems[0].rule}]" if problems[0].rule else ""
    where = problems[0].where.rpartition("/")[2].removeprefix("project")
    way_out = f"; {problems[0].fix}" if "does not run" in problems[0].why else ""
    return f"{where}: {problems[0].why}{rule}{more}{way_out}".removeprefix(": ")


def page():
    rows = [row for path in sorted(FOLDER.glob("*.py")) for row in rows_of(path)]
    return HEAD + "".join(f"{row.to_text()}\n" for row in rows)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
