"""The OVM7692 camera: its registers as far as drivers use them, and the frames they lead to.

The camera sees a `Scene`: each frame shows the next picture, brought to the size that the registers
ask for. Exposure, gain, white balance and the test pattern have no effect; windows cut nothing. The
module is mounted upside down, so a picture is upright once software has it mirrored and flipped.

Source: docs/hardware/board.md#camera; [MSDK] ov7692_regs.h, ov7692.c.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from max78000.board.outside.pictures import Picture, Scene, fill
from max78000.board.outside.two_wire import RegisterTarget
from max78000.board.world import SensorFrame
from max78000.errors import BoardError

ADDRESS = 0x3C
NAME = "OVM7692"
REG0C, CLKRC, REG0E, REG12, REG28 = 0x0C, 0x11, 0x0E, 0x12, 0x28
OUT_WIDTH, OUT_HEIGHT = 0xCC, 0xCE  # high bytes; the low ones follow
MIRROR, FLIP, LUMA_FIRST = 1 << 6, 1 << 7, 1 << 4  # REG0C
RESET, FORMAT = 1 << 7, 0x0F  # REG12
SLEEP = 1 << 3  # REG0E
NEGATIVE = 1 << 7  # REG28
BANK = 0xFF  # 1: registers of the MIPI port, which nobody uses here

# fmt: off
DEFAULTS: Mapping[int, int] = MappingProxyType({
    # register  value after reset
    0x0A: 0x76, 0x0B: 0x92,                          # product
    0x0C: 0x16, 0x11: 0x00, 0x12: 0x00, 0x13: 0xE5, 0x14: 0x30, 0x16: 0x03,
    0x1C: 0x7F, 0x1D: 0xA2,                          # maker
    0x1E: 0xB1, 0x28: 0x02, 0x31: 0x83, 0x37: 0x0C, 0x3E: 0x20, 0x64: 0x11, 0x69: 0x12,
    0x74: 0x20, 0x75: 0x70, 0x77: 0x01, 0x78: 0x01, 0x79: 0x2C, 0x81: 0x41,
    0xC4: 0x02, 0xC6: 0x02,
    0xC8: 0x02, 0xC9: 0x80, 0xCA: 0x01, 0xCB: 0xE0,  # input window, 640x480
    0xCC: 0x02, 0xCD: 0x80, 0xCE: 0x01, 0xCF: 0xE0,  # output size, 640x480
})
# fmt: on
FULL_RATE_HZ, FRAMES_PER_S = 24_000_000, 30  # clock in, frames out
TOTAL_LINES, ACTIVE_LINES = 520, 480

Bytes: TypeAlias = NDArray[np.uint8]


class Ov7692(RegisterTarget):
    """The camera.

    Args:
        scene: what it sees; None if nothing was given.
        clock_hz: of its clock pin, 0 while the chip makes none.
    """

    def __init__(self, scene: Scene | None, clock_hz: Callable[[], float]) -> None:
        super().__init__(ADDRESS, DEFAULTS)
        self._scene = scene
        self._clock_hz = clock_hz
        self._hidden: dict[int, int] = {}  # registers of the other bank

    def start(self, *, is_read: bool) -> bool:
        """It acknowledges while it has a clock."""
        return super().start(is_read=is_read) and self._clock_hz() > 0

    def loaded(self, number: int) -> int:
        """What a register of the chosen bank holds."""
        if self.values[BANK] & 1 and number != BANK:
            return self._hidden.get(number, 0)
        return super().loaded(number)

    def stored(self, number: int, value: int) -> None:
        """What a byte for a register does; a reset is over at once."""
        if self.values[BANK] & 1 and number != BANK:
            self._hidden[number] = value
        elif number == REG12 and value & RESET:
            self.values[:] = bytes(len(self.values))
            for register, default in DEFAULTS.items():
                self.values[register] = default
        else:
            self.values[number] = value

    @property
    def size(self) -> tuple[int, int]:
        """Rows and columns of a frame."""
        columns, rows = (
            self.values[register] << 8 | self.values[register + 1]
            for register in (OUT_WIDTH, OUT_HEIGHT)
        )
        # Quirk camera-short: one line less is sent than is asked for; drivers ask for one more.
        return rows - 1, columns

    def expose(self) -> SensorFrame:
        """The next frame, as the registers ask for it.

        Raises:
            BoardError: it has no clock, sleeps, sees nothing, or sends what is not modelled.
        """
        clock_hz = self._clock_hz()
        if not clock_hz:
            raise BoardError("a frame is waited for, but it has no clock (PT0)", where=NAME)
        if self.values[REG0E] & SLEEP:
            raise BoardError("a frame is waited for, but it sleeps (register 0x0E)", where=NAME)
        if self._scene is None:
            fix = "give --camera PICTURE"
            raise BoardError("a frame is waited for, but it sees nothing", where=NAME, fix=fix)
        rows, columns = self.size
        if rows < 1 or columns < 1:
            raise BoardError(f"it is asked for frames of {rows}x{columns}", where=NAME)
        lines = self._encode(self._arrange(fill(self._scene.look(), rows, columns)))
        divider = (self.values[CLKRC] & 0x3F) + 1
        period_ns = round(1e9 * FULL_RATE_HZ * divider / (FRAMES_PER_S * clock_hz))
        line_ns = period_ns * ACTIVE_LINES // TOTAL_LINES // rows
        blank_ns = period_ns - line_ns * rows
        return SensorFrame(
            tuple(map(bytes, lines)), blank_ns // 2, line_ns, blank_ns - blank_ns // 2
        )

    def _arrange(self, picture: Picture) -> Picture:
        """Mirrored, flipped and negative as the registers say."""
        control = self.values[REG0C]
        if not control & FLIP:
            picture = picture[::-1]
        if not control & MIRROR:
            picture = picture[:, ::-1]
        return ~picture if self.values[REG28] & NEGATIVE else picture

    def _encode(self, picture: Picture) -> Bytes:
        """A picture as the bytes of its lines."""
        form = self.values[REG12] & FORMAT
        red, green, blue = (picture[:, :, channel] for channel in range(3))
        match form:
            case 0x06:
                return _pairs(red & 0xF8 | green >> 5, green << 3 & 0xE0 | blue >> 3)
            case 0x0E:
                return _pairs(red >> 4, green & 0xF0 | blue >> 4)
            case 0x00:
                return _luma_chroma(picture, is_luma_first=bool(self.values[REG0C] & LUMA_FIRST))
        why = f"frames in format {form:#x} (register 0x12) are not modelled"
        raise BoardError(why, where=NAME, fix="use RGB565, RGB444 or YUV422")


def _pairs(first: NDArray[Any], second: NDArray[Any]) -> Bytes:
    """Two bytes a pixel, (H, 2 W)."""
    return np.stack((first, second), axis=-1).astype(np.uint8).reshape(len(first), -1)


def _luma_chroma(picture: Picture, *, is_luma_first: bool) -> Bytes:
    """YUV 4:2:2 as of BT.601: a luma for every pixel, a chroma pair for two; (H, 2 W)."""
    red, green, blue = np.moveaxis(picture.astype(np.int32), -1, 0)
    luma = (299 * red + 587 * green + 114 * blue + 500) // 1000
    u = 128 + (564 * (blue - luma)) // 1000
    v = 128 + (713 * (red - luma)) // 1000
    chroma = luma.copy()
    chroma[:, 0::2] = u[:, 0::2]
    chroma[:, 1::2] = v[:, 0 : u.shape[1] - u.shape[1] % 2 : 2]
    luma, chroma = np.clip(luma, 0, 255), np.clip(chroma, 0, 255)
    return _pairs(luma, chroma) if is_luma_first else _pairs(chroma, luma)
