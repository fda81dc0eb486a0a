"""What a project takes of the core's memories, as the report tells it before anybody builds it.

The same figures as rules O9 and O12 go by.
"""

from collections.abc import Mapping

from max78000.facts.chip import WORD_BYTES, Chip
from max78000.facts.memory_map import RAM_BYTES
from synthesis.compile import Compiled
from synthesis.emit.checks import project_parts
from synthesis.emit.options import ProjectOptions
from synthesis.generate.finish import OTHER_RAM_BYTES, emitted_plan
from synthesis.generate.unload import unload_layout
from synthesis.report.report import Budget, FirmwareReport, Part


def report_firmware(compiled: Compiled, options: ProjectOptions, chip: Chip) -> FirmwareReport:
    """Flash by its parts, and RAM.

    Raises:
        UnsupportedError: a step behind the accelerator that C cannot make (rule G26).
    """
    parts = project_parts(compiled, options, chip)
    placed = compiled.placement.placed_graph
    layout = unload_layout(placed, chip, scales=options.scales_outputs)
    plan = emitted_plan(compiled.graph, layout)
    ram = {
        "unload buffer": WORD_BYTES * layout.n_words if options.has_unload else 0,
        "steps behind the accelerator": 0 if plan is None else plan.ram_bytes,
        "stack, vectors and small variables": OTHER_RAM_BYTES,
    }
    return FirmwareReport(
        flash=Budget(sum(parts.values()), chip.flash_bytes),
        ram=Budget(sum(ram.values()), RAM_BYTES),
        flash_parts=_parts(parts),
        ram_parts=_parts(ram),
    )


def _parts(sizes: Mapping[str, int]) -> tuple[Part, ...]:
    return tuple(Part(name.removeprefix("the "), size) for name, size in sizes.items() if size)
