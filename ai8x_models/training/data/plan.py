"""What a recipe says of its data, for tasks that take any source."""

from dataclasses import dataclass, field
from pathlib import Path

from ai8x_models.describe.reference import split_reference
from ai8x_models.training.data.form import LAYOUTS
from ai8x_models.training.sections import one_of, within
from max78000.errors import InputError, ToolError, raise_all


@dataclass(frozen=True, slots=True)
class DataPlan:
    """Where samples come from, and what is made of them.

    Args:
        source: a file, a folder, or the name of a data set; `docs/training.md` has the table.
        folder: where a source that is one file has its samples; left out, beside it.
        shape: of the network's input, as CxHxW or CxL; left out, the network's or the data's.
        range: numbers of the source that become -128 and 127; left out, what the source is known
            to have. Numbers beyond it are cut.
        mean: numbers of the source that become 0, one a channel or one for all.
        layout: axes of a sample; left out, what its shape says.
        count: samples of a toy set.
        validation_share: share of the samples kept for validation, where the source does not say;
            0: those of the test are taken.
        test_share: the same for the test.
        seed: decides which samples those are.
        classes: of the source, that are told apart; all others become one, `unknown`. Left out:
            all of them.
        rate: samples a second that recordings are brought to.
        workers: processes that read files, and threads that make batches; left out, one a core; 0:
            all is done by the process that trains.
        silence: examples of a class `silence` that are cut from the noise of Speech Commands.
    """

    source: str
    folder: str | None = None
    shape: tuple[int, ...] = ()
    range: tuple[float, ...] = ()
    mean: tuple[float, ...] = ()
    layout: str | None = field(default=None, metadata=one_of(*LAYOUTS))
    count: int = field(default=2000, metadata=within(10, 1_000_000))
    validation_share: float = field(default=0.1, metadata=within(0.0, 0.9))
    test_share: float = field(default=0.2, metadata=within(0.0, 0.5))
    seed: int = field(default=1, metadata=within(0, 2**31 - 1))
    classes: tuple[str, ...] = ()
    rate: int = field(default=16_000, metadata=within(1_000, 192_000))
    workers: int | None = field(default=None, metadata=within(0, 256))
    silence: int = field(default=0, metadata=within(0, 100_000))

    def __post_init__(self) -> None:
        """Refuse what no source could be."""
        problems: list[ToolError] = []
        if self.range and (len(self.range) != 2 or self.range[0] >= self.range[1]):
            fix = "write what becomes -128 and 127: [0, 255]"
            problems.append(InputError(f"{list(self.range)} is no range", where="range", fix=fix))
        if self.shape and (len(self.shape) not in (2, 3) or min(self.shape) < 1):
            fix = "write [3, 64, 64] or [6, 128]"
            problems.append(InputError(f"{list(self.shape)} is no shape", where="shape", fix=fix))
        if self.shape and len(self.mean) > 1 and len(self.mean) != self.shape[0]:
            why = f"{len(self.mean)} numbers for {self.shape[0]} channels"
            problems.append(InputError(why, where="mean", fix="give one a channel, or one for all"))
        raise_all(problems)

    @property
    def name(self) -> str:
        """What the data are called in the checkpoint."""
        reference = split_reference(self.source)
        return reference[1] if reference is not None else Path(self.source).name

    @property
    def train_count(self) -> int | None:
        """Unknown before the source is opened."""
        return None
