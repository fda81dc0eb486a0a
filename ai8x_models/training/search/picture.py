"""The compromises as a picture: score over cycles, in an SVG file that every browser shows.

A circle is a trained network, its area the bytes of its weights. Filled ones with a number are the
best compromises; the line is what can be had at most for so many cycles.
"""

import math
from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path

from ai8x_models.training.axis import Axis
from ai8x_models.training.chart import grid
from ai8x_models.training.search.results import Results, Row
from max78000.files import write_whole

WIDTH, HEIGHT = 720, 440
LEFT, RIGHT, TOP, BOTTOM = 70, 24, 56, 52
BEST, OTHER, LINE = "#1b6ca8", "#8a8a8a", "#d1495b"
_LARGEST = 16.0  # radius of the network with most weights
_SMALLEST = 2.5


def draw_front(path: Path, results: Results) -> None:
    """Draw the trained networks of a search.

    Args:
        path: SVG file to write.
        results: with at least one that was trained.
    """
    rows = sorted(results.trained, key=lambda row: -row.figures["weight_bytes"])
    across, up = _axes(rows)
    most = max(row.figures["weight_bytes"] for row in rows)
    text = "\n".join(
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}"'
            ' font-family="sans-serif" font-size="13">',
            f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
            *_frame(across, up, results),
            _steps(results.front, across, up),
            *(_circle(row, across, up, most) for row in rows if not row.is_best),
            *(_circle(row, across, up, most) for row in rows if row.is_best),
            "</svg>\n",
        )
    )
    write_whole(path, text.encode())


def _axes(rows: Sequence[Row]) -> tuple[Axis, Axis]:
    cycles = [row.figures["cycles"] for row in rows]
    scores = [row.score or 0.0 for row in rows]
    reach = max(max(scores) - min(scores), 1e-3) * 0.08
    across = Axis(min(cycles) / 1.2, max(cycles) * 1.2, LEFT, WIDTH - RIGHT, is_log=True)
    return across, Axis(min(scores) - reach, max(scores) + reach, HEIGHT - BOTTOM, TOP)


def _frame(across: Axis, up: Axis, results: Results) -> Iterator[str]:
    width, height = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM
    n_trained = len(results.trained)
    yield (
        f'<text x="{LEFT}" y="22" font-size="15" fill="#222">{escape(results.name)}:'
        f" {n_trained} networks, {len(results.front)} best compromises</text>"
    )
    yield (
        f'<text x="{LEFT}" y="42" fill="#555">{escape(results.score_name)} of the integers over'
        " cycles; area: bytes of weights; numbers: trials</text>"
    )
    yield from grid(across, up)
    yield (
        f'<rect x="{LEFT}" y="{TOP}" width="{width}" height="{height}" fill="none" stroke="#999"/>'
    )
    yield (
        f'<text x="{WIDTH - RIGHT}" y="{HEIGHT - 12}" text-anchor="end" fill="#333">cycles</text>'
    )


def _steps(front: Sequence[Row], across: Axis, up: Axis) -> str:
    """The highest score up to each number of cycles."""
    best, moves = -math.inf, ""
    for row in front:
        if (row.score or 0.0) > best:
            best = row.score or 0.0
            x, y = across.place(row.figures["cycles"]), up.place(best)
            moves += f"H{x:.1f}V{y:.1f}" if moves else f"M{x:.1f} {y:.1f}"
    return (
        f'<path d="{moves}H{WIDTH - RIGHT}" fill="none" stroke="{LINE}" stroke-width="1.5"'
        ' stroke-dasharray="5 3"/>'
    )


def _circle(row: Row, across: Axis, up: Axis, most: float) -> str:
    x, y = across.place(row.figures["cycles"]), up.place(row.score or 0.0)
    radius = max(_SMALLEST, _LARGEST * math.sqrt(row.figures["weight_bytes"] / most))
    title = f"<title>trial {row.number}: {escape(row.drawn)}</title>"
    colour, opacity = (BEST, 0.45) if row.is_best else (OTHER, 0.12)
    circle = (
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}" fill="{colour}"'
        f' fill-opacity="{opacity}" stroke="{colour}">{title}</circle>'
    )
    if not row.is_best:
        return circle
    return f'{circle}<text x="{x + radius + 3:.1f}" y="{y - 4:.1f}" fill="#222">{row.number}</text>'
