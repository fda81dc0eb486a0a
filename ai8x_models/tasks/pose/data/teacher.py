"""A teacher's maps of the training images: asked for once, kept as int8 beside the images."""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from ai8x_models.checkpoint import file_hash
from ai8x_models.tasks.pose.data.cache import TEACHER_SCALE, read_teacher, write_teacher
from ai8x_models.tasks.pose.network_input import normalize
from ai8x_models.training.progress import Progress
from max78000.apps.pose.arrays import Int8s, Uint8s
from max78000.apps.pose.skeleton import MAP_SIZE, N_HEATMAPS, N_PAF
from max78000.errors import InputError

TEACHER_BATCH = 64


def teacher_maps(
    teacher: nn.Module, checkpoint: Path, cache_path: Path, images: Uint8s, progress: Progress
) -> tuple[Int8s, Int8s]:
    """Return the teacher's int8 maps of every cached image; ask the network only the first time.

    Returns:
        heat (N, 19, 16, 16) and paf (N, 38, 16, 16); 127 means 1.0.
    """
    name, fingerprint = checkpoint.name.partition(".")[0], file_hash(checkpoint)
    try:
        known = read_teacher(cache_path, name, fingerprint)
    except InputError:  # answers of another checkpoint, replaced below
        known = None
    if known is not None:
        return known
    heat = np.empty((len(images), N_HEATMAPS, MAP_SIZE, MAP_SIZE), np.int8)
    paf = np.empty((len(images), N_PAF, MAP_SIZE, MAP_SIZE), np.int8)
    teacher.eval()
    for start in range(0, len(images), TEACHER_BATCH):
        part = slice(start, start + TEACHER_BATCH)
        with torch.no_grad():
            answer = teacher(normalize(images[part]))
        heat[part], paf[part] = (_to_int8(maps) for maps in answer)
        progress(min(part.stop, len(images)), len(images))
    write_teacher(cache_path, name, heat, paf, fingerprint)
    return heat, paf


def _to_int8(maps: Tensor) -> Int8s:
    """Round to steps of 1/127 and clip to plus and minus 1."""
    rounded = (maps * TEACHER_SCALE).round().clamp(-TEACHER_SCALE, TEACHER_SCALE)
    values: Int8s = rounded.to(torch.int8).numpy()
    return values
