"""What quantization did to a network: values, as text and as plain data."""

import math
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class LayerReport:
    """What quantization did to one layer.

    Args:
        name: layer.
        weight_bits: width of weights and biases.
        output_shift: bits that the layer's sums are shifted left.
        limit: magnitude that all weights and biases, or the asked-for share of them, stay below.
        n_parameters: weights and biases.
        n_clipped: of these, how many were out of range by more than rounding.
        qsnr_db: power of the weights over that of their error; infinite if nothing was lost.
        factor: what parameters were multiplied by before they were rounded to the grid.
        note: what its user should know; empty if there is nothing.
    """

    name: str
    weight_bits: int
    output_shift: int
    limit: float
    n_parameters: int
    n_clipped: int
    qsnr_db: float
    factor: float
    note: str = ""


@dataclass(frozen=True, slots=True)
class QuantizeReport:
    """All layers, in the order of the accelerator, and notes on the whole."""

    arch: str
    layers: tuple[LayerReport, ...]
    notes: tuple[str, ...] = ()

    @property
    def all_notes(self) -> tuple[str, ...]:
        """Those of the layers, too, with their names."""
        of_layers = tuple(f"{layer.name}: {layer.note}" for layer in self.layers if layer.note)
        return self.notes + of_layers

    def to_json(self) -> dict[str, Any]:
        """Plain data; an infinite ratio becomes None."""
        rows = [asdict(layer) for layer in self.layers]
        for row in rows:
            row["qsnr_db"] = row["qsnr_db"] if math.isfinite(row["qsnr_db"]) else None
        return {"arch": self.arch, "layers": rows, "notes": list(self.notes)}

    def to_text(self) -> str:
        """Table for people."""
        lines = [f"{'layer':<14} bits  shift   limit  parameters  clipped  QSNR dB"]
        lines += [
            f"{layer.name:<14} {layer.weight_bits:>4}  {layer.output_shift:>5}  {layer.limit:>6.3f}"
            f"  {layer.n_parameters:>10}  {layer.n_clipped:>7}  {layer.qsnr_db:>7.1f}"
            for layer in self.layers
        ]
        return "\n".join(lines)
