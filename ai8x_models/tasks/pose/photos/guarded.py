"""Whichever preset a recipe with `test_only` trains on, none of these pictures is in it."""

from collections.abc import Iterator

from PIL import Image

from ai8x_models.tasks.pose.data.cache import PoseCache
from ai8x_models.tasks.pose.data.cache_file import read_seal
from ai8x_models.tasks.pose.data.source import DataSource
from ai8x_models.tasks.pose.photos.album import Album
from ai8x_models.tasks.pose.photos.cutouts import cutouts_path
from ai8x_models.tasks.pose.photos.examples import open_album
from ai8x_models.tasks.pose.photos.guard import check_pictures
from ai8x_models.tasks.pose.recipe import (
    BODIES_PHOTOS,
    CROPS,
    IMPORTED,
    PASTED,
    PHOTOS,
    DataPlan,
    ViewPlan,
)
from max78000.apps.pose.skeleton import IMAGE_SIZE
from max78000.errors import InputError


def check_plan(plan: DataPlan, view: ViewPlan) -> None:
    """Refuse to train on what a plan keeps for tests; pictures that are drawn are none.

    Raises:
        InputError: some of the pictures are among them, or cannot be recognised, or are missing.
    """
    if plan.preset == CROPS:
        why = "crops of people cannot be told from the pictures of test_only"
        raise InputError(why, where="data", fix="take the preset photos, or leave out test_only")
    if plan.preset == IMPORTED:
        path = DataSource(plan.folder, IMPORTED, "train", plan.train_count).path
        check_pictures(_pictures(PoseCache.open(path)), path, plan.test_only)
    if plan.preset in (PHOTOS, PASTED, BODIES_PHOTOS):
        album = open_album(plan.folder)
        check_pictures(album.reduced_pictures(), album.path, plan.test_only)
        if plan.preset != PHOTOS or view.pasted_share:
            _check_cutouts(album, plan)


def _check_cutouts(album: Album, plan: DataPlan) -> None:
    """Refuse cut-outs of other pictures than those of the album, which were looked at."""
    path = cutouts_path(plan.folder, "train")
    if path.exists() and Album(path).made_of != read_seal(album.path):
        why = f"was not cut out of the pictures of {album.path}"
        options = "".join(f" --test-only {folder}" for folder in plan.test_only)
        fix = f"import them again with --album{options}"
        raise InputError(why, where=str(path), fix=fix)


def _pictures(cache: PoseCache) -> Iterator[Image.Image]:
    """The pictures of a cache without the padding around them, but for a pixel."""
    for image, place in zip(cache.images, cache.to_source, strict=True):
        left, upper = (
            max(round(0.5 - (float(place[axis, 2]) + 0.5) / float(place[axis, axis])), 0)
            for axis in (0, 1)
        )
        box = (left, upper, IMAGE_SIZE - left, IMAGE_SIZE - upper)
        yield Image.fromarray(image).crop(box)
