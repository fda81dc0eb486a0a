"""What a network is compiled from, as one value: description, weights, sample, and how the input
arrives. Reading the files is `files`' work.
"""

from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from synthesis.read.checkpoint import Checkpoint
from synthesis.read.description import NetworkSpec

Tensor = NDArray[np.int64]  # channels, rows, columns


class InputPath(Enum):
    """How the network input reaches the accelerator."""

    MEMORY = "written to data memory before the network starts"
    FIFO = "through the FIFOs of the quadrants while the network runs"
    FAST_FIFO = "through the fast FIFO, from the RISC-V core, while the network runs"

    @property
    def is_fifo(self) -> bool:
        """True if the input arrives while the network runs."""
        return self is not InputPath.MEMORY


@dataclass(frozen=True, slots=True)
class Source:
    """What a network is compiled from.

    Attributes:
        network: the description.
        checkpoint: integer weights.
        image: the sample, int64 (C, H, W) of values -128..127; its shape is the network input's,
            with the channels of all operands together if the first layer has several.
        input_path: how the input arrives.
    """

    network: NetworkSpec
    checkpoint: Checkpoint
    image: Tensor
    input_path: InputPath = InputPath.MEMORY
