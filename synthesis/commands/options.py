"""The options of `synthesize`, in groups. What they mean is `request`'s work.

Declared here: what the vendor's generator has and does the same (the rest of its options comes from
`vendor_options`), and what only this compiler has.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from max78000.command.other_tools import taking
from synthesis.commands.vendor_options import OPTIONS
from synthesis.lower.layer_list import ALL

Command = Callable[..., Any]
PATH = click.Path(path_type=Path)
READY = click.IntRange(0, 3)
STAGES = ("graph", "placed", "program")  # that --show prints
# Option, default, what the file holds; those that say so can go into the main file.
FILE_NAMES = (
    ("c-filename", "main.c", "main program"),
    ("api-filename", "cnn.c", "interface to the network, or none"),
    ("weight-filename", "weights.h", "weights and biases"),
    ("sample-filename", "sampledata.h", "sample input"),
    ("sample-output-filename", "sampleoutput.h", "known answer, or none"),
)


def integer(text: str) -> int:
    """A number, also hexadecimal; click names this function where it is none."""
    return int(text, 0)


def grouped(*options: Callable[[Command], Command]) -> Callable[[Command], Command]:
    """Several click options as one decorator, in the order of the help."""

    def decorate(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


def flag(name: str, text: str) -> Callable[[Command], Command]:
    """An option without a value."""
    return click.option(f"--{name}", is_flag=True, help=text)


def number(name: str, kind: Any, text: str) -> Callable[[Command], Command]:
    """An option with a number, not given by default."""
    return click.option(f"--{name}", type=kind, help=text)


FILES = grouped(
    click.option("--config-file", type=PATH, help="Network description (YAML)."),
    click.option(
        "--checkpoint-file",
        type=PATH,
        multiple=True,
        help="Quantized checkpoint; with several networks, one for each.  "
        "[default: checkpoints/NETWORK-q.pth.tar]",
    ),
    click.option(
        "--sample-input",
        type=PATH,
        multiple=True,
        help="Sample for the known-answer test (.npy, or a picture), likewise.  [default: "
        "networks/samples/NETWORK.npy, or the vendor's tests/sample_DATASET.npy]",
    ),
    click.option("--weight-input", type=PATH, help="Weights of `arch: test` (.npy)."),
    click.option("--bias-input", type=PATH, help="Biases of `arch: test`."),
    click.option(
        "--evaluation",
        type=PATH,
        help="Scores for the report, as `ai8x evaluate --json` prints them.",
    ),
    click.option(
        "--test-dir",
        type=PATH,
        default=Path("build"),
        show_default=True,
        help="Folder in which the project folder is made.",
    ),
    click.option("--prefix", help="Name of the project and its folder.  [default: NETWORK]"),
    click.option("--device", default="MAX78000", show_default=True, help="Part to compile for."),
    flag("overwrite", "Replace an existing project."),
    *(
        click.option(f"--{name}", default=default, show_default=True, help=f"File of the {text}.")
        for name, default, text in FILE_NAMES
    ),
)
NETWORK_CHANGES = grouped(
    flag("avg-pool-rounding", "Average pooling rounds."),
    flag("overlap-data", "Allow outputs to overwrite inputs (rule D7)."),
    click.option("--allow", multiple=True, metavar="RULE", help="Turn a rule into a warning."),
    click.option("--output-width", type=click.Choice(["8", "32"]), help="Bits of the last layer."),
    number("input-offset", integer, "Bytes before the input in its memories."),
    number("stop-after", click.IntRange(0), "Make this layer the last."),
    click.option(
        "--no-bias", is_flag=False, flag_value=ALL, metavar="[LIST]",
        help="Drop the biases of layers such as 0,2, or of all.",
    ),
    flag("ignore-activation", "No layer has an activation."),
    flag("ignore-streaming", "No layer streams, whatever the description says."),
    click.option("--streaming-layers", metavar="LIST", help="These layers stream, such as 0,1."),
    click.option("--skip-yaml-layers", type=click.IntRange(0), default=0,
                 help="Leave out the first layers."),
    click.option("--skip-checkpoint-layers", type=click.IntRange(0), default=0,
                 help="Leave out the first entries of the checkpoint."),
    number("synthesize-input", integer, "Make input of its first words: each block adds this."),
    click.option("--synthesize-words", type=click.IntRange(1), default=8, show_default=True,
                 help="Words of such a block."),
)  # fmt: skip
PROGRAM = grouped(
    flag("fifo", "Load the picture through the FIFOs."),
    flag("fast-fifo", "Load the picture through the fast FIFO of the RISC-V core."),
    click.option("--mexpress/--no-mexpress", default=True, help="Load kernels packed."),
    flag("zero-sram", "Clear all memories first, by their self test."),
    flag("powerdown", "Switch off the kernel memories of unused quadrants."),
    flag("write-zero-registers", "Write layer registers that are 0 as well."),
    flag("fixed-input", "Load a fixed pattern in place of the sample."),
    number("ready-sel", READY, "Wait states of the quadrants."),
    number("ready-sel-fifo", READY, "Wait states of the FIFOs."),
    number("ready-sel-aon", READY, "Wait states of the always-on block."),
    click.option(
        "--max-checklines",
        "--max-verify-length",
        type=click.IntRange(1),
        help="Compare only this many words, and one, of the known answer.",
    ),
)
CODE = grouped(
    number("timer", click.IntRange(0, 3), "Measure inference with this timer."),
    flag("no-timer", "Do not measure, even with --timer."),
    flag("softmax", "Add a soft-max of the outputs."),
    flag("no-kat", "Leave out the known-answer test."),
    flag("layer-checks", "Check every layer on the chip, to see which is the first to differ."),
    flag("no-scale-output", "cnn_unload() does not multiply by 2^final_scale (QATv2)."),
    flag("no-unload", "Leave out cnn_unload()."),
    flag("mlator", "Let the accelerator sort the bytes in cnn_unload() where it can."),
    flag("ignore-mlator-warning", "Do not say where it cannot."),
    flag("verify-kernels", "Read the kernels back."),
    flag("verify-writes", "Read the layer registers back."),
    click.option("--compact-data/--no-compact-data", default=True, help="Load input from arrays."),
    flag("compact-weights", "With --no-mexpress: store three of four words."),
    click.option("--debugwait", type=click.IntRange(0, 60), default=2, show_default=True,
                 help="Seconds for a debugger to attach."),
    flag("no-wfi", "Do not sleep while the network runs."),
    flag("energy", "Repeat 100 times between markers, for a power monitor."),
    flag("forever", "Repeat the inference without end."),
    click.option("--boost", metavar="PORT.PIN", help="Pin of a supply boost, such as 2.5."),
    click.option("--clock-divider", type=click.Choice(["1", "2", "4", "8", "16"]), default="1",
                 show_default=True, help="Of the accelerator's clock."),
    click.option("--switch-delay", type=click.IntRange(0, 1000), default=0, show_default=True,
                 help="Milliseconds between power and clock."),
    flag("no-fifo-wait", "Do not ask whether a FIFO is full."),
    click.option("--slow-load", type=click.IntRange(0, 1_000_000), default=0, show_default=True,
                 help="Microseconds after each word for a FIFO."),
    flag("riscv", "Let the RISC-V core run the network."),
    flag("riscv-debug", "Do so, with pins for a debugger of that core."),
    flag("riscv-exclusive", "Do so, with SRAM2 and SRAM3 for that core alone."),
    click.option("--riscv-flash/--no-riscv-flash", default=None,
                 help="Do so, with constants in flash.  [default: with --riscv]"),
    click.option("--riscv-cache/--no-riscv-cache", default=None,
                 help="Do so, with that core's cache.  [default: with --riscv]"),
    click.option("--board-name", default="EvKit_V1", show_default=True, help="In project.mk."),
    click.option("--define", default="", metavar="WORDS", help="Definitions in project.mk."),
    flag("zephyr", "Make the project a module of Zephyr, too."),
    flag("vscode", "Add tasks, debugging and include paths for VS Code."),
)  # fmt: skip


# The vendor's other options, hidden from the help.
vendor_options = taking(OPTIONS)
