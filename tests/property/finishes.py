"""Random steps behind the accelerator, results in an unload buffer to go with them, and torch."""

from math import prod

import numpy as np
import torch
import torch.nn.functional as F
from hypothesis import strategies as st

from synthesis.finish.finish import Finish, FinishInput, FinishStep
from synthesis.finish.plan import Stored, StoredPart
from synthesis.finish.steps import (
    Argmax,
    Clamp,
    Concat,
    Function,
    LogSoftmax,
    Misfit,
    Normalize,
    Pair,
    Pairing,
    Permute,
    Pointwise,
    Reshape,
    Scale,
    Slice,
    Softmax,
    bounds,
    shape_of,
)

SCALES = {8: 1 / 128, 16: 1 / 128, 32: 1 / 16384}
LIMITS = {8: 128, 16: 512, 32: 1 << 16}  # so that powers of e stay small
NUMBERS = st.floats(-2, 2, width=16)


def dropped(shape):
    """A shape as steps see it."""
    while len(shape) > 1 and shape[-1] == 1:
        shape = shape[:-1]
    return shape


@st.composite
def stored_results(draw, offset_words):
    """A result that lies from this word on, and its integers (C, H, W)."""
    shape = draw(st.tuples(st.integers(1, 9), st.integers(1, 4), st.integers(1, 4)))
    bits = draw(st.sampled_from((8, 16, 32)))
    channels, n_pixels, parts, first = shape[0], shape[1] * shape[2], [], 0
    while first < channels:
        n = min(channels - first, draw(st.integers(1, 4)) if bits == 32 else channels)
        strides = (1, n) if bits == 32 else (n_pixels, 1)
        parts.append(StoredPart(n, first * n_pixels, strides))
        first += n
    values = np.random.default_rng(draw(st.integers(0, 99))).integers(
        -LIMITS[bits], LIMITS[bits], shape
    )
    return Stored(shape, offset_words, bits, SCALES[bits], tuple(parts)), values


def n_words_of(result):
    one, values = result
    return -(-values.size * one.element_bits // 32)


def lay_out(results):
    """The unload buffer: 32-bit words."""
    n_words = sum(map(n_words_of, results))
    words = np.zeros(n_words, "<i4")
    for one, values in results:
        elements = words[one.offset_words :].view(f"<i{one.element_bits // 8}")
        pixels, first = values.reshape(len(values), -1), 0
        for part in one.parts:
            channel, pixel = np.mgrid[: part.n_channels, : pixels.shape[1]]
            places = part.offset + channel * part.strides[0] + pixel * part.strides[1]
            elements[places] = pixels[first : first + part.n_channels]
            first += part.n_channels
    return words


@st.composite
def steps(draw, shapes, may_index):
    """A step and the values that it reads."""
    first = draw(st.integers(0, len(shapes) - 1))
    shape = shapes[first]
    dim = draw(st.integers(-len(shape), len(shape) - 1))
    kind = draw(st.sampled_from(sorted(MAKERS)))
    if kind == "argmax" and not may_index:
        kind = "permute"
    step = MAKERS[kind](draw, shape, dim)
    alike = [index for index, other in enumerate(shapes) if _joins(step, other, shape)]
    if isinstance(step, Pair):
        return step, (first, draw(st.sampled_from(alike)))
    if isinstance(step, Concat):
        return step, (first, *draw(st.lists(st.sampled_from(alike), min_size=1, max_size=2)))
    return step, (first,)


def _joins(step, other, shape):
    try:
        shape_of(step, (shape, other)) if isinstance(step, Pair | Concat) else None
    except Misfit:
        return False
    return True


def _reshape(draw, shape, _dim):
    n = prod(shape)
    divisors = [d for d in range(1, n + 1) if n % d == 0]
    one = draw(st.sampled_from(divisors))
    return Reshape(draw(st.sampled_from(((one, -1), (-1, one), (1, one, n // one), (-1,)))))


def _slice(draw, shape, dim):
    start = draw(st.integers(0, shape[dim] - 1))
    return Slice(dim, start, draw(st.integers(start + 1, shape[dim])), draw(st.integers(1, 2)))


def _scale(draw, shape, dim):
    if draw(st.booleans()):
        return Scale((draw(NUMBERS),), (draw(NUMBERS),))
    listed = st.lists(NUMBERS, min_size=shape[dim], max_size=shape[dim]).map(tuple)
    return Scale(draw(listed), draw(st.one_of(listed, st.just((0.5,)))), dim)


MAKERS = {
    "argmax": lambda draw, shape, dim: Argmax(dim),
    "cat": lambda draw, shape, dim: Concat(dim),
    "clamp": lambda draw, shape, dim: Clamp(-1.5, draw(NUMBERS.map(abs))),
    "each": lambda draw, shape, dim: Pointwise(
        draw(st.sampled_from([one for one in Function if one is not Function.EXP]))
    ),
    "log_softmax": lambda draw, shape, dim: LogSoftmax(dim),
    "normalize": lambda draw, shape, dim: Normalize(dim),
    "pair": lambda draw, shape, dim: Pair(draw(st.sampled_from(Pairing))),
    "permute": lambda draw, shape, dim: Permute(tuple(draw(st.permutations(range(len(shape)))))),
    "reshape": _reshape,
    "scale": _scale,
    "slice": _slice,
    "softmax": lambda draw, shape, dim: Softmax(dim),
}


@st.composite
def finishes(draw):
    """A finish, its stored inputs, and the buffer that holds them."""
    results, offset = [], 0
    for _ in range(draw(st.integers(1, 3))):
        results.append(draw(stored_results(offset)))
        offset += n_words_of(results[-1])
    inputs = tuple(
        FinishInput(f"layer{index}", dropped(one.shape), one.unit)
        for index, (one, _) in enumerate(results)
    )
    shapes, found, indices = [one.shape for one in inputs], [], set()
    for number in range(draw(st.integers(1, 6))):
        known = [shape for index, shape in enumerate(shapes) if index not in indices]
        names = [index for index in range(len(shapes)) if index not in indices]
        step, read = draw(steps(known, may_index=True))
        shape = shape_of(step, [known[one] for one in read])
        if isinstance(step, Argmax):
            indices.add(len(shapes))
        sources = tuple(names[one] for one in read)
        found.append((f"step{number}", step, sources, shape))
        shapes.append(shape)
    read = {source for _, _, sources, _ in found for source in sources}
    n = len(inputs)
    is_result = [n + i not in read or draw(st.booleans()) for i in range(len(found))]
    listed = tuple(
        FinishStep(name, name, step, sources, shape, one)
        for (name, step, sources, shape), one in zip(found, is_result, strict=True)
    )
    return Finish(inputs, listed), results


def torch_answers(finish, results):
    """The same by PyTorch, in float32."""
    values = [
        (torch.tensor(stored, dtype=torch.float32) * one.unit).reshape(seen.shape)
        for (one, stored), seen in zip(results, finish.inputs, strict=True)
    ]
    for step in finish.steps:
        inputs = [values[index] for index in step.inputs]
        values.append(BY_TORCH[type(step.step)](step.step, *inputs))
    n = len(finish.inputs)
    return {
        step.name: values[n + index].numpy()
        for index, step in enumerate(finish.steps)
        if step.is_result
    }


def _sliced(step, x):
    first, n = bounds(step, tuple(x.shape))
    return x.index_select(step.dim % x.dim(), first + step.step * torch.arange(n))


def _scaled(step, x):
    sizes = [1] * x.dim()
    factor, offset = torch.tensor(step.factor), torch.tensor(step.offset)
    if step.dim is not None:
        sizes[step.dim] = -1
        factor = factor.reshape(sizes) if factor.numel() > 1 else factor
        offset = offset.reshape(sizes) if offset.numel() > 1 else offset
    return x * factor + offset


BY_TORCH = {
    Softmax: lambda step, x: torch.softmax(x, step.dim),
    LogSoftmax: lambda step, x: torch.log_softmax(x, step.dim),
    Argmax: lambda step, x: x.argmax(step.dim).reshape(shape_of(step, [tuple(x.shape)])),
    Normalize: lambda step, x: F.normalize(x, p=2, dim=step.dim, eps=step.eps),
    Pointwise: lambda step, x: getattr(torch, step.function.value)(x),
    Clamp: lambda step, x: torch.clamp(x, step.min, step.max),
    Scale: _scaled,
    Pair: lambda step, *both: getattr(torch, step.pairing.value)(*both),
    Concat: lambda step, *parts: torch.cat(parts, step.dim),
    Permute: lambda step, x: x.permute(step.dims),
    Reshape: lambda step, x: x.reshape(step.shape),
    Slice: _sliced,
}
