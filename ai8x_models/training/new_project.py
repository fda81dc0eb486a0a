"""A new project: a folder with model, recipe and Makefile, from data to firmware.

What is in it are the templates of the task; `templates/` has a folder for each that has some.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import jinja2
import numpy as np

from ai8x_models.describe.reference import split_reference
from ai8x_models.training.data.open import Samples, open_samples
from ai8x_models.training.data.plan import DataPlan
from ai8x_models.training.data.source import NO_BOX, Answers, Targets
from ai8x_models.zoo.registry import Shape
from max78000.errors import InputError, UnsupportedError
from max78000.files import make_folder, renewed, unwritable, write_all

TEMPLATES = Path(__file__).parents[1] / "templates"
_COMMON = "common"  # templates that all tasks have alike, and may extend or replace
_DATA = "data.py"  # of a template that draws its own data
_CHANNELS = (32, 32, 48, 64, 64, 64, 64)  # of the layers, the first one first
_FOLD_SIZE = 64  # larger ones do not fit the data memory unfolded
_MAX_SIZE = 180
_MASK_STEP = 8  # halved once by folding and twice by pooling
_N_SIZES = 2  # of priors around every cell


@dataclass(frozen=True, slots=True)
class Kind:
    """What a task's template needs.

    Args:
        answers: what the data answer.
        source: of data, if none is named; a file of the template, or a source as recipes have it.
        end_size: pictures are halved until they are not larger than this.
        n_more: layers after that, for what has to see far around every place.
    """

    answers: Answers
    source: str
    end_size: int = 3
    n_more: int = 0


KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        "classification": Kind(Answers.CLASSES, "sklearn:digits"),
        "detection": Kind(Answers.BOXES, f"{_DATA}:shapes", end_size=8, n_more=1),
        "keypoints": Kind(Answers.KEYPOINTS, f"{_DATA}:arrows", end_size=16, n_more=3),
        "regression": Kind(Answers.NUMBERS, f"{_DATA}:disc"),
        "segmentation": Kind(Answers.MASKS, f"{_DATA}:shapes"),
    }
)


@dataclass(frozen=True, slots=True)
class LayerLine:
    """One line of the new model's constructor: a name, a call, the shape of what comes out."""

    name: str
    code: str
    result: str


def tasks_with_templates() -> tuple[str, ...]:
    """Tasks for which there can be a new project."""
    return tuple(sorted(KINDS))


def new_project(folder: Path, task: str, plan: DataPlan | None = None) -> tuple[Path, ...]:
    """Write a project whose `make` goes from data to PASS on the virtual board.

    Args:
        folder: to make; its name is the project's.
        task: one of `tasks_with_templates`.
        plan: where the data are, and the shape that pictures get if they have several; None, or
            without a source: what the template draws, or the digits.

    Returns:
        The files, in the order of their names.

    Raises:
        InputError: the folder is there, its name cannot be one of a network, or no such data.
        UnsupportedError: data for which there is no template.
    """
    name, kind = folder.name, KINDS[task]
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        why = f"{name!r} cannot be the name of a network"
        raise InputError(why, where=str(folder), fix="use a-z, 0-9 and _")
    if folder.exists():
        raise InputError("is there already", where=str(folder), fix="choose another name")
    plan = plan or DataPlan("")
    draws = not plan.source and kind.source.startswith(_DATA)
    source = plan.source or kind.source
    at = f"{TEMPLATES / task}/{kind.source}" if draws else source
    samples = open_samples(replace(plan, source=at), "train", answers=kind.answers)
    values = _values(name, samples, kind) | {
        "source": source if draws else _reachable(source),
        "plan_shape": plan.shape,
        "has_data": draws,
    }
    return _written(folder, task, values, draws)


def _values(name: str, samples: Samples, kind: Kind) -> dict[str, Any]:
    """What templates put into their text."""
    shape = samples.form.shape
    layers, end = layer_lines(shape, kind.end_size, kind.n_more)
    values: dict[str, Any] = {
        "name": name,
        "arch": "".join(map(str.capitalize, name.removesuffix("_net").split("_"))) + "Net",
        "shape": "x".join(map(str, shape)),
        "classes": samples.classes,
        "shift": 1 if min(shape[1:]) > 8 else 0,
        "layers": layers,
        "end": end,
        "n_features": end[0] * end[1] * end[2],
        "folds": "Folded" in layers[0].code,
    }
    if kind.answers is Answers.NUMBERS:
        values["n_numbers"] = int(np.prod(samples.targets.shape[1:]))
    if kind.answers is Answers.MASKS:
        values |= {"channels": shape[0], "half": [side // 2 for side in shape[1:]]}
        if any(side % _MASK_STEP for side in shape[1:]):
            why = f"pictures of {values['shape']} cannot be halved three times"
            raise UnsupportedError(why, fix="give --input CxHxW, both multiples of 8")
    if kind.answers is Answers.BOXES:
        values["sizes"] = prior_sizes(samples.targets)
    if kind.answers is Answers.KEYPOINTS:
        n_points = samples.targets.shape[1]
        values["points"] = samples.classes or tuple(map(str, range(n_points)))
    return values


def _written(folder: Path, task: str, values: dict[str, Any], draws: bool) -> tuple[Path, ...]:
    """Make the folder of the templates' files, whole: the task's, and those that all have alike."""
    rooms = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
    )
    templates: dict[str, str] = {}
    for part in (_COMMON, task):
        for path in (TEMPLATES / part).glob("*.j2"):
            templates[path.name.removesuffix(".j2")] = f"{part}/{path.name}"
    files = {
        name: rooms.get_template(template).render(values).encode()
        for name, template in templates.items()
    }
    if draws:
        files[_DATA] = (TEMPLATES / task / _DATA).read_bytes()
    make_folder(folder.parent)
    try:
        with renewed(folder) as fresh:
            write_all({fresh / name: contents for name, contents in files.items()})
    except OSError as error:
        raise unwritable(folder, error) from error
    return tuple(sorted(folder / name for name in files))


def prior_sizes(boxes: Targets) -> tuple[tuple[float, float], ...]:
    """Widths and heights that boxes of the data have: those in the middle of small and large ones.

    Args:
        boxes: (N, M, 5): corners as shares of the picture, class.
    """
    rows = boxes[boxes[..., 4] != NO_BOX]
    sizes = (rows[:, 2:4] - rows[:, :2]).astype(np.float64)
    by_area = sizes[np.argsort(sizes.prod(axis=1), kind="stable")]
    parts = [part for part in np.array_split(by_area, _N_SIZES) if len(part)]
    middles = (np.median(part, axis=0).clip(0.02).round(2).tolist() for part in parts)
    return tuple(dict.fromkeys((wide, high) for wide, high in middles)) or ((0.3, 0.3),)


def layer_lines(
    shape: Shape, end_size: int = 3, n_more: int = 0
) -> tuple[tuple[LayerLine, ...], tuple[int, int, int]]:
    """Layers for pictures of a shape, and the shape of what the last one gives.

    Args:
        shape: of the pictures.
        end_size: they are halved until they are not larger than this.
        n_more: layers after that.

    Raises:
        UnsupportedError: signals, and pictures that are too small or too large.
    """
    words = "x".join(map(str, shape))
    if len(shape) != 3:
        why = f"samples of {words} are signals, and the template is for pictures"
        raise UnsupportedError(why, fix="write the model by hand, with Conv1d: docs/tutorial.md")
    n_in, *sizes = shape
    if not min(sizes) > end_size or max(sizes) > _MAX_SIZE:
        why = f"pictures of {words} are not {end_size + 1} to {_MAX_SIZE} pixels wide and high"
        raise UnsupportedError(why, fix="give --input CxHxW")
    folds = max(sizes) > _FOLD_SIZE and all(size % 2 == 0 for size in sizes)
    options = 'batchnorm="Affine", activation="ReLU"'
    lines: list[LayerLine] = []
    n_left = n_more
    while not lines or min(sizes) > end_size or n_left:
        name, n_out = f"conv{len(lines) + 1}", _CHANNELS[len(lines)]
        halves = min(sizes) > end_size and (folds or bool(lines))
        n_left -= bool(lines) and not halves
        pool = ', pool="max"' if lines and halves else ""
        kind = "FoldedConv2d" if folds and not lines else "Conv2d"
        if halves:
            sizes = [size // 2 for size in sizes]
        code = f"{kind}({n_in}, {n_out}{pool}, {options})"
        lines.append(LayerLine(name, code, "x".join(map(str, (n_out, *sizes)))))
        n_in = n_out
    return tuple(lines), (n_in, sizes[0], sizes[1])


def _reachable(source: str) -> str:
    """A source as it is named from another folder."""
    reference = split_reference(source)
    if reference is not None:
        return f"{reference[0].resolve()}:{reference[1]}"
    return str(Path(source).resolve()) if Path(source).exists() else source
