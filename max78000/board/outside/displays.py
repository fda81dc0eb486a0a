"""What a display shows: pixels that arrive one by one, and pictures of it when it comes to rest."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from max78000.board.timeline import Event, Timeline
from max78000.files import make_folder, write_whole
from max78000.program.pillow import load_pillow

Pixels: TypeAlias = NDArray[np.uint8]  # (H, W, 3)
OnPicture: TypeAlias = Callable[[Pixels, int], None]  # pixels, and the time in ns
REST_NS = 50_000_000  # without a new pixel for so long, the picture is finished


class Screen:
    """The pixels of a display.

    Args:
        rows: of the panel; `columns` likewise.
        timeline: tells when the display has come to rest.
        on_picture: called with each picture, at rest.
    """

    def __init__(self, rows: int, columns: int, timeline: Timeline, on_picture: OnPicture) -> None:
        self.pixels: Pixels = np.zeros((rows, columns, 3), np.uint8)
        self._timeline = timeline
        self._on_picture = on_picture
        self._rest: Event | None = None
        self._changed_ns = 0

    def put(self, row: int, column: int, rgb565: int) -> None:
        """Set a pixel; one that lies outside is lost."""
        rows, columns = self.pixels.shape[:2]
        if 0 <= row < rows and 0 <= column < columns:
            self.pixels[row, column] = (
                rgb565 >> 8 & 0xF8 | rgb565 >> 13,
                rgb565 >> 3 & 0xFC | rgb565 >> 9 & 3,
                rgb565 << 3 & 0xF8 | rgb565 >> 2 & 7,
            )
        self._changed_ns = self._timeline.now_ns
        if self._rest is None:
            self._await_rest()

    def show(self) -> None:
        """Hand over what is not shown yet."""
        if self._rest is not None:
            self._rest.cancel()
            self._rest = None
            self._on_picture(self.pixels.copy(), self._changed_ns)

    def _await_rest(self) -> None:
        time_ns = self._changed_ns + REST_NS
        self._rest = self._timeline.at(time_ns, self._on_time, is_alarm=False)

    def _on_time(self) -> None:
        if self._timeline.now_ns - self._changed_ns < REST_NS:
            self._await_rest()
        else:
            self.show()


class PictureFolder:
    """Writes pictures as numbered PNG files."""

    def __init__(self, folder: Path) -> None:
        self.n_written = 0
        self._folder = folder

    def __call__(self, pixels: Pixels, time_ns: int) -> None:
        """Write a picture; its time is part of the name.

        Raises:
            InputError: the folder cannot be written to.
            UnsupportedError: Pillow is not installed.
        """
        image_of = load_pillow()
        self.n_written += 1
        name = f"screen-{self.n_written:03}-{time_ns // 1_000_000:06}ms.png"
        picture = io.BytesIO()
        image_of.fromarray(pixels).save(picture, "PNG")
        make_folder(self._folder)
        write_whole(self._folder / name, picture.getvalue())
