"""The labelled people of pictures, as arrays."""

from dataclasses import dataclass

import numpy as np

from max78000.apps.pose.arrays import Float32s, Uint8s
from max78000.apps.pose.skeleton import N_COCO

PEOPLE_FIELDS = ("keypoints", "bbox", "area", "iscrowd")


@dataclass(frozen=True, slots=True)
class People:
    """The P labelled people of one image, or of all.

    `keypoints` float32 (P, 17, 3) x, y, v in COCO order; `bbox` float32 (P, 4) x, y, width, height;
    `area` float32 (P,) mask pixels; `iscrowd` uint8 (P,).
    """

    keypoints: Float32s
    bbox: Float32s
    area: Float32s
    iscrowd: Uint8s


NOBODY = People(
    np.zeros((0, N_COCO, 3), np.float32),
    np.zeros((0, 4), np.float32),
    np.zeros(0, np.float32),
    np.zeros(0, np.uint8),
)
