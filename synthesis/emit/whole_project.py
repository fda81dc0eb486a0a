"""Compiled network -> every file of the project folder, as text."""

from typing import TYPE_CHECKING

from max78000.facts.chip import Chip
from max78000.program.network_file import NETWORK_FILE, FinishResult, NetworkFacts
from max78000.program.network_file import to_json as network_json
from max78000.program.program import to_json as program_json
from synthesis.compile import Compiled
from synthesis.emit.checks import softmax_shift
from synthesis.emit.layer_files import layer_files, provenance
from synthesis.emit.project import ProjectFacts, ProjectOptions, emit_project
from synthesis.emit.unload import scales_note
from synthesis.generate.finish import emitted_plan
from synthesis.generate.unload import unload_layout
from synthesis.read.files import Files, read_text
from synthesis.report.html import report_html
from synthesis.report.report import Report
from synthesis.report.report import to_json as report_json
from synthesis.report.summary import summary_lines

if TYPE_CHECKING:  # few networks have one, and it takes a moment to import
    from synthesis.finish.plan import Plan


def project_files(
    compiled: Compiled, report: Report, files: Files, options: ProjectOptions, chip: Chip
) -> dict[str, str]:
    """File name -> text: C sources, register program, report. Same inputs, same bytes."""
    facts = project_facts(compiled, report, files, options, chip)
    return {
        **emit_project(compiled.program, facts, options, chip),
        **host_files(compiled, report, files, facts, chip),
        **layer_files(compiled, files, options, chip),
    }


def host_files(
    compiled: Compiled, report: Report, files: Files, facts: ProjectFacts, chip: Chip
) -> dict[str, str]:
    """File name -> text of what is not compiled: register program, report, facts for tools."""
    return {
        "program.json": program_json(compiled.program, chip),
        NETWORK_FILE: network_json(_network_facts(compiled, facts.finish)),
        "report.json": report_json(report),
        "report.html": report_html(report, compiled.placement, chip, read_text(files.network)),
    }


def project_facts(
    compiled: Compiled, report: Report, files: Files, options: ProjectOptions, chip: Chip
) -> ProjectFacts:
    """Collect what the C text says of a network besides its program."""
    graph = compiled.graph
    placed = compiled.placement.placed_graph
    layout = unload_layout(placed, chip, scales=options.scales_outputs)
    return ProjectFacts(
        quadrants=placed.quadrants,
        unload=layout,
        streams=graph.n_streaming > 0,
        softmax_shift=softmax_shift(graph) if options.has_softmax else None,
        finish=emitted_plan(graph, layout),
        scales=scales_note(graph, is_applied=options.scales_outputs),
        summary=summary_lines(report),
        provenance=provenance(files),
    )


def _network_facts(compiled: Compiled, plan: "Plan | None") -> NetworkFacts:
    """What applications are told of inputs and answers."""
    results = () if plan is None else _finish_results(plan)
    return NetworkFacts(compiled.program.name, compiled.trained, results)


def _finish_results(plan: "Plan") -> tuple[FinishResult, ...]:
    buffers = {buffer.result: buffer for buffer in plan.buffers if buffer.result is not None}
    return tuple(
        FinishResult(step.name, buffers[step.name].is_index, step.shape)
        for step in plan.finish.results
    )
