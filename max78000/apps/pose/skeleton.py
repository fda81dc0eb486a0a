"""The skeleton as tables: 18 keypoints, 19 limbs, and how they map onto COCO's 17 keypoints.

The order is OpenPose's COCO model, which tf-pose-estimation and Lightweight OpenPose share
(CMU-Perceptual-Computing-Lab/openpose:src/openpose/pose/poseParameters.cpp;
Daniil-Osokin/lightweight-human-pose-estimation.pytorch:modules/pose.py). Data only.
"""

from max78000.apps.pose.arrays import Floats

N_PARTS = 18
N_HEATMAPS = N_PARTS + 1
BACKGROUND = N_PARTS
NECK = 1
R_SHOULDER, L_SHOULDER = 2, 5

PART_NAMES = (
    "nose", "neck",
    "right shoulder", "right elbow", "right wrist",
    "left shoulder", "left elbow", "left wrist",
    "right hip", "right knee", "right ankle",
    "left hip", "left knee", "left ankle",
    "right eye", "left eye", "right ear", "left ear",
)  # fmt: skip

# COCO-17 index of each part; the neck is the midpoint of the shoulders and has none.
COCO_OF_PART = (0, None, 6, 8, 10, 5, 7, 9, 12, 14, 16, 11, 13, 15, 2, 1, 4, 3)
COCO_NAMES = (
    "nose", "left_eye", "right_eye", "left_ear", "right_ear",
    "left_shoulder", "right_shoulder", "left_elbow", "right_elbow", "left_wrist", "right_wrist",
    "left_hip", "right_hip", "left_knee", "right_knee", "left_ankle", "right_ankle",
)  # fmt: skip
N_COCO = len(COCO_NAMES)

# Heatmap channel that a channel takes its content from after a horizontal flip (background last).
FLIP_PARTS = (0, 1, 5, 6, 7, 2, 3, 4, 11, 12, 13, 8, 9, 10, 15, 14, 17, 16, 18)

# Limb k points from part A to part B; it owns PAF channels 2k (x, right) and 2k + 1 (y, down).
LIMBS = (
    (1, 8), (8, 9), (9, 10), (1, 11), (11, 12), (12, 13), (1, 2), (2, 3), (3, 4), (2, 16),
    (1, 5), (5, 6), (6, 7), (5, 17), (1, 0), (0, 14), (0, 15), (14, 16), (15, 17),
)  # fmt: skip
N_LIMBS = len(LIMBS)
N_PAF = 2 * N_LIMBS
FLIP_LIMBS = (3, 4, 5, 0, 1, 2, 10, 11, 12, 13, 6, 7, 8, 9, 14, 16, 15, 18, 17)

# Neck first; the two shoulder-ear limbs last: they only complete a pose, they never open one.
DECODING_ORDER = (6, 10, 7, 8, 11, 12, 0, 1, 2, 3, 4, 5, 14, 15, 17, 16, 18, 9, 13)
COMPLETING_LIMBS = frozenset((9, 13))

# Per-keypoint constants of COCO's object keypoint similarity (pycocotools, Params.setKpParams).
COCO_SIGMAS = (
    0.026, 0.025, 0.025, 0.035, 0.035, 0.079, 0.079, 0.072, 0.072, 0.062, 0.062,
    0.107, 0.107, 0.087, 0.087, 0.089, 0.089,
)  # fmt: skip

IMAGE_SIZE = 128  # pixels, square
STRIDE = 8  # image pixels per map cell
MAP_SIZE = IMAGE_SIZE // STRIDE


def cell_to_pixel(cell: float) -> float:
    """Image coordinate of a (fractional) cell's centre; the one rule for targets and decoding."""
    return (cell + 0.5) * STRIDE - 0.5


def pixel_to_cell(pixels: Floats) -> Floats:
    """Inverse of `cell_to_pixel`, for many coordinates at once."""
    return (pixels + 0.5) / STRIDE - 0.5
