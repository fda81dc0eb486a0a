"""Where `cnn_unload` leaves what the steps behind the accelerator read."""

from collections.abc import Iterator

from max78000.errors import UnsupportedError
from synthesis.finish.finish import Finish, FinishInput
from synthesis.finish.plan import Plan, Stored, StoredPart, make_plan
from synthesis.finish.steps import Misfit
from synthesis.generate.unload import UnloadLayout, UnloadPart, channel_runs


def plan_behind(finish: Finish, layout: UnloadLayout, source: str) -> Plan:
    """Plan the code.

    Args:
        finish: the steps.
        layout: of the unload buffer.
        source: file of the network, for messages.
    Raises:
        UnsupportedError: a copy that the code cannot make.
    """
    parts = {part.output.name: part for part in layout.parts}
    stored = [_stored(one, parts[one.name]) for one in finish.inputs]
    try:
        return make_plan(finish, stored)
    except Misfit as error:
        raise UnsupportedError(
            error.why, where=f"{source} finish", fix=error.fix, rule="G26"
        ) from None


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
