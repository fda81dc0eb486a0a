"""Placement + sample -> RegisterProgram: all writes in order, and the answer they must lead to."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from max78000.facts.chip import Chip
from max78000.facts.regmap import layer_register_addr
from max78000.program.program import Expected, Operation, Phase, RegisterProgram, Write
from synthesis.generate.control import fifo_writes, init_operations, start_writes
from synthesis.generate.layer import layer_words
from synthesis.generate.memories import (
    bias_copies,
    fast_fifo_feed,
    fifo_feeds,
    fixed_words,
    input_copies,
    kernel_operations,
    known_answer,
    output_map,
)
from synthesis.generate.options import ProgramOptions
from synthesis.generate.rolling import buffer_clears
from synthesis.generate.timing import predict_cycles
from synthesis.graph.scales import final_scale
from synthesis.place.place import Placement
from synthesis.place.placed import PlacedGraph, PlacedLayer
from synthesis.read.source import InputPath, Tensor


def generate(
    placement: Placement,
    image: Tensor,
    results: Sequence[Tensor],
    options: ProgramOptions,
    chip: Chip,
) -> RegisterProgram:
    """Write the program.

    Args:
        placement: the placed graph and the memories' contents.
        image: sample input, int (C, H, W).
        results: output tensor of every layer for that sample, from the interpreter.
        options: name of the program, and what the command line asks for.
        chip: address map.
    """
    graph = placement.placed_graph
    uses_fifo = graph.input_path.is_fifo
    load_input = _load_input(graph, image, chip)
    if options.has_fixed_input and not uses_fifo:
        load_input = fixed_words(load_input)
    phases: dict[str, Iterable[Operation]] = {
        "init": (*init_operations(graph, options, chip), *buffer_clears(graph, chip)),
        "load_weights": kernel_operations(placement.kernels, options, chip),
        "load_bias": bias_copies(placement.biases, chip),
        "configure": (*_configure(graph, options, chip), *fifo_writes(graph, options, chip)),
        "load_input": load_input,
        "start": start_writes(graph, options, chip),
    }
    if uses_fifo:  # words are pushed into the running accelerator
        phases["load_input"] = phases.pop("load_input")
    return RegisterProgram(
        name=options.name,
        chip_name=chip.name,
        phases=tuple(Phase(name, tuple(operations)) for name, operations in phases.items()),
        known_answer=_known_answer(graph.outputs, results, options, chip),
        outputs=tuple(
            replace(output_map(placed, chip), final_scale=final_scale(placed.layer, graph.graph))
            for placed in graph.outputs
        ),
        cycles=predict_cycles(graph),
    )


def _load_input(graph: PlacedGraph, image: Tensor, chip: Chip) -> Iterable[Operation]:
    first = graph.layers[0]
    if graph.input_path is InputPath.FAST_FIFO:
        return [fast_fifo_feed(first, image)]
    return (
        fifo_feeds(first, image) if graph.input_path.is_fifo else input_copies(first, image, chip)
    )


def _configure(graph: PlacedGraph, options: ProgramOptions, chip: Chip) -> Iterator[Write]:
    """Registers of all layers; zeros are left out: the power-up reset has written them."""
    # Quirk zero-registers: a reset has written them; what a network before has written stays.
    for placed in graph.layers:
        for quadrant in graph.quadrants:
            for register, word in layer_words(placed, graph, quadrant):
                if word or options.writes_zeros:
                    index = placed.layer.index
                    yield Write(layer_register_addr(chip, register, index, quadrant), word)


def _known_answer(
    checked: Sequence[PlacedLayer], results: Sequence[Tensor], options: ProgramOptions, chip: Chip
) -> tuple[Expected, ...]:
    """Expected words of all output layers, cut where the options limit them."""
    # Quirk answer-limit: N lines are N + 1 words.
    left = None if options.max_checked_words is None else options.max_checked_words + 1
    blocks: list[Expected] = []
    for placed in checked:
        for block in known_answer(placed, results[placed.layer.index], chip):
            words = block.words if left is None else block.words[:left]
            if words:
                blocks.append(replace(block, words=words))
            left = None if left is None else left - len(words)
    return tuple(blocks)
