"""Steps on arrays, in float32: what the emitted C has to give within its tolerance."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synthesis.finish.steps import (
    Argmax,
    Clamp,
    Concat,
    Function,
    LogSoftmax,
    Normalize,
    Pair,
    Pairing,
    Permute,
    Pointwise,
    Reshape,
    Scale,
    Shape,
    Slice,
    Softmax,
)

Array = NDArray[Any]  # float32, or int32 of indices
Inputs = Sequence[NDArray[np.float32]]


def softmax(step: Softmax, inputs: Inputs, _shape: Shape) -> Array:
    """Shares; the largest number is taken off first, so that nothing overflows."""
    powers = np.exp(inputs[0] - inputs[0].max(axis=step.dim, keepdims=True))
    shares: Array = powers / powers.sum(axis=step.dim, keepdims=True)
    return shares


def log_softmax(step: LogSoftmax, inputs: Inputs, _shape: Shape) -> Array:
    """Logarithms of shares, without the detour."""
    below = inputs[0] - inputs[0].max(axis=step.dim, keepdims=True)
    logs: Array = below - np.log(np.exp(below).sum(axis=step.dim, keepdims=True))
    return logs


def argmax(step: Argmax, inputs: Inputs, shape: Shape) -> Array:
    """The first of equal ones."""
    places: Array = inputs[0].argmax(axis=step.dim)
    return places.astype(np.int32).reshape(shape)


def normalize(step: Normalize, inputs: Inputs, _shape: Shape) -> Array:
    """Length 1, unless the length is below eps."""
    length = np.sqrt(np.square(inputs[0]).sum(axis=step.dim, keepdims=True))
    normal: Array = inputs[0] / np.maximum(length, np.float32(step.eps))
    return normal


def pointwise(step: Pointwise, inputs: Inputs, _shape: Shape) -> Array:
    """A function of every number."""
    x = inputs[0]
    match step.function:
        case Function.SIGMOID:
            small = np.exp(-np.abs(x))  # never overflows
            shares: Array = np.where(x < 0, small, np.float32(1)) / (1 + small)
            return shares
        case Function.TANH:
            return np.tanh(x)
        case Function.EXP:
            with np.errstate(over="ignore"):
                return np.exp(x)
        case Function.RELU:
            return np.maximum(x, np.float32(0))
        case Function.ABS:
            return np.abs(x)


def clamp(step: Clamp, inputs: Inputs, _shape: Shape) -> Array:
    """Limits, rounded to float32 like everything."""
    return np.clip(inputs[0], np.float32(step.min), np.float32(step.max))


def scale(step: Scale, inputs: Inputs, _shape: Shape) -> Array:
    """Two roundings: of the product, and of the sum."""
    sizes = [1] * inputs[0].ndim
    if step.dim is not None:
        sizes[step.dim] = -1
    factor, offset = (np.array(one, np.float32) for one in (step.factor, step.offset))
    x = inputs[0] * factor.reshape(sizes if len(factor) > 1 else [1] * len(sizes))
    moved: Array = x + offset.reshape(sizes if len(offset) > 1 else [1] * len(sizes))
    return moved


def pair(step: Pair, inputs: Inputs, _shape: Shape) -> Array:
    """Number by number."""
    first, second = inputs
    match step.pairing:
        case Pairing.ADD:
            return first + second
        case Pairing.SUB:
            return first - second
        case Pairing.MUL:
            return first * second


def concat(step: Concat, inputs: Inputs, _shape: Shape) -> Array:
    """One behind the other."""
    return np.concatenate(list(inputs), axis=step.dim)


def permute(step: Permute, inputs: Inputs, _shape: Shape) -> Array:
    """Other order of axes."""
    return inputs[0].transpose(step.dims)


def reshape(_step: Reshape, inputs: Inputs, shape: Shape) -> Array:
    """The shape has been worked out."""
    return inputs[0].reshape(shape)


def cut(step: Slice, inputs: Inputs, _shape: Shape) -> Array:
    """A part along one axis."""
    places: list[slice] = [slice(None)] * inputs[0].ndim
    places[step.dim] = slice(step.start, step.stop, step.step)
    return inputs[0][tuple(places)]
