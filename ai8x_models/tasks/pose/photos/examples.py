"""Views of an album as examples to train on: every epoch sees others.

A batch is a function of (album, seed, epoch, its number). Pictures are opened while a batch is
made; a thread makes the next ones while the network learns from this.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from torch import nn

from ai8x_models.tasks.pose.data.targets import draw_targets
from ai8x_models.tasks.pose.losses import Maps
from ai8x_models.tasks.pose.network_input import normalize
from ai8x_models.tasks.pose.photos.album import Album, album_path
from ai8x_models.tasks.pose.photos.camera import photographed
from ai8x_models.tasks.pose.photos.crops import subjects
from ai8x_models.tasks.pose.photos.cutouts import cutouts_path
from ai8x_models.tasks.pose.photos.paste import Cutouts, Pasted, paste
from ai8x_models.tasks.pose.photos.view import View
from ai8x_models.tasks.pose.recipe import ViewPlan
from ai8x_models.training.ahead import made_ahead
from ai8x_models.training.batches import Batch
from ai8x_models.training.logs import Console
from max78000.apps.pose.arrays import Float32s, Indexes, Uint8s
from max78000.apps.pose.skeleton import MAP_SIZE
from max78000.errors import InputError

MIN_POINTS, MIN_SIDE = 5, 40  # of people worth a view of their own: labelled points, album pixels
_WHOLE_MASK = 255
_WHOLE, _CROP, _PASTED = range(3)  # what a view shows
_N_THREADS = 1  # an album is one open file: HDF5 reads in one thread at a time


@dataclass(frozen=True, slots=True)
class Sight:
    """What a network is shown once.

    Args:
        image: (128, 128, 3).
        heat, paf: what it should answer.
        mask: (16, 16), 255 = count.
    """

    image: Uint8s
    heat: Float32s
    paf: Float32s
    mask: Uint8s


@dataclass(frozen=True, slots=True)
class PhotoExamples:
    """Views of an album.

    Args:
        album: the pictures.
        plan: how views are drawn.
        count: views of an epoch.
        cutouts: of what views are pasted together, if the plan says so.
        teacher: a network that is asked about every view; None for none.
    """

    album: Album
    plan: ViewPlan
    count: int
    cutouts: Cutouts | None = None
    teacher: nn.Module | None = None

    def __len__(self) -> int:
        return self.count

    def with_teacher(self, teacher: nn.Module, _checkpoint: Path, _console: Console) -> Self:
        """Ask a teacher about every view while training: no view is seen twice."""
        return replace(self, teacher=teacher.eval())

    def in_order(self, size: int) -> Iterator[Batch[Maps]]:
        """Yield views of an epoch that never comes up in training."""
        yield from self.shuffled(size, 0, -1, None)

    def shuffled(self, size: int, seed: int, epoch: int, _augment: Any) -> Iterator[Batch[Maps]]:
        """Yield the batches of one epoch."""
        rng = np.random.default_rng((seed, epoch + 1))
        kinds = self._kinds(rng)
        people = subjects(self.album.all_people, MIN_POINTS, MIN_SIDE)
        if not len(people):
            why = f"nobody has {MIN_POINTS} keypoints and {MIN_SIDE} pixels"
            raise InputError(why, where=str(self.album.path), fix="import other pictures")
        pictures = _dealt(np.arange(len(self.album)), self.count, rng)
        chosen = np.where(kinds == _CROP, _dealt(people, self.count, rng), pictures)
        starts = range(0, self.count - self.count % size, size)

        def sights(start: int) -> list[Sight]:
            part, own = slice(start, start + size), np.random.default_rng((seed, epoch + 1, start))
            return [
                self._sight(int(index), int(kind), own)
                for index, kind in zip(chosen[part], kinds[part], strict=True)
            ]

        yield from map(self._batch, made_ahead(sights, starts, _N_THREADS))

    def _kinds(self, rng: np.random.Generator) -> Indexes:
        """What each view of an epoch shows."""
        kinds = np.where(rng.random(self.count) < self.plan.crop_share, _CROP, _WHOLE)
        if self.plan.pasted_share:
            kinds[rng.random(self.count) < self.plan.pasted_share] = _PASTED
        return kinds

    def _sight(self, index: int, kind: int, rng: np.random.Generator) -> Sight:
        album = self.album
        if kind == _PASTED:
            assert self.cutouts is not None  # opened with the album if the plan wants some
            return pasted_sight(self.cutouts, self.plan.camera, rng)
        if kind == _CROP:
            person = index
            index = int(np.searchsorted(album.person_start, person, "right")) - 1
            usual = View.of_person(album.all_people.bbox[person])
        else:
            usual = View.of_picture(*album.sizes[index].tolist())
        view = usual.disturbed(self.plan, rng)
        return sight_of(album, index, view, self.plan.camera, rng)

    def _batch(self, sights: list[Sight]) -> Batch[Maps]:
        inputs = normalize(np.stack([one.image for one in sights]))
        heat, paf = (
            torch.from_numpy(np.stack([getattr(one, name) for one in sights]))
            for name in ("heat", "paf")
        )
        mask = np.stack([one.mask for one in sights]).astype(np.float32) / _WHOLE_MASK
        teacher = None
        if self.teacher is not None:
            with torch.no_grad():
                teacher = Maps(*(maps.float() for maps in self.teacher(inputs)))
        return Batch(inputs, Maps(heat, paf), torch.from_numpy(mask)[:, None], teacher)


def open_photos(folder: Path, plan: ViewPlan, count: int) -> PhotoExamples:
    """Open the album of a folder of data, and the cut-outs if the plan wants some.

    Raises:
        InputError: there is none, or it is damaged.
    """
    album, cutouts = open_album(folder), None
    if plan.pasted_share:
        cutouts = Cutouts.of_people(Pasted.of(cutouts_path(folder, "train")).path)
    return PhotoExamples(album, plan, count, cutouts)


def open_album(folder: Path) -> Album:
    """Open the album of a folder of data.

    Raises:
        InputError: there is none, or it is damaged.
    """
    path = album_path(folder)
    if not path.exists():
        fix = "ai8x data --images FOLDER --annotations FILE --album"
        raise InputError("has not been imported", where=str(path), fix=fix)
    return Album(path)


def pasted_sight(cutouts: Cutouts, camera: float, rng: np.random.Generator) -> Sight:
    """A picture pasted together, and what should be said of it."""
    collage = paste(cutouts, rng)
    figure = collage.figure(np.array(collage.picture.reduce(2)))
    heat, paf = draw_targets(figure.keypoints)
    return Sight(photographed(figure.image, camera, rng), heat, paf, figure.loss_mask)


def sight_of(
    album: Album, index: int, view: View, camera: float, rng: np.random.Generator
) -> Sight:
    """What a view of a picture shows, and what should be said of it."""
    people = album.people(index)
    covered = album.mask(index)
    mask = np.full((MAP_SIZE, MAP_SIZE), _WHOLE_MASK, np.uint8)
    if covered is not None:
        mask -= view.mask(covered, covered.width / int(album.sizes[index, 0]))
    heat, paf = draw_targets(view.keypoints(people.keypoints[people.iscrowd == 0]))
    image = photographed(view.image(album.picture(index)), camera, rng)
    return Sight(image, heat, paf, mask)


def _dealt(items: Indexes, count: int, rng: np.random.Generator) -> Indexes:
    """`count` of the items, each as often as any other, but for one."""
    rounds = -(-count // max(len(items), 1))
    return np.concatenate([rng.permutation(items) for _ in range(rounds)])[:count]
