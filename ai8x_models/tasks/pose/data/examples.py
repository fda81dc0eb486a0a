"""Images and maps of the pose task in memory, and the batches of an epoch.

The only geometric changes are those that map exactly onto the 16x16 maps, so that a teacher's
answers stay right; everything else belongs to the renderer.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import numpy as np
import torch
from torch import nn

from ai8x_models.tasks.pose.data.augment import (
    flip_image,
    flip_maps,
    flip_mask,
    jitter,
    shift_image,
    shift_maps,
    shift_mask,
)
from ai8x_models.tasks.pose.data.cache import TEACHER_SCALE, PoseCache
from ai8x_models.tasks.pose.data.source import DataSource, open_data
from ai8x_models.tasks.pose.data.targets import draw_targets
from ai8x_models.tasks.pose.data.teacher import teacher_maps
from ai8x_models.tasks.pose.losses import Maps
from ai8x_models.tasks.pose.network_input import normalize
from ai8x_models.tasks.pose.recipe import AugmentPlan
from ai8x_models.training.batches import Batch, shuffled_indexes
from ai8x_models.training.logs import Console
from max78000.apps.pose.arrays import Float16s, Float32s, Indexes, Int8s, Uint8s
from max78000.apps.pose.skeleton import MAP_SIZE, N_HEATMAPS, N_PAF


@dataclass(frozen=True, slots=True)
class PoseExamples:
    """Labelled images, their targets and, if there is a teacher, its answers; compact types.

    Args:
        path: file of the cache.
        cache: the N images (N, 128, 128, 3), who is on them, and which cells count.
        heat: drawn heatmaps (N, 19, 16, 16).
        paf: drawn part-affinity maps (N, 38, 16, 16).
        teacher: a teacher's heatmaps and part-affinity maps, 127 means 1.0.
    """

    path: Path
    cache: PoseCache
    heat: Float16s
    paf: Float16s
    teacher: tuple[Int8s, Int8s] | None = None

    @classmethod
    def open(cls, source: DataSource, console: Console) -> Self:
        """Open a cache and draw the targets of every image; about 2 ms each.

        Raises:
            InputError: as `open_data`.
        """
        cache = open_data(source, console)
        heat = np.empty((cache.count, N_HEATMAPS, MAP_SIZE, MAP_SIZE), np.float16)
        paf = np.empty((cache.count, N_PAF, MAP_SIZE, MAP_SIZE), np.float16)
        with console.progress("drawing targets", quiet=True) as progress:
            for index in range(cache.count):
                people = cache.people(index)
                heat[index], paf[index] = draw_targets(people.keypoints[people.iscrowd == 0])
                progress(index + 1, cache.count)
        return cls(source.path, cache, heat, paf)

    def __len__(self) -> int:
        return self.cache.count

    def with_teacher(self, teacher: nn.Module, checkpoint: Path, console: Console) -> Self:
        """Add a teacher's maps; the cache file keeps them."""
        with console.progress("asking the teacher") as progress:
            maps = teacher_maps(teacher, checkpoint, self.path, self.cache.images, progress)
        return replace(self, teacher=maps)

    def in_order(self, size: int) -> Iterator[Batch[Maps]]:
        """Yield all images as they are."""
        for start in range(0, len(self), size):
            yield self._pick(np.arange(start, min(start + size, len(self)))).tensors()

    def shuffled(
        self, size: int, seed: int, epoch: int, augment: AugmentPlan
    ) -> Iterator[Batch[Maps]]:
        """Yield the batches of one epoch of training: a function of the arguments alone."""
        rng = np.random.default_rng((seed, epoch))
        for index in shuffled_indexes(len(self), size, rng):
            yield _augmented(self._pick(index), augment, rng).tensors()

    def _pick(self, index: Indexes) -> "_Arrays":
        pairs = [(self.heat[index].astype(np.float32), self.paf[index].astype(np.float32))]
        if self.teacher is not None:
            scale = np.float32(TEACHER_SCALE)
            heat, paf = (maps[index].astype(np.float32) / scale for maps in self.teacher)
            pairs.append((heat, paf))
        return _Arrays(self.cache.images[index], pairs, self.cache.loss_mask[index])


@dataclass(frozen=True, slots=True)
class _Arrays:
    """A batch before it becomes tensors: images, one or two pairs of maps, masks."""

    images: Uint8s
    pairs: list[tuple[Float32s, Float32s]]
    loss_mask: Uint8s

    def tensors(self) -> Batch[Maps]:
        truth, *teacher = (Maps(*map(torch.from_numpy, pair)) for pair in self.pairs)
        mask = torch.from_numpy(self.loss_mask.astype(np.float32) / 255)[:, None]
        return Batch(normalize(self.images), truth, mask, teacher[0] if teacher else None)


def _augmented(batch: _Arrays, plan: AugmentPlan, rng: np.random.Generator) -> _Arrays:
    """Mirror half of the images, shift each by whole cells, vary the exposure; in place."""
    n = len(batch.images)
    if plan.flip:
        _flip(batch, np.flatnonzero(rng.random(n) < 0.5))
    shifts = rng.integers(-plan.shift_cells, plan.shift_cells, (n, 2), endpoint=True)
    for index, (down, right) in enumerate(shifts.tolist()):
        if down or right:
            _shift(batch, index, down, right)
    if plan.jitter:
        for index in range(n):
            batch.images[index] = jitter(rng, batch.images[index])
    return batch


def _flip(batch: _Arrays, index: Indexes) -> None:
    batch.images[index] = flip_image(batch.images[index])
    batch.loss_mask[index] = flip_mask(batch.loss_mask[index])
    for heat, paf in batch.pairs:
        heat[index], paf[index] = flip_maps(heat[index], paf[index])


def _shift(batch: _Arrays, index: int, down: int, right: int) -> None:
    batch.images[index] = shift_image(batch.images[index], down, right)
    batch.loss_mask[index] = shift_mask(batch.loss_mask[index], down, right)
    for heat, paf in batch.pairs:
        heat[index], paf[index] = shift_maps(heat[index], paf[index], down, right)
