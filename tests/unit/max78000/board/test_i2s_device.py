"""I2S: samples in time, how they lie in the FIFO, interrupts, DMA, and what is played."""

import pytest
from chip_parts import ChipParts, EagerDma

from max78000.board.world import World
from max78000.errors import BoardError

I2S = 0x4006_0000
CTRL0, CTRL1, DMA, FIFO, INTFL, INTEN = (I2S + n for n in (0, 0x10, 0x30, 0x40, 0x50, 0x54))
RX, TX, WORD, HALF, BYTE, LEFT, RIGHT = 1 << 17, 1 << 16, 2 << 14, 1 << 14, 0, 2 << 12, 3 << 12
CLOCK = 5 << 16 | 31 << 9 | 1 << 8 | 31  # 16 kHz, 32 bits
SAMPLE_S = 1 / 16_000


class Counter:
    """Sample n is n, in the upper half of a word."""

    def samples(self, first, n_samples, rate_hz):
        """So many."""
        self.rate_hz = rate_hz
        return tuple(n << 16 for n in range(first, first + n_samples))


def listening(control, clock=CLOCK, **options):
    chip = ChipParts(World(microphone=Counter()), **options)
    chip.store(CTRL0, control)
    chip.store(CTRL1, clock)
    return chip


def begun(control, clock=CLOCK):
    """A program that has taken one word, before which all was silent."""
    chip = listening(control, clock)
    while not level(chip):
        chip.let_pass(0.1 * SAMPLE_S)
    assert chip.load(FIFO) == 0
    while level(chip):
        chip.load(FIFO)
    return chip


def level(chip):
    return chip.load(DMA) >> 24


def test_samples_come_in_time():
    chip = begun(RX | WORD | LEFT)
    assert level(chip) == 0
    chip.let_pass(3.5 * SAMPLE_S)
    assert level(chip) == 3
    assert [chip.load(FIFO) for _ in range(3)] == [0, 1 << 16, 2 << 16]
    chip.let_pass(SAMPLE_S)
    assert chip.load(FIFO) == 3 << 16
    assert chip["I2S"].source.rate_hz == pytest.approx(16_000)
    assert chip["I2S"].n_heard == 4


def test_what_finds_no_room_is_lost():
    chip = begun(RX | WORD | LEFT)
    chip.let_pass(20.5 * SAMPLE_S)
    assert level(chip) == 8
    assert chip.load(INTFL) & 1
    assert [chip.load(FIFO) for _ in range(8)] == [n << 16 for n in range(8)]
    chip.let_pass(SAMPLE_S)
    assert chip.load(FIFO) == 20 << 16
    chip.store(INTFL, 1)
    assert not chip.load(INTFL) & 1


@pytest.mark.parametrize(
    ("control", "words"),
    [
        (WORD, [0, 0, 1 << 16, 0]),
        (WORD | RIGHT, [0, 0, 0, 0]),
        (HALF, [0, 1, 2, 3]),
        (HALF | LEFT, [1 << 16, 3 << 16 | 2]),
        (HALF | RIGHT, [0, 0]),
    ],
)
def test_how_samples_lie_in_the_fifo(control, words):
    chip = begun(RX | control)
    chip.let_pass(4.5 * SAMPLE_S)
    assert [chip.load(FIFO) for _ in words] == words


def test_bytes_and_fewer_bits():
    chip = begun(RX | BYTE | LEFT, 5 << 16 | 7 << 9 | 1 << 8 | 7)
    rate_hz = 64_000
    chip.let_pass(1028 / rate_hz)
    chip.store(CTRL0, RX | BYTE | LEFT | 1 << 18)  # flush
    chip.let_pass(4 / rate_hz)
    assert chip.load(FIFO) == 0x04040404  # samples from 1028, of which the upper byte counts
    chip = begun(RX | WORD | LEFT | 1 << 10, 5 << 16 | 15 << 9 | 1 << 8 | 31)
    chip.let_pass(2.5 * SAMPLE_S)
    assert [chip.load(FIFO) for _ in range(2)] == [0, 1]  # to the right


def test_interrupt_at_the_threshold():
    chip = listening(RX | WORD | LEFT | 4 << 24)
    chip.store(INTEN, 2)
    chip.let_pass(3.9 * SAMPLE_S)
    assert chip.irqs() == []
    chip.let_pass(0.2 * SAMPLE_S)
    assert chip.irqs() == [99]
    for _ in range(4):
        chip.load(FIFO)
    chip.store(INTFL, 2)
    assert chip.irqs() == []
    chip.let_pass(4 * SAMPLE_S)
    assert chip.irqs() == [99]


def test_dma_takes_all():
    chip = listening(RX | WORD | LEFT)
    dma = EagerDma(chip["I2S"], 0x40)
    chip["I2S"]._around.poke_dma = dma.poke
    chip.store(DMA, 1 << 15)
    chip.let_pass(1000.5 * SAMPLE_S)
    n_silent = 16
    assert dma.taken[:n_silent] == [0] * n_silent
    assert dma.taken[n_silent:] == [n << 16 for n in range(len(dma.taken) - n_silent)]
    assert 980 < len(dma.taken) <= 1000


def test_what_is_played():
    chip = ChipParts()
    chip.store(CTRL1, CLOCK)
    chip.store(CTRL0, TX | WORD)
    for word in (2 << 16, 4 << 16, 0xFFFF_0000, 0xFFFD_0000):
        chip.store(FIFO, word)
    assert chip.load(DMA) >> 16 == 4
    chip.let_pass(1.5 * SAMPLE_S)
    assert chip.load(DMA) >> 16 == 2
    assert chip.load(INTFL) & 8
    chip.let_pass(5 * SAMPLE_S)
    assert chip.load(DMA) >> 16 == 0
    assert chip["I2S"].played == [3, -2]
    assert chip["I2S"].played_rate_hz == pytest.approx(16_000)


def test_words_last_as_long_however_often_one_looks():
    chip = ChipParts()
    chip.store(CTRL1, CLOCK)
    chip.store(CTRL0, TX | HALF | LEFT)  # two samples a word
    for word in range(8):
        chip.store(FIFO, word)
    for _ in range(9):
        chip.let_pass(SAMPLE_S)
        chip.load(DMA)
    assert chip.load(DMA) >> 16 == 3


def test_a_part_of_another_register_is_refused():
    chip = ChipParts()
    with pytest.raises(BoardError, match="registers take words"):
        chip["I2S"].store_part(0x10, 2, 1)


def test_dma_plays():
    chip = ChipParts()
    dma = EagerDma(chip["I2S"], 0x40)
    dma.to_give = [n | n << 16 for n in range(100)]
    chip["I2S"]._around.poke_dma = dma.poke
    chip.store(CTRL1, CLOCK)
    chip.store(DMA, 1 << 7)
    chip.store(CTRL0, TX | HALF)
    chip.let_pass(1)
    assert chip["I2S"].played == list(range(100))


def test_nobody_listens():
    chip = listening(RX | WORD | LEFT, CLOCK & ~(1 << 8))
    chip.let_pass(1)
    assert level(chip) == 0
    silent = ChipParts()
    silent.store(CTRL0, RX | WORD)
    silent.store(CTRL1, CLOCK)
    silent.let_pass(SAMPLE_S * 1.1)
    assert silent.load(FIFO) == 0


def test_what_it_refuses():
    chip = ChipParts()
    with pytest.raises(BoardError, match="I2S: PDM and external clocks are not modelled"):
        chip.store(CTRL0, 1 << 3)
    with pytest.raises(BoardError, match="takes a word from the empty receive FIFO"):
        chip.load(FIFO)
    for _ in range(8):
        chip.store(FIFO, 0)
    with pytest.raises(BoardError, match="sends a word into the full transmit FIFO"):
        chip.store(FIFO, 0)
