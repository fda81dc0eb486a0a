"""Trained networks and their data, as a checkpoint names them."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from ai8x_models.checkpoint import Checkpoint, load_checkpoint
from ai8x_models.describe.stored import restored
from ai8x_models.tasks.sampled.answer import AnswerForm
from ai8x_models.tasks.sampled.network import TrainedNetwork
from ai8x_models.tasks.sampled.task import SampledTask
from ai8x_models.training.data.form import InputForm
from ai8x_models.training.data.open import Samples
from ai8x_models.training.start import keep_scale
from ai8x_models.training.task import find_task
from ai8x_models.zoo.load import channels_last
from max78000.errors import UnsupportedError


def load_trained(path: Path, word: str = "") -> TrainedNetwork:
    """Take the network of a checkpoint.

    Args:
        path: of any stage.
        word: where the model is now, if its file has moved.

    Raises:
        InputError: the file is missing, damaged, or does not fit its network.
        UnsupportedError: the checkpoint was not made by training on samples.
    """
    checkpoint = load_checkpoint(path)
    form, answer = stored_forms(checkpoint, path)
    model = channels_last(restored(checkpoint, str(path), word))
    return TrainedNetwork(keep_scale(model) if answer.keeps_scale else model, form, answer)


def stored_forms(checkpoint: Checkpoint, where: Path) -> tuple[InputForm, AnswerForm]:
    """What a network takes, and what its answers mean; raises as `load_trained`."""
    task = _task_of(checkpoint, where)
    try:
        answer = task.answer.from_extras(checkpoint.extras)
    except KeyError as error:
        raise not_trained_here(where) from error
    return InputForm.from_json(checkpoint.extras["input"]), answer


def stored_samples(checkpoint: Checkpoint, split: str, where: Path, source: str = "") -> Samples:
    """Open the data that a checkpoint was trained on.

    Args:
        checkpoint: of any stage.
        split: `train`, `validation` or `test`.
        where: its file, for messages.
        source: other data of the same kind; empty for its own.

    Raises:
        InputError: the source is not there.
        UnsupportedError: the checkpoint does not say what it was trained on.
    """
    task = _task_of(checkpoint, where)
    plan = task.read_data(checkpoint.extras["source"])
    if source:
        plan = replace(plan, source=source)
    return task.answer.opened(plan, split, tuple(checkpoint.extras["input"]["shape"]))


def not_trained_here(path: Path) -> UnsupportedError:
    """Why a checkpoint without its data cannot be asked."""
    why = "does not say what its input and its classes are"
    fix = "name a checkpoint that `ai8x train` wrote for classification, or its integers"
    return UnsupportedError(why, where=str(path), fix=fix)


def _task_of(checkpoint: Checkpoint, where: Path) -> SampledTask[Any]:
    extras = checkpoint.extras
    if not all(extras.get(name) for name in ("task", "input", "source")):
        raise not_trained_here(where)
    task = find_task(extras["task"])
    if not isinstance(task, SampledTask):
        raise not_trained_here(where)
    return task
