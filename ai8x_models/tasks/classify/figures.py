"""Pictures of how a network tells classes apart, as SVG: confusion matrix, reliability diagram."""

from collections.abc import Iterator
from html import escape

from ai8x_models.tasks.classify.calibration import N_BINS, Calibration
from ai8x_models.tasks.classify.scores import ClassScores
from ai8x_models.tasks.sampled.intervals import wilson_interval

_CELL, _SIDE, _LETTER = 34, 300, 7.5
_MARGIN = 44
RIGHT, WRONG, BAR = "#1b6ca8", "#d1495b", "#1b6ca8"


def confusion_picture(scores: ClassScores) -> str:
    """Rows are what examples are, columns what was answered; the darker, the larger the share."""
    longest = max(map(len, scores.classes))
    left = top = int(longest * _LETTER) + 34
    size = _CELL * len(scores.classes)
    cells = "".join(_cells(scores, left, top))
    names = "".join(
        f'<text x="{left - 8}" y="{top + _CELL * place + 22}" text-anchor="end">'
        f"{escape(name)}</text>"
        f'<text transform="translate({left + _CELL * place + 22} {top - 8}) rotate(-90)">'
        f"{escape(name)}</text>"
        for place, name in enumerate(scores.classes)
    )
    return (
        f'<svg viewBox="0 0 {left + size + 4} {top + size + 4}" role="img"'
        f' style="max-width:{left + size + 4}px" aria-label="confusion matrix">'
        f'<text x="4" y="{top - 8}">is</text><text x="{left}" y="14">answered</text>'
        f"{names}{cells}</svg>"
    )


def _cells(scores: ClassScores, left: int, top: int) -> Iterator[str]:
    for row, counts in enumerate(scores.confusion.tolist()):
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
                    f"{count}</text>"
                )


def reliability_picture(calibration: Calibration) -> str:
    """Accuracy of the answers of each bin of confidence; on the line, the two are equal."""
    bars = "".join(
        f'<rect x="{_MARGIN + _SIDE * index / N_BINS + 2:.1f}"'
        f' y="{10 + _SIDE * (1 - accuracy):.1f}" width="{_SIDE / N_BINS - 4:.1f}"'
        f' height="{max(_SIDE * accuracy, 1):.1f}" fill="{BAR}" fill-opacity="0.75">'
        f"<title>{count} answers, {accuracy:.1%} right</title></rect>"
        for index, (count, accuracy) in enumerate(
            zip(calibration.counts.tolist(), calibration.accuracy.tolist(), strict=True)
        )
        if count
    )
    ticks = "".join(
        f'<text x="{_MARGIN + _SIDE * share:g}" y="{_SIDE + 28}" text-anchor="middle">{share:g}'
        f'</text><text x="{_MARGIN - 8}" y="{14 + _SIDE * (1 - share):g}" text-anchor="end">'
        f"{share:g}</text>"
        for share in (0, 0.5, 1)
    )
    return (
        f'<svg viewBox="0 0 {_MARGIN + _SIDE + 16} {_SIDE + 52}" role="img"'
        f' style="max-width:{_MARGIN + _SIDE + 16}px" aria-label="reliability diagram">'
        f'{bars}<path d="M{_MARGIN} {_SIDE + 10}L{_MARGIN + _SIDE} 10" stroke="{WRONG}"'
        f' stroke-dasharray="5 3"/><path d="M{_MARGIN} 10v{_SIDE}h{_SIDE}" fill="none"'
        f' stroke="currentColor"/>{ticks}<text x="{_MARGIN + _SIDE / 2:g}" y="{_SIDE + 46}"'
        ' text-anchor="middle">confidence; bars: share that is right</text></svg>'
    )


def class_table(scores: ClassScores) -> str:
    """Recall of every class with its interval, and precision."""
    rows = "".join(
        f'<tr><th scope="row">{escape(name)}</th><td>{sum(counts)}</td>'
        f"<td>{_percent(recall)}</td><td>{_interval(counts[place], sum(counts))}</td>"
        f"<td>{_percent(precision)}</td></tr>"
        for place, (name, counts, recall, precision) in enumerate(
            zip(
                *(scores.classes, scores.confusion.tolist(), scores.recall, scores.precision),
                strict=True,
            )
        )
    )
    heads = ("class", "examples", "recall", "95 %", "precision")
    head = "".join(f'<th scope="col">{one}</th>' for one in heads)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.1%}"


def _interval(n_right: int, n: int) -> str:
    if not n:
        return "-"
    low, high = wilson_interval(n_right, n)
    return f"{low:.1%} to {high:.1%}"
