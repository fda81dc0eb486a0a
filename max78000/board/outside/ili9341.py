"""The ILI9341 of the Feather board's display wing, 240x320: eight bits, and a pin that tells data.

Of its commands those act that say where the next pixel goes and how the panel is turned.

Source: docs/hardware/board.md#display; [MSDK] tft_fthr.c.
"""

from collections.abc import Callable

from max78000.board.outside.displays import Screen

ROWS, COLUMNS = 320, 240
WORD_BITS = 8
SET_COLUMNS, SET_ROWS, PIXELS, TURN = 0x2A, 0x2B, 0x2C, 0x36
ROWS_UP, COLUMNS_UP, EXCHANGE = 1 << 7, 1 << 6, 1 << 5  # TURN


class Ili9341:
    """The controller.

    Args:
        screen: its pixels.
        is_data: level of the pin that tells data from commands.
    """

    def __init__(self, screen: Screen, is_data: Callable[[], bool]) -> None:
        self._screen = screen
        self._is_data = is_data
        self._command = 0
        self._data = bytearray()
        self._columns = [0, COLUMNS - 1]  # first and last of the window
        self._rows = [0, ROWS - 1]
        self._column = self._row = 0
        self._turn = 0

    def select(self) -> None:
        """Its select line becomes active."""

    def deselect(self) -> None:
        """Its select line becomes inactive."""

    def transfer(self, words: tuple[int, ...], n_bits: int) -> tuple[int, ...]:
        """Take words; it never answers. Words of another size are noise."""
        if n_bits == WORD_BITS:
            is_data = self._is_data()
            for word in words:
                self._take(word & 0xFF, is_data=is_data)
        return (0,) * len(words)

    def _take(self, value: int, *, is_data: bool) -> None:
        if not is_data:
            self._command = value
            self._data.clear()
            if value == PIXELS:
                self._column, self._row = self._columns[0], self._rows[0]
            return
        self._data.append(value)
        if self._command == TURN:
            self._turn = value
        elif self._command in (SET_COLUMNS, SET_ROWS) and len(self._data) % 2 == 0:
            window = self._columns if self._command == SET_COLUMNS else self._rows
            edge = len(self._data) // 2 - 1
            if edge < len(window):
                window[edge] = int.from_bytes(self._data[-2:], "big")
        elif self._command == PIXELS and len(self._data) == 2:
            self._put(int.from_bytes(self._data, "big"))
            self._data.clear()

    def _put(self, rgb565: int) -> None:
        row, column = self._row, self._column
        if self._turn & EXCHANGE:
            row, column = column, row
        if self._turn & ROWS_UP:
            row = ROWS - 1 - row
        if self._turn & COLUMNS_UP:
            column = COLUMNS - 1 - column
        self._screen.put(row, column, rgb565)
        self._column += 1
        if self._column > self._columns[1]:
            self._column = self._columns[0]
            self._row = self._row + 1 if self._row < self._rows[1] else self._rows[0]
