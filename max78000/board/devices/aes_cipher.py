"""AES as a function: one block of 16 bytes, a key of 16, 24 or 32. Knows no register.

Written to be read; whoever has secrets takes a library.

After FIPS 197, whose section numbers are named.
"""

from collections.abc import Sequence
from functools import cache
from operator import xor

BLOCK_BYTES = 16
ROUNDS_BEYOND_KEY = 6  # a key of n words takes n + 6 rounds
MODULUS = 0x11B  # x^8 + x^4 + x^3 + x + 1


def encrypt(key: bytes, block: bytes) -> bytes:
    """Encrypt a block (5.1)."""
    boxes, _ = _boxes()
    first, *middle, last = _round_keys(key)
    state = _add(block, first)
    for round_key in middle:
        state = _add(_mix(_shift(bytes(boxes[n] for n in state), 1), (2, 3, 1, 1)), round_key)
    return _add(_shift(bytes(boxes[n] for n in state), 1), last)


def decrypt(key: bytes, block: bytes) -> bytes:
    """Decrypt a block (5.3)."""
    _, inverse = _boxes()
    last, *middle, first = _round_keys(key)
    state = bytes(inverse[n] for n in _shift(_add(block, first), -1))
    for round_key in reversed(middle):
        state = _shift(_mix(_add(state, round_key), (14, 11, 13, 9)), -1)
        state = bytes(inverse[n] for n in state)
    return _add(state, last)


def _round_keys(key: bytes) -> list[bytes]:
    """The key of each round (5.2)."""
    boxes, _ = _boxes()
    n_words = len(key) // 4
    words = [key[4 * n : 4 * n + 4] for n in range(n_words)]
    constant = 1
    while len(words) < 4 * (n_words + ROUNDS_BEYOND_KEY + 1):
        word = words[-1]
        if len(words) % n_words == 0:
            word = bytes(boxes[n] for n in word[1:] + word[:1])
            word = bytes((word[0] ^ constant, *word[1:]))
            constant = _times(constant, 2)
        elif n_words == 8 and len(words) % n_words == 4:
            word = bytes(boxes[n] for n in word)
        words.append(_add(words[-n_words], word))
    return [b"".join(words[n : n + 4]) for n in range(0, len(words), 4)]


def _shift(state: bytes, step: int) -> bytes:
    """Turn row r by r columns; a state is stored column by column (5.1.2, 5.3.1)."""
    return bytes(state[(n + 4 * step * (n % 4)) % BLOCK_BYTES] for n in range(BLOCK_BYTES))


def _mix(state: bytes, factors: Sequence[int]) -> bytes:
    """Multiply each column by a circulant matrix whose first row is `factors` (5.1.3, 5.3.3)."""
    mixed = bytearray()
    for first in range(0, BLOCK_BYTES, 4):
        column = state[first : first + 4]
        for row in range(4):
            products = (_times(column[n], factors[n - row]) for n in range(4))
            mixed.append(next(products) ^ next(products) ^ next(products) ^ next(products))
    return bytes(mixed)


def _add(left: bytes, right: bytes) -> bytes:
    return bytes(map(xor, left, right))


def _times(left: int, right: int) -> int:
    """Product in the field of 256 elements (4.2)."""
    product = 0
    while right:
        product ^= left if right & 1 else 0
        left = left << 1 ^ (MODULUS if left & 0x80 else 0)
        right >>= 1
    return product


@cache
def _boxes() -> tuple[bytes, bytes]:
    """The substitution of a byte, and its inverse (5.1.1)."""
    boxes = bytearray(256)
    for number in range(256):
        inverse = next((n for n in range(256) if _times(number, n) == 1), 0)
        turned = inverse * 0x101  # so that a shift turns the byte
        bits = inverse
        for step in range(1, 5):
            bits ^= turned >> (8 - step) & 0xFF
        boxes[number] = bits ^ 0x63
    return bytes(boxes), bytes(boxes.index(number) for number in range(256))
