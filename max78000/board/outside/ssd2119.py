"""The SSD2119 of the EVKit's display, 320x240: nine bits a word, of which the highest tells data.

Of its registers those act that say where the next pixel goes; supply, gamma and timing are taken.

Source: docs/hardware/board.md#display; [MSDK] tft.c.
"""

from dataclasses import dataclass
from enum import IntEnum

from max78000.board.outside.displays import Screen

ROWS, COLUMNS = 240, 320
WORD_BITS = 9
DATA = 1 << 8
DOWN_FIRST, COLUMN_UP, ROW_UP = 1 << 3, 1 << 4, 1 << 5  # of ENTRY_MODE


class Index(IntEnum):
    """Registers that act."""

    ENTRY_MODE = 0x11
    PIXELS = 0x22
    VERTICAL = 0x44
    LEFT = 0x45
    RIGHT = 0x46
    CURSOR_X = 0x4E
    CURSOR_Y = 0x4F


@dataclass(slots=True)
class DrawWindow:
    """The rectangle that pixels fill, all edges inside it."""

    left: int = 0
    right: int = COLUMNS - 1
    top: int = 0
    bottom: int = ROWS - 1


class Ssd2119:
    """The controller.

    Args:
        screen: its pixels.
    """

    def __init__(self, screen: Screen) -> None:
        self._screen = screen
        self._register = 0
        self._high: int | None = None  # first byte of a value
        self._window = DrawWindow()
        self._row = self._column = 0
        self._mode = COLUMN_UP | ROW_UP

    def select(self) -> None:
        """Its select line becomes active."""

    def deselect(self) -> None:
        """Its select line becomes inactive."""

    def transfer(self, words: tuple[int, ...], n_bits: int) -> tuple[int, ...]:
        """Take words; it never answers. Words of another size are noise."""
        if n_bits == WORD_BITS:
            for word in words:
                self._take(word)
        return (0,) * len(words)

    def _take(self, word: int) -> None:
        if not word & DATA:
            self._register, self._high = word & 0xFF, None
        elif self._high is None:
            self._high = word & 0xFF
        else:
            value, self._high = self._high << 8 | word & 0xFF, None
            if self._register == Index.PIXELS:
                self._screen.put(self._row, self._column, value)
                self._advance()
            else:
                self._set(value)

    def _set(self, value: int) -> None:
        window = self._window
        match self._register:
            case Index.ENTRY_MODE:
                self._mode = value
            case Index.VERTICAL:
                window.bottom, window.top = value >> 8, value & 0xFF
            case Index.LEFT:
                window.left = value & 0x1FF
            case Index.RIGHT:
                window.right = value & 0x1FF
            case Index.CURSOR_X:
                self._column = value & 0x1FF
            case Index.CURSOR_Y:
                self._row = value & 0xFF

    def _advance(self) -> None:
        """To the next pixel, inside the window, in the order of the entry mode."""
        window, mode = self._window, self._mode
        column_step, row_step = (1 if mode & bit else -1 for bit in (COLUMN_UP, ROW_UP))
        if mode & DOWN_FIRST:
            self._row, is_over = _step(self._row, row_step, window.top, window.bottom)
            if is_over:
                self._column, _ = _step(self._column, column_step, window.left, window.right)
        else:
            self._column, is_over = _step(self._column, column_step, window.left, window.right)
            if is_over:
                self._row, _ = _step(self._row, row_step, window.top, window.bottom)


def _step(place: int, step: int, first: int, last: int) -> tuple[int, bool]:
    """The next place between two edges, and whether it came round."""
    place += step
    if place > last:
        return first, True
    return (last, True) if place < first else (place, False)
