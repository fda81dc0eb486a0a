"""How samples lie in the words of the I2S FIFO. Knows no register.

Source: [UG] I2S, FIFO word control and data alignment.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

WORD_BITS = 32
STEREO, LEFT, RIGHT = 0, 2, 3  # what CTRL0.STEREO says; 1 is stereo too


@dataclass(frozen=True, slots=True)
class Format:
    """What the control registers say about samples.

    Attributes:
        stereo: which channels there are.
        n_bits: of a channel on the wire.
        n_sample_bits: of them that count.
        fifo_bits: 8, 16 or 32 for a sample in the FIFO.
        is_right_aligned: in the FIFO.
    """

    stereo: int
    n_bits: int
    n_sample_bits: int
    fifo_bits: int
    is_right_aligned: bool

    @property
    def n_channels(self) -> int:
        """Samples in the FIFO for each one in time."""
        return 1 if self.stereo in (LEFT, RIGHT) else 2

    @property
    def units_per_word(self) -> int:
        """Samples in a word of the FIFO."""
        return WORD_BITS // self.fifo_bits

    def units(self, left: Iterable[int]) -> Iterator[int]:
        """Samples of the left channel, of 32 bits, as the FIFO has them; the right is silent."""
        for sample in left:
            if self.stereo != RIGHT:
                yield self._fit(sample)
            if self.stereo != LEFT:
                yield 0

    def samples(self, words: Iterable[int]) -> Iterator[int]:
        """Words that are played as samples of 16 bits: one channel, or the mean of two."""
        units = [
            _signed(word >> at, self.fifo_bits)
            for word in words
            for at in range(0, WORD_BITS, self.fifo_bits)
        ]
        shift = self.fifo_bits - 16
        units = [unit >> shift if shift >= 0 else unit << -shift for unit in units]
        n_channels = self.n_channels
        for at in range(0, len(units) - n_channels + 1, n_channels):
            yield sum(units[at : at + n_channels]) // n_channels

    def pack(self, units: list[int]) -> int:
        """Units of one word, the first lowest."""
        mask = (1 << self.fifo_bits) - 1
        return sum((unit & mask) << self.fifo_bits * at for at, unit in enumerate(units))

    def _fit(self, sample: int) -> int:
        """A sample of 32 bits as far as the wire and the FIFO take it."""
        n_kept = min(self.n_bits, self.n_sample_bits)
        value = sample >> WORD_BITS - n_kept  # with its sign
        if self.is_right_aligned:
            return value
        shift = self.fifo_bits - n_kept
        return value << shift if shift >= 0 else value >> -shift


def _signed(value: int, n_bits: int) -> int:
    value &= (1 << n_bits) - 1
    return value - (1 << n_bits) if value >> n_bits - 1 else value
