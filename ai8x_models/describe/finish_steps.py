"""What PyTorch's functions are as steps of the processor, in the words of a description's `finish`.

One row for each function. Axes are counted without the batch there. A function without a row, or a
call that no step says, is left to the application. The meaning of steps is the compiler's:
networks/README.md.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from ai8x_models.describe.calls import Call
from ai8x_models.zoo.registry import Shape

DEFAULT_EPS = 1e-12  # of normalize, in PyTorch and in a description
LARGEST = 3.4e38  # float32 without a limit on one side
MAX_CONSTANTS = 256  # numbers that a description lists for one step
Value = int | float | tuple[int, ...] | tuple[float, ...]


@dataclass(frozen=True, slots=True)
class CpuStep:
    """One step: its word, its keys in order, and the shape of its result without the batch."""

    op: str
    keys: tuple[tuple[str, Value], ...]
    shape: Shape


CpuSteps = tuple[CpuStep, ...]  # one after the other; none if no step says it


def cpu_steps(call: Call) -> CpuSteps:
    """The steps of a call."""
    builder = _BUILDERS.get(call.word)
    return () if builder is None else builder(call)


def part_steps(call: Call, results: list[Tensor]) -> list[CpuSteps]:
    """The same for each result of `chunk` and `split`; none of other functions."""
    nothing: list[CpuSteps] = [()] * len(results)
    if call.word not in ("chunk", "split", "tensor_split", "split_with_sizes"):
        return nothing
    data = call.args[0]
    axis = call.values.get("dim", call.args[2] if len(call.args) > 2 else 0) % data.dim()
    if axis == 0 or sum(one.shape[axis] for one in results) != data.shape[axis]:
        return nothing
    found: list[CpuSteps] = []
    start = 0
    for one in results:
        stop = start + one.shape[axis]
        found.append(_step("slice", one, dim=axis - 1, start=start, stop=stop))
        start = stop
    return found


def reshaped(shape: Shape) -> CpuStep:
    """The same numbers under another shape."""
    return CpuStep("reshape", (("shape", shape),), shape)


def _step(op: str, result: Tensor, **keys: Value) -> CpuSteps:
    return (CpuStep(op, tuple(keys.items()), tuple(result.shape[1:])),)


def _along(op: str, *more: str) -> Callable[[Call], CpuSteps]:
    """A function along one axis, which is not the batch's."""

    def build(call: Call) -> CpuSteps:
        data = call.args[0]
        dim = call.values.get("dim")
        if not isinstance(dim, int) or dim % data.dim() == 0:
            return ()
        axis = dim % data.dim() - 1
        keys = {key: call.values[key] for key in more if key in call.values}
        return _step(op, call.result, dim=axis, **keys)

    return build


def _argmax(call: Call) -> CpuSteps:
    """An index; an axis of length 1 in its place is not kept."""
    found = _along("argmax")(call)
    if not found:
        return ()
    data, dim = call.args[0], call.values["dim"]
    shape = [size for axis, size in enumerate(data.shape) if axis not in (0, dim % data.dim())]
    return (replace(found[0], shape=tuple(shape) or (1,)),)


def _normalize(call: Call) -> CpuSteps:
    call.values.setdefault("dim", 1)
    if call.values.get("eps") == DEFAULT_EPS:
        del call.values["eps"]
    return _along("normalize", "eps")(call) if call.get("p", 2) == 2 else ()


def _plain(op: str) -> Callable[[Call], CpuSteps]:
    return lambda call: _step(op, call.result)


def _clamp(call: Call) -> CpuSteps:
    limits = {
        "hardtanh": (call.get("min_val", -1.0), call.get("max_val", 1.0)),
        "relu6": (0.0, 6.0),
    }.get(call.word, (call.get("min", -LARGEST), call.get("max", LARGEST)))
    if not all(isinstance(limit, int | float) for limit in limits):
        return ()
    low, high = (max(-LARGEST, min(float(limit), LARGEST)) for limit in limits)
    return _step("clamp", call.result, min=low, max=high)


def _arithmetic(call: Call) -> CpuSteps:
    """Sums, differences, products and quotients with constants, or of two tensors of one shape."""
    if call.word == "neg":
        return _step("scale", call.result, factor=-1.0)
    if len(call.args) != 2 or call.get("alpha", 1) != 1:
        return ()
    both = [call.is_data(one) for one in call.args]
    word = {"multiply": "mul", "subtract": "sub", "true_divide": "div"}.get(call.word, call.word)
    if all(both):
        alike = call.args[0].shape == call.args[1].shape
        return _step(word, call.result) if alike and word in ("add", "sub", "mul") else ()
    data, constant = call.args if both[0] else reversed(call.args)
    found = _constants(constant, data)
    meaning = _MEANINGS.get((word, both[0]))
    if found is None or meaning is None or data.shape != call.result.shape:
        return ()
    numbers, axis = found
    keys = {
        key: _listed(value * torch.ones_like(numbers)) for key, value in meaning(numbers).items()
    }
    return _step("scale", call.result, **keys, **({} if axis is None else {"dim": axis}))


_MEANINGS: Mapping[tuple[str, bool], Callable[[Tensor], dict[str, Tensor | float]]] = {
    ("add", True): lambda n: {"offset": n},
    ("add", False): lambda n: {"offset": n},
    ("sub", True): lambda n: {"offset": -n},
    ("sub", False): lambda n: {"factor": -1.0, "offset": n},
    ("rsub", True): lambda n: {"factor": -1.0, "offset": n},
    ("mul", True): lambda n: {"factor": n},
    ("mul", False): lambda n: {"factor": n},
    ("div", True): lambda n: {"factor": 1 / n},
}


def _listed(numbers: Tensor) -> Value:
    """One number, or one for each place."""
    values = [float(number) for number in numbers]
    return values[0] if len(values) == 1 else tuple(values)


def _constants(constant: Any, data: Tensor) -> tuple[Tensor, int | None] | None:
    """Numbers, and the axis along which there is one for each place; None for anything else."""
    if isinstance(constant, int | float):
        return torch.tensor([float(constant)]), None
    if not isinstance(constant, Tensor) or constant.numel() > MAX_CONSTANTS:
        return None
    sizes = (1,) * (data.dim() - constant.dim()) + tuple(constant.shape)
    axes = [axis for axis, size in enumerate(sizes) if size > 1]
    if len(axes) > 1 or len(sizes) > data.dim() or axes == [0]:
        return None
    numbers = constant.detach().float().reshape(-1)
    finite = bool(numbers.isfinite().all())
    return (numbers, axes[0] - 1 if axes else None) if finite else None


def _concat(call: Call) -> CpuSteps:
    tensors = call.values.get("tensors", ())
    axis = call.get("dim", 0) % call.result.dim()
    if axis == 0 or not all(call.is_data(one) for one in tensors):
        return ()
    return _step("cat", call.result, dim=axis - 1)


def _permute(call: Call) -> CpuSteps:
    """Found by moving the numbers of axes about."""
    data = call.args[0]
    marked = torch.empty(tuple(range(2, data.dim() + 2)), device="meta")
    order = [size - 2 for size in _FUNCTIONS[call.word](marked, call).shape]
    if order[0] != 0:
        return ()
    return _step("permute", call.result, dims=tuple(axis - 1 for axis in order[1:]))


def _permuted(marked: Tensor, call: Call) -> Tensor:
    given = call.args[1:] or (call.values["dims"],)
    return marked.permute(*given)


def _swapped(marked: Tensor, call: Call) -> Tensor:
    dims = call.args[1:] or tuple(call.values[key] for key in ("dim0", "dim1"))
    return marked.transpose(*dims)


_FUNCTIONS: Mapping[str, Callable[[Tensor, Call], Tensor]] = {
    "permute": _permuted,
    "transpose": _swapped,
    "swapaxes": _swapped,
}


def _view(call: Call) -> CpuSteps:
    data = call.args[0] if call.args else call.values["input"]
    if data.shape[0] != call.result.shape[0]:
        return ()
    return (reshaped(tuple(call.result.shape[1:])),)


def _parts(call: Call) -> CpuSteps:
    """Slices and places of `x[...]`: a step for each axis that loses some, then the shape."""
    data, key = call.args[:2]
    entries = list(key) if isinstance(key, tuple) else [key]
    if any(isinstance(one, Tensor | list | bool) for one in entries):
        return ()
    n_named = sum(one is not None and one is not Ellipsis for one in entries)
    if Ellipsis not in entries:
        entries.append(Ellipsis)
    place = entries.index(Ellipsis)
    entries[place : place + 1] = [slice(None)] * (data.dim() - n_named)
    entries = [one for one in entries if one is not None]
    if entries[0] != slice(None):
        return ()
    shape, found = list(data.shape[1:]), list[CpuStep]()
    for axis, one in enumerate(entries[1:]):
        size = shape[axis]
        first = one % size if isinstance(one, int) else 0
        kept = slice(first, first + 1) if isinstance(one, int) else one
        start, stop, step = kept.indices(size)
        n = len(range(start, stop, step))
        if step < 1 or n == 0:
            return ()
        if n < size:
            shape[axis] = n
            keys = {"dim": axis, "start": start, "stop": stop}
            keys |= {"step": step} if step > 1 else {}
            found.append(CpuStep("slice", tuple(keys.items()), tuple(shape)))
    return (*found, reshaped(tuple(call.result.shape[1:])))


_SAME_NUMBERS = (
    *("flatten", "unflatten", "view", "reshape", "squeeze", "unsqueeze"),
    *("view_as", "reshape_as"),
    *("contiguous", "clone", "detach", "float", "identity", "to", "cpu", "type_as"),
)
_BUILDERS: Mapping[str, Callable[[Call], CpuSteps]] = {
    "softmax": _along("softmax"),
    "log_softmax": _along("log_softmax"),
    "argmax": _argmax,
    "normalize": _normalize,
    "sigmoid": _plain("sigmoid"),
    "tanh": _plain("tanh"),
    "exp": _plain("exp"),
    "relu": _plain("relu"),
    "abs": _plain("abs"),
    "absolute": _plain("abs"),
    **dict.fromkeys(("clamp", "clip", "clamp_min", "clamp_max", "hardtanh", "relu6"), _clamp),
    **dict.fromkeys(("add", "sub", "subtract", "rsub", "mul", "multiply"), _arithmetic),
    **dict.fromkeys(("div", "true_divide", "neg"), _arithmetic),
    "cat": _concat,
    "concat": _concat,
    **dict.fromkeys(("permute", "transpose", "swapaxes"), _permute),
    **dict.fromkeys(_SAME_NUMBERS, _view),
    "getitem": _parts,
}
