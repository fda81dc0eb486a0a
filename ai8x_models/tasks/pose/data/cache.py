"""The pose data set: builds cache files of rendered people, and reads them.

`build_cache` renders a split; `photos/imported.py` makes files of a user's own pictures.
`PoseCache.open` reads either whole into memory. A teacher's maps go into the same file. Targets are
not stored: drawing them costs less than it saves. The layout is in `cache_file`, nothing here
trains.
"""

import math
from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ai8x_models.tasks.pose.data.cache_file import (
    Header,
    Record,
    check_shapes,
    read_header,
    reading,
    replacing,
    write_cache,
)
from ai8x_models.tasks.pose.data.people import PEOPLE_FIELDS, People
from ai8x_models.tasks.pose.figures.figures import SPLIT_BASE, Renderer
from ai8x_models.training.progress import Progress, no_progress
from ai8x_models.training.workers import done_by_processes
from max78000.apps.pose.arrays import Float32s, Int8s, Int32s, Int64s, Uint8s
from max78000.apps.pose.skeleton import MAP_SIZE, N_HEATMAPS, N_PAF
from max78000.errors import InputError

TEACHER_SCALE = 127  # stored integer = value * 127
TeacherMaps = tuple[Int8s, Int8s]  # heat, paf
_FIGURES_PER_TASK = 8
_IDENTITY = np.eye(2, 3, dtype=np.float32)


@dataclass(frozen=True, slots=True)
class PoseCache:
    """A whole cache file in memory, its arrays read-only.

    `images` uint8 (N, 128, 128, 3) RGB; `loss_mask` uint8 (N, 16, 16), 255 = count; people of
    image i are rows person_start[i]..person_start[i + 1] of `all_people`; `source_id` int64 (N,);
    `to_source` float32 (N, 2, 3), from image pixels to pixels of the source picture.
    """

    header: Header
    images: Uint8s
    loss_mask: Uint8s
    person_start: Int32s
    all_people: People
    source_id: Int64s
    to_source: Float32s

    @classmethod
    def open(cls, path: str | Path) -> "PoseCache":
        """Read a file into memory.

        Raises:
            InputError: there is no such file, it is truncated, or it is no pose cache.
        """
        path = Path(path)
        names = ("images", "loss_mask", "person_start", *PEOPLE_FIELDS, "source_id", "to_source")
        with reading(path) as file:
            header = read_header(file, path)
            check_shapes(file, header, path)
            arrays = {name: file[name][:] for name in names}
        for array in arrays.values():
            array.flags.writeable = False
        people = People(**{name: arrays.pop(name) for name in PEOPLE_FIELDS})
        return cls(header=header, all_people=people, **arrays)

    @property
    def preset(self) -> str:
        """Name of what drew the images, or `coco`."""
        return self.header.preset

    @property
    def split(self) -> str:
        """Name of the split: train, validation, test, or the one given at import."""
        return self.header.split

    @property
    def count(self) -> int:
        """Number of images N."""
        return self.header.count

    def people(self, index: int) -> People:
        """Select the labelled people of image `index`."""
        rows = slice(self.person_start[index], self.person_start[index + 1])
        return People(**{name: getattr(self.all_people, name)[rows] for name in PEOPLE_FIELDS})


def build_cache(
    path: str | Path,
    renderer: Renderer,
    split: str,
    count: int,
    workers: int = 1,
    progress: Progress | None = None,
) -> Path:
    """Render `count` images of a split into a cache file, on `workers` processes.

    A finished file with the same name, split, count and generator is kept as it is, teacher maps
    included; one with others is replaced. The contents do not depend on the number of workers.

    Raises:
        InputError: unknown split, a count below 1, or `path` is a file that is no pose cache.
    """
    path = Path(path)
    if split not in SPLIT_BASE:
        raise InputError(f"unknown split {split!r}", fix=f"one of {', '.join(SPLIT_BASE)}")
    if count < 1:
        raise InputError(f"a cache of {count} images", where=str(path), fix="ask for at least one")
    header = Header(renderer.name, split, count, renderer.generator)
    if path.exists():
        with reading(path) as file:
            if read_header(file, path) == header:
                return path
    with closing(_rendered(renderer, SPLIT_BASE[split], count, workers)) as records:
        write_cache(path, header, records, progress or no_progress)
    return path


def write_teacher(
    path: str | Path,
    name: str,
    heat: Int8s,
    paf: Int8s,
    checkpoint_hash: str,
    validation_ap: float = math.nan,
) -> None:
    """Store a teacher's maps (q / 127) in a cache file, in place of older ones of that name.

    Raises:
        InputError: the maps do not have the file's number of images, or are not int8.
    """
    path = Path(path)
    with reading(path) as file:
        count = read_header(file, path).count
    for maps, channels, what in ((heat, N_HEATMAPS, "heat"), (paf, N_PAF, "paf")):
        expected = (count, channels, MAP_SIZE, MAP_SIZE)
        if maps.shape != expected or maps.dtype != np.int8:
            found = f"{maps.dtype} {maps.shape} instead of int8 {expected}"
            raise InputError(f"{what} maps are {found}", where=f"{path} teacher/{name}")
    with replacing(path, keep_contents=True) as file:
        teachers = file.require_group("teacher")
        if name in teachers:
            del teachers[name]
        group = teachers.create_group(name)
        group["heat"], group["paf"] = heat, paf
        group.attrs["checkpoint_hash"] = checkpoint_hash
        group.attrs["validation_ap"] = validation_ap
        group.attrs["scale"] = TEACHER_SCALE
        group.attrs["created_by"] = "ai8x pose cache"


def read_teacher(path: str | Path, name: str, checkpoint_hash: str) -> TeacherMaps | None:
    """Read a teacher's maps, heat (N, 19, 16, 16) and paf (N, 38, 16, 16), int8; value = q / 127.

    Returns:
        None if the cache holds no maps of that name.

    Raises:
        InputError: it does, but they come from another checkpoint or of another number of images.
    """
    path = Path(path)
    where = f"{path} teacher/{name}"
    fix = "build the cache again, or run this teacher over it once more"
    with reading(path) as file:
        count = read_header(file, path).count
        if f"teacher/{name}" not in file:
            return None
        group = file[f"teacher/{name}"]
        found = str(group.attrs["checkpoint_hash"])
        heat, paf = group["heat"][:], group["paf"][:]
    if found != checkpoint_hash:
        why = f"maps of checkpoint {found[:12]}, not of {checkpoint_hash[:12]}"
        raise InputError(why, where=where, fix=fix)
    if len(heat) != count or len(paf) != count:
        why = f"maps of {len(heat)} and {len(paf)} images in a cache of {count}"
        raise InputError(why, where=where, fix=fix)
    return heat, paf


def _rendered(renderer: Renderer, base: int, count: int, workers: int) -> Generator[Record]:
    seeds = range(base, base + count)
    if workers <= 1:
        for seed in seeds:
            yield Record(renderer.render(seed), seed, _IDENTITY)
        return
    with done_by_processes(renderer.render, seeds, workers, _FIGURES_PER_TASK) as figures:
        for seed, figure in zip(seeds, figures, strict=True):
            yield Record(figure, seed, _IDENTITY)
