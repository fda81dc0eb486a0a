"""What the processor takes for the steps behind the accelerator: cycles, time, RAM. Estimates."""

from collections.abc import Iterator
from dataclasses import dataclass

from max78000.facts.chip import Chip
from synthesis.finish.plan import Plan
from synthesis.finish.steps import shape_text
from synthesis.finish.table import ACCURACY
from synthesis.generate.finish import finish_plan
from synthesis.generate.unload import unload_layout
from synthesis.place.place import Placement
from synthesis.read.finish_keys import word_of


@dataclass(frozen=True, slots=True)
class FinishRow:
    """One step.

    Attributes:
        inputs: layers and steps that it reads.
        cycles: of the core; 0 where numbers are only seen in another way.
        is_result: an answer of the network.
    """

    name: str
    operation: str
    inputs: tuple[str, ...]
    output: str
    cycles: int
    microseconds: float
    is_result: bool


@dataclass(frozen=True, slots=True)
class FinishReport:
    """All steps.

    Attributes:
        clock_hz: of the core.
        ram_bytes: answers, and what is shared between steps; without the unload buffer.
        source: of the cycles, and how far they can be trusted.
    """

    steps: tuple[FinishRow, ...]
    cycles: int
    clock_hz: int
    microseconds: float
    ram_bytes: int
    source: str = ACCURACY


def report_finish(placement: Placement, chip: Chip) -> FinishReport | None:
    """Collect the figures; None if nothing stands behind the accelerator."""
    plan = finish_plan(placement.graph, unload_layout(placement.placed_graph, chip))
    if plan is None:
        return None
    cycles = sum(call.cycles for call in plan.calls)
    return FinishReport(
        steps=tuple(_rows(plan, chip)),
        cycles=cycles,
        clock_hz=chip.core_clock_hz,
        microseconds=1e6 * cycles / chip.core_clock_hz,
        ram_bytes=plan.ram_bytes,
    )


def _rows(plan: Plan, chip: Chip) -> Iterator[FinishRow]:
    """Steps; before them what brings results in order that lie in blocks."""
    finish = plan.finish
    layers = [one.name for one in finish.inputs]
    names = layers + [step.name for step in finish.steps]
    if cycles := plan.cycles_of(-1):
        yield FinishRow(
            name="results in order",
            operation="copy",
            inputs=tuple(layers),
            output="as they are",
            cycles=cycles,
            microseconds=1e6 * cycles / chip.core_clock_hz,
            is_result=False,
        )
    for index, step in enumerate(finish.steps):
        cycles = plan.cycles_of(index)
        yield FinishRow(
            name=step.name,
            operation=word_of(step.step),
            inputs=tuple(names[value] for value in step.inputs),
            output=shape_text(step.shape),
            cycles=cycles,
            microseconds=1e6 * cycles / chip.core_clock_hz,
            is_result=step.is_result,
        )
