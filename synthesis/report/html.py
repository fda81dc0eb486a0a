"""The report as one page: figures, layer tables, memory maps, the known answer, the description.

Prepares rows; the page itself is a template. Self-contained: no network, no script, same inputs,
same bytes.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from math import inf
from pathlib import Path

from jinja2 import Environment

from max78000.facts.chip import Chip
from synthesis.place.place import Placement
from synthesis.report.accuracy import Deviation
from synthesis.report.change import change_of
from synthesis.report.drawing import BOX_HEIGHT, BOX_WIDTH, MARGIN, Point, draw
from synthesis.report.maps import (
    bias_boxes,
    data_maps,
    kernel_boxes,
    kernel_slots,
    map_axes,
    shown_bytes,
)
from synthesis.report.pictures import Picture, input_picture, output_picture
from synthesis.report.report import SIZES_ONLY, Budget, Report, TensorReport
from synthesis.report.sample import SampleReport, SampleRun, TensorFigures
from synthesis.report.template_cache import environment
from synthesis.report.variant_lines import UNCHANGED
from synthesis.report.work import ACCURACY_FACTOR, SOURCE
from synthesis.version import VERSION

N_COLOURS = 12  # layers take turns; `c0` to `c11` in the page's style
HIGH_SHARE = 0.9  # budgets beyond are marked


@dataclass(frozen=True, slots=True)
class Gauge:
    """A budget as a bar."""

    name: str
    budget: Budget
    unit: str

    @property
    def is_high(self) -> bool:
        """True if little is left."""
        return self.budget.share > HIGH_SHARE


@dataclass(frozen=True, slots=True)
class Shown:
    """A tensor of the known answer: numbers, and a picture unless its values are listed."""

    figures: TensorFigures
    picture: Picture | None


def report_html(
    report: Report, placement: Placement, chip: Chip, description: str | None = None
) -> str:
    """The page as text.

    Args:
        report: all figures; with a run also accuracy and known answer.
        placement: where kernels and biases lie.
        chip: memory sizes.
        description: text of the network description, for layers to link to.
    """
    shown = shown_bytes(report.tensors, chip)
    return (
        page_environment()
        .get_template("report.html.j2")
        .render(
            report=report,
            version=VERSION,
            chip=chip,
            gauges=_gauges(report),
            answer=_answer(report),
            overlaps=placement.graph.input_path.is_fifo,
            longest=max(layer.cycles for layer in report.layers),
            energy_source=SOURCE,
            accuracy_factor=ACCURACY_FACTOR,
            data_maps=tuple(data_maps(report.tensors, [row.name for row in report.layers], chip)),
            shown_kib=shown // 1024,
            axes=map_axes(shown, chip),
            tensors=[(tensor, *_place(tensor, report)) for tensor in report.tensors],
            kernels=tuple(kernel_boxes(placement, chip)),
            kernel_slots=tuple(kernel_slots(placement)),
            biases=tuple(bias_boxes(placement, chip)),
            known_answer=tuple(_shown(report.sample, report.run)),
            lines=_lines(report, description),
            unchanged=UNCHANGED,
            sizes_only=SIZES_ONLY,
            drawing=draw(placement.graph, [row.operation for row in report.layers]),
            box_width=BOX_WIDTH,
            box_height=BOX_HEIGHT,
            margin=MARGIN,
        )
    )


def report_page(template: str, **values: object) -> str:
    """A page of this look."""
    return page_environment().get_template(template).render(**values)


@cache
def page_environment() -> Environment:
    """The templates and what they call; read once a process."""
    folder = Path(__file__).parent / "templates"
    made = environment(folder, autoescape=True)
    made.filters |= {
        "count": _count,
        "colour": _colour,
        "percent": _percent,
        "change": change_of,
        "points": _points,
    }
    return made


def _count(number: float) -> str:
    """Thousands apart."""
    return f"{number:,.0f}"


def _percent(share: float) -> str:
    """A width for a style attribute."""
    return f"{100 * share:.4g}%"


def _points(points: Iterable[Point]) -> str:
    """Places for an SVG attribute."""
    return " ".join(f"{x:g},{y:g}" for x, y in points)


def _colour(layer: int) -> str:
    """Class of what belongs to a layer: its colour, and the handle that highlights it."""
    return f"c{layer % N_COLOURS} l{layer}" if layer >= 0 else "cx"


def _gauges(report: Report) -> tuple[Gauge, ...]:
    firmware = report.firmware
    of_core = (
        (Gauge("Flash", firmware.flash, "bytes (est.)"), Gauge("RAM", firmware.ram, "bytes (est.)"))
        if firmware is not None
        else ()
    )
    return (
        Gauge("Weights", report.weights, "bytes"),
        Gauge("Busiest processor", report.busiest_processor_words, "kernel words"),
        Gauge("Biases", report.biases, "bytes"),
        Gauge("Data at its peak", report.data, "bytes"),
        Gauge("Layers", report.layer_slots, "layers"),
        *of_core,
    )


def _answer(report: Report) -> Deviation | None:
    """Accuracy of the worst of the outputs, without what was clipped; None without a sample."""
    if report.sample is None:
        return None
    found = (report.accuracy[figures.layer].rounding for figures in report.sample.outputs)
    return min(found, key=lambda one: one.qsnr_db if one.qsnr_db is not None else inf)


def _place(tensor: TensorReport, report: Report) -> tuple[str, str]:
    """Instances and lifetime of a tensor, in words."""
    first, last = tensor.instances[0], tensor.instances[-1]
    is_run = len(tensor.instances) == last - first + 1
    span = f"{first} to {last}" if last > first else str(first)
    instances = span if is_run else ", ".join(map(str, tensor.instances))
    begin = report.layers[tensor.alive_from].name if tensor.alive_from >= 0 else "start"
    end = report.layers[tensor.alive_to].name if tensor.alive_to < len(report.layers) else "end"
    return instances, begin if begin == end else f"{begin} to {end}"


def _shown(sample: SampleReport | None, run: SampleRun | None) -> Iterator[Shown]:
    """The input, then every output."""
    if sample is None or run is None:
        return
    yield Shown(sample.input, input_picture(run.image))
    for figures in sample.outputs:
        is_listed = figures.values is not None and figures.shape[1:] == (1, 1)
        picture = None if is_listed else output_picture(run.results[figures.layer])
        yield Shown(figures, picture)


def _lines(report: Report, description: str | None) -> tuple[tuple[str, int | None], ...]:
    """Lines of the description, each with the layer that starts there."""
    if description is None:
        return ()
    starts = {row.line: row.index for row in reversed(report.layers)}
    return tuple(
        (line, starts.get(number)) for number, line in enumerate(description.splitlines(), 1)
    )
