"""Order of execution and data flow: `sequence`, `next_sequence`, `in_sequences` -> plain indices.

The first step of lowering. Layers run 0, 1, 2, ...: this chip has no link from a layer to another.
"""

from dataclasses import dataclass

from max78000.errors import CapacityError, InputError, ToolError, UnsupportedError, raise_all
from max78000.facts.chip import Chip
from synthesis.graph.ir import BUFFER, INPUT, Producer
from synthesis.read.description import LayerSpec, NetworkSpec, Reference

STOP = "stop"
STOP_WORDS = (STOP, -1)
INPUT_WORDS = ("input", -1)
BUFFER_NUMBER = -2  # the rolling buffer has a name, too


@dataclass(frozen=True, slots=True)
class Step:
    """A layer in execution order. `weight_source` is the layer whose weights it uses."""

    spec: LayerSpec
    where: str
    name: str
    sources: tuple[Producer, ...]
    weight_source: Producer | None


def order_layers(network: NetworkSpec, chip: Chip) -> tuple[Step, ...]:
    """Sort, close holes, resolve names, cut at `stop`.

    Raises:
        ProblemList: every wrong reference or order, by rules G5 to G10.
    """
    return _Sequencer(network, chip).steps()


def reference_to(producer: Producer) -> Reference:
    """A producer as `in_sequences` names it."""
    words: dict[Producer, Reference] = {INPUT: INPUT_WORDS[0], BUFFER: BUFFER_NUMBER}
    return words.get(producer, producer.step)


class _Sequencer:
    def __init__(self, network: NetworkSpec, chip: Chip) -> None:
        self.network = network
        self.chip = chip
        self.problems: list[ToolError] = []
        self.positions = self._positions()  # execution index -> position in the file
        specs = [network.layers[position] for position in self.positions]
        self.numbers = {number: i for i, number in enumerate(sorted(self._numbers()))}
        self.buffer_words = {(entry.name or "").lower() for entry in network.buffers} | (
            {BUFFER_NUMBER} if network.buffers else set()
        )
        self.names: dict[str, int] = {}
        for index, spec in enumerate(specs):
            self._enter_name(index, spec)
        self.specs = specs

    def steps(self) -> tuple[Step, ...]:
        steps = [self._step(index) for index in range(len(self.specs))]
        raise_all(self.problems)
        ends = [i for i, spec in enumerate(self.specs) if spec.next_sequence in STOP_WORDS]
        return tuple(steps[: ends[0] + 1] if ends else steps)

    def _numbers(self) -> list[int]:
        numbers: list[int] = []
        for spec in self.network.layers:
            following = numbers[-1] + 1 if numbers else 0
            numbers.append(following if spec.sequence is None else spec.sequence)
        return numbers

    def _positions(self) -> list[int]:
        numbers = self._numbers()
        seen: dict[int, int] = {}
        for position, number in enumerate(numbers):
            if number in seen:
                first = self.network.where(seen[number])
                self._problem(position, f"sequence {number} is also that of {first}", "", "G6")
            seen[number] = position
        if len(numbers) > self.chip.n_layers:
            self.problems.append(
                CapacityError(
                    f"{len(numbers)} layers, the chip has {self.chip.n_layers}",
                    where=self.network.source,
                    fix="merge pooling and element-wise layers into the convolution that follows",
                    rule="G5",
                )
            )
        return sorted(range(len(numbers)), key=lambda position: numbers[position])

    def _enter_name(self, index: int, spec: LayerSpec) -> None:
        if spec.name is None:
            return
        name = spec.name.lower()
        if name in (STOP, "input") or name in self.buffer_words:
            owner = "that of the data buffer" if name in self.buffer_words else "reserved"
            self._problem(self.positions[index], f"the name {name!r} is {owner}", "rename", "G7")
        elif name in self.names:
            first = self.network.where(self.positions[self.names[name]])
            self._problem(
                self.positions[index], f"the name is also that of {first}", "rename", "G7"
            )
        self.names.setdefault(name, index)

    def _step(self, index: int) -> Step:
        spec = self.specs[index]
        position = self.positions[index]
        self._check_next(index)
        named = () if spec.in_sequences is None else spec.in_sequences
        sources = tuple(self._producer(index, entry) for entry in named)
        weight_source = None
        if spec.weight_source is not None:
            weight_source = self._producer(index, spec.weight_source)
        name = spec.name or f"layer{index}"
        sources = sources or (Producer.before(index),)
        return Step(
            spec=spec,
            where=self.network.where(position),
            name=name,
            sources=sources,
            weight_source=weight_source,
        )

    def _producer(self, index: int, reference: Reference) -> Producer:
        position = self.positions[index]
        if reference in INPUT_WORDS:
            return INPUT
        if reference in self.buffer_words:
            return BUFFER
        found = self._lookup(reference)
        if found is None:
            self._problem(position, f"no layer {reference!r}", self._known(), "G8")
            return INPUT
        if found >= index:
            self._problem(
                position,
                f"reads layer {reference!r}, which runs later",
                "put that layer first: layers run in order",
                "G9",
            )
            return INPUT
        return Producer(found)

    def _lookup(self, reference: Reference) -> int | None:
        if isinstance(reference, int):
            return self.numbers.get(reference)
        return self.names.get(reference)

    def _known(self) -> str:
        buffers = [entry.name for entry in self.network.buffers]
        return "there are " + ", ".join(map(str, ("input", *buffers, *self.names, *self.numbers)))

    def _check_next(self, index: int) -> None:
        spec = self.specs[index]
        reference = spec.next_sequence
        if spec.simulated_sequence not in (None, reference):
            self.problems.append(
                UnsupportedError(
                    f"simulated_sequence {spec.simulated_sequence!r} differs from next_sequence",
                    where=self.network.where(self.positions[index]),
                    fix="remove it: the known answer is that of the layers that run",
                    rule="G10",
                )
            )
        if reference is None or reference in STOP_WORDS:
            return
        found = self._lookup(reference)
        is_last = index == len(self.specs) - 1
        if found is None and isinstance(reference, str):
            self._problem(self.positions[index], f"no layer {reference!r}", self._known(), "G8")
        elif found != index + 1 and not (found is None and is_last):
            self.problems.append(
                UnsupportedError(
                    f"next_sequence {reference!r} is not the following layer",
                    where=self.network.where(self.positions[index]),
                    fix="reorder the layers; links exist on MAX78002 only",
                    rule="G10",
                )
            )

    def _problem(self, position: int, why: str, fix: str, rule: str) -> None:
        self.problems.append(
            InputError(why, where=self.network.where(position), fix=fix, rule=rule)
        )
