"""Recipes as values: everything that decides the weights a run ends with.

A task's recipe is a subclass that says what its sections `data`, `loss` and `augment` hold; see
`task.py`. Paths are relative to the current folder. `recipe_file.py` reads them.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from ai8x_models.layers.policy import QatPolicy
from ai8x_models.training.sections import one_of, within


class DataPlan(Protocol):
    """What the section `data` of every task says."""

    @property
    def name(self) -> str:
        """What the data are called in the checkpoint."""

    @property
    def train_count(self) -> int:
        """Number of examples to train on."""


@dataclass(frozen=True, slots=True)
class OptimizerPlan:
    """AdamW with a linear warm-up and a cosine decay to zero; the rate changes every step."""

    peak_rate: float = field(default=4e-3, metadata=within(1e-8, 1.0))
    weight_decay: float = field(default=1e-4, metadata=within(0.0, 1.0))
    warmup_share: float = field(default=0.05, metadata=within(0.0, 0.5))


@dataclass(frozen=True, slots=True)
class DistillPlan:
    """A teacher and the weights of what is learned from it; see `distillation.py`."""

    teacher: Path
    share: float = field(default=0.5, metadata=within(0.0, 1.0))
    decay: bool = False
    feature_weight: float = field(default=0.0, metadata=within(0.0))


@dataclass(frozen=True, slots=True)
class Recipe:
    """One training run. Results go to `runs/NAME/`.

    Sections of type `Any` are the task's: its subclass gives them types, and defaults where it can.
    """

    name: str
    model: str
    epochs: int = field(metadata=within(1, 10_000))
    data: Any  # a `DataPlan`
    seed: int = field(default=1, metadata=within(0, 2**31 - 1))
    batch_size: int = field(default=32, metadata=within(2, 4096))
    precision: str = field(default="float32", metadata=one_of("float32", "bfloat16"))
    start_from: Path | None = None
    optimizer: OptimizerPlan = OptimizerPlan()
    loss: Any = None
    augment: Any = None
    distill: DistillPlan | None = None
    qat: QatPolicy | None = None

    @property
    def run_folder(self) -> Path:
        """Where the results go."""
        return Path("runs") / self.name

    @property
    def steps_per_epoch(self) -> int:
        """Whole batches only: the examples left over in one epoch come up in another."""
        plan: DataPlan = self.data
        return plan.train_count // self.batch_size
