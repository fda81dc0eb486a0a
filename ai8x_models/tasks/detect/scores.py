"""Average precision of the boxes of a split, as tables and numbers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np

from ai8x_models.tasks.detect.average_precision import OVERLAPS, ranked
from ai8x_models.tasks.detect.suppress import Floats
from ai8x_models.training.intervals import percent

_HALF, _STRICT = 0, 5  # places of 0.5 and 0.75 among the overlaps


@dataclass(frozen=True, slots=True)
class BoxScores:
    """What COCO's evaluation says.

    Args:
        classes: names.
        n_objects: of each class.
        precision: average precision, (classes, overlaps); NaN for classes without objects.
        recall: share of the objects that are found, likewise.
    """

    classes: tuple[str, ...]
    n_objects: tuple[int, ...]
    precision: Floats
    recall: Floats

    @classmethod
    def of(cls, classes: Sequence[str], found: Floats, truth: Floats) -> "BoxScores":
        """Compare what was found, (N, D, 6), with what there is, (N, M, 5)."""
        each = ranked(list(found), list(truth.astype(np.float64)), len(classes))
        return cls(
            tuple(classes),
            tuple(one.n_objects for one in each),
            np.stack([one.precision() for one in each]),
            np.stack([one.recall() for one in each]),
        )

    @property
    def summary(self) -> str:
        """One line."""
        shown = self.to_json()
        words = (f"{label} {percent(shown[key])}" for label, key in _SHOWN.items())
        return f"{', '.join(words)} ({sum(self.n_objects)} objects)"

    def to_json(self) -> dict[str, Any]:
        """Give what `json.dumps` takes."""
        return {
            "ap": _mean(self.precision),
            "ap50": _mean(self.precision[:, _HALF]),
            "ap75": _mean(self.precision[:, _STRICT]),
            "recall": _mean(self.recall),
            "recall50": _mean(self.recall[:, _HALF]),
            "classes": {
                name: {
                    "objects": self.n_objects[place],
                    "ap": _mean(self.precision[place]),
                    "ap50": _mean(self.precision[place, _HALF]),
                    "recall50": _mean(self.recall[place, _HALF]),
                }
                for place, name in enumerate(self.classes)
            },
        }

    def to_text(self) -> str:
        """A line for every class."""
        wide = max(map(len, self.classes))
        lines = [f"{'':{wide}}  objects     AP   AP50  recall@{OVERLAPS[_HALF]:g}"]
        for name, row in self.to_json()["classes"].items():
            cells = (row["ap"], row["ap50"], row["recall50"])
            text = " ".join(f"{percent(cell):>6}" for cell in cells)
            lines.append(f"{name:{wide}}  {row['objects']:>7} {text}")
        return "\n".join(lines)


_SHOWN: Mapping[str, str] = MappingProxyType(
    {"AP": "ap", "AP50": "ap50", "AP75": "ap75", "recall": "recall"}
)


def _mean(numbers: Any) -> float | None:
    known = np.asarray(numbers)[np.isfinite(numbers)]
    return float(known.mean()) if known.size else None
