"""Finds people in picture files: reads, runs the maps' source, decodes, draws, writes.

The model is a function from pictures to maps, as in `evaluate.py`; what it runs on is not known
here. Pictures that cannot be used become problems in the report, the others are done all the same.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from ai8x_models.tasks.pose.decoder import decode
from ai8x_models.training.progress import Progress
from max78000.apps.pose.arrays import Array, MapPair, Uint8s
from max78000.apps.pose.draw import draw_people
from max78000.apps.pose.letterbox import letterbox
from max78000.apps.pose.person import Person
from max78000.apps.pose.picture import read_picture, write_picture
from max78000.errors import InputError, ToolError
from max78000.files import write_whole

ModelMaps = Callable[[Uint8s], MapPair]  # (1, 128, 128, 3) -> (1, 19|38, 16, 16)
Decode = Callable[[Array, Array], list[Person]]

KEYPOINTS_FILE = "keypoints.json"
DRAWING_SUFFIX = "-pose"
FORMAT_NAME, FORMAT_VERSION = "pose keypoints", 1


@dataclass(frozen=True, slots=True)
class PicturePose:
    """People of one picture.

    Args:
        source: the picture.
        drawing: where the skeletons were drawn.
        size: width and height as shown, in pixels: after the camera's rotation mark.
        people: best first; coordinates in pixels of the picture as shown.
    """

    source: Path
    drawing: Path
    size: tuple[int, int]
    people: tuple[Person, ...]

    def to_json(self) -> dict[str, object]:
        """Give what `json.dumps` takes; absent parts are left out."""
        return {
            "file": str(self.source),
            "drawing": self.drawing.name,
            "width": self.size[0],
            "height": self.size[1],
            "people": [person.to_json() for person in self.people],
        }


@dataclass(frozen=True, slots=True)
class Predictions:
    """What became of all pictures: those done, in order, and what was wrong with the others."""

    pictures: tuple[PicturePose, ...]
    problems: tuple[ToolError, ...]


def predict_pictures(
    paths: Sequence[Path],
    model_maps: ModelMaps,
    out_dir: Path,
    decoder: Decode = decode,
    progress: Progress | None = None,
) -> Predictions:
    """Write `NAME-pose.png` for every picture and one `keypoints.json` into a folder.

    Earlier results are replaced; a picture given is never overwritten. Files appear when complete,
    and nothing does if no picture can be used.

    Args:
        paths: pictures.
        model_maps: gives the maps of one picture, letterboxed, uint8 (1, 128, 128, 3).
        out_dir: made for the first picture that can be used, if it does not exist.
        decoder: from one picture's maps to people; for integer maps
            `partial(decode_integer, one=...)`.
        progress: called after each picture.

    Raises:
        InputError: no pictures were given, or the folder cannot be written.
    """
    if not paths:
        raise InputError("no pictures given", fix="name at least one JPEG or PNG file")
    drawings = _drawing_paths(paths, out_dir)
    done: list[PicturePose] = []
    problems: list[ToolError] = []
    for n_done, (path, drawing) in enumerate(zip(paths, drawings, strict=True), start=1):
        try:
            picture = read_picture(path)
        except InputError as problem:
            problems.append(problem)
        else:
            people = find_people(picture, model_maps, decoder)
            _make_folder(out_dir)
            write_picture(draw_people(picture, [person.parts for person in people]), drawing)
            done.append(PicturePose(path, drawing, picture.size, people))
        if progress:
            progress(n_done, len(paths))
    if done:
        _write_keypoints(done, out_dir / KEYPOINTS_FILE)
    return Predictions(tuple(done), tuple(problems))


def find_people(
    picture: Image.Image, model_maps: ModelMaps, decoder: Decode = decode
) -> tuple[Person, ...]:
    """Find the people of one RGB picture, in its pixels, best first."""
    image, box = letterbox(picture)
    heat, paf = model_maps(image[None])
    return tuple(person.in_source(box) for person in decoder(heat[0], paf[0]))


def _drawing_paths(paths: Sequence[Path], out_dir: Path) -> list[Path]:
    """Names that differ from each other and from every picture given; a number is added if not."""
    taken = {path.resolve() for path in paths}
    drawings = []
    for path in paths:
        drawing = out_dir / f"{path.stem}{DRAWING_SUFFIX}.png"
        number = 1
        while drawing.resolve() in taken:
            number += 1
            drawing = out_dir / f"{path.stem}-{number}{DRAWING_SUFFIX}.png"
        taken.add(drawing.resolve())
        drawings.append(drawing)
    return drawings


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot be a folder: {error.strerror}", where=str(folder)) from error


def _write_keypoints(pictures: Sequence[PicturePose], path: Path) -> None:
    content = {
        "format": FORMAT_NAME,
        "version": FORMAT_VERSION,
        "keypoint": ["x", "y", "score"],
        "pictures": [picture.to_json() for picture in pictures],
    }
    write_whole(path, f"{json.dumps(content, indent=1)}\n".encode())
