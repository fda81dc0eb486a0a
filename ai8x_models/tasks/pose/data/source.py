"""Where the images of the pose task come from: a cache file, rendered or imported if need be."""

import os
from dataclasses import dataclass
from pathlib import Path

from ai8x_models.tasks.pose.bodies.render import Bodies
from ai8x_models.tasks.pose.data.cache import PoseCache, build_cache
from ai8x_models.tasks.pose.figures.figures import Renderer, StickFigures
from ai8x_models.tasks.pose.figures.preset import PRESETS
from ai8x_models.tasks.pose.photos.cutouts import cutouts_path
from ai8x_models.tasks.pose.photos.paste import Pasted
from ai8x_models.tasks.pose.recipe import BODIES, BODIES_PHOTOS, CROPS, IMPORTED, PASTED
from ai8x_models.training.logs import Console
from max78000.errors import InputError
from max78000.files import make_folder

FEW_IMAGES = 200  # starting processes costs more than drawing so many


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


def open_data(source: DataSource, console: Console) -> PoseCache:
    """Open a cache, rendering it first if it is not there yet, on all cores.

    Raises:
        InputError: there is no such preset or split, pictures were not imported, or the file is
            damaged or something else.
    """
    path, renderer = source.path, _renderer(source)
    if renderer is None and not path.exists():
        option = " --crops" if source.preset == CROPS else ""
        fix = f"ai8x data --images FOLDER --annotations FILE{option}"
        raise InputError("has not been imported", where=str(path), fix=fix)
    if renderer is not None:
        make_folder(path.parent)
        workers = (os.cpu_count() or 1) if source.count > FEW_IMAGES else 1
        with console.progress(f"rendering {path}") as progress:
            build_cache(path, renderer, source.split, source.count, workers, progress)
    return PoseCache.open(path)


def needs_drawing(source: DataSource) -> bool:
    """Whether `open_data` has images to draw, which takes minutes.

    Raises:
        InputError: as `open_data`, of a preset.
    """
    return _renderer(source) is not None and not source.path.exists()


def _renderer(source: DataSource) -> Renderer | None:
    """What draws the images of a preset; None if they were imported.

    Raises:
        InputError: there is no such preset, or what it is drawn from is missing.
    """
    if source.preset in PRESETS:
        return StickFigures(PRESETS[source.preset])
    if source.preset == BODIES:
        return Bodies.of(source.folder)
    if source.preset == BODIES_PHOTOS:
        return Bodies.of(source.folder, _cutouts(source).path)
    if source.preset == PASTED:
        return _cutouts(source)
    if source.preset in (IMPORTED, CROPS):
        return None
    known = ", ".join((*PRESETS, BODIES, BODIES_PHOTOS, PASTED, IMPORTED, CROPS))
    raise InputError(f"there is no preset {source.preset!r}", fix=f"one of {known}")


def _cutouts(source: DataSource) -> Pasted:
    """The people and grounds of a split.

    Raises:
        InputError: there are none, or never are any of this split.
    """
    if source.split == "test":
        why = f"preset {source.preset} has no split test: networks are tested on whole photographs"
        raise InputError(why, fix="choose the split validation, or another preset")
    return Pasted.of(cutouts_path(source.folder, source.split))
