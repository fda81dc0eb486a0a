"""Tensors -> pictures inside a page: PNG as a data URI. Neither tasks nor colour maps are known.

The picture is stored, not compressed: the same bytes whatever library is at hand, and large
tensors are thinned out before.
"""

import struct
import zlib
from base64 import b64encode
from dataclasses import dataclass
from math import ceil, isqrt

import numpy as np
from numpy.typing import NDArray

from synthesis.read.source import Tensor

Pixels = NDArray[np.uint8]  # (H, W) grey or (H, W, 3) colours
GREY, RGB = 0, 2  # PNG colour types
MOST_PIXELS = 256  # along a side; larger pictures lose rows and columns
STRIP_PIXELS = 16  # height of a single row of values
MOST_CHANNELS = 64  # of a mosaic
STORED_BYTES = 65535  # of a deflate block
# Channels of a picture folded by 2 or 4, grey or in colours: pixel (i, j) of each block is in the
# channels from (ratio * i + j) * colours on, the order of the vendor's training code.
FOLDS = ((4, 1, 2), (12, 3, 2), (48, 3, 4))  # channels, colours, ratio


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture for the page; `about` says how the tensor was turned into it."""

    uri: str
    width: int
    height: int
    about: str


def input_picture(image: Tensor) -> Picture:
    """The sample, -128 black and 127 white: as a picture where it is one, unfolded if need be."""
    channels, rows, columns = image.shape
    pixels = (image + 128).astype(np.uint8)
    for n_channels, colours, ratio in FOLDS:
        if channels == n_channels and min(rows, columns) > 1:
            about = f"read as a {rows * ratio}x{columns * ratio} picture folded by {ratio}"
            return _picture(unfold(pixels, colours, ratio), about)
    if channels in (1, 3) and min(rows, columns) > 1:
        return _picture(pixels, "as it is")
    return _mosaic(pixels)


def output_picture(tensor: Tensor) -> Picture:
    """A result, its lowest value black and its highest white."""
    lowest, highest = int(tensor.min()), int(tensor.max())
    scaled = 255.0 * (tensor - lowest) / max(highest - lowest, 1)
    return _mosaic(scaled.astype(np.uint8))


def unfold(folded: Pixels, colours: int, ratio: int) -> Pixels:
    """Undo the folding of a picture: (ratio^2 C, H, W) to (C, ratio H, ratio W)."""
    _, rows, columns = folded.shape
    blocks = folded.reshape(ratio, ratio, colours, rows, columns)
    return blocks.transpose(2, 3, 0, 4, 1).reshape(colours, rows * ratio, columns * ratio)


def _mosaic(channels: Pixels) -> Picture:
    """Channels side by side; of one-dimensional data a row each."""
    n, rows, columns = channels.shape
    if columns == 1:
        lines = channels[:, :, 0] if rows > 1 else channels.reshape(1, n)
        if len(lines) == 1:
            lines = np.repeat(lines, STRIP_PIXELS, axis=0)
        about = "a row for each channel" if n > 1 else "its values from left to right"
        return _picture(lines[None], about if rows > 1 else "its channels from left to right")
    shown = channels[:MOST_CHANNELS]
    if n == 1:
        return _picture(shown, "its only channel")
    across = min(len(shown), max(1, isqrt(ceil(2 * len(shown) * rows / columns))))
    down = -(-len(shown) // across)
    # One pixel between channels, as bright as the middle.
    sheet = np.full((down * (rows + 1) - 1, across * (columns + 1) - 1), 128, np.uint8)
    for i, channel in enumerate(shown):
        row, column = divmod(i, across)
        top, left = row * (rows + 1), column * (columns + 1)
        sheet[top : top + rows, left : left + columns] = channel
    about = f"{n} channels" if len(shown) == n else f"the first {len(shown)} of {n} channels"
    return _picture(sheet[None], f"{about} from left to right and top to bottom, {across} in a row")


def _picture(channels: Pixels, about: str) -> Picture:
    """One channel or three, thinned out where there are too many pixels."""
    step_rows, step_columns = (-(-n // MOST_PIXELS) for n in channels.shape[1:])
    if max(step_rows, step_columns) > 1:
        channels = channels[:, ::step_rows, ::step_columns]
        about += f"; one of {step_rows} rows and one of {step_columns} columns shown"
    pixels = channels[0] if len(channels) == 1 else channels.transpose(1, 2, 0)
    encoded = b64encode(png(pixels)).decode("ascii")
    height, width = pixels.shape[:2]
    return Picture(f"data:image/png;base64,{encoded}", width, height, about)


def png(pixels: Pixels) -> bytes:
    """A PNG file, 8 bits a sample, filter 0. Source: [PNG]."""
    height, width = pixels.shape[:2]
    rows = np.zeros((height, 1 + pixels[0].size), np.uint8)  # each row starts with its filter
    rows[:, 1:] = pixels.reshape(height, -1)
    colour_type = GREY if pixels.ndim == 2 else RGB
    header = struct.pack(">IIBBBBB", width, height, 8, colour_type, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", _stored(rows.tobytes())), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )


def _stored(data: bytes) -> bytes:
    """A zlib stream that compresses nothing (RFC 1950, RFC 1951)."""
    blocks = [data[i : i + STORED_BYTES] for i in range(0, len(data), STORED_BYTES)]
    heads = [
        struct.pack("<BHH", i == len(blocks) - 1, len(block), len(block) ^ 0xFFFF)
        for i, block in enumerate(blocks)
    ]
    body = b"".join(head + block for head, block in zip(heads, blocks, strict=True))
    return b"\x78\x01" + body + struct.pack(">I", zlib.adler32(data))
