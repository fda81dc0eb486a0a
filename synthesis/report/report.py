"""What a network takes of the chip, as a value, as JSON, and as a few lines of text.

The JSON is described by `report.schema.json`; keys are added, never renamed, within a format.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from max78000.facts.chip import WORD_BYTES, Chip
from max78000.facts.energy import layer_energy_uj
from max78000.program.program import Cycles
from synthesis.compile import Compiled
from synthesis.graph.ir import BUFFER, INPUT
from synthesis.place.occupancy import occupancies, peak_bytes
from synthesis.place.place import Placement
from synthesis.place.placed import PlacedLayer, members
from synthesis.read.evaluation import NetworkScore
from synthesis.report.accuracy import Deviation, LayerAccuracy, measure
from synthesis.report.sample import SampleReport, SampleRun, make_sample
from synthesis.report.work import ACCURACY_FACTOR, SOURCE, Work, make_work
from synthesis.version import VERSION

if TYPE_CHECKING:  # few networks have one, and it takes a moment to import
    from synthesis.report.finish import FinishReport

FORMAT = "max78000-report-1"
# What no layer makes, where the report names the layer that does.
NUMBERS = MappingProxyType({INPUT: -1, BUFFER: -2})
# Below every list of variants.
SIZES_ONLY = "Sizes and times only: accuracy is not known until each is trained and evaluated."
SIGNIFICANT_DIGITS = 6  # of measured reals: the same on every machine, whatever adds them up


@dataclass(frozen=True, slots=True)
class Budget:
    """One resource: bytes used of bytes available."""

    used: int
    available: int

    @property
    def share(self) -> float:
        """Used part, 0..1."""
        return self.used / self.available


@dataclass(frozen=True, slots=True)
class Part:
    """A part of what is used, in bytes."""

    name: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class FirmwareReport:
    """What the project takes of the core's memories: arrays exactly, code by an allowance."""

    flash: Budget
    ram: Budget
    flash_parts: tuple[Part, ...]
    ram_parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class LayerReport:
    """One row of the layer table."""

    index: int
    name: str
    line: int | None  # of the description; None where it does not say
    operation: str
    input: str
    output: str
    processors: str
    output_processors: str
    in_offset: int
    out_offset: int
    weight_bits: int
    weight_bytes: int
    macs: int
    cycles: int
    of_peak: float  # multiply-accumulates, of those that all processors could do, 0..1
    microseconds: float
    energy_uj: float  # estimate


@dataclass(frozen=True, slots=True)
class TensorReport:
    """A tensor's place in data memory: the same bytes in each of its instances.

    Attributes:
        layer: that writes it; -1 is the network input, -2 the rolling buffer.
        used_bytes: in all instances together; less than the span where words are skipped.
        alive_from, alive_to: first and last layer during which it has to stay.
    """

    name: str
    layer: int
    instances: tuple[int, ...]
    first_byte: int
    end_byte: int
    used_bytes: int
    alive_from: int
    alive_to: int

    def is_alive(self, layer: int) -> bool:
        """True if it has to stay while a layer runs."""
        return self.alive_from <= layer <= self.alive_to


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that report.json says, and the arrays that its pictures are drawn from."""

    name: str
    chip: str
    layers: tuple[LayerReport, ...]
    cycles: Cycles
    clock_hz: int
    wakeup_us: float
    weights: Budget
    busiest_processor_words: Budget
    biases: Budget
    data: Budget
    layer_slots: Budget
    macs: int
    of_peak: float
    tensors: tuple[TensorReport, ...]
    work: tuple[Work, ...]
    accuracy: tuple[LayerAccuracy, ...] = ()  # of every layer, if there is a sample
    sample: SampleReport | None = None
    run: SampleRun | None = field(default=None, repr=False, compare=False)
    warnings: tuple[str, ...] = ()
    finish: "FinishReport | None" = None  # what the core does behind the accelerator
    firmware: FirmwareReport | None = None  # None: there is no project of this network alone
    scores: tuple[NetworkScore, ...] = ()  # of this network, where it was evaluated
    variants: "tuple[VariantReport, ...] | None" = None  # None: nobody asked for them

    @property
    def milliseconds(self) -> float:
        """Expected time of one inference: cycles, and the wake-up that board timings contain."""
        return _milliseconds(self.cycles, self.clock_hz, self.wakeup_us)

    @property
    def answer_uj(self) -> float:
        """Estimated energy of an answer: its input is loaded, and the network runs."""
        return sum(one.energy_uj for one in self.work if one.is_repeated)

    @property
    def load_uj(self) -> float:
        """Estimated energy to load weights and biases, once after power-on."""
        return sum(one.energy_uj for one in self.work if not one.is_repeated)


@dataclass(frozen=True, slots=True)
class VariantReport:
    """A change with which the network fits the accelerator; flash and RAM are not looked at.

    Attributes:
        change: in a few words.
        how: the user comes by it.
        report: of the changed network; without accuracy, since nobody has trained it.
    """

    change: str
    how: str
    report: Report


def report_on(compiled: Compiled, chip: Chip, warnings: Iterable[str] = ()) -> Report:
    """Collect the figures of a compiled network.

    Args:
        compiled: every stage of it.
        chip: memory sizes and clock.
        warnings: to be listed, beside those of rules.
    """
    cycles = compiled.program.cycles
    assert cycles is not None
    run = SampleRun(compiled.image, compiled.results, compiled.options.round_average)
    report = make_report(compiled.placement, cycles, compiled.program.name, chip, run)
    return replace(report, warnings=(*compiled.warnings, *warnings))


def make_report(
    placement: Placement, cycles: Cycles, name: str, chip: Chip, run: SampleRun | None = None
) -> Report:
    """Collect the figures of a placed network; accuracy and known answer take a run of it."""
    rows = tuple(
        _layer_report(placed, cycles.layers[i], chip) for i, placed in enumerate(placement.layers)
    )
    used_words = placement.kernels.is_used.sum(axis=1)
    macs = sum(layer.n_macs for layer in placement.graph.layers)
    total_us = 1e3 * _milliseconds(cycles, chip.cnn_clock_hz, chip.wakeup_us)
    return Report(
        name=name,
        chip=chip.name,
        layers=rows,
        cycles=cycles,
        clock_hz=chip.cnn_clock_hz,
        wakeup_us=chip.wakeup_us,
        weights=Budget(int(used_words.sum()) * chip.kernel_word_bytes, chip.weight_bytes),
        busiest_processor_words=Budget(int(used_words.max()), chip.kernel_words),
        biases=Budget(sum(map(len, placement.biases.contents)), chip.bias_bytes),
        data=Budget(peak_bytes(placement.placed_graph, chip), chip.data_bytes),
        layer_slots=Budget(len(rows), chip.n_layers),
        macs=macs,
        of_peak=_of_peak(macs, cycles.total, chip),
        tensors=tuple(_tensors(placement, chip)),
        work=make_work(placement, [row.microseconds for row in rows], total_us, chip),
        accuracy=_accuracy(placement, run),
        sample=make_sample(placement.graph, run) if run is not None else None,
        run=run,
        finish=_finish(placement, chip),
    )


def _finish(placement: Placement, chip: Chip) -> "FinishReport | None":
    if placement.graph.finish is None:
        return None
    from synthesis.report.finish import report_finish  # noqa: PLC0415 - few networks have one

    return report_finish(placement, chip)


def _milliseconds(cycles: Cycles, clock_hz: int, wakeup_us: float) -> float:
    return 1e3 * cycles.total / clock_hz + wakeup_us / 1e3


def _accuracy(placement: Placement, run: SampleRun | None) -> tuple[LayerAccuracy, ...]:
    if run is None:
        return ()
    return measure(placement.graph, run.image, run.results, round_average=run.round_average)


def _layer_report(placed: PlacedLayer, cycles: int, chip: Chip) -> LayerReport:
    layer = placed.layer
    slot = placed.kernel_slot
    owns = slot is not None and slot.owner == layer.index
    time_us = 1e6 * cycles / chip.cnn_clock_hz
    n_words = slot.n_words * len(members(placed.processors)) if slot is not None and owns else 0
    return LayerReport(
        index=layer.index,
        name=layer.name,
        line=_line(layer.where),
        operation=_operation(placed),
        input=str(layer.in_shape),
        output=str(layer.out_shape),
        processors=f"0x{placed.processors:016x}",
        output_processors=f"0x{placed.output_processors:016x}",
        in_offset=placed.in_offset,
        out_offset=placed.out_offset,
        weight_bits=placed.bits,
        weight_bytes=n_words * chip.kernel_word_bytes,
        macs=layer.n_macs,
        cycles=cycles,
        of_peak=_of_peak(layer.n_macs, cycles, chip),
        microseconds=time_us,
        energy_uj=layer_energy_uj(time_us, placed.processors.bit_count()),
    )


def _of_peak(macs: int, cycles: int, chip: Chip) -> float:
    """The peak is one 3x3 kernel in each processor and cycle."""
    return macs / (cycles * chip.n_processors * chip.kernel_word_bytes) if cycles else 0.0


def _line(where: str) -> int | None:
    """The line in "file:line layers[n] name"; a path may hold anything."""
    line = where.rpartition(" layers[")[0].rpartition(":")[2]
    return int(line) if line.isdecimal() else None


def _tensors(placement: Placement, chip: Chip) -> Iterator[TensorReport]:
    """Tensors with words of their own."""
    for tensor in occupancies(placement.placed_graph, chip):
        words = tensor.words.nonzero()[0]
        if words.size:
            yield TensorReport(
                name=tensor.name,
                layer=NUMBERS.get(tensor.source, tensor.source.step),
                instances=tuple(sorted(tensor.instances)),
                first_byte=WORD_BYTES * int(words[0]),
                end_byte=WORD_BYTES * (int(words[-1]) + 1),
                used_bytes=WORD_BYTES * words.size * len(tensor.instances),
                alive_from=tensor.first,
                alive_to=tensor.last,
            )


def _operation(placed: PlacedLayer) -> str:
    layer = placed.layer
    parts = []
    if layer.pool.is_used:
        parts.append(f"{layer.pool.kind.value} pool {layer.pool.window[0]}x{layer.pool.window[1]}")
    if layer.combine is not None:
        parts.append(f"{layer.combine.value} of {layer.operands}")
    kernel = "x".join(map(str, layer.kernel_size)) if layer.kernel is not None else ""
    parts.append(f"{layer.op.value} {kernel}".strip())
    if layer.activation.value != "none":
        parts.append(layer.activation.value)
    if layer.output_width == 32:
        parts.append("32 bits")
    return ", ".join(parts)


def to_json(report: Report) -> str:
    """The report as a file; same network, same bytes."""
    data = {
        "format": FORMAT,
        "version": VERSION,
        "name": report.name,
        "chip": report.chip,
        "milliseconds": report.milliseconds,
        "clock_hz": report.clock_hz,
        "wakeup_us": report.wakeup_us,
        "macs": report.macs,
        "of_peak": _rounded(report.of_peak),
        "cycles": {**asdict(report.cycles), "total": report.cycles.total},
        "weights": asdict(report.weights),
        "busiest_processor_words": asdict(report.busiest_processor_words),
        "biases": asdict(report.biases),
        "data": asdict(report.data),
        "layer_slots": asdict(report.layer_slots),
        "layers": [_layer_data(report, i) for i in range(len(report.layers))],
        "tensors": [asdict(tensor) for tensor in report.tensors],
        "work": [asdict(work) for work in report.work],
        "energy": {"is_estimate": True, "accuracy_factor": ACCURACY_FACTOR, "source": SOURCE},
        "sample": asdict(report.sample) if report.sample is not None else None,
        "warnings": report.warnings,
        **({} if report.finish is None else {"finish": asdict(report.finish)}),
        **({} if report.firmware is None else {"firmware": asdict(report.firmware)}),
        **({"scores": [asdict(score) for score in report.scores]} if report.scores else {}),
        **({} if report.variants is None else _variants_data(report.variants)),
    }
    return json.dumps(data, indent=1) + "\n"


def _variants_data(variants: Iterable[VariantReport]) -> dict[str, Any]:
    return {"variants": [_variant_data(one) for one in variants], "variants_note": SIZES_ONLY}


def _variant_data(variant: VariantReport) -> dict[str, Any]:
    report = variant.report
    return {
        "change": variant.change,
        "how": variant.how,
        "cycles": report.cycles.total,
        "milliseconds": report.milliseconds,
        "weight_bytes": report.weights.used,
        "data_bytes": report.data.used,
        "answer_uj": report.answer_uj,
        "load_uj": report.load_uj,
    }


def _layer_data(report: Report, index: int) -> dict[str, Any]:
    accuracy = report.accuracy[index] if report.accuracy else None
    layer = report.layers[index]
    return {
        **asdict(layer),
        "of_peak": _rounded(layer.of_peak),
        "quality": accuracy and _accuracy_data(accuracy),
    }


def _accuracy_data(accuracy: LayerAccuracy) -> dict[str, Any]:
    return {
        "n_clipped": accuracy.n_clipped,
        "n_clippable": accuracy.n_clippable,
        "network": _deviation_data(accuracy.network),
        "rounding": _deviation_data(accuracy.rounding),
        "alone": _deviation_data(accuracy.alone),
    }


def _deviation_data(deviation: Deviation) -> dict[str, float | None]:
    decibels = deviation.qsnr_db
    return {
        "qsnr_db": None if decibels is None else round(decibels, 3),
        "signal_rms": _rounded(deviation.signal_rms),
        "error_rms": _rounded(deviation.error_rms),
    }


def _rounded(value: float) -> float:
    return float(f"{value:.{SIGNIFICANT_DIGITS}g}")
