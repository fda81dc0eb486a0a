"""Where the images of the pose task come from: a cache file, rendered or imported if need be."""

import os
from dataclasses import dataclass
from pathlib import Path

from ai8x_models.tasks.pose.data.cache import PoseCache, build_cache, import_coco
from ai8x_models.tasks.pose.figures.preset import PRESETS
from ai8x_models.tasks.pose.recipe import IMPORTED
from ai8x_models.training.logs import Console
from max78000.errors import InputError

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
    return PoseCache.open(path)


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
