"""What stands behind the accelerator, planned for the buffer that `cnn_unload` fills."""

from collections.abc import Iterator

from max78000.errors import UnsupportedError
from max78000.facts.chip import WORD_BYTES
from max78000.facts.memory_map import RAM_BYTES
from synthesis.finish.finish import FinishInput
from synthesis.finish.plan import Plan, Stored, StoredPart, make_plan
from synthesis.finish.steps import Misfit
from synthesis.generate.unload import UnloadLayout, UnloadPart, channel_runs
from synthesis.graph.ir import Graph

OTHER_RAM_BYTES = 8 * 1024  # the stack has 4 KiB, the rest is for vectors and small variables


def finish_plan(graph: Graph, layout: UnloadLayout) -> Plan | None:
    """Plan the code; None if nothing stands behind the accelerator.

    Args:
        graph: with the steps.
        layout: of the unload buffer.
    Raises:
        UnsupportedError: a copy that the code cannot make.
    """
    if graph.finish is None:
        return None
    parts = {part.output.name: part for part in layout.parts}
    stored = [_stored(one, parts[one.name]) for one in graph.finish.inputs]
    try:
        return make_plan(graph.finish, stored)
    except Misfit as error:
        raise UnsupportedError(
            error.why, where=f"{graph.source} finish", fix=error.fix, rule="G26"
        ) from None


def ram_bytes(plan: Plan, layout: UnloadLayout) -> int:
    """Bytes of RAM that the code takes, its unload buffer included."""
    return plan.ram_bytes + WORD_BYTES * layout.n_words


def emitted_plan(graph: Graph, layout: UnloadLayout) -> Plan | None:
    """The plan if the core has the RAM for it; else it is left to the application (rule O12).

    Raises:
        UnsupportedError: as `finish_plan`.
    """
    plan = finish_plan(graph, layout)
    if plan is None or ram_bytes(plan, layout) > RAM_BYTES - OTHER_RAM_BYTES:
        return None
    return plan


def _stored(one: FinishInput, part: UnloadPart) -> Stored:
    left = one.final_scale - part.scale  # what the buffer does not contain
    return Stored(
        shape=part.output.shape,
        offset_words=part.offset_words,
        element_bits=part.element_bits,
        unit=one.unit * 2.0**left,
        parts=tuple(_parts(part)),
    )


def _parts(part: UnloadPart) -> Iterator[StoredPart]:
    """Channels as they lie: see `UnloadPart`."""
    n_channels, n_rows, n_columns = part.output.shape
    n_pixels = n_rows * n_columns
    if not part.is_wide or n_pixels == 1:
        yield StoredPart(n_channels, 0, (n_pixels, 1))
        return
    for run in channel_runs(part.output):
        yield StoredPart(len(run), run[0] * n_pixels, (1, len(run)))
