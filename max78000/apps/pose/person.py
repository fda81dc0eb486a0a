"""One person: keypoints, score, their place in a picture, and how they are written as JSON.

Whoever finds people, a decoder here or a board on a serial line, gives them in this form.
"""

from dataclasses import dataclass

import numpy as np

from max78000.apps.pose.arrays import Bools, Floats
from max78000.apps.pose.letterbox import Letterbox
from max78000.apps.pose.skeleton import PART_NAMES


@dataclass(frozen=True, slots=True, eq=False)
class Person:
    """One decoded person.

    Args:
        parts: float64 (18, 3), read-only: x and y in input pixels, 0..127, and the peak's value;
            the row of an absent part is NaN, NaN, 0.
        score: sum of the peaks' values and of the scores of the limbs between them.
    """

    parts: Floats
    score: float

    @property
    def found(self) -> Bools:
        """Bool (18,): which parts are there."""
        return self.parts[:, 2] > 0

    @property
    def n_parts(self) -> int:
        """Number of parts found."""
        return int(np.count_nonzero(self.found))

    def in_source(self, box: Letterbox) -> "Person":
        """Give the same person in pixels of the picture that was letterboxed."""
        parts = self.parts.copy()
        parts[:, :2] = box.source_points(parts[:, :2])
        parts.flags.writeable = False
        return Person(parts, self.score)

    def to_json(self) -> dict[str, object]:
        """Give what `json.dumps` takes: hundredths of a pixel; absent parts are left out."""
        keypoints = {
            name: [round(x, 2), round(y, 2), round(score, 4)]
            for name, (x, y, score) in zip(PART_NAMES, self.parts.tolist(), strict=True)
            if score > 0
        }
        return {"score": round(self.score, 4), "keypoints": keypoints}
