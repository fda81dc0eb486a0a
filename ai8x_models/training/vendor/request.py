"""What a command line of the vendor's trainer asks for, as a value."""

from dataclasses import dataclass
from itertools import chain, count
from pathlib import Path

DEFAULT_POLICY = Path("policies/qat_policy.yaml")  # where a checkout of the vendor's has it


@dataclass(frozen=True, slots=True)
class Distillation:
    """A teacher, and what it counts against the truth."""

    teacher: Path
    temperature: float = 1.0
    teacher_weight: float = 0.5
    truth_weight: float = 0.5


@dataclass(frozen=True, slots=True)
class Request:
    """Options of `train.py`, with its defaults.

    Args:
        model: name in `models_dir`, of `ai8x list`, or `FILE.py:NAME`.
        dataset: name in `datasets_dir`, or of `datasets.READ_HERE`.
        data: folder of the data.
        models_dir: folder of the vendor's model modules.
        datasets_dir: the same of its data sets.
        epochs: to train.
        batch_size: samples in a batch.
        optimizer: `SGD` or `Adam`.
        rate: first learning rate.
        momentum: of SGD.
        weight_decay: of weights.
        compress: schedule of the rate; None: it stays.
        policy: file of QAT, or `None`, the word; None: `DEFAULT_POLICY`.
        seed: of everything drawn.
        is_deterministic: the same bits again, also with other numbers of cores.
        on_cpu: compute on no GPU.
        validation_split: share of the training samples; 0: the test's are taken.
        has_bias: `bias` of the model.
        is_regression: numbers are learned.
        is_detection: boxes are learned.
        detection_params: file with what the loss of boxes needs.
        start: weights to begin with, or to evaluate.
        distillation: a teacher, if there is one.
        name: of the experiment.
        out_dir: folder of the runs.
        resumed: folder of a run to continue.
    """

    model: str
    dataset: str
    data: Path = Path("data")
    models_dir: Path = Path("models")
    datasets_dir: Path = Path("datasets")
    epochs: int = 90
    batch_size: int = 256
    optimizer: str = "SGD"
    rate: float = 0.1
    momentum: float = 0.9
    weight_decay: float = 1e-4
    compress: Path | None = None
    policy: str | None = None
    seed: int = 1
    is_deterministic: bool = False
    on_cpu: bool = False
    validation_split: float = 0.1
    has_bias: bool = False
    is_regression: bool = False
    is_detection: bool = False
    detection_params: Path | None = None
    start: Path | None = None
    distillation: Distillation | None = None
    name: str | None = None
    out_dir: Path = Path("logs")
    resumed: Path | None = None

    def folder(self, now: str) -> Path:
        """Where the run lies, under the name that the vendor's would have.

        A second run that begins in the same second gets a number behind it.

        Args:
            now: date and time, `2026.11.28-174706`.
        """
        if self.resumed is not None:
            return self.resumed
        name = f"{self.name}___{now}" if self.name else now
        names = chain((name,), (f"{name}-{number}" for number in count(2)))
        return next(path for one in names if not (path := self.out_dir / one).exists())

    @property
    def prefix(self) -> str:
        """What the names of its checkpoints begin with."""
        return f"{self.name}_" if self.name else ""
