"""The ground of a chart in SVG: lines and numbers at the round ones of both axes."""

from collections.abc import Iterator

from ai8x_models.training.axis import Axis

_LINE, _TEXT = "#e4e4e4", "#333"


def grid(across: Axis, up: Axis) -> Iterator[str]:
    """Draw it.

    Args:
        across: from left to right.
        up: from the bottom to the top; the two meet at their starts.
    """
    for value in across.ticks():
        x = across.place(value)
        yield f'<path d="M{x:.1f} {up.end:g}V{up.start:g}" stroke="{_LINE}"/>'
        yield (
            f'<text x="{x:.1f}" y="{up.start + 18:g}" text-anchor="middle" fill="{_TEXT}">'
            f"{value:,.{across.n_decimals}f}</text>"
        )
    for value in up.ticks():
        y = up.place(value)
        yield f'<path d="M{across.start:g} {y:.1f}H{across.end:g}" stroke="{_LINE}"/>'
        yield (
            f'<text x="{across.start - 8:g}" y="{y + 4:.1f}" text-anchor="end" fill="{_TEXT}">'
            f"{value:.{up.n_decimals}f}</text>"
        )
