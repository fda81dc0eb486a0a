"""The best epoch so far: its score, and its weights in a file."""

from dataclasses import dataclass
from pathlib import Path

from torch import nn

from ai8x_models.checkpoint import Checkpoint, State, load_checkpoint, save_checkpoint


@dataclass(slots=True)
class Best:
    """What a run has reached.

    The file is written before the state of its epoch: a run that is killed between the two does the
    epoch again, and writes the same.

    Args:
        path: file of the weights.
        epoch: of the best score, from 0; None before the first one.
        score: the higher the better.
    """

    path: Path
    epoch: int | None = None
    score: float = 0.0

    def see(self, score: float, epoch: int, model: nn.Module) -> None:
        """Keep the weights if no earlier epoch was as good."""
        if self.epoch is None or score > self.score:
            self.epoch, self.score = epoch, score
            save_checkpoint(self.path, Checkpoint("", epoch, dict(model.state_dict())))

    def is_over(self, patience: int, epoch: int) -> bool:
        """True if `patience` epochs before `epoch` brought nothing better."""
        return patience > 0 and self.epoch is not None and epoch - self.epoch > patience

    def state(self) -> State:
        """The weights, as they were."""
        return load_checkpoint(self.path).state_dict
