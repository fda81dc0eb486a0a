"""The whole compiler on one screen: description, weights and sample in, register program out.

Networks of one firmware are compiled each by itself, and then combined.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from max78000.errors import raise_all
from max78000.facts.chip import Chip
from max78000.program.program import RegisterProgram
from synthesis.generate.checks import check_options
from synthesis.generate.memories import fixed_image
from synthesis.generate.options import ProgramOptions
from synthesis.generate.program import generate
from synthesis.graph.interpret import interpret
from synthesis.graph.ir import Graph
from synthesis.lower.input_shape import lower_or_say_shape
from synthesis.place.place import Placement, place
from synthesis.place.together import place_together
from synthesis.read.source import Source, Tensor
from synthesis.rules.graph_rules import GRAPH_RULES
from synthesis.rules.placement_rules import PLACEMENT_RULES
from synthesis.rules.rule import apply_rules
from synthesis.rules.stream_rules import STREAM_RULES

Watch = Callable[[str, object], None]


@dataclass(frozen=True, slots=True)
class Compiled:
    """Every stage of a compiled network."""

    options: ProgramOptions
    graph: Graph
    placement: Placement
    image: Tensor  # the sample, or what takes its place
    results: tuple[Tensor, ...]  # of every layer for the image
    program: RegisterProgram
    warnings: tuple[str, ...]  # of rules
    trained: Mapping[str, Any]  # what the checkpoint says of inputs and answers, for applications


@dataclass(frozen=True, slots=True)
class Combined:
    """Networks of one firmware, in memories that they share.

    Attributes:
        networks: in the order in which they were given.
        displaced: by each, the networks whose kernels or biases it is loaded over.
    """

    networks: tuple[Compiled, ...]
    displaced: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True)
class Placed:
    """A network that fits, and what is to be said about it."""

    placement: Placement
    warnings: tuple[str, ...]


def ignore(_stage: str, _value: object) -> None:
    """Watch nothing."""


def compile_source(
    source: Source,
    options: ProgramOptions,
    chip: Chip,
    allowed: frozenset[str] = frozenset(),
    watch: Watch = ignore,
) -> Compiled:
    """Compile one network. Each line is a stage; `watch` sees every value.

    Raises:
        ToolError: all violations of a stage's rules at once, each with place, numbers and a way
        out.
    """
    placed = place_source(source, chip, allowed, watch)
    placement, graph = placed.placement, placed.placement.graph
    check_options(graph, options)
    image = source.image
    if options.has_fixed_input and not graph.input_path.is_fifo:
        image = fixed_image(placement.layers[0], image.shape)
    results = interpret(graph, image, round_average=options.round_average)
    program = generate(placement, image, results, options, chip)
    watch("program", program)
    return Compiled(
        options=options,
        graph=graph,
        placement=placement,
        image=image,
        results=results,
        program=program,
        warnings=placed.warnings,
        trained=source.checkpoint.trained,
    )


def place_source(
    source: Source, chip: Chip, allowed: frozenset[str] = frozenset(), watch: Watch = ignore
) -> Placed:
    """The first half of the compiler: everything that can refuse a network.

    Raises:
        ToolError: as `compile_source`.
    """
    watch("network", source.network)
    graph = lower_or_say_shape(source, chip)
    watch("graph", graph)
    legal = apply_rules(GRAPH_RULES, graph, chip, allowed)
    raise_all(legal.errors)
    placement = place(graph, chip)  # its graph has the copies that joins need
    fits = apply_rules((*PLACEMENT_RULES, *STREAM_RULES), placement, chip, allowed)
    raise_all(fits.errors)
    watch("placed", placement.placed_graph)
    return Placed(placement, (*legal.warnings, *fits.warnings))


def combine(
    networks: Sequence[Compiled], chip: Chip, allowed: frozenset[str] = frozenset()
) -> Combined:
    """Give networks that fit the chip by themselves places in one chip, and their new programs.

    Raises:
        ToolError: a rule that holds for a network alone, and not in its new place.
    """
    together = place_together([network.placement for network in networks], chip)
    pairs = zip(networks, together.placements, strict=True)
    return Combined(tuple(_moved(*pair, chip, allowed) for pair in pairs), together.displaced)


def _moved(
    compiled: Compiled, placement: Placement, chip: Chip, allowed: frozenset[str]
) -> Compiled:
    raise_all(apply_rules(PLACEMENT_RULES, placement, chip, allowed).errors)
    program = generate(placement, compiled.image, compiled.results, compiled.options, chip)
    return replace(compiled, placement=placement, program=program)
