"""Recipes as values: everything that decides the weights a run ends with.

A task's recipe is a subclass that says what its sections `data`, `loss` and `augment` hold; see
`task.py`. Paths are relative to the current folder. `recipe_file.py` reads them.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from ai8x_models.layers.policy import QatPolicy
from ai8x_models.training.sections import one_of, within
from max78000.errors import InputError


class DataPlan(Protocol):
    """What the section `data` of every task says."""

    @property
    def name(self) -> str:
        """What the data are called in the checkpoint."""

    @property
    def train_count(self) -> int | None:
        """Number of examples to train on; None if only the data themselves tell."""


@dataclass(frozen=True, slots=True)
class OptimizerPlan:
    """Who moves the weights, and how far at every step; see `optimizer.py`.

    Args:
        kind: `adamw` lets weights decay by themselves, `adam` and `sgd` through the gradient.
        peak_rate: highest learning rate.
        weight_decay: of weights; biases and norms do not decay.
        warmup_share: share of the run in which the rate rises linearly; `one-cycle` has its own.
        momentum: of `sgd`.
        schedule: how the rate falls.
        drops: of `steps`: shares of the run after which the rate is multiplied by `drop_factor`.
        drop_factor: of `steps`.
        clip_norm: gradients longer than this are shortened to it; 0: they are not.
    """

    kind: str = field(default="adamw", metadata=one_of("adamw", "adam", "sgd"))
    peak_rate: float = field(default=4e-3, metadata=within(1e-8, 1.0))
    weight_decay: float = field(default=1e-4, metadata=within(0.0, 1.0))
    warmup_share: float = field(default=0.05, metadata=within(0.0, 0.5))
    momentum: float = field(default=0.9, metadata=within(0.0, 0.999))
    schedule: str = field(
        default="cosine", metadata=one_of("cosine", "steps", "one-cycle", "constant")
    )
    drops: tuple[float, ...] = (0.5, 0.75)
    drop_factor: float = field(default=0.1, metadata=within(1e-4, 1.0))
    clip_norm: float = field(default=0.0, metadata=within(0.0))

    def __post_init__(self) -> None:
        """Refuse drops that are not within the run."""
        if not all(0 < share < 1 for share in self.drops):
            why = f"{list(self.drops)} are not shares of the run"
            raise InputError(why, where="drops", fix="write numbers between 0 and 1: [0.5, 0.75]")


@dataclass(frozen=True, slots=True)
class DistillPlan:
    """A teacher and the weights of what is learned from it; see `distillation.py`."""

    teacher: Path
    share: float = field(default=0.5, metadata=within(0.0, 1.0))
    decay: bool = False
    feature_weight: float = field(default=0.0, metadata=within(0.0))


@dataclass(frozen=True, slots=True)
class Recipe:
    """One training run.

    Sections of type `Any` are the task's: its subclass gives them types, and defaults where it can.

    Args:
        model: a name of the registry, or `FILE.py:NAME`: layers of ours or of plain torch.
        task: what it learns; left out, that of the registry.
        keep: which epoch's weights are the result: of the last, or of the best by the task's first
            score on the validation data, from where QAT begins.
        patience: epochs without a better score after which a run ends; 0: it does not.
        folder: where the results go; left out, `runs/NAME`.
    """

    name: str
    model: str
    epochs: int = field(metadata=within(1, 10_000))
    data: Any  # a `DataPlan`
    task: str | None = None
    seed: int = field(default=1, metadata=within(0, 2**31 - 1))
    batch_size: int = field(default=32, metadata=within(2, 4096))
    precision: str = field(default="float32", metadata=one_of("float32", "bfloat16"))
    start_from: Path | None = None
    keep: str = field(default="last", metadata=one_of("last", "best"))
    patience: int = field(default=0, metadata=within(0, 10_000))
    optimizer: OptimizerPlan = OptimizerPlan()
    loss: Any = None
    augment: Any = None
    distill: DistillPlan | None = None
    qat: QatPolicy | None = None
    folder: Path | None = None

    @property
    def run_folder(self) -> Path:
        """Where the results go."""
        return self.folder or Path("runs") / self.name

    @property
    def scores_epochs(self) -> bool:
        """True if the task's scores are asked for after every epoch."""
        return self.keep == "best" or self.patience > 0
