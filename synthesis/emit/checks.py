"""What a project's options ask of a network: refusals, and warnings of what they do not do for it.

Everything that is wrong only once the network is compiled; the command line alone is `commands`'
business. Nothing is written here.
"""

from collections.abc import Iterator, Mapping

from max78000.errors import UnsupportedError
from max78000.facts.chip import Chip
from max78000.facts.fixed import DATA_BITS
from synthesis.compile import Compiled
from synthesis.emit.flash_size import check_parts, flash_parts
from synthesis.emit.options import ProjectOptions
from synthesis.emit.project import gather_warnings
from synthesis.generate.finish import emitted_plan, finish_plan, ram_bytes
from synthesis.generate.unload import UnloadLayout, entry_scales, unload_layout
from synthesis.graph.ir import Graph
from synthesis.graph.scales import final_scale
from synthesis.place.placed import PlacedGraph


def check_project(compiled: Compiled, options: ProjectOptions, chip: Chip) -> tuple[str, ...]:
    """Find out whether the project can be written; returns warnings.

    Raises:
        UnsupportedError: a soft-max of several layers (rule O4).
        UnsupportedError: a step behind the accelerator that C cannot make (rule G26).
        CapacityError: the flash is too small (rule O9).
    """
    if options.has_softmax:
        softmax_shift(compiled.graph)
    where = compiled.graph.source
    layout = unload_layout(compiled.placement.placed_graph, chip, scales=options.scales_outputs)
    of_flash = check_parts(project_parts(compiled, options, chip), chip, where)
    return (*of_flash, *_warnings(compiled, layout, options))


def project_parts(compiled: Compiled, options: ProjectOptions, chip: Chip) -> Mapping[str, int]:
    """Bytes of flash for each part of a network's project.

    Raises:
        UnsupportedError: a step behind the accelerator that C cannot make (rule G26).
    """
    placed = compiled.placement.placed_graph
    layout = unload_layout(placed, chip, scales=options.scales_outputs)
    finish = emitted_plan(compiled.graph, layout)
    return flash_parts(compiled.program, options, 0 if finish is None else len(finish.calls))


def _ram_warnings(graph: Graph, layout: UnloadLayout) -> Iterator[str]:
    """What the core has no memory for (rule O12)."""
    plan = finish_plan(graph, layout)
    if plan is not None and emitted_plan(graph, layout) is None:
        needed = ram_bytes(plan, layout)
        yield (
            f"{graph.source}: cnn_finish() would need {needed:,} bytes of RAM with the unload "
            "buffer: it is left out [O12] (let the application work through the output in parts)"
        )


def softmax_shift(graph: Graph) -> int:
    """Left shift that brings 32-bit values to Q17.14; bytes are taken as they are, with 0.

    Raises:
        UnsupportedError: the results are those of several layers.
    """
    layers, last = graph.unloaded, graph.layers[-1]
    if len(graph.unload) > 1:
        raise UnsupportedError(
            f"--softmax is for one tensor, {len(graph.unload)} are listed",
            where=graph.unload[1].where,
            fix="list the last layer's result alone",
            rule="O4",
        )
    if layers != (last,):
        raise UnsupportedError(
            f"--softmax is for the last layer alone, {len(layers)} are unloaded",
            where=last.where,
            fix="mark no other layer `output: true`",
            rule="O4",
        )
    is_wide = last.output_width == 32
    return 8 - last.kernel.bits if is_wide and last.kernel is not None else 0


def _warnings(compiled: Compiled, layout: UnloadLayout, options: ProjectOptions) -> Iterator[str]:
    last, placed = compiled.graph.layers[-1], compiled.placement.placed_graph
    yield from _ram_warnings(compiled.graph, layout)
    if options.has_softmax and layout.parts[0].element_bits == DATA_BITS:
        yield (
            f"{last.where}: --softmax of bytes is coarse: 1 more is twice as likely [O4] "
            "(set output_width: 32)"
        )
    if options.has_fixed_input and compiled.graph.input_path.is_fifo:
        yield "--fixed-input is ignored with --fifo [O10] (leave one of them out)"
    if options.measures_energy and options.timer is not None:
        yield "--timer is ignored with --energy [O5] (leave one of them out)"
    yield from _scale_warnings(placed, layout, options)
    if options.gathers_bytes and options.says_what_is_not_gathered:
        yield from gather_warnings(layout.outputs)


def _scale_warnings(
    placed: PlacedGraph, layout: UnloadLayout, options: ProjectOptions
) -> Iterator[str]:
    """What is delivered without its final scale (rule O11)."""
    graph = placed.graph
    scales = {layer.name: final_scale(layer, graph) for layer in graph.outputs}
    if not options.scales_outputs:
        if any(scales.values()):
            listed = ", ".join(f"{name}: {scale}" for name, scale in scales.items())
            yield (
                f"{graph.source}: --no-scale-output: real values are two to the power of the final "
                f"scale times what is unloaded [O11] ({listed})"
            )
        return
    for entry, output in zip(graph.unload, layout.outputs, strict=False):
        found = entry_scales(output, placed)
        if len(found) > 1:
            listed = ", ".join(map(str, sorted(found)))
            yield (
                f"{entry.where}: holds channels of final scales {listed}, and is unloaded without "
                "[O11] (list each layer's result by itself)"
            )
