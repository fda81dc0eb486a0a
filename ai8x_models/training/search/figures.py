"""What a network takes of the chip, before it is trained: asked of the compiler.

Training and compiler are joined by files and never import each other. So a candidate is described
into files, and whoever compiles is found by entry point:

    [project.entry-points."ai8x.compilers"]
    synthesis = "synthesis.api:report_files"
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import entry_points
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Protocol

from torch import nn

from ai8x_models.checkpoint import save_checkpoint
from ai8x_models.describe.convert import network_of
from ai8x_models.describe.describe import describe_network
from ai8x_models.describe.integers import integer_checkpoint, integer_state, noise
from ai8x_models.layers.policy import QatPolicy
from ai8x_models.zoo.registry import Shape
from max78000.errors import InputError
from max78000.files import write_array

ENTRY_POINTS = "ai8x.compilers"


class Compiler(Protocol):
    """What says how much of the chip a network takes; see `synthesis.api.report_files`."""

    def __call__(
        self, network: Path, checkpoint: Path, sample: Path, *, is_streamed: bool
    ) -> Mapping[str, Any]:
        """Give what report.json would say; raise `ToolError` for what does not fit."""


@dataclass(frozen=True, slots=True)
class Figures:
    """The compiler's own.

    Args:
        cycles: of an inference, at the accelerator's clock.
        weight_bytes: of the kernel memories.
        milliseconds: of an inference, with the wake-up.
        energy_uj: of loading the input and inference; an estimate.
    """

    cycles: int
    weight_bytes: int
    milliseconds: float
    energy_uj: float

    @classmethod
    def of_report(cls, report: Mapping[str, Any]) -> "Figures":
        """Take them from the data of report.json."""
        energy = sum(work["energy_uj"] for work in report["work"] if work["is_repeated"])
        return cls(
            report["cycles"]["total"],
            report["weights"]["used"],
            round(report["milliseconds"], 6),
            round(energy, 3),
        )

    def to_json(self) -> dict[str, float]:
        """Plain data."""
        return asdict(self)


def find_compiler() -> Compiler:
    """Find who compiles.

    Raises:
        InputError: nobody does.
    """
    known = entry_points(group=ENTRY_POINTS)
    if not known:
        raise InputError(
            "no compiler is installed", where="ai8x", fix="install max78000-toolchain anew"
        )
    found: Compiler = next(iter(known)).load()
    return found


def figures_of(model: nn.Module, shape: Shape, policy: QatPolicy, compiler: Compiler) -> Figures:
    """Describe an untrained network, and ask what it takes of the chip.

    Sizes and cycles do not depend on what weights are.

    Args:
        model: untrained.
        shape: of its input, (C, H, W) or (C, L).
        policy: widths of its weights.
        compiler: whom to ask.

    Raises:
        ToolError: what does not fit, or what the accelerator cannot do.
    """
    network = network_of(model, shape)
    description = describe_network(network, model)
    with TemporaryDirectory() as name:
        folder = Path(name)
        paths = folder / "network.yaml", folder / "network-q.pth.tar", folder / "sample.npy"
        paths[0].write_text(description.to_text(), encoding="utf-8")
        state = integer_state(network, model, policy)
        save_checkpoint(paths[1], integer_checkpoint(description.arch, state))
        write_array(paths[2], noise(description.device_shape))
        is_streamed = any(layer.is_streaming for layer in description.layers)
        return Figures.of_report(compiler(*paths, is_streamed=is_streamed))
