"""What is gained for what is paid: scores over costs, as SVG that every browser shows.

A point is a network, the line through it the 95 % interval of its AP. What does not fit the chip as
it is, is an open circle.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from html import escape

from ai8x_models.tasks.pose.compare.compared import Compared
from ai8x_models.training.axis import Axis
from ai8x_models.training.chart import grid

WIDTH, HEIGHT = 640, 360
LEFT, RIGHT, TOP, BOTTOM = 60, 24, 40, 48
POINT, RADIUS = "#1b6ca8", 6
_LINE = 15  # pixels of a line of text
_CHARACTER = 7  # pixels of a character, about


@dataclass(frozen=True, slots=True)
class Picture:
    """A scatter plot.

    Args:
        title: above it.
        unit: of the costs.
        cost: of a network, along the bottom.
        file: what to call it.
    """

    title: str
    unit: str
    cost: Callable[[Compared], float | None]
    file: str


PICTURES = (
    Picture(
        "AP over time",
        "milliseconds an answer",
        lambda row: row.costs.milliseconds,
        "compare-time.svg",
    ),
    Picture("AP over weights", "bytes", lambda row: row.costs.weight_bytes, "compare-weights.svg"),
    Picture(
        "AP over energy",
        "microjoules an answer",
        lambda row: row.costs.energy_uj,
        "compare-energy.svg",
    ),
)


def draw(picture: Picture, rows: Sequence[Compared]) -> str:
    """Draw the networks that have this cost."""
    points = [
        (cost, row.metrics.ap, row)
        for row in rows
        if (cost := picture.cost(row)) and not math.isnan(row.metrics.ap)
    ]
    across = _axis([cost for cost, _, _ in points], LEFT, WIDTH - RIGHT)
    up = _axis([row.metrics.ap_interval[1] for _, _, row in points], HEIGHT - BOTTOM, TOP)
    parts = [*_frame(picture, across, up), *_points(points, across, up)]
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}"'
        f' font-family="sans-serif" font-size="13" role="img" aria-label="{escape(picture.title)}">'
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>'
    )
    return "\n".join((head, *parts, "</svg>\n"))


def _axis(values: Sequence[float], start: float, end: float) -> Axis:
    """From 0 to a little over the largest."""
    return Axis(0.0, max(values, default=0.0) * 1.15 or 1.0, start, end)


def _frame(picture: Picture, across: Axis, up: Axis) -> Iterator[str]:
    bottom, right = HEIGHT - BOTTOM, WIDTH - RIGHT
    yield f'<text x="{LEFT}" y="24" font-size="15" fill="#222">{escape(picture.title)}</text>'
    yield from grid(across, up)
    yield (
        f'<path d="M{LEFT} {TOP}V{bottom}H{right}" fill="none" stroke="#999"/>'
        f'<text x="{right}" y="{HEIGHT - 10}" text-anchor="end" fill="#333">'
        f"{escape(picture.unit)}</text>"
    )


def _points(
    points: Sequence[tuple[float, float, Compared]], across: Axis, up: Axis
) -> Iterator[str]:
    """Circles and names; a name goes down a line where another one has its place."""
    taken: list[tuple[float, float, float]] = []
    for cost, score, row in sorted(points, key=lambda one: -one[1]):
        x, y = across.place(cost), up.place(score)
        fill = "none" if row.costs.refusal else POINT
        low, high = (up.place(end) for end in row.metrics.ap_interval)
        yield f'<path d="M{x:.1f} {low:.1f}V{high:.1f}" stroke="{POINT}" stroke-opacity="0.4"/>'
        yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{RADIUS}" fill="{fill}" stroke="{POINT}"/>'
        length = _CHARACTER * len(row.name)
        is_left = x + RADIUS + length > WIDTH - RIGHT
        begin = x - RADIUS - 4 - length if is_left else x + RADIUS + 4
        place = y + 4
        while any(
            abs(place - other) < _LINE and begin < end and start < begin + length
            for start, end, other in taken
        ):
            place += _LINE
        taken.append((begin, begin + length, place))
        anchor, at = ("end", x - RADIUS - 4) if is_left else ("start", begin)
        yield (
            f'<text x="{at:.1f}" y="{place:.1f}" text-anchor="{anchor}" fill="#222">'
            f"{escape(row.name)}</text>"
        )
