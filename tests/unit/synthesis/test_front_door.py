"""Command line and Python come in by one door: equal refusals and warnings, word for word."""

import shutil
import sys
from dataclasses import dataclass, field
from typing import get_type_hints

import numpy as np
import pytest

from max78000.errors import ToolError
from networks import Net, write_files
from synthesis import compile_network
from synthesis.commands import synthesize as cli
from synthesis.commands.given import Given
from synthesis.emit.options import ProjectOptions
from synthesis.read.source import InputPath


@dataclass(frozen=True)
class Refused:
    """A network, the same choices in both languages, and rules that the message names."""

    net: Net
    rules: tuple
    options: tuple = ()
    choices: dict = field(default_factory=dict)


WIDE = "\n".join(f"{{name: l{i}}}" for i in range(14))
LAYERS_WITH_BIASES = "\n".join(f"{{kernel_size: 1x1, pad: 0, name: l{i}}}" for i in range(10))
LONG = ("biases, with the cheapest change",)
REFUSED = {
    "weights, with the cheapest change": Refused(
        Net(WIDE, "64x64x3x3 " * 14, "64x8x8"), ("C12", "use 4-bit weights in l0, l1, l2, l3")
    ),
    "data, with the cheapest change": Refused(
        Net("{name: a, max_pool: 4, pool_stride: 4}", "4x3x3x3", "3x200x200"),
        ("D5", "use --fifo, and `streaming: true` in the first layer"),
    ),
    "biases, with the cheapest change": Refused(
        Net(LAYERS_WITH_BIASES, "512x4x1x1 4x512x1x1 " * 5, "4x4x4", bias=1),
        ("C14", "use no bias in l0"),
    ),
    "an operator": Refused(Net("{kernel_size: 5x5}", "4x2x5x5"), ("C1",)),
    "the description": Refused(Net("{max_pol: 2}\n{activate: Swish}", "4x2x3x3"), ("G3", "G22")),
    "the FIFOs": Refused(
        Net("{}", "4x20x3x3", "20x8x8"), ("S8",), ("--fifo",), {"input_path": InputPath.FIFO}
    ),
    "the project": Refused(
        Net("{output: true}\n{}", "4x2x3x3 4x4x3x3"),
        ("O4",),
        ("--softmax",),
        {"project": ProjectOptions(has_softmax=True)},
    ),
}


def run_command(monkeypatch, capsys, *args):
    """Exit status and message of the command."""
    monkeypatch.setattr(sys, "argv", ["synthesize", *map(str, args)])
    with pytest.raises(SystemExit) as end:
        cli.main()
    return end.value.code, capsys.readouterr().err


@pytest.mark.long
@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=[pytest.mark.long] if name in LONG else []) for name in REFUSED],
)
def test_both_refuse_in_the_same_words(name, tmp_path, monkeypatch, capsys):
    case = REFUSED[name]
    files = network, checkpoint, sample = write_files(tmp_path, case.net)
    given = ("--checkpoint-file", checkpoint, "--sample-input", sample)
    status, message = run_command(monkeypatch, capsys, network, *given, *case.options, "--check")
    with pytest.raises(ToolError) as refusal:
        compile_network(*files, **case.choices)
    assert message == f"synthesize: {refusal.value}\n"
    assert status == refusal.value.exit_code
    for words in case.rules:
        assert words in message


def test_both_warn_in_the_same_words(tmp_path, monkeypatch, capsys):
    """Of a rule, of the flash, and of an option that does nothing for this network."""
    net = Net("{op: none, max_pool: 1}", image="64x88x88")
    files = network, checkpoint, sample = write_files(tmp_path, net)
    given = ("--checkpoint-file", checkpoint, "--sample-input", sample, "--softmax", "--check")
    status, printed = run_command(monkeypatch, capsys, network, *given)
    warnings = compile_network(*files, project=ProjectOptions(has_softmax=True)).warnings
    assert status == 0
    assert printed == "".join(f"warning: {warning}\n" for warning in warnings)
    for rule in ("O9", "O4"):
        assert f"[{rule}]" in printed


def test_both_take_test_weights_from_the_vendors_places(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    network, _, sample = write_files(tmp_path, Net("{}", "4x2x3x3"))
    text = network.read_text(encoding="utf-8")
    network.write_text(text.replace("arch: tiny", "arch: test"), encoding="utf-8")
    (tmp_path / "tests").mkdir()
    shutil.copy(sample, tmp_path / "tests/sample_tiny.npy")
    rng = np.random.default_rng(0)
    with (tmp_path / "tests/weights_tiny.npy").open("wb") as file:
        np.save(file, rng.integers(-128, 128, (1, 4, 2, 3, 3)))
    status, _ = run_command(monkeypatch, capsys, network, "--check")
    assert status == 0
    assert compile_network(network).program.name == network.stem


def test_every_option_that_does_something_is_typed():
    """`Given` names what click passes, but for the vendor's options without effect."""
    declared = {param.name for param in cli.synthesize.params}
    typed = set(get_type_hints(Given))
    assert {name for name in declared - typed if not name.startswith("vendor_")} == {"version"}
    assert typed <= declared
