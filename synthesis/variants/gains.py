"""What changes would bring: each is compiled as far as its places in the chip, and counted."""

from collections.abc import Iterator
from dataclasses import replace

from max78000.errors import ToolError
from max78000.facts.chip import Chip
from synthesis.compile import place_source
from synthesis.generate.timing import predict_cycles
from synthesis.graph.ir import Graph, Shape
from synthesis.lower.lower import lower
from synthesis.read.source import Source
from synthesis.report.report import Report, VariantReport, make_report
from synthesis.variants.changes import Change, changes
from synthesis.variants.edits import with_layers, without_places

CHOSEN = "; its processors, offsets, gaps and data_format left out: they are then chosen"


def find_gains(
    source: Source, present: Report, chip: Chip, allowed: frozenset[str] = frozenset()
) -> tuple[VariantReport, ...]:
    """Changes that fit and save time, energy or weights: the quickest network first.

    None of them changes the shape of an output, so that whoever reads the answer need not change.

    Args:
        source: a network that fits.
        present: its report.
        chip: sizes of the memories.
        allowed: rules that only warn.
    """
    outputs = _outputs(lower(source, chip))
    found = []
    for change in changes(source, chip):
        for tried in _as_given_or_chosen(change):
            report = _report(tried, present.name, outputs, chip, allowed)
            if report is not None:
                found.append(VariantReport(tried.title, tried.how, report))
                break
    helpful = (one for one in found if _brings_something(one.report, present))
    return tuple(sorted(helpful, key=_cost))


def _cost(variant: VariantReport) -> tuple[float, ...]:
    report = variant.report
    return report.cycles.total, report.weights.used, report.answer_uj


def _brings_something(report: Report, present: Report) -> bool:
    return (
        report.cycles.total < present.cycles.total
        or report.weights.used < present.weights.used
        or report.answer_uj < present.answer_uj
    )


def _as_given_or_chosen(change: Change) -> Iterator[Change]:
    """The change, and again without the places of the description, if it gives any."""
    yield change
    given = change.source.network
    free = with_layers(
        without_places(given),
        range(len(given.layers)),
        lambda spec: replace(spec, data_format=None),
    )
    if free != given and not (given.buffers or given.unload):
        source = replace(change.source, network=free)
        yield replace(change, how=change.how + CHOSEN, source=source)


def _report(
    change: Change, name: str, outputs: list[Shape], chip: Chip, allowed: frozenset[str]
) -> Report | None:
    """What the changed network takes; None if it does not fit, or answers in another shape."""
    try:
        placement = place_source(change.source, chip, allowed).placement
    except ToolError:
        return None
    if _outputs(placement.graph) != outputs:
        return None
    return make_report(placement, predict_cycles(placement.placed_graph), name, chip)


def _outputs(graph: Graph) -> list[Shape]:
    return [layer.out_shape for layer in graph.outputs]
