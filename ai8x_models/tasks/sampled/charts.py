"""Charts and tables of a report, for whatever task: SVG and HTML as text, whole in themselves.

Letters and frames have the page's own colour, so that they can be read in light and in dark.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
from numpy.typing import NDArray

from ai8x_models.training.axis import Axis

Floats = NDArray[np.float64]
COLOURS = ("#1b6ca8", "#d1495b", "#5b8c2a", "#8a5a9e", "#b7791f", "#2a8f85")
_WIDTH, _HEIGHT = 480, 320
_LEFT, _RIGHT, _TOP, _BOTTOM = 60, 16, 12, 48
_LETTER, _LINE = 7.5, 20  # pixels
_BAR = 300
_N_BINS = 20  # of a histogram
_MAX_POINTS = 600  # of a cloud: more would only be larger


@dataclass(frozen=True, slots=True)
class Series:
    """Points of a chart.

    Args:
        name: for the legend.
        across: (P,).
        up: (P,).
        is_line: joined by a line; else a cloud.
    """

    name: str
    across: Floats
    up: Floats
    is_line: bool = True


@dataclass(frozen=True, slots=True)
class Bar:
    """A share with its interval; None where it is not known."""

    name: str
    share: float | None
    interval: tuple[float | None, float | None] = (None, None)


def chart(
    label: str,
    sides: tuple[str, str],
    series: Sequence[Series],
    ideal: bool = False,
    shares: bool = False,
) -> str:
    """Lines and clouds over two axes of numbers.

    Args:
        label: what it is, for who does not see it.
        sides: what lies along the lower side and up the left one.
        series: at least one point in all.
        ideal: draw the line on which both numbers are equal.
        shares: what lies up is a share: its axis ends at 0 and 1.
    """
    across = _axis([one.across for one in series], _LEFT, _WIDTH - _RIGHT)
    ends = [np.array([0.0, 1.0])] if shares else []
    up = _axis([*ends, *(one.up for one in series)], _HEIGHT - _BOTTOM, _TOP)
    rows = -(-len(series) // 2) if len(series) > 1 else 0
    height = _HEIGHT + (_LINE * rows + 8 if rows else 0)
    pairs = [
        (one, COLOURS[place % len(COLOURS)], f' stroke-dasharray="{_dashes(place)}"')
        for place, one in enumerate(series)
    ]
    content = "".join(
        (
            *_frame(across, up, sides),
            _diagonal(across, up) if ideal else "",
            *(
                _line(one, across, up, f'stroke="{colour}"{dashes}')
                if one.is_line
                else _cloud(one, across, up, colour)
                for one, colour, dashes in pairs
            ),
            *(
                _key(one, colour, place)
                for place, (one, colour, _) in enumerate(pairs if rows else ())
            ),
        )
    )
    return _svg(label, _WIDTH, height, content)


def bars(label: str, rows: Sequence[Bar]) -> str:
    """Shares from 0 to 1 beside each other, with their intervals."""
    left = int(max(len(row.name) for row in rows) * _LETTER) + 16
    content = "".join(_bar(row, left, _LINE * place + 4) for place, row in enumerate(rows))
    return _svg(label, left + _BAR + 60, _LINE * len(rows) + 8, content)


def html_table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; the first column has names."""
    head = "".join(f'<th scope="col">{escape(one)}</th>' for one in heads)
    body = "".join(
        f'<tr><th scope="row">{escape(name)}</th>'
        + "".join(f"<td>{escape(cell)}</td>" for cell in cells)
        + "</tr>"
        for name, *cells in rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def histogram(numbers: Floats) -> Series:
    """How many of some numbers, (N,), lie where: a line of steps."""
    counts, edges = np.histogram(numbers, _N_BINS)
    heights = np.concatenate(([0], np.repeat(counts, 2), [0])).astype(np.float64)
    return Series("", np.repeat(edges, 2), heights)


def _svg(label: str, width: int, height: int, content: str) -> str:
    return (
        f'<svg viewBox="0 0 {width} {height}" role="img" style="max-width:{width}px"'
        f' aria-label="{escape(label)}">{content}</svg>'
    )


def _axis(numbers: Sequence[Floats], start: float, end: float) -> Axis:
    """From the lowest number to the highest, and not nothing."""
    together = np.concatenate(numbers)
    low, high = float(together.min()), float(together.max())
    if low == high:
        reach = abs(low) or 1.0
        low, high = low - reach, high + reach
    return Axis(low, high, start, end)


def _frame(across: Axis, up: Axis, sides: tuple[str, str]) -> Iterator[str]:
    bottom, middle = _HEIGHT - _BOTTOM, (_TOP + _HEIGHT - _BOTTOM) / 2
    yield (
        f'<path d="M{_LEFT} {_TOP}V{bottom}H{_WIDTH - _RIGHT}" fill="none" stroke="currentColor"/>'
    )
    for value in across.ticks():
        x = across.place(value)
        yield f'<text x="{x:.1f}" y="{bottom + 18}" text-anchor="middle">{value:.6g}</text>'
    for value in up.ticks():
        y = up.place(value) + 4
        yield f'<text x="{_LEFT - 6}" y="{y:.1f}" text-anchor="end">{value:.6g}</text>'
    yield (
        f'<text x="{(_LEFT + _WIDTH - _RIGHT) / 2:g}" y="{bottom + 38}" text-anchor="middle">'
        f"{escape(sides[0])}</text>"
        f'<text transform="translate(12 {middle:g}) rotate(-90)" text-anchor="middle">'
        f"{escape(sides[1])}</text>"
    )


def _line(one: Series, across: Axis, up: Axis, stroke: str) -> str:
    places = " ".join(
        f"{across.place(x):.1f},{up.place(y):.1f}" for x, y in zip(one.across, one.up, strict=True)
    )
    return f'<polyline fill="none" {stroke} stroke-width="2" points="{places}"/>'


def _cloud(one: Series, across: Axis, up: Axis, colour: str) -> str:
    chosen = np.linspace(0, len(one.across) - 1, min(len(one.across), _MAX_POINTS)).astype(int)
    return "".join(
        f'<circle cx="{across.place(x):.1f}" cy="{up.place(y):.1f}" r="2.5" fill="{colour}"'
        ' fill-opacity="0.6"/>'
        for x, y in zip(one.across[chosen], one.up[chosen], strict=True)
    )


def _diagonal(across: Axis, up: Axis) -> str:
    low, high = max(across.low, up.low), min(across.high, up.high)
    if not low < high:
        return ""
    ends = (f"{across.place(one):.1f} {up.place(one):.1f}" for one in (low, high))
    return f'<path d="M{"L".join(ends)}" stroke="currentColor" stroke-dasharray="5 3"/>'


def _key(one: Series, colour: str, place: int) -> str:
    x = _LEFT + (place % 2) * (_WIDTH - _LEFT) / 2
    y = _HEIGHT + 8 + _LINE * (place // 2)
    sign = (
        f'<path d="M{x:g} {y}h24" stroke="{colour}" stroke-width="3"'
        f' stroke-dasharray="{_dashes(place)}"/>'
        if one.is_line
        else f'<circle cx="{x + 12:g}" cy="{y}" r="5" fill="{colour}"/>'
    )
    return f'{sign}<text x="{x + 30:g}" y="{y + 4}">{escape(one.name)}</text>'


def _dashes(place: int) -> str:
    """Lines are told apart without their colours, too."""
    return ("none", "8 3", "3 3", "12 3 3 3")[place % 4]


def _bar(row: Bar, left: int, y: int) -> str:
    share, (low, high) = row.share, row.interval
    label = f'<text x="{left - 8}" y="{y + 12}" text-anchor="end">{escape(row.name)}</text>'
    if share is None:
        return f'{label}<text x="{left}" y="{y + 12}">-</text>'
    whisker = ""
    if low is not None and high is not None:
        whisker = (
            f'<path d="M{left + _BAR * low:.1f} {y + 7}H{left + _BAR * high:.1f}"'
            ' stroke="currentColor" stroke-width="2"/>'
        )
    return (
        f'{label}<rect x="{left}" y="{y}" width="{max(_BAR * share, 1):.1f}" height="14"'
        f' fill="{COLOURS[0]}" fill-opacity="0.75"/>{whisker}'
        f'<text x="{left + _BAR + 8}" y="{y + 12}">{share:.1%}</text>'
    )
