"""How near points are: the share of correct keypoints, and distances.

A point is correct if it is not farther from where it should be than a share of the object's longer
side, which is that of the box around its points: PCK.
After Yang and Ramanan, Articulated Human Detection with Flexible Mixtures of Parts, 2013.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ai8x_models.tasks.keypoints.heatmaps import Floats

NEAR, NEARER = 0.1, 0.05  # shares of the object's longer side


@dataclass(frozen=True, slots=True)
class PointScores:
    """Scores of the points of N pictures.

    Args:
        names: of the points.
        distances: (N, K), pixels of the network's input; NaN where there is no point.
        sides: (N,): the objects' longer sides, pixels.
    """

    names: tuple[str, ...]
    distances: Floats
    sides: Floats

    @classmethod
    def of(
        cls, names: Sequence[str], found: Floats, truth: Floats, size: tuple[int, int]
    ) -> "PointScores":
        """Compare points.

        Args:
            names: of the points.
            found: (N, K, 2 or more): x, y as shares of the picture.
            truth: (N, K, 3): x, y, and 0 where there is none.
            size: height and width of the picture, pixels.
        """
        scale = np.array(size[::-1], np.float64)
        is_there = truth[..., 2] > 0
        wanted = np.where(is_there[..., None], truth[..., :2] * scale, np.nan)
        distances = np.linalg.norm(found[..., :2] * scale - wanted, axis=-1)
        with np.errstate(invalid="ignore"):
            low = np.where(is_there[..., None], wanted, np.inf).min(axis=1)
            high = np.where(is_there[..., None], wanted, -np.inf).max(axis=1)
            sides = (high - low).max(axis=1)
        # One point alone has no size: there the picture is the measure.
        sides = np.where(sides > 0, sides, max(size))
        return cls(tuple(names), distances, sides)

    def correct(self, share: float) -> Floats:
        """Share of correct points (K,); NaN for a point that is nowhere."""
        is_there = np.isfinite(self.distances)
        is_correct = is_there & (self.distances <= share * self.sides[:, None])
        counts = is_there.sum(axis=0)
        shares = np.full(len(counts), np.nan)
        np.divide(is_correct.sum(axis=0), counts, out=shares, where=counts > 0)
        return shares

    @property
    def errors(self) -> Floats:
        """Mean distance of each picture's points, as a share of the longer side (N,); 0 of none."""
        is_there = np.isfinite(self.distances)
        sums = np.where(is_there, self.distances / self.sides[:, None], 0).sum(axis=1)
        errors: Floats = sums / is_there.sum(axis=1).clip(1)
        return errors

    @property
    def pck(self) -> float:
        """Share of all points that are near."""
        return self._share(NEAR)

    @property
    def summary(self) -> str:
        """One line."""
        n = int(np.isfinite(self.distances).sum())
        return (
            f"PCK@{NEAR:g} {self.pck:.1%}, PCK@{NEARER:g} {self._share(NEARER):.1%}, "
            f"{self._error():.2f} pixels off on average ({n} points)"
        )

    def to_json(self) -> dict[str, Any]:
        """Give what `json.dumps` takes."""
        near, error = self.correct(NEAR), self.mean_errors
        return {
            "pck": _plain(self.pck),
            "pck_05": _plain(self._share(NEARER)),
            "error_pixels": _plain(self._error()),
            "points": {
                name: {"pck": _plain(near[place]), "error_pixels": _plain(error[place])}
                for place, name in enumerate(self.names)
            },
        }

    def to_text(self) -> str:
        """A line for every point."""
        near, nearer, error = self.correct(NEAR), self.correct(NEARER), self.mean_errors
        wide = max(map(len, self.names))
        lines = [f"{'':{wide}}  PCK@{NEAR:<4g} PCK@{NEARER:<5g} pixels"]
        lines += [
            f"{name:{wide}}  {near[place]:>8.1%} {nearer[place]:>9.1%} {error[place]:>6.2f}"
            for place, name in enumerate(self.names)
        ]
        return "\n".join(lines)

    def _share(self, share: float) -> float:
        is_there = np.isfinite(self.distances)
        is_correct = is_there & (self.distances <= share * self.sides[:, None])
        return float(is_correct.sum() / max(1, is_there.sum()))

    def _error(self) -> float:
        found = self.distances[np.isfinite(self.distances)]
        return float(found.mean()) if found.size else float("nan")

    @property
    def mean_errors(self) -> Floats:
        """Mean distance of every point in pixels (K,); NaN for a point that is nowhere."""
        is_there = np.isfinite(self.distances)
        sums = np.where(is_there, self.distances, 0).sum(axis=0)
        errors = np.full(len(sums), np.nan)
        np.divide(sums, is_there.sum(axis=0), out=errors, where=is_there.any(axis=0))
        return errors


def _plain(number: float) -> float | None:
    return float(number) if np.isfinite(number) else None
