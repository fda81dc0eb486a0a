"""Training images and maps in memory, and the batches of an epoch.

Batches are a pure function of (seed, epoch): order, mirrors, shifts and exposure are drawn from
a generator made for that epoch. That is what makes a resumed run equal to an uninterrupted one. The
only geometric changes are those that map exactly onto the 16x16 maps, so that a teacher's cached
answers stay right; everything else belongs to the renderer.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ai8x_models.tasks.pose.data.augment import (
    flip_image,
    flip_maps,
    flip_mask,
    jitter,
    shift_image,
    shift_maps,
    shift_mask,
)
from ai8x_models.tasks.pose.data.cache import TEACHER_SCALE, PoseCache, build_cache, import_coco
from ai8x_models.tasks.pose.data.targets import draw_targets
from ai8x_models.tasks.pose.figures.figures import PRESETS
from ai8x_models.training.logs import Console, Progress
from ai8x_models.training.recipe import IMPORTED, AugmentPlan
from max78000.apps.pose.skeleton import MAP_SIZE, N_HEATMAPS, N_PAF
from max78000.errors import InputError

Uint8s = NDArray[np.uint8]
FEW_IMAGES = 200  # starting processes costs more than drawing so many


@dataclass(frozen=True, slots=True)
class Maps:
    """Heatmaps (N, 19, 16, 16) and part-affinity maps (N, 38, 16, 16), float32."""

    heat: Tensor
    paf: Tensor


@dataclass(frozen=True, slots=True)
class Batch:
    """What one step sees."""

    images: Tensor  # (N, 3, 128, 128) float32 in [-1, 127/128], channels last
    truth: Maps
    mask: Tensor  # (N, 1, 16, 16) float32, 1 = count, 0 = ignore
    teacher: Maps | None


@dataclass(frozen=True, slots=True)
class DataSource:
    """Which rendered images, and the folder that keeps their cache."""

    folder: Path
    preset: str
    split: str
    count: int

    @property
    def path(self) -> Path:
        """Cache file."""
        return self.folder / f"{self.preset}-{self.split}-{self.count}.h5"


def open_data(source: DataSource, console: Console) -> tuple[Path, PoseCache]:
    """Open a cache, rendering it first if it is not there yet, on all cores.

    Raises:
        InputError: there is no such preset or split, pictures were not imported, or the file is
            damaged or something else.
    """
    path, preset = source.path, PRESETS.get(source.preset)
    if preset is None and source.preset != IMPORTED:
        known = ", ".join((*PRESETS, IMPORTED))
        raise InputError(f"there is no preset {source.preset!r}", fix=f"one of {known}")
    if preset is None and not path.exists():
        fix = "ai8x data --images FOLDER --annotations FILE"
        raise InputError("has not been imported", where=str(path), fix=fix)
    if preset is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        workers = (os.cpu_count() or 1) if source.count > FEW_IMAGES else 1
        with console.progress(f"rendering {path}") as progress:
            build_cache(path, preset, source.split, source.count, workers, progress)
    return path, PoseCache.open(path)


def import_data(
    images: Path, annotations: Path, folder: Path, split: str, console: Console
) -> tuple[Path, PoseCache]:
    """Bring a folder of pictures with COCO annotations into a cache named after their number.

    Raises:
        InputError: the annotations or a picture are missing or malformed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    unnamed = folder / f"{IMPORTED}-{split}.part"
    try:
        with console.progress(f"importing {images}") as progress:
            import_coco(images, annotations, unnamed, split, progress)
        cache = PoseCache.open(unnamed)
        path = DataSource(folder, IMPORTED, split, cache.count).path
        unnamed.replace(path)
    finally:
        unnamed.unlink(missing_ok=True)
    return path, cache


def normalize(images: Uint8s) -> Tensor:
    """Turn pictures (N, 128, 128, 3) into network input (N, 3, 128, 128), channels last.

    The device sees the byte minus 128 as a signed number whose 1.0 is 128.
    """
    scaled = (images.astype(np.float32) - 128) / 128
    return torch.from_numpy(scaled).permute(0, 3, 1, 2)


@dataclass(frozen=True, slots=True)
class TrainingSet:
    """Images, targets and, if there is a teacher, its answers; compact types, all in memory."""

    images: Uint8s  # (N, 128, 128, 3)
    heat: NDArray[np.float16]  # (N, 19, 16, 16)
    paf: NDArray[np.float16]  # (N, 38, 16, 16)
    loss_mask: Uint8s  # (N, 16, 16), 255 = count
    teacher: tuple[NDArray[np.int8], NDArray[np.int8]] | None = None

    @classmethod
    def from_cache(
        cls,
        cache: PoseCache,
        teacher: tuple[NDArray[np.int8], NDArray[np.int8]] | None,
        progress: Progress,
    ) -> Self:
        """Draw the targets of every image; about 2 ms each."""
        heat = np.empty((cache.count, N_HEATMAPS, MAP_SIZE, MAP_SIZE), np.float16)
        paf = np.empty((cache.count, N_PAF, MAP_SIZE, MAP_SIZE), np.float16)
        for index in range(cache.count):
            people = cache.people(index)
            heat[index], paf[index] = draw_targets(people.keypoints[people.iscrowd == 0])
            progress(index + 1, cache.count)
        return cls(cache.images, heat, paf, cache.loss_mask, teacher)

    def batches(
        self, size: int, seed: int, epoch: int, augment: AugmentPlan | None
    ) -> Iterator[Batch]:
        """Yield the batches of one epoch; without `augment` in order and unchanged."""
        rng = np.random.default_rng((seed, epoch))
        order = rng.permutation(len(self.images)) if augment else np.arange(len(self.images))
        # Training wants equal batches (batch norm); a measurement wants every image.
        stop = len(order) - len(order) % size if augment else len(order)
        for start in range(0, stop, size):
            picked = self._pick(order[start : start + size])
            yield (_augmented(picked, augment, rng) if augment else picked).tensors()

    def _pick(self, index: NDArray[np.intp]) -> "_Arrays":
        pairs = [(self.heat[index].astype(np.float32), self.paf[index].astype(np.float32))]
        if self.teacher is not None:
            scale = np.float32(TEACHER_SCALE)
            heat, paf = (maps[index].astype(np.float32) / scale for maps in self.teacher)
            pairs.append((heat, paf))
        return _Arrays(self.images[index], pairs, self.loss_mask[index])


@dataclass(frozen=True, slots=True)
class _Arrays:
    """A batch before it becomes tensors: images, one or two pairs of maps, masks."""

    images: Uint8s
    pairs: list[tuple[NDArray[np.float32], NDArray[np.float32]]]
    loss_mask: Uint8s

    def tensors(self) -> Batch:
        truth, *teacher = (Maps(*map(torch.from_numpy, pair)) for pair in self.pairs)
        mask = torch.from_numpy(self.loss_mask.astype(np.float32) / 255)[:, None]
        return Batch(normalize(self.images), truth, mask, teacher[0] if teacher else None)


def _augmented(batch: _Arrays, plan: AugmentPlan, rng: np.random.Generator) -> _Arrays:
    """Mirror half of the images, shift each by whole cells, vary the exposure; in place."""
    n = len(batch.images)
    if plan.flip:
        _flip(batch, np.flatnonzero(rng.random(n) < 0.5))
    shifts = rng.integers(-plan.shift_cells, plan.shift_cells, (n, 2), endpoint=True)
    for index, (right, down) in enumerate(shifts.tolist()):
        if right or down:
            _shift(batch, index, right, down)
    if plan.jitter:
        for index in range(n):
            batch.images[index] = jitter(rng, batch.images[index])
    return batch


def _flip(batch: _Arrays, index: NDArray[np.intp]) -> None:
    batch.images[index] = flip_image(batch.images[index])
    batch.loss_mask[index] = flip_mask(batch.loss_mask[index])
    for heat, paf in batch.pairs:
        heat[index], paf[index] = flip_maps(heat[index], paf[index])


def _shift(batch: _Arrays, index: int, right: int, down: int) -> None:
    batch.images[index] = shift_image(batch.images[index], right, down, padding="edge")
    batch.loss_mask[index] = shift_mask(batch.loss_mask[index], right, down)
    for heat, paf in batch.pairs:
        heat[index], paf[index] = shift_maps(heat[index], paf[index], right, down)
