"""What the core puts on the stack when it enters an exception, and the word by which it returns.

Values only: pushing, popping and the registers themselves are the core's.

Source: [Armv7-M] B1.5.6 to B1.5.8.
"""

import struct
from dataclasses import dataclass, replace

N_FLOATS = 16  # S0..S15 are saved by the core, the others by who uses them
_BASIC = struct.Struct("<8I")
_FLOATS = struct.Struct(f"<{N_FLOATS}I2I")  # S0..S15, FPSCR, and a word that nobody uses

EXC_RETURN_FIRST = 0xFFFF_FFE0  # a jump to this or above returns from an exception
_RETURN_TO_MAIN_STACK = 0xFFFF_FFE1
_RETURN_BASIC_FRAME = 1 << 4
_RETURN_TO_THREAD = 1 << 3


@dataclass(frozen=True, slots=True)
class FloatRegisters:
    """The further part of an extended frame."""

    s: tuple[int, ...]  # S0..S15
    fpscr: int


@dataclass(frozen=True, slots=True)
class ExceptionFrame:
    """The registers that a handler may use, in the order of their addresses.

    Eight words; an extended frame, of a program that has used floating point, has 18 more.
    """

    r0: int
    r1: int
    r2: int
    r3: int
    r12: int
    lr: int
    return_addr: int
    xpsr: int
    floats: FloatRegisters | None = None

    @property
    def n_bytes(self) -> int:
        """Size on the stack, without the word that may align it."""
        return frame_bytes(has_floats=self.floats is not None)

    def pack(self) -> bytes:
        """The frame as it lies in memory."""
        basic = _BASIC.pack(
            self.r0, self.r1, self.r2, self.r3, self.r12, self.lr, self.return_addr, self.xpsr
        )
        if self.floats is None:
            return basic
        return basic + _FLOATS.pack(*self.floats.s, self.floats.fpscr, 0)

    @staticmethod
    def unpack(data: bytes) -> "ExceptionFrame":
        """Read a frame; it is an extended one if there are bytes for that."""
        frame = ExceptionFrame(*_BASIC.unpack_from(data))
        if len(data) == _BASIC.size:
            return frame
        *s, fpscr, _ = _FLOATS.unpack_from(data, _BASIC.size)
        return replace(frame, floats=FloatRegisters(tuple(s), fpscr))


def frame_bytes(*, has_floats: bool) -> int:
    """Size of a frame."""
    return _BASIC.size + (_FLOATS.size if has_floats else 0)


def exc_return(*, has_floats: bool, is_nested: bool) -> int:
    """What LR holds in a handler: which frame to restore, and whether another handler goes on."""
    word = _RETURN_TO_MAIN_STACK
    word |= 0 if has_floats else _RETURN_BASIC_FRAME
    return word | (0 if is_nested else _RETURN_TO_THREAD)


def restores_floats(exc_return_word: int) -> bool:
    """Whether a return restores an extended frame; the lowest bit does not matter."""
    return not exc_return_word & _RETURN_BASIC_FRAME
