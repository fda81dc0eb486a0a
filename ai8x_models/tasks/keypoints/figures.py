"""What a report shows of points: how many are near, for every distance, and every point."""

from collections.abc import Sequence

import numpy as np

from ai8x_models.tasks.keypoints.scores import NEAR, NEARER, PointScores
from ai8x_models.tasks.sampled.charts import Series, chart, html_table

_MAX_LINES = 6  # more names than this share one line
_DISTANCES = np.linspace(0, 0.3, 61)  # shares of the object's longer side


def point_figures(scores: PointScores) -> Sequence[tuple[str, str]]:
    """Titles and their SVG or HTML."""
    shares = np.stack([scores.correct(one) for one in _DISTANCES])  # (distances, K)
    is_there = np.isfinite(shares[0])
    names = [(place, name) for place, name in enumerate(scores.names) if is_there[place]]
    if len(names) > _MAX_LINES:
        counts = np.isfinite(scores.distances).sum(axis=0)[is_there]
        lines = [Series("all points", _DISTANCES, shares[:, is_there] @ counts / counts.sum())]
    else:
        lines = [Series(name, _DISTANCES, shares[:, place]) for place, name in names]
    near, nearer = scores.correct(NEAR), scores.correct(NEARER)
    rows = (
        (name, f"{near[place]:.1%}", f"{nearer[place]:.1%}", f"{scores.mean_errors[place]:.2f}")
        for place, name in names
    )
    sides = "distance, as a share of the object's longer side", "share of the points within it"
    heads = ("point", f"PCK@{NEAR:g}", f"PCK@{NEARER:g}", "pixels off")
    title = "Correct points by distance (PCK)"
    pictures = ((title, chart(title, sides, lines, shares=True)),) if lines else ()
    return (*pictures, ("Points", html_table(heads, rows)))
