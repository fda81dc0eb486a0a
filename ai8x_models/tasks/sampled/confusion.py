"""What is taken for what, as a picture."""

from collections.abc import Iterator, Sequence
from html import escape

import numpy as np
from numpy.typing import NDArray

_CELL, _LETTER = 34, 7.5
RIGHT, WRONG = "#1b6ca8", "#d1495b"


def confusion_picture(
    classes: Sequence[str], confusion: NDArray[np.int64], as_shares: bool = False
) -> str:
    """Rows are what examples are, columns what was answered; the darker, the larger the share.

    Args:
        classes: names.
        confusion: (K, K) counts.
        as_shares: write shares of the rows in the fields, where counts are of many digits.
    """
    longest = max(map(len, classes))
    left = top = int(longest * _LETTER) + 34
    size = _CELL * len(classes)
    cells = "".join(_cells(confusion, left, top, as_shares))
    names = "".join(
        f'<text x="{left - 8}" y="{top + _CELL * place + 22}" text-anchor="end">'
        f"{escape(name)}</text>"
        f'<text transform="translate({left + _CELL * place + 22} {top - 8}) rotate(-90)">'
        f"{escape(name)}</text>"
        for place, name in enumerate(classes)
    )
    return (
        f'<svg viewBox="0 0 {left + size + 4} {top + size + 4}" role="img"'
        f' style="max-width:{left + size + 4}px" aria-label="confusion matrix">'
        f'<text x="4" y="{top - 8}">is</text><text x="{left}" y="14">answered</text>'
        f"{names}{cells}</svg>"
    )


def _cells(confusion: NDArray[np.int64], left: int, top: int, as_shares: bool) -> Iterator[str]:
    for row, counts in enumerate(confusion.tolist()):
        whole = sum(counts) or 1
        for column, count in enumerate(counts):
            x, y = left + _CELL * column, top + _CELL * row
            colour = RIGHT if row == column else WRONG
            share = count / whole
            # A single mistake among many examples has to be seen, too.
            opacity = 0.0 if not count else 0.15 + 0.85 * share
            yield (
                f'<rect x="{x}" y="{y}" width="{_CELL}" height="{_CELL}" fill="{colour}"'
                f' fill-opacity="{opacity:.2f}" stroke="#8886"/>'
            )
            if count:
                ink = ' fill="#fff"' if opacity > 0.6 else ""
                yield (
                    f'<text x="{x + _CELL / 2:g}" y="{y + 22}" text-anchor="middle"{ink}>'
                    f"{f'{share:.0%}' if as_shares else count}</text>"
                )
