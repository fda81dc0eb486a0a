"""How a network tells classes apart: a reliability diagram as SVG, a table of the classes."""

from ai8x_models.tasks.classify.calibration import N_BINS, Calibration
from ai8x_models.tasks.classify.scores import ClassScores
from ai8x_models.tasks.sampled.charts import html_table
from ai8x_models.training.intervals import percent, wilson_interval

_SIDE, _MARGIN = 300, 44
_IDEAL, _BAR = "#d1495b", "#1b6ca8"


def reliability_picture(calibration: Calibration) -> str:
    """Accuracy of the answers of each bin of confidence; on the line, the two are equal."""
    bars = "".join(
        f'<rect x="{_MARGIN + _SIDE * index / N_BINS + 2:.1f}"'
        f' y="{10 + _SIDE * (1 - accuracy):.1f}" width="{_SIDE / N_BINS - 4:.1f}"'
        f' height="{max(_SIDE * accuracy, 1):.1f}" fill="{_BAR}" fill-opacity="0.75">'
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
        f'{bars}<path d="M{_MARGIN} {_SIDE + 10}L{_MARGIN + _SIDE} 10" stroke="{_IDEAL}"'
        f' stroke-dasharray="5 3"/><path d="M{_MARGIN} 10v{_SIDE}h{_SIDE}" fill="none"'
        f' stroke="currentColor"/>{ticks}<text x="{_MARGIN + _SIDE / 2:g}" y="{_SIDE + 46}"'
        ' text-anchor="middle">confidence; bars: share that is right</text></svg>'
    )


def class_table(scores: ClassScores) -> str:
    """Recall of every class with its interval, and precision."""
    rows = (
        (name, str(sum(counts)), percent(recall), _interval(counts[place], sum(counts)),
         percent(precision))
        for place, (name, counts, recall, precision) in enumerate(
            zip(
                *(scores.classes, scores.confusion.tolist(), scores.recall, scores.precision),
                strict=True,
            )
        )
    )  # fmt: skip
    return html_table(("class", "examples", "recall", "95 %", "precision"), rows)


def _interval(n_right: int, n: int) -> str:
    if not n:
        return "-"
    low, high = wilson_interval(n_right, n)
    return f"{low:.1%} to {high:.1%}"
