"""Recipes as values: everything that decides the weights a run ends with.

A task's recipe is a subclass that says what its sections `data`, `loss` and `augment` hold; see
`task.py`. Paths are relative to the current folder. `recipe_file.py` reads them.
"""

from collections.abc import Mapping
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
        schedule: how the rate falls; `epochs`: as `rates` says.
        drops: of `steps`: shares of the run after which the rate is multiplied by `drop_factor`.
        drop_factor: of `steps`.
        rates: of `epochs`: the rate from an epoch on, from 0.
        schedule_file: of the vendor's trainer; in a recipe that was read its rates are `rates`.
        clip_norm: gradients longer than this are shortened to it; 0: they are not.
    """

    kind: str = field(default="adamw", metadata=one_of("adamw", "adam", "sgd"))
    peak_rate: float = field(default=4e-3, metadata=within(1e-8, 1.0))
    weight_decay: float = field(default=1e-4, metadata=within(0.0, 1.0))
    warmup_share: float = field(default=0.05, metadata=within(0.0, 0.5))
    momentum: float = field(default=0.9, metadata=within(0.0, 0.999))
    schedule: str = field(
        default="cosine", metadata=one_of("cosine", "steps", "one-cycle", "constant", "epochs")
    )
    drops: tuple[float, ...] = (0.5, 0.75)
    drop_factor: float = field(default=0.1, metadata=within(1e-4, 1.0))
    rates: Mapping[int, float] = field(default_factory=dict)
    schedule_file: Path | None = None
    clip_norm: float = field(default=0.0, metadata=within(0.0))

    def __post_init__(self) -> None:
        """Refuse drops that are not within the run, and rates that do not begin with it."""
        if not all(0 < share < 1 for share in self.drops):
            why = f"{list(self.drops)} are not shares of the run"
            raise InputError(why, where="drops", fix="write numbers between 0 and 1: [0.5, 0.75]")
        if (self.schedule == "epochs") != bool(self.rates) or (self.rates and 0 not in self.rates):
            why = "go together, and the first rate is that of epoch 0"
            fix = "write `schedule: epochs` and `rates: {0: 0.01, 20: 0.001}`"
            raise InputError(why, where="schedule: epochs and rates", fix=fix)


@dataclass(frozen=True, slots=True)
class AveragePlan:
    """A running mean of the weights, used in their place; see `average.py`.

    Args:
        decay: share of the mean that a step leaves as it is; 0.999 is a mean over 1,000 steps.
    """

    decay: float = field(default=0.999, metadata=within(0.0, 0.999999))


@dataclass(frozen=True, slots=True)
class DistillPlan:
    """A teacher and the weights of what is learned from it; see `distillation.py`.

    Args:
        teacher: a checkpoint of any network for the same task and input.
        share: of the loss that is the distance to the teacher's answers.
        decay: it falls to nothing over the run.
        feature_weight: of the distance of what enters single layers.
        features: those layers: the network's, and the teacher's; left out, the task's own.
    """

    teacher: Path
    share: float = field(default=0.5, metadata=within(0.0, 1.0))
    decay: bool = False
    feature_weight: float = field(default=0.0, metadata=within(0.0))
    features: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse layers that weigh nothing."""
        if self.features and not self.feature_weight:
            why = "are given, and feature_weight is 0"
            raise InputError(why, where="features", fix="write `feature_weight: 0.1`")

    def pairs(self, usual: str) -> Mapping[str, str]:
        """Layers of the network and of the teacher; `usual` is the task's, empty for none."""
        return self.features or ({usual: usual} if usual else {})


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
        device: where it computes; `auto`: on a GPU if there is one.
        deterministic: the same bits on every machine of this kind; see `determinism.py`.
        average: what is scored and kept is a running mean of the weights.
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
    device: str = field(default="auto", metadata=one_of("auto", "cpu", "cuda"))
    deterministic: bool = False
    optimizer: OptimizerPlan = field(default_factory=OptimizerPlan)
    average: AveragePlan | None = None
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
