"""What the camera sees: pictures from files, one after the other, and how they fill its window."""

from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from max78000.errors import InputError
from max78000.files import DAMAGED, load_npy
from max78000.program.pillow import load_pillow, open_picture

Picture: TypeAlias = NDArray[np.uint8]  # (H, W, 3), red first
SUFFIX_OF_ARRAYS = ".npy"
FIX = "give a picture, a folder of them, an animated picture, or uint8 (N, H, W, 3) in a .npy file"


class Scene:
    """Pictures in front of the camera: each frame shows the next one, the last one stays.

    Args:
        pictures: at least one.
    """

    def __init__(self, pictures: tuple[Picture, ...]) -> None:
        self._pictures = pictures
        self.n_seen = 0  # frames so far

    def look(self) -> Picture:
        """The picture of the next frame."""
        picture = self._pictures[min(self.n_seen, len(self._pictures) - 1)]
        self.n_seen += 1
        return picture


def read_scene(path: Path) -> Scene:
    """Read a picture, an animated one, a folder of pictures in order of names, or an array.

    Raises:
        InputError: it cannot be read, or there is no picture in it.
        UnsupportedError: Pillow is not installed.
    """
    if path.is_dir():
        files = sorted(file for file in path.iterdir() if not file.name.startswith("."))
        pictures = tuple(picture for file in files for picture in _read(file))
    else:
        pictures = _read(path)
    if not pictures:
        raise InputError("holds no picture", where=str(path), fix=FIX)
    return Scene(pictures)


def fill(picture: Picture, rows: int, columns: int) -> Picture:
    """Bring a picture to a size: cut in the middle to the shape, then scaled; (rows, columns, 3).

    A picture that has the size already comes back as it is.
    """
    height, width = picture.shape[:2]
    cut_height = min(height, max(1, round(width * rows / columns)))
    cut_width = min(width, max(1, round(height * columns / rows)))
    top, left = (height - cut_height) // 2, (width - cut_width) // 2
    cut = picture[top : top + cut_height, left : left + cut_width]
    if cut.shape[:2] == (rows, columns):
        return cut
    image = load_pillow().fromarray(np.ascontiguousarray(cut))
    return np.asarray(image.resize((columns, rows)))


def _read(path: Path) -> tuple[Picture, ...]:
    if path.suffix == SUFFIX_OF_ARRAYS:
        return _read_array(path)
    image_of = load_pillow()
    try:
        with open_picture(path) as image:
            pictures = []
            for index in range(getattr(image, "n_frames", 1)):
                image.seek(index)
                pictures.append(np.asarray(image.convert("RGB")))
    except (OSError, image_of.DecompressionBombError, *DAMAGED) as error:
        raise InputError(f"cannot be read: {error}", where=str(path), fix=FIX) from None
    return tuple(pictures)


def _read_array(path: Path) -> tuple[Picture, ...]:
    try:
        array = load_npy(path)
    except (OSError, ValueError) as error:
        raise InputError(f"cannot be read: {error}", where=str(path)) from None
    pictures = array[None] if array.ndim == 3 else array
    if array.dtype != np.uint8 or pictures.ndim != 4 or pictures.shape[3] != 3 or not pictures.size:
        why = f"holds {array.dtype} {array.shape}"
        raise InputError(why, where=str(path), fix=FIX)
    return tuple(pictures)
