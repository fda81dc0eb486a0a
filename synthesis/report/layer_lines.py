"""The layers as a table of text: what each takes of the chip, and how much of it is at work."""

from collections.abc import Iterator

from synthesis.report.report import Report

HEADING = (
    ">", "layer", "output", ">weights", ">data memory", ">processors", ">cycles", ">of all",
    ">of peak",
)  # fmt: skip


def layer_rows(report: Report) -> Iterator[tuple[str, ...]]:
    """A row for each layer, and one for all; below the names of `HEADING`.

    Weights and data memory are bytes; the latter is what has to stay while the layer runs. "Of all"
    is the layer's share of the network's cycles, "of peak" its multiply-accumulates of those that
    all processors could do in that time.
    """
    total = report.cycles.total
    for layer in report.layers:
        alive = sum(one.used_bytes for one in report.tensors if one.is_alive(layer.index))
        yield (
            str(layer.index),
            layer.name,
            layer.output,
            f"{layer.weight_bytes:,}",
            f"{alive:,}",
            str(int(layer.processors, 16).bit_count()),
            f"{layer.cycles:,}",
            _percent(layer.cycles / total),
            _percent(layer.of_peak),
        )
    yield (
        "",
        "all",
        "",
        f"{report.weights.used:,}",
        f"{report.data.used:,}",
        "",
        f"{total:,}",
        "",
        _percent(report.of_peak),
    )


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"
