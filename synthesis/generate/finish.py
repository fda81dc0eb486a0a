"""What stands behind the accelerator, planned for the buffer that `cnn_unload` fills."""

from typing import TYPE_CHECKING

from max78000.facts.chip import WORD_BYTES
from max78000.facts.memory_map import RAM_BYTES
from synthesis.generate.unload import UnloadLayout
from synthesis.graph.ir import Graph

if TYPE_CHECKING:  # few networks have one, and it takes a moment to import
    from synthesis.finish.plan import Plan

OTHER_RAM_BYTES = 8 * 1024  # the stack has 4 KiB, the rest is for vectors and small variables


def finish_plan(graph: Graph, layout: UnloadLayout) -> "Plan | None":
    """Plan the code; None if nothing stands behind the accelerator.

    Args:
        graph: with the steps.
        layout: of the unload buffer.
    Raises:
        UnsupportedError: a copy that the code cannot make.
    """
    if graph.finish is None:
        return None
    from synthesis.generate.finish_inputs import plan_behind  # noqa: PLC0415 - few networks have one

    return plan_behind(graph.finish, layout, graph.source)


def ram_bytes(plan: "Plan", layout: UnloadLayout) -> int:
    """Bytes of RAM that the code takes, its unload buffer included."""
    return plan.ram_bytes + WORD_BYTES * layout.n_words


def emitted_plan(graph: Graph, layout: UnloadLayout) -> "Plan | None":
    """The plan if the core has the RAM for it; else it is left to the application (rule O12).

    Raises:
        UnsupportedError: as `finish_plan`.
    """
    plan = finish_plan(graph, layout)
    if plan is None or ram_bytes(plan, layout) > RAM_BYTES - OTHER_RAM_BYTES:
        return None
    return plan
