"""What the vendor's trainer shows in TensorBoard beyond the scores: weights, curves, a projector.

Written beside the scores of every run, which are in `tensorboard/` of its folder.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.utils.tensorboard import SummaryWriter

from ai8x_models.training.loop import Numbers
from ai8x_models.training.run import Run
from ai8x_models.training.task import Examples
from max78000.errors import InputError

BATCH = 256
N_PROJECTED = 2000  # points; more make the projector slow


@contextmanager
def _writing(folder: Path) -> Iterator[SummaryWriter]:
    writer = SummaryWriter(str(folder / "tensorboard"))
    try:
        yield writer
    finally:
        writer.close()


def write_histograms(run: Run, _numbers: Numbers) -> None:
    """Write how the values of every parameter are spread; a `Watch` of the loop."""
    with _writing(run.recipe.run_folder) as writer:
        for name, parameter in run.model.named_parameters():
            writer.add_histogram(name, parameter.detach().cpu(), run.epoch)


def write_curves(folder: Path, model: nn.Module, examples: Examples, epoch: int) -> None:
    """Write precision against recall of every class.

    Raises:
        InputError: the network tells no classes apart.
    """
    answers, truths = _answers(model, examples, "--pr-curves")
    shares = answers.softmax(dim=1)
    with _writing(folder) as writer:
        for number, share in enumerate(shares.T):
            writer.add_pr_curve(f"class {number}", truths == number, share, epoch)


def write_embedding(folder: Path, model: nn.Module, examples: Examples, epoch: int) -> None:
    """Write answers as points with their class; raises as `write_curves`."""
    answers, truths = _answers(model, examples, "--embedding")
    with _writing(folder) as writer:
        points, names = answers[:N_PROJECTED], truths[:N_PROJECTED].tolist()
        writer.add_embedding(points, metadata=names, global_step=epoch, tag="answers")


def _answers(model: nn.Module, examples: Examples, where: str) -> tuple[Tensor, Tensor]:
    """Scores (N, K) and classes (N,) of all examples."""
    answers, truths = [], []
    with torch.no_grad():
        for batch in examples.in_order(BATCH):
            answers.append(model.eval()(batch.inputs))
            truths.append(batch.truth)
    if not all(isinstance(one, Tensor) and one.dim() == 1 for one in truths):
        raise InputError("the task tells no classes apart", where=where, fix="leave it out")
    return torch.cat([one.flatten(1).float() for one in answers]), torch.cat(truths)
