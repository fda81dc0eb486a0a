"""Compiler stages as text, by name: what `--show` prints and golden tests compare.

The graph is a table, the placed graph the completed network description.
"""

import json
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from max78000.facts.chip import Chip
from max78000.program.program import to_text
from synthesis.compile import Compiled
from synthesis.graph.ir import Buffer, Graph, Layer, PoolKind, Unload
from synthesis.graph.scales import final_scale
from synthesis.lower.sequence import reference_to
from synthesis.place.placed import PlacedGraph, PlacedLayer
from synthesis.read.description import Operator

if TYPE_CHECKING:  # few networks have one, and it takes a moment to import
    from synthesis.finish.finish import Finish

NOT_TEXT = ("y", "n", "yes", "no", "on", "off", "true", "false", "null")
OPERATOR_WORDS = {op: "none" if op is Operator.PASSTHROUGH else op.value for op in Operator}


def stage_text(stage: str, compiled: Compiled, chip: Chip) -> str:
    """One stage of a compiled network, by its name: graph, placed, program."""
    if stage == "graph":
        return graph_text(compiled.graph)
    if stage == "placed":
        return placed_yaml(compiled.placement.placed_graph)
    return to_text(compiled.program, chip)


def graph_text(graph: Graph) -> str:
    """One line per layer: shapes, operation, number ranges."""
    lines = [f"graph {graph.name}: input {graph.input_shape}"]
    outputs = {layer.index for layer in graph.outputs}
    for layer in graph.layers:
        scale = final_scale(layer, graph) if layer.index in outputs else 0
        lines.append(f"  {_layer_line(layer)}" + (f"; answers times 2^{scale}" if scale else ""))
    return "\n".join(lines) + "\n"


def _layer_line(layer: Layer) -> str:
    sources = _sources(layer)
    parts = [f"{layer.index} {layer.name} <- {sources}: {layer.in_shape} -> {layer.out_shape}"]
    if layer.pool.is_used:
        parts.append(f"{layer.pool.kind.value} pool {layer.pool.window} step {layer.pool.stride}")
    if layer.combine is not None:
        parts.append(f"{layer.combine.value} of {layer.operands}")
    parts.append(f"{layer.op.value} {layer.kernel_size} pad {layer.pad}")
    if layer.kernel is not None:
        bias = "bias" if layer.kernel.bias is not None else "no bias"
        parts.append(f"{layer.kernel.bits}-bit weights, shift {layer.kernel.output_shift}, {bias}")
    if layer.activation.value != "none":
        parts.append(layer.activation.value)
    if layer.output_width == 32:
        parts.append("32 bits")
    return "; ".join(parts)


def placed_yaml(placed: PlacedGraph) -> str:
    """The description with everything filled in; reading it again gives the same program."""
    graph = placed.graph
    lines = ["---", f"arch: {_word(graph.name)}", "dataset: sample"]
    if graph.output_map is not None:
        lines.append(f"output_map: 0x{graph.output_map:016x}")
    lines += _section_lines(graph)
    lines.append("layers:")
    stored_by: dict[str, int] = {}  # checkpoint entry -> the layer that it belongs to
    for layer in placed.layers:
        kernel = layer.layer.kernel
        owner = stored_by.setdefault(kernel.source, layer.layer.index) if kernel else None
        first, *rest = _entries(layer, owner)
        lines.append(f"  - {first}")
        lines += [f"    {entry}" for entry in rest]
    lines += _finish_lines(graph.finish)
    return "\n".join(lines) + "\n"


def _entries(placed: PlacedLayer, weight_owner: int | None) -> Iterator[str]:
    layer = placed.layer
    yield f"name: {_word(layer.name)}"
    yield f"op: {OPERATOR_WORDS[Operator.PASSTHROUGH if layer.copies_anywhere else layer.op]}"
    yield f"in_sequences: [{_sources(layer)}]"
    yield f"in_channels: {_in_channels(layer)}"
    yield f"in_dim: [{layer.in_shape.rows}, {layer.in_shape.columns}]"
    if layer.buffer_shift:
        yield f"buffer_shift: {layer.buffer_shift}"
    if layer.buffer_insert:
        yield f"buffer_insert: {layer.buffer_insert}"
    if any(layer.in_crop):
        yield f"in_crop: [{layer.in_crop[0]}, {layer.in_crop[1]}]"
    if layer.copies_anywhere:
        yield "move: true"
    else:
        yield from _operation_entries(layer)
        yield from _number_entries(layer, weight_owner)
    if layer.index == 0:
        yield f"data_format: {placed.data_format.value}"
    yield f"processors: 0x{placed.processors:016x}"
    yield f"output_processors: 0x{placed.output_processors:016x}"
    yield f"in_offset: 0x{placed.in_offset:04x}"
    yield f"out_offset: 0x{placed.out_offset:04x}"
    if placed.write_gap:
        yield f"write_gap: {placed.write_gap}"
    if layer.constraints.bias_group is not None:  # the compiler's own choice it would make again
        yield f"bias_group: {list(layer.constraints.bias_group)}"


def _sources(layer: Layer) -> str:
    """Producers as `in_sequences` names them."""
    return ", ".join(str(reference_to(source)) for source in layer.sources)


def _section_lines(graph: Graph) -> Iterator[str]:
    """The sections `data_buffer` and `unload`."""
    if graph.buffer is not None:
        yield "data_buffer:"
        yield f"  - name: {_word(graph.buffer.name)}"
        yield from _place_lines(graph.buffer)
    if graph.unload:
        yield "unload:"
    for entry in graph.unload:
        yield f"  - width: {entry.width_bits}"
        yield f"    write_gap: {entry.write_gap}"
        yield from _place_lines(entry)


def _finish_lines(finish: "Finish | None") -> Iterator[str]:
    """The section `finish`."""
    if finish is None:
        return
    from synthesis.read.finish_keys import entries_of  # noqa: PLC0415 - few networks have one

    yield "finish:"
    names = [one.name for one in finish.inputs] + [step.name for step in finish.steps]
    for step in finish.steps:
        sources = ", ".join(_word(names[index]) for index in step.inputs)
        entries = {"name": _word(step.name), "input": f"[{sources}]", **entries_of(step.step)}
        if step.is_result:
            entries["result"] = "true"
        listed = (f"{key}: {_value(value)}" for key, value in entries.items())
        yield f"  - {{{', '.join(listed)}}}"


def _value(value: object) -> str:
    """A value of a step's key."""
    return f"[{', '.join(map(str, value))}]" if isinstance(value, tuple) else str(value)


def _place_lines(place: Buffer | Unload) -> Iterator[str]:
    yield f"    processors: 0x{place.processors:016x}"
    yield f"    channels: {place.shape.channels}"
    yield f"    dim: [{place.shape.rows}, {place.shape.columns}]"
    yield f"    offset: 0x{place.offset:04x}"


def _word(text: str) -> str:
    """Text as YAML reads it back: quoted unless it is a plain word that is no boolean."""
    is_plain = re.fullmatch(r"[A-Za-z_][\w.-]*", text, re.ASCII) is not None
    return text if is_plain and text.lower() not in NOT_TEXT else json.dumps(text)


def _number_entries(layer: Layer, weight_owner: int | None) -> Iterator[str]:
    if weight_owner not in (None, layer.index):
        yield f"weight_source: {weight_owner}"
    if layer.kernel is not None:
        yield f"quantization: {layer.kernel.bits}"
        yield f"output_shift: {layer.kernel.output_shift}"
    elif layer.passthrough_bits:
        yield f"quantization: {layer.passthrough_bits}"
    if layer.output_width != 8:
        yield f"output_width: {layer.output_width}"
    if layer.is_streaming:
        yield "streaming: true"
    if layer.is_output:
        yield "output: true"


def _in_channels(layer: Layer) -> int:
    n_pixels = layer.pooled[0] * layer.pooled[1] if layer.flatten else 1
    return layer.in_shape.channels * n_pixels


def _operation_entries(layer: Layer) -> Iterator[str]:
    if layer.op is Operator.CONV1D:
        yield f"kernel_size: {layer.kernel_size[0]}"
    elif layer.op in (Operator.CONV2D, Operator.CONVTRANSPOSE2D):
        yield f"kernel_size: {layer.kernel_size[0]}x{layer.kernel_size[1]}"
    if layer.op is not Operator.PASSTHROUGH:
        yield f"pad: {layer.pad[0]}"
    if layer.dilation != 1:
        yield f"dilation: {layer.dilation}"
    if layer.flatten:
        yield "flatten: true"
    if layer.pool.is_used or layer.pool.kind is PoolKind.AVERAGE:
        window, stride = layer.pool.window, layer.pool.stride
        yield f"{layer.pool.kind.value}_pool: [{window[0]}, {window[1]}]"
        yield f"pool_stride: [{stride[0]}, {stride[1]}]"
    if layer.combine is not None:
        yield f"eltwise: {layer.combine.value.lower()}"
        yield f"operands: {layer.operands}"
        if not layer.pool_first:
            yield "pool_first: false"
    yield f"activate: {layer.activation.value if layer.activation.value != 'none' else 'None'}"
