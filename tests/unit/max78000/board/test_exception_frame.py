"""The exception frame: its words in memory, there and back, and the word that LR gets."""

from dataclasses import astuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from max78000.board.exception_frame import (
    EXC_RETURN_FIRST,
    ExceptionFrame,
    FloatRegisters,
    exc_return,
    frame_bytes,
    restores_floats,
)

WORDS = st.integers(0, 0xFFFF_FFFF)
FLOATS = st.builds(FloatRegisters, st.tuples(*[WORDS] * 16), WORDS)
FRAMES = st.builds(ExceptionFrame, *[WORDS] * 8, floats=st.none() | FLOATS)

BASIC = ExceptionFrame(
    r0=0, r1=1, r2=2, r3=3, r12=12, lr=0x1000_0101, return_addr=0x1000_0200, xpsr=0x0100_0000
)


def words_of(data):
    return [int.from_bytes(data[i : i + 4], "little") for i in range(0, len(data), 4)]


def test_a_basic_frame_is_eight_words():
    assert words_of(BASIC.pack()) == [0, 1, 2, 3, 12, 0x1000_0101, 0x1000_0200, 0x0100_0000]
    assert BASIC.n_bytes == frame_bytes(has_floats=False) == 32


def test_an_extended_frame_has_eighteen_more():
    floats = FloatRegisters(tuple(range(100, 116)), 0x0300_0000)
    frame = ExceptionFrame(*astuple(BASIC)[:-1], floats=floats)
    assert words_of(frame.pack())[8:] == [*range(100, 116), 0x0300_0000, 0]
    assert frame.pack()[:32] == BASIC.pack()
    assert frame.n_bytes == frame_bytes(has_floats=True) == 104


@given(FRAMES)
def test_there_and_back(frame):
    assert ExceptionFrame.unpack(frame.pack()) == frame
    assert len(frame.pack()) == frame.n_bytes


@pytest.mark.parametrize(
    ("has_floats", "is_nested", "word"),
    [
        (False, False, 0xFFFF_FFF9),
        (False, True, 0xFFFF_FFF1),
        (True, False, 0xFFFF_FFE9),
        (True, True, 0xFFFF_FFE1),
    ],
)
def test_return_words(has_floats, is_nested, word):
    """The four that use the main stack, [Armv7-M] table B1-8."""
    assert exc_return(has_floats=has_floats, is_nested=is_nested) == word
    assert restores_floats(word) == restores_floats(word & ~1) == has_floats
    assert word >= EXC_RETURN_FIRST
