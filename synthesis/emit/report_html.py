"""The report as one page: budgets, layer table, memory maps. Self-contained, no network, no script.

Prepares rows and rectangles; the page itself is a template.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from max78000.chip import Chip
from synthesis.place.occupancy import Occupancy, occupancies
from synthesis.place.place import Placement
from synthesis.report import Budget, Report
from synthesis.version import VERSION

N_COLOURS = 8  # layers take turns; `c0` to `c7` in the page's style


@dataclass(frozen=True, slots=True)
class Gauge:
    """A budget as a bar."""

    name: str
    text: str
    percent: float


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle of a memory map, in units of the map, with its colour and its explanation."""

    x: float
    y: float
    width: float
    height: float
    colour: int
    title: str


@dataclass(frozen=True, slots=True)
class DataMap:
    """Data memory while one layer runs: 16 instances side by side."""

    title: str
    boxes: tuple[Box, ...]


def report_html(report: Report, placement: Placement, chip: Chip) -> str:
    """The page as text."""
    environment = Environment(
        loader=PackageLoader("synthesis.emit"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=select_autoescape(default=True),
    )
    return environment.get_template("report.html.j2").render(
        report=report,
        version=VERSION,
        gauges=_gauges(report),
        longest=max(layer.cycles for layer in report.layers),
        energy_uj=sum(layer.energy_uj for layer in report.layers),
        kernels=tuple(_kernel_boxes(placement)),
        kernel_words=chip.kernel_words,
        n_processors=chip.n_processors,
        data_maps=tuple(_data_maps(placement, chip)),
        n_instances=chip.n_instances,
        biases=tuple(_bias_boxes(placement)),
        bias_bytes=chip.bias_bytes_per_quadrant,
        n_quadrants=chip.n_quadrants,
    )


def _gauges(report: Report) -> tuple[Gauge, ...]:
    def gauge(name: str, budget: Budget, unit: str) -> Gauge:
        text = f"{budget.used:,} of {budget.available:,} {unit}"
        return Gauge(name, text, round(100 * budget.share, 1))

    return (
        gauge("Weights", report.weights, "bytes"),
        gauge("Busiest processor", report.busiest_processor_words, "kernel words"),
        gauge("Biases", report.biases, "bytes"),
        gauge("Data, at the largest layer", report.data, "bytes"),
    )


def _kernel_boxes(placement: Placement) -> Iterator[Box]:
    """One rectangle per layer and run of neighbouring processors; y is the first word."""
    for placed in placement.graph.layers:
        slot = placed.kernel_slot
        if slot is None or slot.owner != placed.layer.index:
            continue
        for first, count in _runs(placed.processors):
            title = (
                f"{placed.layer.name}: words {slot.first_word}..{slot.first_word + slot.n_words}"
            )
            colour = placed.layer.index % N_COLOURS
            yield Box(first, slot.first_word, count, slot.n_words, colour, title)


def _bias_boxes(placement: Placement) -> Iterator[Box]:
    for placed in placement.graph.layers:
        slot = placed.bias_slot
        if slot is not None and slot.owner == placed.layer.index:
            title = f"{placed.layer.name}: {slot.length} bytes"
            yield Box(
                slot.quadrant, slot.offset, 1, slot.length, placed.layer.index % N_COLOURS, title
            )


def _data_maps(placement: Placement, chip: Chip) -> Iterator[DataMap]:
    tensors = tuple(occupancies(placement.graph, chip))
    for placed in placement.graph.layers:
        index = placed.layer.index
        alive = (tensor for tensor in tensors if tensor.first <= index <= tensor.last)
        boxes = (box for tensor in alive for box in _data_boxes(tensor, chip))
        yield DataMap(f"{index} {placed.layer.name}", tuple(boxes))


def _data_boxes(tensor: Occupancy, chip: Chip) -> Iterator[Box]:
    """A tensor's span in each of its instances; y and height as shares of an instance."""
    used = tensor.words.nonzero()[0]
    if not used.size:
        return
    n_words = chip.data_instance_bytes // 4
    first, end = int(used[0]), int(used[-1]) + 1
    title = f"{tensor.name}: bytes {4 * first:#x}..{4 * end:#x}"
    instances = sum(1 << instance for instance in tensor.instances)
    for x, count in _runs(instances):
        colour = tensor.source % N_COLOURS
        yield Box(x, first / n_words, count, (end - first) / n_words, colour, title)


def _runs(bits: int) -> Iterator[tuple[int, int]]:
    """Runs of neighbouring set bits: first bit and length."""
    first = 0
    while bits >> first:
        rest = bits >> first
        first += (rest & -rest).bit_length() - 1
        rest = bits >> first
        length = (~rest & (rest + 1)).bit_length() - 1
        yield first, length
        first += length
