"""One network on one board, asked about files: what `max78000 run` does, without its words."""

import zlib
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from max78000.apps.run.answers import Shown, show
from max78000.apps.run.client import SerialClient, Times
from max78000.apps.run.inputs import ARRAYS, PICTURES, SOUNDS, Int8s, Preparation
from max78000.apps.shared.exchange import Exchange
from max78000.errors import InputError
from max78000.link.serial_line import Line
from max78000.machine.predict import LoadedMachine, Values
from max78000.program.folder import PROGRAM_FILE, read_program
from max78000.program.input_file import read_input
from max78000.program.layer_table import read_layers
from max78000.program.network_file import NetworkFacts, read_network_file

SUFFIXES = ARRAYS | PICTURES | SOUNDS


@dataclass(frozen=True, slots=True)
class Asked:
    """A file, and what came of it.

    Attributes:
        outputs: of the accelerator: int64 (C, H, W), in the order of the program.
    """

    path: Path
    shown: Shown
    outputs: tuple[Values, ...]
    times: Times

    def to_json(self) -> dict[str, Any]:
        """Give what `json.dumps` takes."""
        return {"file": str(self.path), **self.shown.data, "times": asdict(self.times)}


class AskedBoard:
    """A network on a board.

    Args:
        folder: of the application, or of the project around which it is.
        line: open, to a board that runs the application.
    Raises:
        InputError: files are missing or damaged.
        BoardError: the board does not answer, or has another network.
    """

    def __init__(self, folder: Path, line: Line) -> None:
        self.program = read_program(folder)
        self.facts: NetworkFacts = read_network_file(folder)
        self._folder = folder
        self._client = SerialClient(Exchange(line.port, line.device, line.clock))
        self._client.hello(zlib.crc32((folder / PROGRAM_FILE).read_bytes()))

    @cached_property
    def machine(self) -> LoadedMachine:
        """The simulated accelerator with the same network."""
        return LoadedMachine(self.program)

    def prepared(self, path: Path) -> Int8s:
        """A file as the network's input, folded: int8 (C, H, W) or (C, L).

        Raises:
            InputError: the network takes no such file.
        """
        if not path.is_file():
            raise InputError("no such file", where=str(path))
        form = self.facts.trained.get("input")
        if form:
            return Preparation.from_facts(form, str(self._folder)).read(path)
        read = self.machine.sample.setups[0].read
        array = read_input(path, read.rows, read.columns, read.n_channels)
        if array.min() < -128 or array.max() > 127:
            why = f"values {array.min()}..{array.max()} are not in -128..127"
            raise InputError(why, where=str(path), fix="give the bytes of the accelerator")
        return array.astype(np.int8)

    def ask(self, path: Path) -> Asked:
        """Give the board a file, and say what it answers; raises as `prepared`, or `BoardError`."""
        times = self._client.infer(self.machine.given(self.prepared(path)))
        outputs = tuple(self._client.output(output) for output in self.program.outputs)
        return Asked(path, show(self.facts, self._results(outputs)), outputs, times)

    def differing_layers(self, path: Path) -> Iterator[tuple[str, bool]]:
        """Hold each layer's result on the board against the simulated accelerator's.

        Yields:
            The layer, and whether a value differs.
        Raises:
            InputError: the project has no table of layers.
            BoardError: the board does not answer.
        """
        table, sample = read_layers(self._folder), self.prepared(path)
        expected = self.machine.layers(table, sample)
        program = self.machine.given(sample)
        for entry in table.entries:
            self._client.infer(program, entry.output.layer)
            found = self._client.output(entry.output)
            yield entry.title, not np.array_equal(found, expected[entry.output.name])

    def _results(self, outputs: tuple[Values, ...]) -> Mapping[str, NDArray[Any]]:
        """Real numbers: what stands behind the accelerator, or else its outputs."""
        if not self.facts.finish:
            pairs = zip(self.program.outputs, outputs, strict=True)
            return {output.name: values * self.machine.unit_of(output) for output, values in pairs}
        raw = self._client.answer(sum(one.n_bytes for one in self.facts.finish))
        results, start = {}, 0
        for one in self.facts.finish:
            kind = "<i4" if one.is_index else "<f4"
            part = raw[start : start + one.n_bytes]
            results[one.name] = np.frombuffer(part, kind).reshape(one.shape)
            start += one.n_bytes
        return results


def inputs_in(source: Path, classes: tuple[str, ...]) -> list[tuple[Path, str]]:
    """A file; or those of a folder, and, if it has a subfolder for each class, their classes.

    Raises:
        InputError: there are none, or a subfolder is no class.
    """
    return _labelled_files(source, classes) if source.is_dir() else [(source, "")]


def _labelled_files(folder: Path, classes: tuple[str, ...]) -> list[tuple[Path, str]]:
    found = [(path, "") for path in sorted(folder.iterdir()) if _is_input(path)]
    for part in sorted(path for path in folder.iterdir() if path.is_dir()):
        files = [path for path in sorted(part.rglob("*")) if _is_input(path)]
        if files and part.name not in classes:
            known = ", ".join(classes) or "none: its checkpoint names no classes"
            why = f"is no class of the network, which are {known}"
            raise InputError(why, where=str(part), fix="name the subfolders after the classes")
        found += [(path, part.name) for path in files]
    if not found:
        fix = "give a picture, a recording (.wav), an array (.npy), or a folder of them"
        raise InputError("holds no inputs", where=str(folder), fix=fix)
    return found


def _is_input(path: Path) -> bool:
    return path.is_file() and path.suffix.lower() in SUFFIXES
