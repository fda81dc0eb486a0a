"""What `--evaluate` and `--save-sample` do: a network with weights, and no training."""

import re
from collections.abc import Mapping
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from ai8x_models.checkpoint import load_checkpoint
from ai8x_models.describe.stored import trainable
from ai8x_models.layers.qat import DATA_GRID, Mode
from ai8x_models.training.data.form import InputForm
from ai8x_models.training.logs import Console
from ai8x_models.training.recipe import Recipe
from ai8x_models.training.start import keep_scale
from ai8x_models.training.task import Examples, task_of
from ai8x_models.zoo.load import channels_last, fill, mode_of
from ai8x_models.zoo.registry import Shape
from max78000.errors import InputError
from max78000.files import write_array

N_RGB = 3


def network_of_recipe(recipe: Recipe, shape: Shape, integers: bool = False) -> nn.Module:
    """Make the network of a recipe, with the weights of its `start_from` if there is one.

    Args:
        recipe: names both.
        shape: of the network's input.
        integers: the weights have to be integers.

    Raises:
        InputError: weights that do not fit, or are not integers.
    """
    torch.manual_seed(recipe.seed)
    model = trainable(recipe.model, shape)
    path = recipe.start_from
    if path is not None:
        model = fill(model, load_checkpoint(path), str(path))
    if integers and mode_of(model) is not Mode.INTEGER:
        where = "-8" if path is None else str(path)
        fix = "quantize it first: ai8x quantize IN OUT"
        raise InputError("holds no integers to compute with", where=where, fix=fix)
    return model.eval()


def open_test(recipe: Recipe, console: Console) -> Examples:
    """Open the test samples of a recipe; without any, those of validation."""
    examples: Examples = task_of(recipe.model, recipe.task).open_examples(recipe, "test", console)
    return examples


def scores_of(
    recipe: Recipe, model: nn.Module, examples: Examples, console: Console
) -> Mapping[str, Any]:
    """Score a network; what scores there are, the task says."""
    task = task_of(recipe.model, recipe.task)
    model = keep_scale(model) if task.keeps_scale else model
    with console.progress("evaluating", quiet=True) as progress:
        scores: Mapping[str, Any] = task.score(channels_last(model), examples, progress)
    shown = [f"{label} {scores[name]:.4f}" for label, name in task.shown_scores.items()
             if scores[name] is not None]  # fmt: skip
    console.line(f"{len(examples)} test examples: {'  '.join(shown)}")
    return scores


def confusion_text(scores: Mapping[str, Any]) -> str:
    """The confusion matrix among scores as a table; rows: what it is, columns: what was answered.

    Raises:
        InputError: the task has none.
    """
    if "confusion" not in scores:
        why = "the task tells no classes apart"
        raise InputError(why, where="--confusion", fix="leave it out")
    rows = [[str(count) for count in row] for row in scores["confusion"]]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "[" + " ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) + "]"
        for row in rows
    )


def sample_of(
    recipe: Recipe, model: nn.Module, examples: Examples, index: int, cut: bool = False
) -> NDArray[np.int64]:
    """One test sample as the accelerator is given it, (C, H, W) or (C, L).

    Args:
        recipe: of the data.
        model: says if pictures are folded.
        examples: of the test.
        index: which one, from 0.
        cut: its first three channels only.

    Raises:
        InputError: there is no such sample.
    """
    batch = next(islice(examples.in_order(1), index, None), None) if index >= 0 else None
    if batch is None:
        why = f"there is no sample {index} among {len(examples)}"
        raise InputError(why, where="--save-sample", fix=f"0 to {len(examples) - 1}")
    sample = (np.asarray(batch.inputs[0]) * DATA_GRID.one).round().astype(np.int8)
    form = task_of(recipe.model, recipe.task).extras(recipe, model, examples).get("input")
    if form:
        sample = InputForm.from_json(form).device_input(sample)
    return (sample[:N_RGB] if cut else sample).astype(np.int64)


def save_sample(dataset: str, sample: NDArray[np.int64]) -> Path:
    """Write a sample into the current folder, under the name that the vendor's tools expect.

    Args:
        dataset: its name.
        sample: int64, as the vendor's is.
    """
    name = re.sub(r"[^a-z0-9_.-]", "_", Path(dataset).name.lower())
    path = Path(f"sample_{name}.npy")
    write_array(path, sample)
    return path
