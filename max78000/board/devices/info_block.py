"""The information block of the flash: what the vendor wrote there, that is the serial number.

Locked, it reads as erased; that is chosen, so that a program that forgets to unlock it is noticed.

Source: [MSDK] sys_ai85.c (where the bits of the serial number are, and its check bytes).
"""

import random

from max78000.board.devices.aes_cipher import BLOCK_BYTES, encrypt

SERIAL_BYTES = 11
PAIR_BITS = 64  # bits 15 to 62 of each pair of words hold six bytes
FIRST_BIT = 15
BYTES_PER_PAIR = 6


def serial_number(seed: int) -> bytes:
    """The serial number of one virtual chip, with its two check bytes."""
    number = random.Random(seed).randbytes(SERIAL_BYTES)
    block = number + bytes(BLOCK_BYTES - SERIAL_BYTES)
    check = encrypt(bytes(BLOCK_BYTES), block)
    return number + bytes((check[1], check[0]))


def content(serial: bytes, n_bytes: int) -> bytes:
    """The block with a serial number in it."""
    packed = b""
    for first in range(0, len(serial), BYTES_PER_PAIR):
        part = int.from_bytes(serial[first : first + BYTES_PER_PAIR], "little")
        packed += (part << FIRST_BIT).to_bytes(PAIR_BITS // 8, "little")
    return packed.ljust(n_bytes, b"\xff")
