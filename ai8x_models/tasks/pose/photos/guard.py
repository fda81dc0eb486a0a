"""Keeps pictures that networks are tested on out of what they are trained on.

A picture is known by its name and by how it looks: whether each of 16x16 patches is brighter than
its left neighbour (a difference hash). Copies that were scaled, compressed again or trimmed a
little, and their mirror images, still look alike. `held_out.json` lists the pictures behind the
published scores; a folder of further ones can be added.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from max78000.apps.pose.arrays import Bools
from max78000.apps.pose.picture import read_picture
from max78000.errors import InputError

_PATCHES = 16  # in either direction
N_BITS = _PATCHES * _PATCHES
# Different photographs differ in 52 of the 256 bits or more (3,604 against 30, mirrored too);
# copies at a third of the size with JPEG quality 40 in 23 or fewer.
NEAR_BITS = 40
_LIST = "held_out.json"
_N_SHOWN = 5


@dataclass(frozen=True, slots=True)
class HeldOut:
    """Pictures that must not be trained on.

    Args:
        names: of their files, without what stands behind the dot.
        looks: (n, 256), as `look_of` gives them.
    """

    names: tuple[str, ...]
    looks: Bools

    @classmethod
    def published(cls, *folders: Path) -> "HeldOut":
        """Take those behind the published scores, and all pictures of further folders.

        Raises:
            InputError: a folder is missing, or something in it is no picture.
        """
        listed = json.loads(files(__package__).joinpath(_LIST).read_text(encoding="utf-8"))
        names = [str(one["name"]) for one in listed]
        looks = [_from_hex(one["look"]) for one in listed]
        for path in _pictures_of(folders):
            names.append(path.stem)
            looks.append(look_of(read_picture(path)))
        return cls(tuple(names), np.array(looks, np.bool_).reshape(-1, N_BITS))

    def found(self, name: str, picture: Image.Image) -> str:
        """Name the held-out picture that this one, or its mirror image, is; empty for none."""
        if Path(name).stem in self.names:
            return Path(name).stem
        looks = (look_of(picture), look_of(ImageOps.mirror(picture)))
        nearest = np.minimum(*(np.count_nonzero(self.looks != one, axis=1) for one in looks))
        near = np.flatnonzero(nearest <= NEAR_BITS)
        return self.names[int(near[0])] if len(near) else ""


def check_pictures(pictures: Iterable[Image.Image], where: Path, folders: Sequence[Path]) -> None:
    """Refuse what was imported before some folders were held out.

    Args:
        pictures: all that are to be trained on, whole.
        where: their file.
        folders: what must not be among them, besides the pictures behind the published scores.

    Raises:
        InputError: some are; it names the held-out ones. Or a folder is missing.
    """
    held_out = HeldOut.published(*folders)
    found = sorted({held_out.found("", picture) for picture in pictures} - {""})
    if found:
        shown = ", ".join(found[:_N_SHOWN]) + (", ..." if len(found) > _N_SHOWN else "")
        why = f"holds pictures that networks are tested on: {shown} ({len(found)})"
        options = "".join(f" --test-only {folder}" for folder in folders)
        raise InputError(why, where=str(where), fix=f"import them again with{options}")


def look_of(picture: Image.Image) -> Bools:
    """How a picture looks, (256,); row by row, True where it gets brighter to the right."""
    small = picture.convert("L").resize((_PATCHES + 1, _PATCHES), Image.Resampling.BOX)
    grey = np.asarray(small, np.int16)
    brighter: Bools = (grey[:, 1:] > grey[:, :-1]).ravel()
    return brighter


def list_of(paths: Iterable[Path]) -> str:
    """Text of a list such as `held_out.json`, from picture files."""
    entries = [
        {"name": path.stem, "look": np.packbits(look_of(read_picture(path))).tobytes().hex()}
        for path in paths
    ]
    return json.dumps(entries, indent=1) + "\n"


def _from_hex(text: str) -> Bools:
    return np.unpackbits(np.frombuffer(bytes.fromhex(text), np.uint8)).astype(np.bool_)


def _pictures_of(folders: Iterable[Path]) -> Iterable[Path]:
    for folder in folders:
        if not folder.is_dir():
            raise InputError("is no folder", where=str(folder), fix="give one with the pictures")
        yield from sorted(path for path in folder.iterdir() if path.is_file())
