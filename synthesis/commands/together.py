"""Several networks on one command line: a request for each, and what they cannot be asked together.

The networks are told apart by names, which begin the names of their C functions: NAME of NAME=FILE,
or that of the description.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from max78000.errors import InputError, ProblemList, ToolError, UnsupportedError, raise_all
from synthesis.api import Request
from synthesis.commands.given import Given
from synthesis.commands.options import FILE_NAMES
from synthesis.commands.request import RISCV_OPTIONS, project_name, read_request
from synthesis.emit.together_checks import CLEARS, POWERS_DOWN, name_problems

NAMED = re.compile(r"([A-Za-z_]\w*)=(.+)", re.ASCII)
ZERO_IS_NONE = ("skip_yaml_layers", "skip_checkpoint_layers")  # they leave out so many

OF_ONE = "changes one network, and does not say which"
OF_ALL = "main.c runs all networks by turns, on their samples"
NOT_TOGETHER = MappingProxyType(
    {
        **dict.fromkeys(
            ("config_file", "weight_input", "bias_input", "evaluation", "output_width",
             "input_offset", "stop_after", "no_bias", "streaming_layers", "skip_yaml_layers",
             "skip_checkpoint_layers", "synthesize_input"),
            OF_ONE,
        ),
        **dict.fromkeys(
            ("softmax", "no_kat", "no_unload", "layer_checks", "energy", "forever"), OF_ALL
        ),
        "variants": "what is tried are changes of one",
        "zephyr": "its module is that of one network",
        "zero_sram": CLEARS,
        "powerdown": POWERS_DOWN,
    }
)  # fmt: skip
FIX_OF_ONE = "say it in its description, or synthesize that network alone"
FIX_OF_ALL = "synthesize one network alone, or edit main.c"
FIX = "leave it out"


@dataclass(frozen=True, slots=True)
class TogetherRequest:
    """What is asked of the compiler: a firmware of several networks."""

    name: str
    networks: tuple[Request, ...]


def read_together(given: Given, refused: Iterable[ToolError] = ()) -> TogetherRequest:
    """Give every option its meaning, for each network.

    Args:
        given: what click found; it names two networks or more.
        refused: options that are refused whatever they say.
    Raises:
        ToolError: what is wrong with any of them, all at once.
    """
    problems = [*refused, *_conflicts(given)]
    named = [_named(text) for text in given["network"]]
    names = [name for name, _ in named]
    problems += name_problems(named, "name it: NAME={}")
    checkpoints = _one_for_each(given["checkpoint_file"], names, "--checkpoint-file", problems)
    samples = _one_for_each(given["sample_input"], names, "--sample-input", problems)
    requests: list[Request] = []
    for (name, path), checkpoint, sample in zip(named, checkpoints, samples, strict=True):
        own = given.copy()
        own |= {
            "network": (str(path),),
            "prefix": name,
            "checkpoint_file": checkpoint,
            "sample_input": sample,
        }
        try:
            requests.append(read_request(own))
        except ToolError as error:
            problems += error.problems if isinstance(error, ProblemList) else (error,)
    prefix = given["prefix"]
    try:
        name = project_name("-".join(names) if prefix is None else prefix)
    except ToolError as error:
        problems.append(error)
    raise_all({str(problem): problem for problem in problems}.values())  # each option's once
    return TogetherRequest(name, tuple(requests))


def _named(text: str) -> tuple[str, Path]:
    """Name and description."""
    match = NAMED.fullmatch(text)
    if match is not None:
        return match[1], Path(match[2])
    path = Path(text)
    return re.sub(r"\W", "_", path.stem, flags=re.ASCII), path


def _one_for_each(
    files: tuple[Path, ...], names: Sequence[str], option: str, problems: list[ToolError]
) -> list[tuple[Path, ...]]:
    """The file of every network; none where the default is taken."""
    if files and len(files) != len(names):
        why = f"given {len(files)} times for {len(names)} networks"
        fix = f"give it once for each, in the order {', '.join(names)}; or not at all"
        problems.append(InputError(why, where=option, fix=fix))
        return [()] * len(names)
    return [(file,) for file in files] if files else [()] * len(names)


def _conflicts(given: Given) -> Iterator[UnsupportedError]:
    """Options that several networks cannot be given."""
    for option, why in NOT_TOGETHER.items():
        if _is_given(option, given[option]):  # type: ignore[literal-required]
            fix = {OF_ONE: FIX_OF_ONE, OF_ALL: FIX_OF_ALL}.get(why, FIX)
            yield _not_together(option, why, fix)
    for option in RISCV_OPTIONS:
        if given[option]:  # type: ignore[literal-required]
            yield _not_together(option, "several networks run on the Arm core alone", FIX)
    for name, default, _ in FILE_NAMES:
        option = name.replace("-", "_")
        if given[option] != default:  # type: ignore[literal-required]
            why = "the files of several networks are named after them"
            yield _not_together(option, why, FIX)


def _is_given(option: str, value: object) -> bool:
    """Whether a value is more than that of an option left out: 0 is, as the number of a layer."""
    return bool(value) or (value is not False and value == 0 and option not in ZERO_IS_NONE)


def _not_together(option: str, why: str, fix: str) -> UnsupportedError:
    where = f"--{option.replace('_', '-')}"
    return UnsupportedError(f"{why}: not with several networks", where=where, fix=fix)
