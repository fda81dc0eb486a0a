"""The network as a drawing: layers from top to bottom in the order in which they run, and who reads
whom.

Layers that follow each other are joined by a straight arrow; all other arrows run in lanes beside
the boxes, one lane for everything that reads the same tensor. Places in pixels only: no markup.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from synthesis.graph.ir import BUFFER, Graph, Layer, Producer

BOX_WIDTH, BOX_HEIGHT = 280, 40
ROW_HEIGHT = 56
MARGIN = 8
LANE_WIDTH = 11
LEAVES, ENTERS = 0.75, 0.3  # of a box's height: where lanes begin and end
TIP_LENGTH, TIP_HALF = 7, 3.5
SHOWN_LETTERS = 20  # of a name, beside the shape

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class DrawnBox:
    """A tensor and what makes it. `layer` is -1 for the input and -2 for the rolling buffer."""

    layer: int
    top: int
    name: str
    shape: str
    about: str
    is_output: bool


@dataclass(frozen=True, slots=True)
class DrawnArrow:
    """From one box to another, through these points; `tip` is its triangle."""

    points: tuple[Point, ...]
    tip: tuple[Point, Point, Point]
    layer: int  # that makes what is read


@dataclass(frozen=True, slots=True)
class Drawing:
    """Boxes are `BOX_WIDTH` wide and `BOX_HEIGHT` high, and begin at `MARGIN` from the left.

    Attributes:
        words: the same for those who do not see it.
    """

    width: int
    height: int
    boxes: tuple[DrawnBox, ...]
    arrows: tuple[DrawnArrow, ...]
    words: str


@dataclass(frozen=True, slots=True)
class _Reading:
    """Rows of a tensor, and of those who read it in a lane."""

    source: int
    targets: tuple[int, ...]
    layer: int


def draw(graph: Graph, operations: Sequence[str]) -> Drawing:
    """Lay the network out.

    Args:
        graph: layers in the order in which they run.
        operations: of each, in words.
    """
    rows = {producer: row for row, producer in enumerate(graph.producers)}
    boxes = tuple(_box(producer, row, graph, operations) for producer, row in rows.items())
    readings = [_reading(producer, rows, graph) for producer in rows]
    lanes = _lanes([one for one in readings if one.targets])
    straight = (
        _down(row, producer.step)
        for producer, row in rows.items()
        if any(rows[layer.as_producer] == row + 1 for layer in graph.consumers(producer))
    )
    beside = (arrow for one, lane in lanes for arrow in _around(one, lane))
    n_lanes = max((lane + 1 for _, lane in lanes), default=0)
    return Drawing(
        width=2 * MARGIN + BOX_WIDTH + (n_lanes + 1) * LANE_WIDTH,
        height=len(rows) * ROW_HEIGHT + MARGIN,
        boxes=boxes,
        arrows=(*straight, *beside),
        words="; ".join(_sentence(layer, graph) for layer in graph.layers),
    )


def _top(row: int) -> int:
    return MARGIN + row * ROW_HEIGHT


def _box(producer: Producer, row: int, graph: Graph, operations: Sequence[str]) -> DrawnBox:
    layer = graph.layer_of(producer)
    name, shape = _short(_name(producer, graph)), str(graph.shape_of(producer))
    if layer is None:
        return DrawnBox(producer.step, _top(row), name, shape, "", is_output=False)
    joins = len(layer.sources) > 1 and layer.combine is None
    about = operations[layer.index]
    return DrawnBox(
        layer=layer.index,
        top=_top(row),
        name=name,
        shape=shape,
        about=f"side by side: {about}" if joins else about,
        is_output=layer in graph.outputs,
    )


def _name(producer: Producer, graph: Graph) -> str:
    layer = graph.layer_of(producer)
    if layer is not None:
        return layer.name
    return "rolling buffer" if producer == BUFFER else "input"


def _short(name: str) -> str:
    return name if len(name) <= SHOWN_LETTERS else f"{name[: SHOWN_LETTERS - 1]}…"


def _reading(producer: Producer, rows: dict[Producer, int], graph: Graph) -> _Reading:
    """All who read a tensor, but the layer behind it."""
    row = rows[producer]
    readers = (rows[layer.as_producer] for layer in graph.consumers(producer))
    return _Reading(row, tuple(one for one in readers if one != row + 1), producer.step)


def _lanes(readings: Sequence[_Reading]) -> list[tuple[_Reading, int]]:
    """A lane for each, short ways inside: the first one that is free all the way."""
    taken: list[list[range]] = []
    found = []
    for one in sorted(readings, key=lambda one: (_way(one).stop - _way(one).start, one.source)):
        way = _way(one)
        free = (
            number
            for number, ways in enumerate(taken)
            if all(way.stop <= other.start or other.stop <= way.start for other in ways)
        )
        lane = next(free, len(taken))
        if lane == len(taken):
            taken.append([])
        taken[lane].append(way)
        found.append((one, lane))
    return found


def _way(reading: _Reading) -> range:
    """Rows that a lane passes."""
    return range(reading.source, max(reading.targets))


def _down(row: int, layer: int) -> DrawnArrow:
    x, begin, end = MARGIN + BOX_WIDTH / 2, _top(row) + BOX_HEIGHT, _top(row + 1)
    base = end - TIP_LENGTH
    tip = ((x, end), (x - TIP_HALF, base), (x + TIP_HALF, base))
    return DrawnArrow(((x, begin), (x, base)), tip, layer)


def _around(reading: _Reading, lane: int) -> Iterator[DrawnArrow]:
    side = MARGIN + BOX_WIDTH
    x = side + (lane + 1) * LANE_WIDTH
    begin = _top(reading.source) + LEAVES * BOX_HEIGHT
    for target in reading.targets:
        end = _top(target) + ENTERS * BOX_HEIGHT
        base = side + TIP_LENGTH
        tip = ((side, end), (base, end - TIP_HALF), (base, end + TIP_HALF))
        yield DrawnArrow(((side, begin), (x, begin), (x, end), (base, end)), tip, reading.layer)


def _sentence(layer: Layer, graph: Graph) -> str:
    names = (_name(source, graph) for source in layer.sources)
    return f"{layer.name} reads {', '.join(names)}"
