"""All passes in their order: first what only reads differently, then what costs something."""

from collections.abc import Callable

from ai8x_models.describe.graph import Graph
from ai8x_models.describe.rewrites.affine import (
    affines_as_layers,
    affines_in_next_weights,
    affines_in_weights,
)
from ai8x_models.describe.rewrites.channels import slices_split
from ai8x_models.describe.rewrites.editor import Rewrite, Rewritten
from ai8x_models.describe.rewrites.identity import activations_behind_layers
from ai8x_models.describe.rewrites.kernels import (
    groups_dense,
    kernels_padded,
    pads_absorbed,
    pads_joined,
)
from ai8x_models.describe.rewrites.limits import limits_scaled
from ai8x_models.describe.rewrites.order import permutes_cancelled, permutes_in_weights
from ai8x_models.describe.rewrites.poolings import (
    activations_idle,
    pads_as_kernels,
    poolings_in_layers,
    poolings_padded,
    poolings_split,
    strides_evened,
)
from ai8x_models.describe.rewrites.resize import transposed_kernels_padded, upsampling_transposed
from ai8x_models.describe.rewrites.shifts import kernels_shifted
from ai8x_models.describe.rewrites.strides import first_stride_folded, strides_skipped

Pass = Callable[[Graph], Rewritten]
READINGS: tuple[Pass, ...] = (
    permutes_cancelled,
    permutes_in_weights,
    pads_joined,
    pads_absorbed,
    activations_idle,
    strides_evened,
    affines_in_weights,
    affines_in_next_weights,
)
REWRITES: tuple[Pass, ...] = (
    limits_scaled,
    poolings_padded,
    groups_dense,
    slices_split,
    upsampling_transposed,
    transposed_kernels_padded,
    pads_joined,  # those of poolings, too
    pads_as_kernels,
    first_stride_folded,
    kernels_padded,
    kernels_shifted,
    strides_skipped,
    poolings_split,
    affines_as_layers,
    activations_behind_layers,
    poolings_in_layers,
)


def rewritten(graph: Graph, *, is_allowed: bool = True) -> Rewritten:
    """Say a graph in the accelerator's words as far as that goes.

    Args:
        graph: as recorded, without what the application does before and behind it.
        is_allowed: rewrites that cost something may be made.
    """
    found: list[Rewrite] = []
    for step in (*READINGS, *(REWRITES if is_allowed else ())):
        graph, notes = step(graph)
        found += notes
    return graph, tuple(found)
