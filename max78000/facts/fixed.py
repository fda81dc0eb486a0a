"""The accelerator's integer arithmetic: scale, round, saturate, activate, average, combine.

Every integer rule of the chip is written here and nowhere else: the graph interpreter and the
simulated machine import it, and the training side's `qat.py` is its floating-point twin, held to it
by a test. Pure functions on numpy arrays of any integer type; results are int64. No convolution,
no memory layout, no registers, no torch.

A data byte is signed with value 1.0 = 128; a weight of q bits has 1.0 = 2^(q-1). Convolution sums
are exact, so the only losses are those below. Rounding is "half up", toward plus infinity, for
negative numbers as well: -1.5 becomes -1.

Source: docs/hardware/arithmetic.md. Silicon may differ in the cases the docstrings name.
"""

from collections.abc import Sequence
from enum import Enum
from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.integer[Any]]
Int64s = NDArray[np.int64]

DATA_BITS = 8
DATA_ONE = 1 << (DATA_BITS - 1)  # 1.0 as a data byte; the largest byte is one less
# For messages: what to do about real numbers where data bytes are asked for.
AS_BYTES = (
    "give the chip's bytes; for x in -1..1: np.clip(np.round(x * 128), -128, 127).astype(np.int8);"
    " for x in 0..1, the same of 2 * x - 1"
)
# Quirk bias-scale: not 2^(weight bits - 1) of the sum: the same for every weight width.
BIAS_ONE = 128  # an accumulator gains this much per unit of the bias byte, for every weight width
SHIFT_LIMIT = 15  # the scale field holds |shift| in four bits


class Activation(Enum):
    """What follows the 8-bit clamp; the value is the word of the network description."""

    NONE = "none"
    RELU = "ReLU"
    ABS = "Abs"


class Combine(Enum):
    """How an element-wise layer joins its operands; the value is the network description's word."""

    ADD = "Add"
    SUB = "Sub"
    OR = "Or"
    XOR = "Xor"


def total_shift(output_shift: int, weight_bits: int) -> int:
    """Shift programmed into the layer: the user's output shift made independent of weight width.

    Narrow weights give small sums, so `8 - weight_bits` is added. Legal totals are within
    plus and minus `SHIFT_LIMIT`: 8 bits take output shifts -15..15, 4 bits -19..11, 2 bits -21..9,
    1 bit -22..8. Checking that is the caller's business.
    """
    # Quirk narrow-shift: the register holds the sum; its four bits limit that.
    return output_shift + DATA_BITS - weight_bits


def round_shift(acc: Ints, shift: int) -> Int64s:
    """Scale an accumulator to data bytes: floor(acc * 2^shift / 128 + 1/2), not yet saturated.

    Args:
        acc: sum of products plus `BIAS_ONE` times the bias byte, any shape.
        shift: the total shift (see `total_shift`); positive is to the left.

    Examples with shift 0: 768 -> 6; 933 (7.29) -> 7; -987 (-7.71) -> -8; -192 (-1.5) -> -1;
    320 (2.5) -> 3; -320 (-2.5) -> -2. A 4-bit layer without output shift has shift 4: acc / 8.
    """
    wide = np.asarray(acc, dtype=np.int64)
    right = DATA_BITS - 1 - shift
    if right <= 0:
        return wide << -right
    # Quirk half-up: floor(x + 1/2), for negative numbers as well.
    return (wide + (1 << (right - 1))) >> right


def saturate(x: Ints, bits: int = DATA_BITS) -> Int64s:
    """Clamp to the signed range of `bits`: -128..127 for a data byte."""
    limit = 1 << (bits - 1)
    return np.clip(np.asarray(x, dtype=np.int64), -limit, limit - 1)


def scale_by(x: Ints, scale: int, bits: int) -> Int64s:
    """What software makes of a result when it unloads it: x * 2^scale, down to a whole number.

    Args:
        x: results as they are in data memory, any shape.
        scale: -31..31; negative ones cut bits off: 127 with -1 is 63, -1 is -1.
        bits: of the numbers that are stored; what they do not hold saturates.
    """
    wide = np.asarray(x, dtype=np.int64)
    return saturate(wide >> -scale if scale < 0 else wide << scale, bits)


def activate(x: Ints, activation: Activation) -> Int64s:
    """Apply the activation to saturated data bytes; the result is again a data byte.

    Abs of -128 is 127. Abs comes after rounding: an accumulator of -1.5 gives -1 and then 1, where
    training, which takes the magnitude before rounding, would give 2.
    """
    wide = np.asarray(x, dtype=np.int64)
    match activation:
        case Activation.NONE:
            return wide
        case Activation.RELU:
            return np.maximum(wide, 0)
        case Activation.ABS:
            # Quirk abs-last: of the rounded value, where training takes the magnitude first.
            return np.minimum(np.abs(wide), DATA_ONE - 1)


def requantize(acc: Ints, shift: int, activation: Activation) -> Int64s:
    """Accumulator to data byte: scale and round, saturate, activate, in the order of the chip.

    A layer with 32-bit output skips all three: its result is the accumulator itself.
    """
    return activate(saturate(round_shift(acc, shift)), activation)


def average_trunc(total: Ints, n: int) -> Int64s:
    """Average of a pooling window from its sum, toward zero: 11 / 4 -> 2, -11 / 4 -> -2.

    Args:
        total: sum over the window.
        n: elements in the window.
    """
    wide = np.asarray(total, dtype=np.int64)
    # Quirk average-cut: toward zero, not down.
    quotient: Int64s = np.abs(wide) // n
    return np.where(wide < 0, -quotient, quotient)


def average_round(total: Ints, n: int) -> Int64s:
    """Average with the rounding option, half away from zero: 10 / 4 -> 3, -10 / 4 -> -3.

    What silicon does on exact ties is not known: the vendor's reference rounds them away from zero,
    its manual says toward plus infinity, its training code to even.
    """
    wide = np.asarray(total, dtype=np.int64)
    # Quirk average-ties: three tools of the vendor round ties in three ways.
    quotient: Int64s = (2 * np.abs(wide) + n) // (2 * n)
    return np.where(wide < 0, -quotient, quotient)


def combine(operands: Sequence[Ints], op: Combine) -> Int64s:
    """Join the operands of an element-wise layer from left to right, then saturate once.

    Args:
        operands: two to sixteen arrays of data bytes, equal shapes.
        op: Or and Xor act on the bits of the two's complement bytes.

    Examples: 100 + 100 -> 127; 1 - 2 - 3 -> -4; 100 + 100 - 100 as operands of one Add -> 100,
    since nothing is clamped on the way (whether silicon agrees for three or more is not known).
    """
    wide = [np.asarray(operand, dtype=np.int64) for operand in operands]
    match op:
        case Combine.ADD:
            joined = reduce(np.add, wide)
        case Combine.SUB:
            joined = reduce(np.subtract, wide)
        case Combine.OR:
            joined = reduce(np.bitwise_or, wide)
        case Combine.XOR:
            joined = reduce(np.bitwise_xor, wide)
    # Quirk clamp-once: not after each operand.
    return saturate(joined)
