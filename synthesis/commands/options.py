"""The options of `synthesize`, in groups, and what they mean to each stage. Runs nothing.

Declared here: what the vendor's generator has and does the same (the rest of its options comes from
`vendor_options`), and what only this compiler has.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from max78000.errors import InputError, UnsupportedError
from synthesis.commands.vendor_options import OPTIONS, Fate
from synthesis.emit.options import FileNames, Pin, ProjectOptions, RiscV
from synthesis.generate.options import Options, ReadySelect
from synthesis.lower.overrides import ALL, LayerList, Overrides
from synthesis.read.source import InputPath

Command = Callable[..., Any]
PATH = click.Path(path_type=Path)
NONE = "none"  # in place of a file name
OTHER_FILES = ("cnn.h", "softmax.c", "makefile", "project.mk", "program.json", "report.json",
               "report.html")  # fmt: skip
READY = click.IntRange(0, 3)
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
        help="Quantized checkpoint.  [default: checkpoints/NETWORK-q.pth.tar]",
    ),
    click.option(
        "--sample-input",
        type=PATH,
        help="Sample for the known-answer test.  [default: networks/samples/NETWORK.npy]",
    ),
    click.option("--weight-input", type=PATH, help="Weights of `arch: test` (.npy)."),
    click.option("--bias-input", type=PATH, help="Biases of `arch: test`."),
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
)  # fmt: skip


def vendor_options(command: Command) -> Command:
    """Take the vendor's other options, hidden from the help."""
    for option in OPTIONS:
        if option.fate is Fate.HERE:
            continue
        how: dict[str, Any] = {"is_flag": not option.takes_value}
        command = click.option(*option.names, option.parameter, hidden=True, **how)(command)
    return command


# -- what they mean --------------------------------------------------------------------------------


def is_riscv(given: Mapping[str, Any]) -> bool:
    """Whether the RISC-V core runs the network: several options imply it."""
    return any(given[f"riscv{name}"] for name in ("", "_debug", "_exclusive", "_flash", "_cache"))


def core_problems(given: Mapping[str, Any]) -> Iterator[UnsupportedError]:
    """Options that need the other core (rule O2)."""
    if not is_riscv(given):
        if given["fast_fifo"]:
            fix = "give --riscv, or use --fifo"
            yield UnsupportedError("needs the RISC-V core", where="--fast-fifo", fix=fix, rule="O2")
        return
    if given["riscv_cache"] is False:
        why = "the RISC-V core runs from its cache"
        yield UnsupportedError(why, where="--no-riscv-cache", fix="leave it out", rule="O2")
    if given["layer_checks"]:
        why = "the program that checks layers is for the Arm core"
        yield UnsupportedError(
            why, where="--layer-checks", fix="leave it or --riscv out", rule="O2"
        )


def input_path(given: Mapping[str, Any]) -> InputPath:
    """How the input arrives: the fast FIFO takes the place of the others."""
    if given["fast_fifo"]:
        return InputPath.FAST_FIFO
    return InputPath.FIFO if given["fifo"] else InputPath.MEMORY


def program_options(given: Mapping[str, Any], name: str) -> Options:
    """Options that change the register program."""
    if given["fixed_input"] and (given["fifo"] or given["fast_fifo"]):
        raise InputError(
            "writes memory, --fifo does not", where="--fixed-input", fix="leave one of them out"
        )
    return Options(
        name=name,
        round_average=given["avg_pool_rounding"],
        max_checked_words=given["max_checklines"],
        packs_kernels=given["mexpress"],
        clears_memories=given["zero_sram"],
        powers_down=given["powerdown"],
        writes_zeros=given["write_zero_registers"],
        has_fixed_input=given["fixed_input"],
        ready=ReadySelect(
            given["ready_sel"] or 0, given["ready_sel_fifo"] or 0, given["ready_sel_aon"] or 0
        ),
    )


def overrides(given: Mapping[str, Any]) -> Overrides:
    """Options that change the network."""
    no_bias = given["no_bias"]
    width = given["output_width"]
    return Overrides(
        stop_after=given["stop_after"],
        skip_yaml_layers=given["skip_yaml_layers"],
        skip_checkpoint_layers=given["skip_checkpoint_layers"],
        input_offset=given["input_offset"],
        output_width=int(width) if width else None,
        ignore_streaming=given["ignore_streaming"],
        streaming_layers=layer_list(given["streaming_layers"] or "", "--streaming-layers"),
        ignore_activation=given["ignore_activation"],
        no_bias=no_bias if no_bias in (None, ALL) else layer_list(no_bias, "--no-bias"),
        synthesize_input=given["synthesize_input"],
        synthesize_words=given["synthesize_words"],
    )


def layer_list(text: str, option: str) -> LayerList:
    """Numbers between commas.

    Raises:
        InputError: anything else, such as the description that follows the option.
    """
    try:
        return tuple(int(word) for word in text.split(",") if text)
    except ValueError:
        raise InputError(
            f"{text!r} is no list of layers",
            where=option,
            fix="give numbers such as 0,2, without blanks",
        ) from None


def project_options(given: Mapping[str, Any], softmax_shift: int | None) -> ProjectOptions:
    """Options that change the C code."""
    is_timed = not (given["no_timer"] or given["energy"])
    return ProjectOptions(
        timer=given["timer"] if is_timed else None,
        has_kat=not given["no_kat"],
        has_unload=not given["no_unload"],
        softmax_shift=softmax_shift,
        debug_wait_s=given["debugwait"],
        sleeps=not given["no_wfi"],
        measures_energy=given["energy"],
        runs_forever=given["forever"],
        checks_layers=given["layer_checks"],
        gathers_bytes=given["mlator"],
        verifies_kernels=given["verify_kernels"],
        verifies_registers=given["verify_writes"],
        has_compact_data=given["compact_data"],
        has_compact_weights=given["compact_weights"],
        has_fixed_input=given["fixed_input"],
        clock_divider=int(given["clock_divider"]),
        switch_delay_ms=given["switch_delay"],
        waits_for_fifo=not given["no_fifo_wait"],
        slow_load_us=given["slow_load"],
        riscv=_riscv(given),
        boost=_pin(given["boost"]) if given["boost"] is not None else None,
        board=_word(given["board_name"], r"\w+", "--board-name"),
        defines=tuple(_word(word, DEFINITION, "--define") for word in given["define"].split()),
        names=_file_names(given),
    )


DEFINITION = r"[A-Za-z_]\w*(=[\w.+-]*)?"


def _word(text: str, pattern: str, option: str) -> str:
    if re.fullmatch(pattern, text, re.ASCII) is None:
        raise InputError(
            f"{text!r} cannot be written to project.mk", where=option, fix="edit it there"
        )
    return text


def _riscv(given: Mapping[str, Any]) -> RiscV | None:
    if not is_riscv(given):
        return None
    return RiscV(
        has_debug_pins=given["riscv_debug"],
        owns_memory=given["riscv_exclusive"],
        keeps_in_flash=given["riscv_flash"] is not False,
    )


def _pin(text: str) -> Pin:
    match = re.fullmatch(r"([0-3])\.(\d|[12]\d|3[01])", text, re.ASCII)
    if match is None:
        raise InputError(
            f"{text!r} is no pin", where="--boost", fix="give port and pin, such as 2.5"
        )
    return Pin(int(match.group(1)), int(match.group(2)))


def _file_names(given: Mapping[str, Any]) -> FileNames:
    """Plain names with endings, all different.

    Raises:
        InputError: a path, or a name that another file has.
    """
    owners = dict.fromkeys(OTHER_FILES, "the project")
    if is_riscv(given):
        owners[FileNames(main=given["c_filename"]).riscv_main.lower()] = "the RISC-V core"
    names: list[str | None] = []
    for option, default, text in FILE_NAMES:
        name: str = given[option.replace("-", "_")]
        if name.lower() == NONE and text.endswith(NONE):
            names.append(None)
            continue
        name = _file_name(name, Path(default).suffix, f"--{option}")
        owner = owners.setdefault(name.lower(), f"--{option}")
        if owner != f"--{option}":
            why = f"{name} is also a file of {owner}"
            raise InputError(why, where=f"--{option}", fix="give another name")
        names.append(name)
    main, api, weights, sample, sample_output = names
    assert main is not None
    assert weights is not None
    assert sample is not None
    return FileNames(main, api, weights, sample, sample_output)


def _file_name(text: str, ending: str, option: str) -> str:
    name = text if "." in text else text + ending
    if re.fullmatch(r"\w[\w-]*\.[ch]", name, re.ASCII) is None or not name.endswith(ending):
        raise InputError(f"{text!r} is no file name", where=option, fix=f"give NAME{ending}")
    return name
