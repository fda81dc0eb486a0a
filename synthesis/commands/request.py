"""The options of `synthesize`, parsed once: values of click in, a `Request` of the compiler out.

Everything that is wrong with the command line itself is found here, and all of it is said at once.
Nothing is read or compiled.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from max78000.command import find_named
from max78000.errors import InputError, ToolError, UnsupportedError, raise_all
from max78000.facts.chip import MAX78000, Chip
from synthesis.api import Request
from synthesis.commands.given import Given
from synthesis.commands.options import FILE_NAMES
from synthesis.emit.options import DEFAULT_BOARD, FileNames, Pin, ProjectOptions, RiscV
from synthesis.generate.options import ProgramOptions, ReadySelect
from synthesis.lower.layer_list import ALL, LayerList
from synthesis.lower.overrides import Overrides
from synthesis.read.files import Files, find_files
from synthesis.read.source import InputPath
from synthesis.rules.manual import allowed_rules

Value = TypeVar("Value")
NAMELESS = "network"  # while the command line names none
DEVICES = ("max78000", "78000", "ai85", "85")
RISCV_OPTIONS = ("riscv", "riscv_debug", "riscv_exclusive", "riscv_flash", "riscv_cache")
NONE = "none"  # in place of a file name
OTHER_FILES = ("cnn.h", "cnn_finish.c", "cnn_finish.h", "softmax.c", "makefile", "project.mk",
               "cmakelists.txt", "program.json", "report.json", "report.html")  # fmt: skip
DEFINITION = r"[A-Za-z_]\w*(=[\w.+-]*)?"


class _Problems:
    """Collects what is wrong; an option that cannot be read counts as not given."""

    def __init__(self, problems: Iterable[ToolError]) -> None:
        self.found = list(problems)

    def part(self, read: Callable[[], Value], fallback: Value) -> Value:
        try:
            return read()
        except ToolError as error:
            self.found.append(error)
            return fallback


def read_request(given: Given, refused: Iterable[ToolError] = ()) -> Request:
    """Give every option its meaning.

    Args:
        given: what click found.
        refused: options that are refused whatever they say.

    Raises:
        ToolError: what is wrong with any of them, all at once.
    """
    problems = _Problems([*_core_problems(given), *_show_problems(given), *refused])
    part = problems.part
    files = part(lambda: _files(given), Files(Path(), Path(), None))
    request = Request(
        files=files,
        options=program_options(
            given,
            part(lambda: _name(given["prefix"], files), NAMELESS),
        ),
        project=_project_options(given, problems),
        overrides=_overrides(given, problems),
        input_path=input_path(given),
        allowed=part(lambda: allowed_rules(_allowed(given)), frozenset()),
        chip=part(lambda: find_chip(given["device"]), MAX78000),
        checks_shapes=given["check"],
        tries_variants=given["variants"],
    )
    raise_all(problems.found)
    return request


def _show_problems(given: Given) -> Iterator[InputError]:
    """Options whose work `--show`, which prints one stage and nothing else, would drop."""
    for option, name in (("variants", "--variants"), ("as_json", "--json")):
        if given["show"] is not None and given[option]:  # type: ignore[literal-required]
            fix = f"leave it or {name} out"
            yield InputError(f"prints a stage, and not what {name} says", where="--show", fix=fix)


def find_chip(device: str) -> Chip:
    """The chip of a device name, in any of its spellings.

    Raises:
        UnsupportedError: it is another device.
    """
    if device.lower() not in DEVICES:
        raise UnsupportedError(f"no device {device!r}", where="--device", fix="use MAX78000")
    return MAX78000


def _files(given: Given) -> Files:
    network = Path(given["network"][-1]) if given["network"] else None
    files = find_files(
        _found(given["config_file"] or network),
        _found(_last(given["checkpoint_file"])),
        _found(_last(given["sample_input"])),
    )
    return replace(
        files,
        weights=given["weight_input"],
        bias=given["bias_input"],
        evaluation=given["evaluation"],
    )


def _found(path: Path | None) -> Path | None:
    return find_named(path) if path else None


def _last(paths: tuple[Path, ...]) -> Path | None:
    """A file that was given again counts."""
    return paths[-1] if paths else None


def _name(prefix: str | None, files: Files) -> str:
    """What the project is called: as was asked, or like its description."""
    if prefix is not None:
        return project_name(prefix)
    return project_name(
        files.network.stem or NAMELESS, str(files.network), "give --prefix with one"
    )


def project_name(name: str, where: str = "--prefix", fix: str = "give one") -> str:
    """A name for the folder, for make and for C comments.

    Args:
        name: to be looked at.
        where: it comes from.
        fix: how to give another.

    Raises:
        InputError: it has characters that one of them does not take.
    """
    if re.fullmatch(r"\w[\w.+-]*", name, re.ASCII) is None:
        fix += " of letters, digits, _ . + and -"
        raise InputError(f"{name!r} is no name for a project", where=where, fix=fix)
    return name


def _allowed(given: Given) -> tuple[str, ...]:
    return (*given["allow"], *(["D7"] if given["overlap_data"] else []))


# -- the input, the core ---------------------------------------------------------------------------


def input_path(given: Given) -> InputPath:
    """How the input arrives: the fast FIFO takes the place of the others."""
    if given["fast_fifo"]:
        return InputPath.FAST_FIFO
    return InputPath.FIFO if given["fifo"] else InputPath.MEMORY


def is_riscv(given: Given) -> bool:
    """Whether the RISC-V core runs the network: several options imply it."""
    return any(given[option] for option in RISCV_OPTIONS)  # type: ignore[literal-required]


def _core_problems(given: Given) -> Iterator[UnsupportedError]:
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
    for option in ("zephyr", "vscode"):
        if given[option]:
            why = "what it adds is for the Arm core"
            fix = "leave it or --riscv out"
            yield UnsupportedError(why, where=f"--{option}", fix=fix, rule="O2")


def _riscv(given: Given) -> RiscV | None:
    if not is_riscv(given):
        return None
    return RiscV(
        has_debug_pins=given["riscv_debug"],
        owns_memory=given["riscv_exclusive"],
        keeps_in_flash=given["riscv_flash"] is not False,
    )


# -- stages ----------------------------------------------------------------------------------------


def program_options(given: Given, name: str) -> ProgramOptions:
    """Options that change the register program."""
    return ProgramOptions(
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


def _overrides(given: Given, problems: _Problems) -> Overrides:
    """Options that change the network."""
    part, no_bias = problems.part, given["no_bias"] or ""
    width = given["output_width"]
    return Overrides(
        stop_after=given["stop_after"],
        skip_yaml_layers=given["skip_yaml_layers"],
        skip_checkpoint_layers=given["skip_checkpoint_layers"],
        input_offset=given["input_offset"],
        output_width=int(width) if width else None,
        ignore_streaming=given["ignore_streaming"],
        streaming_layers=part(
            lambda: layer_list(given["streaming_layers"] or "", "--streaming-layers"), ()
        ),
        ignore_activation=given["ignore_activation"],
        no_bias=part(lambda: _layers_without_bias(no_bias), None),
        synthesize_input=given["synthesize_input"],
        synthesize_words=given["synthesize_words"],
    )


def _layers_without_bias(text: str) -> LayerList | str | None:
    if text == ALL:
        return ALL
    return layer_list(text, "--no-bias") or None


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


def _project_options(given: Given, problems: _Problems) -> ProjectOptions:
    """Options that change the C code."""
    part, boost = problems.part, given["boost"]
    return ProjectOptions(
        timer=None if given["no_timer"] else given["timer"],
        has_kat=not given["no_kat"],
        scales_outputs=not given["no_scale_output"],
        has_unload=given["softmax"] or not given["no_unload"],
        has_softmax=given["softmax"],
        debug_wait_s=given["debugwait"],
        sleeps=not given["no_wfi"],
        measures_energy=given["energy"],
        runs_forever=given["forever"],
        checks_layers=given["layer_checks"],
        gathers_bytes=given["mlator"],
        says_what_is_not_gathered=not given["ignore_mlator_warning"],
        verifies_kernels=given["verify_kernels"],
        verifies_registers=given["verify_writes"],
        has_compact_data=given["compact_data"],
        has_compact_weights=given["compact_weights"],
        has_fixed_input=given["fixed_input"],
        clock_divider=int(given["clock_divider"]),
        switch_delay_ms=given["switch_delay"],
        waits_for_fifo=not given["no_fifo_wait"],
        slow_load_us=given["slow_load"],
        has_zephyr=given["zephyr"],
        has_vscode=given["vscode"],
        riscv=_riscv(given),
        boost=part(lambda: _pin(boost) if boost is not None else None, None),
        board=part(lambda: _word(given["board_name"], r"\w+", "--board-name"), DEFAULT_BOARD),
        defines=part(lambda: _definitions(given["define"]), ()),
        names=part(lambda: _file_names(given), FileNames()),
    )


def _definitions(text: str) -> tuple[str, ...]:
    return tuple(_word(word, DEFINITION, "--define") for word in text.split())


def _word(text: str, pattern: str, option: str) -> str:
    if re.fullmatch(pattern, text, re.ASCII) is None:
        raise InputError(
            f"{text!r} cannot be written to project.mk", where=option, fix="edit it there"
        )
    return text


def _pin(text: str) -> Pin:
    match = re.fullmatch(r"([0-3])\.(\d|[12]\d|3[01])", text, re.ASCII)
    if match is None:
        raise InputError(
            f"{text!r} is no pin", where="--boost", fix="give port and pin, such as 2.5"
        )
    return Pin(int(match.group(1)), int(match.group(2)))


def _file_names(given: Given) -> FileNames:
    """Plain names with endings, all different.

    Raises:
        InputError: a path, or a name that another file has.
    """
    owners = dict.fromkeys(OTHER_FILES, "the project")
    if is_riscv(given):
        owners[FileNames(main=given["c_filename"]).riscv_main.lower()] = "the RISC-V core"
    given_names = (
        given["c_filename"],
        given["api_filename"],
        given["weight_filename"],
        given["sample_filename"],
        given["sample_output_filename"],
    )
    names: list[str | None] = []
    for (option, default, text), name in zip(FILE_NAMES, given_names, strict=True):
        if name.lower() == NONE and text.endswith(NONE):
            names.append(None)
            continue
        full = _file_name(name, Path(default).suffix, f"--{option}")
        owner = owners.setdefault(full.lower(), f"--{option}")
        if owner != f"--{option}":
            why = f"{full} is also a file of {owner}"
            raise InputError(why, where=f"--{option}", fix="give another name")
        names.append(full)
    main, api, weights, sample, sample_output = names
    assert main is not None
    assert weights is not None
    assert sample is not None
    return FileNames(
        main=main, api=api, weights=weights, sample=sample, sample_output=sample_output
    )


def _file_name(text: str, ending: str, option: str) -> str:
    name = text if "." in text else text + ending
    if re.fullmatch(r"\w[\w-]*\.[ch]", name, re.ASCII) is None or not name.endswith(ending):
        raise InputError(f"{text!r} is no file name", where=option, fix=f"give NAME{ending}")
    return name
