"""What a network takes of the chip, as a value, as JSON, and as a few lines of text."""

import json
from dataclasses import asdict, dataclass

from max78000.chip import Chip
from max78000.energy import layer_energy_uj
from max78000.program import Cycles
from synthesis.place.occupancy import peak_bytes
from synthesis.place.place import Placement
from synthesis.place.placed import PlacedLayer, members
from synthesis.version import VERSION

FORMAT = "max78000-report-1"


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
class LayerReport:
    """One row of the layer table."""

    index: int
    name: str
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
    microseconds: float
    energy_uj: float  # estimate


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that report.json says."""

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
    macs: int
    warnings: tuple[str, ...] = ()

    @property
    def milliseconds(self) -> float:
        """Expected time of one inference: cycles, and the wake-up that board timings contain."""
        return 1e3 * self.cycles.total / self.clock_hz + self.wakeup_us / 1e3


def make_report(placement: Placement, cycles: Cycles, name: str, chip: Chip) -> Report:
    """Collect the figures of a placed network."""
    graph = placement.graph
    rows = tuple(
        _layer_report(placed, cycles.layers[i], chip) for i, placed in enumerate(graph.layers)
    )
    used_words = placement.kernels.is_used.sum(axis=1)
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
        data=Budget(peak_bytes(graph, chip), chip.data_bytes),
        macs=sum(placed.layer.n_macs for placed in graph.layers),
    )


def _layer_report(placed: PlacedLayer, cycles: int, chip: Chip) -> LayerReport:
    layer = placed.layer
    slot = placed.kernel_slot
    owns = slot is not None and slot.owner == layer.index
    time_us = 1e6 * cycles / chip.cnn_clock_hz
    n_words = slot.n_words * len(members(placed.processors)) if slot is not None and owns else 0
    return LayerReport(
        index=layer.index,
        name=layer.name,
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
        microseconds=time_us,
        energy_uj=layer_energy_uj(time_us, placed.processors.bit_count()),
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
    data = {"format": FORMAT, "version": VERSION, **asdict(report)}
    data["cycles"] = {**asdict(report.cycles), "total": report.cycles.total}
    data["milliseconds"] = report.milliseconds
    return json.dumps(data, indent=1) + "\n"


def summary_lines(report: Report) -> tuple[str, ...]:
    """The budgets and the expected time, for people."""
    words = report.busiest_processor_words
    return (
        f"weights {_budget(report.weights)}, "
        f"busiest processor {words.used} of {words.available} words",
        f"biases  {_budget(report.biases)}",
        f"data    {_budget(report.data)} at the largest layer",
        f"{report.macs:,} multiply-accumulates in {report.cycles.total:,} cycles, "
        f"{report.milliseconds:.2f} ms at {report.clock_hz // 1_000_000} MHz",
    )


def _budget(budget: Budget) -> str:
    return f"{budget.used:,} of {budget.available:,} bytes ({100 * budget.share:.0f} %)"
