"""Learning curves as a picture: an SVG file of a few lines, which every browser shows."""

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

from max78000.files import write_whole

WIDTH, HEIGHT, MARGIN = 640, 320, 40
# Loss in training, in validation, and the score; colours that differ in grey, too. Last the rate.
COLOURS = ("#1b6ca8", "#d1495b", "#5b8c2a", "#aaa")
SHOWN = ("loss", "validation")  # on the left scale; what else an epoch was scored by, on the right


def draw_curves(path: Path, rows: Sequence[Mapping[str, str]]) -> None:
    """Draw what `log.csv` has of loss, validation, accuracy or the like, and learning rate.

    Args:
        path: SVG file to write.
        rows: one an epoch, numbers as text.
    """
    names = [name for name in SHOWN if any(row.get(name) for row in rows)]
    if rows and "validation" in rows[-1]:  # scores come last
        columns = list(rows[-1])
        names += columns[columns.index("validation") + 1 :]
        names = [*names[: len(COLOURS) - 1], *(["rate"] if "rate" in columns else [])]
    lines = [_curve(name, rows, colour) for name, colour in zip(names, COLOURS, strict=False)]
    legend = [
        f'<text x="{MARGIN + 150 * place}" y="20" fill="{colour}">{escape(name)}'
        f" {escape(rows[-1].get(name, ''))}</text>"
        for place, (name, colour) in enumerate(zip(names, COLOURS, strict=False))
    ]
    frame = (
        f'<rect x="{MARGIN}" y="{MARGIN}" width="{WIDTH - 2 * MARGIN}"'
        f' height="{HEIGHT - 2 * MARGIN}" fill="none" stroke="#999"/>'
        f'<text x="{MARGIN}" y="{HEIGHT - 12}" fill="#333">epochs 1 to {len(rows)}; each curve'
        " from 0 to its highest value</text>"
    )
    text = "\n".join(
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}"'
            ' font-family="sans-serif" font-size="13">',
            f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
            *(frame, *lines, *legend, "</svg>\n"),
        )
    )
    write_whole(path, text.encode())


def _curve(name: str, rows: Sequence[Mapping[str, str]], colour: str) -> str:
    points = [(place, float(row[name])) for place, row in enumerate(rows) if row.get(name)]
    top = max((value for _, value in points), default=1.0) or 1.0
    step = (WIDTH - 2 * MARGIN) / max(len(rows) - 1, 1)
    size = HEIGHT - 2 * MARGIN
    places = " ".join(
        f"{MARGIN + place * step:.1f},{HEIGHT - MARGIN - size * max(value, 0) / top:.1f}"
        for place, value in points
    )
    return f'<polyline fill="none" stroke="{colour}" stroke-width="2" points="{places}"/>'
