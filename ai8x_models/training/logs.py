"""What a run tells: lines and progress for people, CSV and TensorBoard for machines.

`Console` writes to a text stream: progress bars if it is a terminal, plain lines if it is piped.
`RunLog` keeps one row an epoch in `log.csv` and the same numbers as TensorBoard scalars. Nothing
here knows what is being trained, and standard output is left to results.
"""

import csv
import io
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from tqdm import tqdm

from ai8x_models.training.events import EventFile
from ai8x_models.training.progress import Progress, no_progress
from max78000.errors import InputError
from max78000.files import write_whole


class Console:
    """Lines and progress on one text stream, usually standard error."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._is_terminal = stream.isatty()

    def line(self, text: str) -> None:
        """Write one line at once; it does not tear a progress bar."""
        tqdm.write(text, file=self._stream)
        self._stream.flush()

    @contextmanager
    def progress(self, label: str, quiet: bool = False) -> Iterator[Progress]:
        """Show how far a long step is: a bar on a terminal, else a line at every quarter.

        Args:
            quiet: no lines when piped; for steps that end in a line of their own.
        """
        if not self._is_terminal:
            yield no_progress if quiet else self._quarters(label)
            return
        with tqdm(desc=label, file=self._stream, leave=False, dynamic_ncols=True) as bar:

            def show(done: int, total: int) -> None:
                bar.total = total
                bar.update(done - bar.n)

            yield show

    def _quarters(self, label: str) -> Progress:
        shown = 0

        def show(done: int, total: int) -> None:
            nonlocal shown
            quarter = 4 * done // max(total, 1)
            if quarter > shown:
                shown = quarter
                self.line(f"{label}: {done} of {total}")

        return show


class RunLog:
    """One row of numbers an epoch, in `log.csv` and as TensorBoard scalars under `tensorboard/`.

    A resumed run drops the rows of epochs that it does again, so that the file of an interrupted
    run equals that of an uninterrupted one.
    """

    def __init__(self, folder: Path, first_epoch: int) -> None:
        self._path = folder / "log.csv"
        self.rows = _read_rows(self._path)[:first_epoch] if first_epoch else []
        self._events = EventFile(folder / "tensorboard", first_epoch)

    def add(self, epoch: int, numbers: Mapping[str, float]) -> None:
        """Append the numbers of one finished epoch; the file on disk is complete at any time."""
        row = {"epoch": str(epoch)} | {name: f"{number:.6g}" for name, number in numbers.items()}
        self.rows.append(row)
        columns = list(dict.fromkeys(name for one in self.rows for name in one))
        text = io.StringIO()
        table = csv.DictWriter(text, columns, restval="", lineterminator="\n")
        table.writeheader()
        table.writerows(self.rows)
        write_whole(self._path, text.getvalue().encode())
        self._events.add(epoch, numbers)


def _read_rows(path: Path) -> list[dict[str, str]]:
    try:
        with path.open(newline="", encoding="utf-8") as file:
            return [dict(row) for row in csv.DictReader(file)]
    except OSError as error:
        fix = "start again with --overwrite"
        raise InputError(f"cannot be read: {error.strerror}", where=str(path), fix=fix) from error
