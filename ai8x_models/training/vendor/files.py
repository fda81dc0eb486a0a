"""The files that scripts of the vendor's users expect of a run, beside those that every run has.

    logs/NAME___2026.11.28-174706/
        NAME_checkpoint.pth.tar, NAME_best.pth.tar            the last and the best epoch in float
        NAME_qat_checkpoint.pth.tar, NAME_qat_best.pth.tar    the same of QAT
        NAME___2026.11.28-174706.log                          what was said
    latest_log_dir, latest_log_file                           links, in the current folder

Without a name, `NAME___` and `NAME_` are not there. The best of QAT is what a quantizer takes.

Source: [trainer] the log of a run in its README, and the scripts that go on from there.
"""

import math
from contextlib import suppress
from pathlib import Path
from typing import TextIO

from ai8x_models.checkpoint import load_checkpoint, save_checkpoint
from ai8x_models.training.logs import Console
from ai8x_models.training.loop import Numbers
from ai8x_models.training.result import trained
from ai8x_models.training.run import Run

LATEST_FOLDER, LATEST_LOG = "latest_log_dir", "latest_log_file"


def log_of(folder: Path) -> Path:
    """The log of a run."""
    return folder / f"{folder.name}.log"


class Checkpoints:
    """Writes the checkpoints of a run as it goes; a `Watch` of the loop.

    The best of each of the two halves is known by its file, so that a run that goes on after a kill
    ends with the same.
    """

    def __init__(self, folder: Path, prefix: str) -> None:
        self._folder, self._prefix = folder, prefix

    def __call__(self, run: Run, numbers: Numbers) -> None:
        """Write the last epoch, and the best so far if this one is."""
        is_qat = run.qat is not None and run.counts
        start = f"{self._prefix}{'qat_' if is_qat else ''}"
        name = next(iter(run.task.shown_scores.values()))
        scores = {name: numbers[name]} if name in numbers else {}
        checkpoint = trained(run, run.epoch + 1, scores)
        save_checkpoint(self._folder / f"{start}checkpoint.pth.tar", checkpoint)
        path = self._folder / f"{start}best.pth.tar"
        if not path.exists() or scores.get(name, -math.inf) > _score(path, name):
            save_checkpoint(path, checkpoint)


def _score(path: Path, name: str) -> float:
    return float(load_checkpoint(path).extras["metrics"].get(name, -math.inf))


class LoggedConsole(Console):
    """A console whose lines are also kept in a file, as soon as its folder is there."""

    def __init__(self, stream: TextIO, log: Path) -> None:
        super().__init__(stream)
        self._log = log
        self._waiting: list[str] = []

    def line(self, text: str) -> None:
        """Write a line to both."""
        super().line(text)
        self._waiting.append(text)
        if self._log.parent.is_dir():
            with self._log.open("a", encoding="utf-8") as file:
                file.writelines(f"{one}\n" for one in self._waiting)
            self._waiting.clear()


def link_latest(folder: Path) -> None:
    """Let the links in the current folder point to a run; files of the user's stay."""
    for name, target in ((LATEST_FOLDER, folder), (LATEST_LOG, log_of(folder))):
        link = Path(name)
        if link.exists() and not link.is_symlink():
            continue
        with suppress(OSError):  # some systems have no links, and nothing depends on them
            link.unlink(missing_ok=True)
            link.symlink_to(target.resolve())
