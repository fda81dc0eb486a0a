"""What the numbers of a network mean: a class, a mask, boxes, points, numbers, or just numbers.

By the task that the checkpoint names. The meaning is that of `ai8x_models/tasks`, where each task
has its `answer.py`; tests hold the two equal.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from max78000.apps.run.boxes import found_in
from max78000.errors import InputError
from max78000.program.network_file import NetworkFacts

Floats = NDArray[np.float64]
Mask = NDArray[np.uint8]
Results = Sequence[NDArray[Any]]
N_SHOWN = 3  # classes
N_NUMBERS = 6


@dataclass(frozen=True, slots=True)
class Shown:
    """An answer.

    Args:
        text: one line.
        data: the same for programs, as `json.dumps` takes it.
        label: the class, of a network that tells classes apart; else empty.
        mask: classes of pixels (H, W), or None.
    """

    text: str
    data: Mapping[str, Any]
    label: str = ""
    mask: Mask | None = None


def show(facts: NetworkFacts, results: Mapping[str, NDArray[Any]]) -> Shown:
    """Say what results mean.

    Args:
        facts: task, classes and the like.
        results: real numbers, or indices, by name: what stands behind the accelerator if there is
            something, else its outputs (C, H, W).
    Raises:
        InputError: the network has other results than its task.
    """
    arrays = tuple(results.values())
    indices = [one for one in arrays if one.dtype.kind == "i"]
    if facts.classes and indices and indices[0].size == 1:
        return _label(facts.classes, int(indices[0].ravel()[0]))
    reader = _READERS.get(facts.task)
    found = None if reader is None else reader(facts, arrays)
    return found or _arrays(results)


def _label(classes: Sequence[str], index: int) -> Shown:
    label = classes[index]
    return Shown(label, {"class": label}, label)


def _classes(facts: NetworkFacts, arrays: Results) -> Shown:
    classes = facts.classes
    scores = np.concatenate([np.asarray(one, np.float64).ravel() for one in arrays])
    if len(scores) != len(classes):
        raise InputError(f"gives {len(scores)} scores for {len(classes)} classes", where="network")
    powers = np.exp(scores - scores.max())
    shares = (powers / powers.sum()).tolist()
    label = classes[int(np.argmax(scores))]
    ranked = sorted(zip(shares, classes, strict=True), reverse=True)
    text = ", ".join(f"{name} {share:.1%}" for share, name in ranked[:N_SHOWN])
    data = {"class": label, "probabilities": {name: share for share, name in ranked}}
    return Shown(text, data, label)


def _mask(facts: NetworkFacts, arrays: Results) -> Shown:
    """Scores, folded or not: channel (f i + j) K + c says class c of a block's pixel (i, j)."""
    classes, size = facts.classes, tuple(facts.trained["mask"])
    scores = arrays[0]
    n_channels, height, width = scores.shape
    fold = math.isqrt(n_channels // len(classes))
    if not fold or n_channels != fold * fold * len(classes):
        why = f"gives {n_channels} channels for {len(classes)} classes a pixel"
        raise InputError(why, where="network")
    blocks = scores.reshape(fold, fold, len(classes), height, width).transpose(2, 3, 0, 4, 1)
    whole = blocks.reshape(len(classes), height * fold, width * fold)
    mask = _at_size(whole.argmax(axis=0).astype(np.uint8), size)
    counts = np.bincount(mask.ravel(), minlength=len(classes)) / mask.size
    shares = sorted(zip(classes, counts.tolist(), strict=True), key=lambda one: -one[1])
    text = ", ".join(f"{name} {share:.1%}" for name, share in shares if share)
    return Shown(text, {"shares": dict(shares)}, mask=mask)


def _at_size(mask: Mask, size: tuple[int, ...]) -> Mask:
    """With other rows and columns: those of the nearest pixels."""
    rows, columns = (
        ((np.arange(new) + 0.5) * old / new).astype(np.int64)
        for old, new in zip(mask.shape, size, strict=True)
    )
    sized: Mask = mask[rows][:, columns]
    return sized


def _boxes(facts: NetworkFacts, arrays: Results) -> Shown | None:
    if len(arrays) != len(("locations", "scores")):
        return None  # put together by software that is not in the project
    priors = np.array(facts.trained["priors"], np.float64)
    locations, scores = (np.asarray(one, np.float64).reshape(len(priors), -1) for one in arrays)
    plan = facts.trained["nms"]
    boxes = [
        {"class": facts.classes[number], "probability": score, "box": corners}
        for corners, number, score in found_in(locations, scores, priors, plan)
        if score >= plan["shown_score"]
    ]
    text = ", ".join(f"{box['class']} {box['probability']:.1%}" for box in boxes) or "nothing"
    return Shown(text, {"boxes": boxes})


def _points(facts: NetworkFacts, arrays: Results) -> Shown | None:
    """Coordinates -1..1, x and y of one point after the other, in pixels of the input."""
    answer = arrays[0]
    if answer.size != 2 * len(facts.trained["points"]):
        return None  # heat maps
    names, (height, width) = facts.trained["points"], facts.trained["size"]
    places = (np.asarray(answer, np.float64).reshape(-1, 2) + 1) / 2 * (width, height)
    found = {name: {"x": x, "y": y} for name, (x, y) in zip(names, places.tolist(), strict=True)}
    text = "; ".join(f"{name} at {one['x']:.1f}, {one['y']:.1f}" for name, one in found.items())
    return Shown(text, {"points": found})


def _numbers(facts: NetworkFacts, arrays: Results) -> Shown:
    """In the units of the source."""
    target = facts.trained["target"]
    said = np.concatenate([np.asarray(one, np.float64).ravel() for one in arrays])
    shape = tuple(target["shape"])
    if said.size != math.prod(shape):
        raise InputError(f"gives {said.size} numbers, not {math.prod(shape)}", where="network")
    zero = np.reshape(target["zero"], (-1, *(1 for _ in shape[1:])) if target["is_input"] else -1)
    numbers = said.reshape(shape) * (target["step"] * 128) + zero
    return Shown(_words(numbers), {"numbers": numbers.tolist()})


def _arrays(results: Mapping[str, NDArray[Any]]) -> Shown:
    text = "; ".join(f"{name}: {_words(one)}" for name, one in results.items())
    return Shown(text, {name: one.tolist() for name, one in results.items()})


# By the task's name; None where a task's results came in another form.
_READERS: Mapping[str, Callable[[NetworkFacts, Results], Shown | None]] = {
    "classification": _classes,
    "segmentation": _mask,
    "detection": _boxes,
    "keypoints": _points,
    "regression": _numbers,
}


def _words(numbers: NDArray[Any]) -> str:
    flat = np.ravel(numbers)
    if len(flat) <= N_NUMBERS:
        return ", ".join(f"{number:.4g}" for number in flat)
    return f"{len(flat)} numbers from {flat.min():.4g} to {flat.max():.4g}"
