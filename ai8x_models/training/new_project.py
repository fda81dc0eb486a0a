"""A new project: a folder with model, recipe and Makefile, from data to firmware.

What is in it are the templates of the task; `templates/` has a folder for each that has some.
"""

import re
from dataclasses import dataclass
from pathlib import Path

import jinja2

from ai8x_models.describe.user_file import split_reference
from ai8x_models.training.data.open import open_samples
from ai8x_models.training.data.plan import DataPlan
from ai8x_models.zoo.registry import Shape
from max78000.errors import InputError, UnsupportedError
from max78000.files import write_whole

TEMPLATES = Path(__file__).parents[1] / "templates"
_CHANNELS = (32, 32, 48, 64, 64, 64, 64)  # of the layers, the first one first
_END_SIZE = 3  # pictures are halved until they are not larger than this
_FOLD_SIZE = 64  # larger ones do not fit the data memory unfolded
_MAX_SIZE = 180


@dataclass(frozen=True, slots=True)
class LayerLine:
    """One line of the new model's constructor: a name, a call, the shape of what comes out."""

    name: str
    code: str
    result: str


def tasks_with_templates() -> tuple[str, ...]:
    """Tasks for which there can be a new project."""
    return tuple(sorted(one.name for one in TEMPLATES.iterdir() if one.is_dir()))


def new_project(folder: Path, task: str, plan: DataPlan) -> tuple[Path, ...]:
    """Write a project whose `make` goes from data to PASS on the virtual board.

    Args:
        folder: to make; its name is the project's.
        task: one of `tasks_with_templates`.
        plan: where the data are, and the shape that pictures get if they have several.

    Returns:
        The files, in the order of their names.

    Raises:
        InputError: the folder is there, its name cannot be one of a network, or no such data.
        UnsupportedError: data for which there is no template.
    """
    name = folder.name
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        why = f"{name!r} cannot be the name of a network"
        raise InputError(why, where=str(folder), fix="use a-z, 0-9 and _")
    if folder.exists():
        raise InputError("is there already", where=str(folder), fix="choose another name")
    samples = open_samples(plan, "train")
    shape = samples.form.shape
    layers, n_features = layer_lines(shape)
    values = {
        "name": name,
        "arch": "".join(map(str.capitalize, name.removesuffix("_net").split("_"))) + "Net",
        "source": _reachable(plan.source),
        "plan_shape": plan.shape,
        "shape": "x".join(map(str, shape)),
        "classes": samples.classes,
        "shift": 1 if min(shape[1:]) > 8 else 0,
        "layers": layers,
        "n_features": n_features,
        "folds": "Folded" in layers[0].code,
    }
    loader = jinja2.FileSystemLoader(TEMPLATES / task)
    rooms = jinja2.Environment(
        loader=loader, undefined=jinja2.StrictUndefined, keep_trailing_newline=True
    )
    folder.mkdir(parents=True)
    written = []
    for template in sorted(rooms.list_templates()):
        path = folder / template.removesuffix(".j2")
        write_whole(path, rooms.get_template(template).render(values).encode())
        written.append(path)
    return tuple(written)


def layer_lines(shape: Shape) -> tuple[tuple[LayerLine, ...], int]:
    """Layers for pictures of a shape, and the number of features that the last one gives.

    Raises:
        UnsupportedError: signals, and pictures that are too small or too large.
    """
    words = "x".join(map(str, shape))
    if len(shape) != 3:
        why = f"samples of {words} are signals, and the template is for pictures"
        raise UnsupportedError(why, fix="write the model by hand, with Conv1d: docs/tutorial.md")
    n_in, *sizes = shape
    if not min(sizes) > _END_SIZE or max(sizes) > _MAX_SIZE:
        why = f"pictures of {words} are not {_END_SIZE + 1} to {_MAX_SIZE} pixels wide and high"
        raise UnsupportedError(why, fix="give --input CxHxW")
    folds = max(sizes) > _FOLD_SIZE and all(size % 2 == 0 for size in sizes)
    options = 'batchnorm="Affine", activation="ReLU"'
    lines: list[LayerLine] = []
    while not lines or min(sizes) > _END_SIZE:
        name, n_out = f"conv{len(lines) + 1}", _CHANNELS[len(lines)]
        pool = ', pool="max"' if lines else ""
        kind = "FoldedConv2d" if folds and not lines else "Conv2d"
        if lines or folds:
            sizes = [size // 2 for size in sizes]
        code = f"{kind}({n_in}, {n_out}{pool}, {options})"
        lines.append(LayerLine(name, code, "x".join(map(str, (n_out, *sizes)))))
        n_in = n_out
    return tuple(lines), n_in * sizes[0] * sizes[1]


def _reachable(source: str) -> str:
    """A source as it is named from another folder."""
    reference = split_reference(source)
    if reference is not None:
        return f"{reference[0].resolve()}:{reference[1]}"
    return str(Path(source).resolve()) if Path(source).exists() else source
