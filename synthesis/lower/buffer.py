"""The rolling buffer and custom unloading: sections `data_buffer` and `unload` -> graph values.

Part of lowering. A buffer is moved and filled by nothing but offsets: a pass-through layer that
reads n pixels further on and writes at the start shifts it, a layer that writes at its end inserts.
Offsets that the description gives have to say exactly that; those that it leaves out are filled in.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from max78000.errors import CapacityError, InputError, ToolError, UnsupportedError
from max78000.facts.chip import WORD_BYTES, Chip
from synthesis.graph.ir import BUFFER, Buffer, Layer, Shape, Unload
from synthesis.lower.hardware import Passes
from synthesis.read.description import NetworkSpec, Operator


def read_buffer(network: NetworkSpec) -> Buffer | None:
    """The network's rolling buffer; the reader has seen to it that all its keys are given."""
    for spec in network.buffers:
        where = f"{network.source}:{spec.line} data_buffer {spec.name}"
        if spec.width != 8:
            why = f"a buffer of {spec.width} bits: layers read 8"
            raise UnsupportedError(why, where=where, fix="remove width", rule="G21")
        rows, columns = spec.dim or (0, 0)
        shape = Shape(spec.channels or 0, rows, columns)
        return Buffer(
            name=spec.name or "",
            where=where,
            shape=shape,
            processors=spec.processors or 0,
            offset=spec.offset or 0,
        )
    return None


def read_unload(network: NetworkSpec) -> tuple[Unload, ...]:
    """What `cnn_unload` delivers, in order."""
    return tuple(
        Unload(
            where=f"{network.source}:{spec.line} unload[{i}]",
            processors=spec.processors or 0,
            shape=Shape(spec.channels or 0, *(spec.dim or (0, 0))),
            offset=spec.offset or 0,
            width_bits=spec.width,
            write_gap=spec.write_gap,
        )
        for i, spec in enumerate(network.unload)
    )


def unload_problems(unload: Sequence[Unload], chip: Chip) -> Iterator[ToolError]:
    """Entries of `unload` that name too few processors, or words behind the memory."""
    for entry in unload:
        passes = Passes.of(entry.shape.channels, chip)
        if entry.processors.bit_count() != passes.width:
            why = f"processors has {entry.processors.bit_count()} bits, {passes.width} are needed"
            fix = f"name the processors that hold the {entry.shape.channels} channels"
            yield InputError(why, where=entry.where, fix=fix, rule="P3")
        n_words = entry.shape.n_pixels * passes.n * entry.width_bits // 8 * (entry.write_gap + 1)
        end = entry.offset + WORD_BYTES * n_words
        if entry.offset % WORD_BYTES or end > chip.data_instance_bytes:
            why = f"{WORD_BYTES * n_words} bytes from {entry.offset:#x} on are not in the memory"
            fix = f"offset is a multiple of 4, an instance has {chip.data_instance_bytes:#x} bytes"
            yield CapacityError(why, where=entry.where, fix=fix, rule="D6")


def place_at_buffer(layer: Layer, buffer: Buffer | None, chip: Chip) -> Layer:
    """A layer that reads or writes the buffer, with the places it has to take filled in."""
    if buffer is None:
        return layer
    constraints = layer.constraints
    if layer.sources == (BUFFER,):
        constraints = replace(
            constraints,
            processors=constraints.processors or buffer.processors,
            in_offset=_given_or(constraints.in_offset, _in_offset(layer, buffer, chip)),
        )
    if layer.buffer_shift or layer.buffer_insert:
        constraints = replace(
            constraints,
            output_processors=constraints.output_processors or buffer.processors,
            out_offset=_given_or(constraints.out_offset, _out_offset(layer, buffer, chip)),
        )
    return replace(layer, constraints=constraints)


def buffer_problems(layer: Layer, buffer: Buffer | None, chip: Chip) -> Iterator[ToolError]:
    """Why a layer cannot use the rolling buffer as it says (rule G20)."""
    uses = layer.buffer_shift or layer.buffer_insert or BUFFER in layer.sources
    if not uses:
        return
    if buffer is None:
        yield _problem(layer, "there is no data_buffer", "declare one")
        return
    if BUFFER in layer.sources and layer.index == 0:
        why = f"the first layer reads {buffer.name}, not the network's input"
        yield _problem(layer, why, "put the layer that reads the input first")
        return
    if BUFFER in layer.sources and len(layer.sources) > 1:
        why = f"reads {buffer.name} together with other tensors"
        fix = "copy the buffer first, with a pass-through layer that reads only it"
        yield UnsupportedError(why, where=layer.where, fix=fix, rule="G20")
        return
    if layer.buffer_shift:
        yield from _shift_problems(layer, buffer)
    if layer.buffer_insert:
        yield from _insert_problems(layer, buffer)
    yield from _place_problems(layer, buffer, chip)


def _shift_problems(layer: Layer, buffer: Buffer) -> Iterator[ToolError]:
    n = layer.buffer_shift
    is_plain = layer.op is Operator.PASSTHROUGH and layer.combine is None
    if layer.sources != (BUFFER,) or not is_plain or layer.pool.is_used or layer.buffer_insert:
        fix = f"use op: passthrough, in_sequences: {buffer.name} and nothing else"
        yield _problem(layer, "buffer_shift in a layer that does more than to copy", fix)
    elif layer.in_shape.n_pixels != buffer.shape.n_pixels - n:
        why = (
            f"buffer_shift {n} leaves {buffer.shape.n_pixels - n} of {buffer.shape.n_pixels} "
            f"pixels, the layer reads {layer.in_shape.n_pixels}"
        )
        yield _problem(layer, why, "correct in_dim or buffer_shift")


def _insert_problems(layer: Layer, buffer: Buffer) -> Iterator[ToolError]:
    made, n = layer.out_shape, layer.buffer_insert
    if made.n_pixels != n or made.channels != buffer.shape.channels or layer.output_width != 8:
        why = (
            f"inserts {n} pixels of {buffer.shape.channels} channels, the layer makes {made} "
            f"of {layer.output_width} bits"
        )
        yield _problem(layer, why, "make both equal")
    elif n > buffer.shape.n_pixels:
        yield _problem(layer, f"inserts {n} pixels into {buffer.shape.n_pixels}", "insert fewer")


def _place_problems(layer: Layer, buffer: Buffer, chip: Chip) -> Iterator[ToolError]:
    constraints = layer.constraints
    if layer.sources == (BUFFER,):
        wanted = _in_offset(layer, buffer, chip)
        if constraints.in_offset != wanted:
            given = constraints.in_offset or 0
            why = f"in_offset {given:#x}, what it reads of {buffer.name} is there: {wanted:#x}"
            yield _problem(layer, why, f"use in_offset: {wanted:#x}")
    if not (layer.buffer_shift or layer.buffer_insert):
        return
    wanted = _out_offset(layer, buffer, chip)
    if constraints.out_offset != wanted:
        given = constraints.out_offset or 0
        why = f"out_offset {given:#x}, its place in {buffer.name} is {wanted:#x}"
        yield _problem(layer, why, f"use out_offset: {wanted:#x}")
    if constraints.output_processors != buffer.processors:
        why = f"output_processors differ from those of {buffer.name}"
        yield _problem(layer, why, f"use output_processors: 0x{buffer.processors:016x}")


def _problem(layer: Layer, why: str, fix: str) -> InputError:
    return InputError(why, where=layer.where, fix=fix, rule="G20")


def _pixel_bytes(buffer: Buffer, chip: Chip) -> int:
    """Bytes from a pixel of the buffer to the next, in every instance."""
    return WORD_BYTES * Passes.of(buffer.shape.channels, chip).n


def _in_offset(layer: Layer, buffer: Buffer, chip: Chip) -> int:
    first = layer.buffer_shift + layer.in_crop[0] * layer.in_shape.columns
    return buffer.offset + _pixel_bytes(buffer, chip) * first


def _out_offset(layer: Layer, buffer: Buffer, chip: Chip) -> int:
    first = buffer.shape.n_pixels - layer.buffer_insert if layer.buffer_insert else 0
    return buffer.offset + _pixel_bytes(buffer, chip) * first


def _given_or(given: int | None, otherwise: int) -> int:
    return otherwise if given is None else given
