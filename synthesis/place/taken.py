"""What networks have already taken of the memories that are loaded once: kernels and biases."""

from dataclasses import dataclass

import numpy as np

from max78000.facts.chip import Chip
from synthesis.place.biases import BiasMemory
from synthesis.place.weights import KernelImage


@dataclass(frozen=True, slots=True)
class Taken:
    """Room that is gone.

    Attributes:
        kernel_words: of each processor; bit n of a number is word n.
        bias_bytes: of each quadrant, from its first byte on.
    """

    kernel_words: tuple[int, ...]
    bias_bytes: tuple[int, ...]

    @classmethod
    def nothing(cls, chip: Chip) -> "Taken":
        """Empty memories."""
        return cls((0,) * chip.n_processors, (0,) * chip.n_quadrants)

    def and_by(self, kernels: KernelImage, biases: BiasMemory) -> "Taken":
        """The same, and what a network placed beside it takes."""
        pairs = zip(self.kernel_words, words_of(kernels), strict=True)
        ends = zip(self.bias_bytes, biases.ends, strict=True)
        return Taken(tuple(one | other for one, other in pairs), tuple(map(max, ends)))


def words_of(kernels: KernelImage) -> tuple[int, ...]:
    """The words in use in each processor; bit n of a number is word n."""
    packed = np.packbits(kernels.is_used, axis=1, bitorder="little")
    return tuple(int.from_bytes(row.tobytes(), "little") for row in packed)
