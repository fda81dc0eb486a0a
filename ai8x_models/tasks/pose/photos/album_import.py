"""From a folder of pictures with COCO keypoints to an album, on several processes.

Works in pieces, which are small albums themselves: a piece that is finished stays on disk until the
whole is, so an import that was interrupted goes on where it stood.
"""

import hashlib
import io
import shutil
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from ai8x_models.tasks.pose.data.cache_coco import Listing, Picture, placed_people, uncounted
from ai8x_models.tasks.pose.photos.album import (
    LONGEST,
    MASK_STEP,
    Album,
    Entry,
    to_jpeg,
    write_album,
)
from ai8x_models.tasks.pose.photos.guard import HeldOut
from ai8x_models.tasks.pose.photos.reduced import Reduced
from ai8x_models.training.progress import Progress, no_progress
from ai8x_models.training.workers import done_by_processes
from max78000.apps.pose.picture import read_picture
from max78000.errors import InputError
from max78000.files import make_folder

_PER_PIECE = 128
_VALIDATION_SHARE = 10  # one picture of so many, by a hash of its name


@dataclass(frozen=True, slots=True)
class Source:
    """Pictures, and what becomes of them.

    Args:
        folder: with the pictures.
        held_out: pictures that are left out.
        make: the entries of a picture, `whole` or `cutouts.cut`; processes are sent it.
        made_of: seal of the album of the same pictures, which the new file names.
    """

    folder: Path
    held_out: HeldOut
    make: Callable[[Image.Image, Picture], Iterator[Entry]]
    made_of: str = ""

    @property
    def stamp(self) -> str:
        """Equal for equal sources."""
        return repr((self.make.__qualname__, self.folder.resolve(), self.held_out.names))


def is_kept_out(file_name: str) -> bool:
    """True for the tenth of the pictures that validates; a function of the name alone."""
    digest = hashlib.sha256(Path(file_name).name.encode()).digest()
    return int.from_bytes(digest[:8], "big") % _VALIDATION_SHARE == 0


def import_album(
    source: Source, listing: Listing, path: Path, workers: int, progress: Progress = no_progress
) -> tuple[str, ...]:
    """Write the pictures of a list as an album.

    Args:
        source: where the pictures are, and what becomes of each.
        listing: their annotations.
        path: of the album.
        workers: processes.
        progress: called after every piece.

    Returns:
        Names of the pictures of which nothing became; if that are all, there is no new file.

    Raises:
        InputError: a picture or an annotation is missing or malformed.
    """
    pictures, n = listing.pictures, len(listing.pictures)
    stamp = hashlib.sha256(repr((source.stamp, pictures)).encode()).hexdigest()
    parts = path.with_name(f"{path.name}.{stamp[:12]}.parts")
    make_folder(parts)
    work = [
        _Piece(source, pictures[start : start + _PER_PIECE], parts / f"{start:08}.h5")
        for start in range(0, n, _PER_PIECE)
    ]
    missing = [piece for piece in work if not piece.path.exists()]
    with closing(_made(missing, workers)) as made:
        for done, _ in enumerate(made, len(work) - len(missing) + 1):
            progress(min(done * _PER_PIECE, n), n)
    albums = [Album(piece.path) for piece in work]
    found = {int(one) for album in albums for one in album.source_ids}
    entries = (album.entry(index) for album in albums for index in range(len(album)))
    if found:
        write_album(path, entries, source.made_of)
    shutil.rmtree(parts)
    return tuple(one.file_name for one in pictures if one.source_id not in found)


def nothing_left(annotations: Path) -> InputError:
    """Why a list of nothing but held-out pictures is refused."""
    why = "lists only pictures that networks are tested on"
    fix = "evaluate on them, with --split test, or give others"
    return InputError(why, where=str(annotations), fix=fix)


@dataclass(frozen=True, slots=True)
class _Piece:
    source: Source
    pictures: Sequence[Picture]
    path: Path

    def make(self) -> Path:
        write_album(self.path, self._entries())
        return self.path

    def _entries(self) -> Iterator[Entry]:
        source = self.source
        for picture in self.pictures:
            shown = read_picture(source.folder / picture.file_name)
            if not source.held_out.found(picture.file_name, shown):
                yield from source.make(shown, picture)


def _made(pieces: Sequence[_Piece], workers: int) -> Generator[Path]:
    if workers <= 1 or len(pieces) <= 1:
        for piece in pieces:
            yield piece.make()
        return
    with done_by_processes(_Piece.make, pieces, workers) as made:
        yield from made


def whole(shown: Image.Image, picture: Picture) -> Iterator[Entry]:
    """Make the one entry of a picture of which all is kept."""
    yield entry_of(shown, picture)


def entry_of(shown: Image.Image, picture: Picture) -> Entry:
    """Make the entry of a picture, which is open already.

    Raises:
        InputError: one of its people is malformed.
    """
    factor = min(LONGEST / max(shown.size), 1.0)
    width, height = (max(round(one * factor), 1) for one in shown.size)
    place = Reduced(*shown.size, (width, height))
    grid = place.divided(MASK_STEP)
    people = placed_people(picture, place)
    mask = uncounted(picture, grid, grid.size)
    if factor < 1:
        shown = shown.resize(place.size, Image.Resampling.BOX)
    covers = mask.getextrema() != (0, 0)
    return Entry(
        to_jpeg(shown), _png(mask) if covers else b"", place.size, people, picture.source_id
    )


def _png(mask: Image.Image) -> bytes:
    contents = io.BytesIO()
    mask.point(lambda value: 255 * (value >= 128)).convert("1").save(contents, "PNG")
    return contents.getvalue()
