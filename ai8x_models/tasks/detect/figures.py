"""What a report shows of a detector: precision over recall, every class, and what is missed."""

from collections.abc import Sequence

import numpy as np

from ai8x_models.tasks.detect.average_precision import OVERLAPS, RECALLS, ranked
from ai8x_models.tasks.detect.scores import BoxScores
from ai8x_models.tasks.detect.suppress import SCORE, Floats
from ai8x_models.tasks.sampled.charts import Series, chart, html_table
from ai8x_models.training.intervals import percent

_RIGHT_AT = OVERLAPS[:1]  # overlap at which a box is right, for people


def box_figures(scores: BoxScores, found: Floats, truth: Floats) -> Sequence[tuple[str, str]]:
    """Titles and their SVG or HTML.

    Args:
        scores: of the same.
        found: (N, D, 6).
        truth: (N, M, 5).
    """
    each = ranked(list(found), list(truth.astype(np.float64)), len(scores.classes), _RIGHT_AT)
    lines = [
        Series(name, RECALLS, one.precision_at(RECALLS))
        for name, one in zip(scores.classes, each, strict=True)
        if one.n_objects
    ]
    rows = (
        (name, str(row["objects"]), *(percent(row[key]) for key in ("ap", "ap50", "recall50")))
        for name, row in scores.to_json()["classes"].items()
    )
    sides = "recall: share of the objects", "precision: share of the boxes"
    title = f"Precision over recall, at an overlap of {_RIGHT_AT[0]:g}"
    heads = ("class", "objects", "AP", "AP50", f"recall@{_RIGHT_AT[0]:g}")
    pictures = ((title, chart(title, sides, lines, shares=True)),) if lines else ()
    return (*pictures, ("Classes", html_table(heads, rows)))


def mistakes(found: Floats, truth: Floats, n_classes: int, least_score: float) -> Floats:
    """Objects that were missed, and boxes around none, of each picture (N,)."""
    counts = []
    for boxes, objects in zip(found, truth.astype(np.float64), strict=True):
        shown = boxes[boxes[:, SCORE] >= least_score]
        each = ranked([shown], [objects], n_classes, _RIGHT_AT)
        n_right = sum(int(one.is_right.sum()) for one in each)
        n_things = sum(one.n_objects + len(one.scores) for one in each)
        counts.append(n_things - 2 * n_right)
    return np.array(counts, np.float64)
