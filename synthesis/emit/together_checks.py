"""What networks of one firmware must have, each and in common, and what they need together."""

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from max78000.errors import InputError, ToolError, UnsupportedError
from max78000.facts.chip import Chip
from max78000.facts.memory_map import RAM_BYTES
from synthesis.compile import Compiled
from synthesis.emit.options import ProjectOptions
from synthesis.generate.finish import OTHER_RAM_BYTES, emitted_plan, ram_bytes
from synthesis.generate.options import ProgramOptions
from synthesis.generate.unload import unload_layout
from synthesis.read.source import InputPath

IDENTIFIER = re.compile(r"[A-Za-z_]\w*", re.ASCII)
TAKEN = ("build", "makefile")  # a folder of this name is the firmware's, or one of its files
CLEARS = "clears the weights of the other networks, too"
POWERS_DOWN = "takes the power from the weights of the other networks"


def name_problems(named: Iterable[tuple[str, Path]], fix: str) -> Iterator[InputError]:
    """Names that cannot begin those of C functions, files and a folder; or not of two networks.

    Args:
        named: name and description of each network.
        fix: what helps; its braces take the description.
    """
    first: dict[str, Path] = {}
    for name, path in named:
        if IDENTIFIER.fullmatch(name) is None or name.lower() in TAKEN:
            why = f"C functions and a folder cannot be called after {name!r}"
            yield InputError(why, where=str(path), fix=fix.format(path))
        other = first.get(name.lower())
        first.setdefault(name.lower(), path)
        if other is not None:
            why = f"is called {name}, as is {other}: their C functions would have the same names"
            yield InputError(why, where=str(path), fix=fix.format(path))


def member_problems(
    paths: Sequence[Path], options: Sequence[ProgramOptions], inputs: Sequence[InputPath]
) -> Iterator[ToolError]:
    """What is wrong with networks as members of one firmware.

    Args:
        paths: their descriptions.
        options: of their programs.
        inputs: how the input of each arrives.
    """
    if not paths:
        yield InputError("no network is given", where="requests", fix="give one or more")
    named = [(own.name, path) for own, path in zip(options, paths, strict=True)]
    yield from name_problems(named, "give its ProgramOptions another name")
    for path, own, arrives in zip(paths, options, inputs, strict=True):
        if own.clears_memories:
            yield _not_together(path, f"clears_memories {CLEARS}", "leave it out")
        if own.powers_down:
            yield _not_together(path, f"powers_down {POWERS_DOWN}", "leave it out")
        if arrives is not inputs[0]:
            why = f"its input comes by {arrives.name}, that of {paths[0]} by {inputs[0].name}"
            yield _not_together(path, why, "give all the same input_path")


def ram_warnings(
    name: str, networks: Sequence[Compiled], options: ProjectOptions, chip: Chip
) -> Iterator[str]:
    """What the core has no memory for, though it has for each network alone (rule O12).

    Args:
        name: of the firmware.
        networks: all of it.
        options: of the C code, the same for all.
        chip: address map.
    """
    needed: dict[str, int] = {}
    for network in networks:
        placed = network.placement.placed_graph
        layout = unload_layout(placed, chip, scales=options.scales_outputs)
        plan = emitted_plan(network.graph, layout)
        if plan is not None:
            needed[network.options.name] = ram_bytes(plan, layout)
    free = RAM_BYTES - OTHER_RAM_BYTES
    if sum(needed.values()) > free:
        each = ", ".join(f"{name}_cnn_finish() {size:,}" for name, size in needed.items())
        yield (
            f"{name}: with their unload buffers, all steps behind the layers need "
            f"{sum(needed.values()):,} bytes of RAM, {free:,} are free: {each} [O12] "
            "(let one network's results be worked through in parts)"
        )


def _not_together(path: Path, why: str, fix: str) -> UnsupportedError:
    return UnsupportedError(f"{why}: not with several networks", where=str(path), fix=fix)
