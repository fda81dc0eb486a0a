"""Where the images of the pose task come from: a cache file, rendered or imported if need be."""

import os
from dataclasses import dataclass
from pathlib import Path

from ai8x_models.tasks.pose.data.cache import PoseCache, build_cache
from ai8x_models.tasks.pose.figures.preset import PRESETS
from ai8x_models.tasks.pose.recipe import CROPS, IMPORTED
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
    if preset is None and source.preset not in (IMPORTED, CROPS):
        known = ", ".join((*PRESETS, IMPORTED, CROPS))
        raise InputError(f"there is no preset {source.preset!r}", fix=f"one of {known}")
    if preset is None and not path.exists():
        option = " --crops" if source.preset == CROPS else ""
        fix = f"ai8x data --images FOLDER --annotations FILE{option}"
        raise InputError("has not been imported", where=str(path), fix=fix)
    if preset is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        workers = (os.cpu_count() or 1) if source.count > FEW_IMAGES else 1
        with console.progress(f"rendering {path}") as progress:
            build_cache(path, preset, source.split, source.count, workers, progress)
    return PoseCache.open(path)
