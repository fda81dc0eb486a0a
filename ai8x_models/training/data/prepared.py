"""Samples of a split in the network's form: in memory, or in a file where they would fill it.

Samples that lie in files are read by worker processes, block by block; what comes of it does not
depend on how many there are. What is larger than `MEMORY_BYTES` goes to `build/data`, once: the
file's name says what was read, by names, sizes and times, and what it became.
"""

import hashlib
import json
import math
import multiprocessing
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import DataLoader, Dataset

from ai8x_models.training.data.form import InputForm, Int8s
from ai8x_models.training.data.readers.files import refuse_more_than_memory
from ai8x_models.training.data.source import Indexes, Part
from ai8x_models.training.progress import Progress
from max78000.errors import InputError, ToolError
from max78000.files import make_folder, unwritable

MEMORY_BYTES = 10**9  # of a split's samples that are held in memory
FOLDER = Path("build/data")
_BLOCK = 64  # samples that are read at a time
_N_FEW = 512  # samples that are read sooner than processes are started
_VERSION = 1  # of what is done to samples; another one makes all files anew


@dataclass(frozen=True, slots=True)
class Block:
    """Neighbouring samples, and the ends of the numbers that they had."""

    inputs: Int8s
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Preparation:
    """What is made of a split.

    Args:
        part: it is read from.
        chosen: samples of it.
        form: that they get.
        where: their source, for messages.
        checks: refuse numbers that are not in the form's range.
    """

    part: Part
    chosen: Indexes
    form: InputForm
    where: str
    checks: bool

    @property
    def shape(self) -> tuple[int, ...]:
        """Of all of them, (N, ...)."""
        return len(self.chosen), *self.form.shape

    def blocks(self, workers: int) -> Iterator[Block]:
        """Read them in order.

        Raises:
            InputError: one cannot be read, or does not fit.
        """
        loader = _Blocks(self)
        if workers < 1 or self.part.stamp is None or len(self.chosen) < _N_FEW:
            found: Iterator[Block | ToolError] = map(loader.__getitem__, range(len(loader)))
        else:
            found = _by_processes(loader, workers)
        for one in found:
            if isinstance(one, ToolError):
                raise one
            if self.checks:
                self._check(one)
            yield one

    def _check(self, block: Block) -> None:
        slack = (self.form.high - self.form.low) / 128
        if block.low < self.form.low - slack or block.high > self.form.high + slack:
            why = (
                f"samples from {block.low:g} to {block.high:g} are not in"
                f" {self.form.low:g}..{self.form.high:g}"
            )
            fix = "give `data.range`: what becomes -128 and 127"
            raise InputError(why, where=self.where, fix=fix)

    def file_name(self, stamp: str) -> str:
        """Name of the file that holds them: another one whenever anything is another."""
        about = json.dumps([_VERSION, stamp, self.form.to_json()], sort_keys=True)
        digest = hashlib.sha256(about.encode() + self.chosen.astype("<i8").tobytes())
        return f"{digest.hexdigest()[:24]}.npy"


def prepared(split: Preparation, workers: int | None, progress: Progress) -> Int8s:
    """Read a split into the network's form.

    Args:
        split: what is read, and what it becomes.
        workers: processes that read files; 0: this one; None: one a core.
        progress: called after each block.

    Returns:
        int8 (N, *shape); read-only if it lies in a file.

    Raises:
        InputError: a sample cannot be read or does not fit, there is too little memory for samples
            that are in no file, or the file cannot be written.
    """
    n_bytes = int(np.prod(split.shape, dtype=object))
    if n_bytes <= MEMORY_BYTES or split.part.stamp is None:
        refuse_more_than_memory(n_bytes, Path(split.where))
        inputs = np.empty(split.shape, np.int8)
        _fill(inputs, split, n_workers(workers), progress)
        return inputs
    path = FOLDER / split.file_name(split.part.stamp())
    if not path.is_file():
        make_folder(FOLDER)
        with _fresh(path, split.shape) as file:
            _fill(file, split, n_workers(workers), progress)
    stored: Int8s = np.load(path, mmap_mode="r")
    return stored


def n_workers(given: int | None) -> int:
    """The number that a plan says, or one for every core that this process may use."""
    if given is not None:
        return given
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _fill(inputs: Int8s, split: Preparation, workers: int, progress: Progress) -> None:
    done = 0
    for block in split.blocks(workers):
        end = done + len(block.inputs)
        inputs[done:end] = block.inputs
        done = end
        progress(done, len(inputs))


@contextmanager
def _fresh(path: Path, shape: tuple[int, ...]) -> Iterator[Int8s]:
    """A file of numbers that has its name only when it is whole."""
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        file: NDArray[Any] = np.lib.format.open_memmap(temporary, "w+", np.int8, shape)
        yield file
        assert isinstance(file, np.memmap)
        file.flush()
        temporary.replace(path)
    except OSError as error:
        raise unwritable(path, error) from error
    finally:
        with suppress(OSError):
            temporary.unlink()


class _Blocks(Dataset[Block | ToolError]):
    """Blocks of a split by number; errors are values, so that they pass from another process."""

    def __init__(self, split: Preparation) -> None:
        self._split = split

    def __len__(self) -> int:
        return math.ceil(len(self._split.chosen) / _BLOCK)

    def __getitem__(self, number: int) -> Block | ToolError:
        chosen = self._split.chosen[number * _BLOCK : (number + 1) * _BLOCK]
        try:
            raw = self._split.part.read(chosen)
            inputs = self._split.form.integers(raw)
            return Block(inputs, float(raw.min()), float(raw.max()))
        except ToolError as error:
            return error


def _by_processes(blocks: _Blocks, workers: int) -> Iterator[Block | ToolError]:
    """Read in other processes, which are forked: readers need not be sent to them."""
    if "fork" not in multiprocessing.get_all_start_methods():
        yield from map(blocks.__getitem__, range(len(blocks)))
        return
    with warnings.catch_warnings():
        # Python 3.12 warns of threads beside a fork, which hold no lock of ours; torch warns of
        # more processes than cores, which somebody asked for.
        warnings.simplefilter("ignore")
        yield from DataLoader(
            blocks,
            batch_size=None,
            num_workers=min(workers, len(blocks)),
            collate_fn=_as_it_is,
            multiprocessing_context="fork",
        )


def _as_it_is(block: Any) -> Any:
    return block
