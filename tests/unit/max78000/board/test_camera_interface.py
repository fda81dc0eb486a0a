"""The parallel camera interface: modes, FIFO, flags, DMA, and the clock of the camera."""

import pytest
from chip_parts import ChipParts, EagerDma

from max78000.board.world import SensorFrame, World
from max78000.errors import BoardError

PCIF, PT = 0x4000_E000, 0x4003_C000
CTRL, INT_EN, INT_FL, FIFO = PCIF + 0x08, PCIF + 0x0C, PCIF + 0x10, PCIF + 0x30
ENABLE, EXPAND, DMA, SINGLE, CONTINUOUS = 1 << 31, 1 << 30, 1 << 16, 1, 2
IRQ = 91


class Sensor:
    """Frames of two lines."""

    lines = (bytes(range(1, 9)), bytes(range(11, 19)))
    n_frames = 0

    def expose(self):
        """The next frame."""
        self.n_frames += 1
        return SensorFrame(self.lines, wait_ns=1000, line_ns=8000, end_ns=3000)


def chip_with(sensor=None, *, is_strict=True):
    chip = ChipParts(World(camera=sensor or Sensor()), is_strict=is_strict)
    chip.connect(0, [15, *range(20, 28)], 2)
    chip.connect(1, [8, 9], 1)
    return chip


def start(chip, control, threshold=1):
    chip.store(CTRL, ENABLE | control | threshold << 5 | 1 << 17)


def drained(chip):
    words = []
    while chip.load(INT_FL) & 8:
        words.append(chip.load(FIFO))
    return words


def test_a_frame_by_hand():
    chip = chip_with()
    start(chip, SINGLE)
    assert chip.load(PCIF + 4) == 8
    chip.store(INT_EN, 5)
    words = []
    for _ in range(30):
        chip.let_pass(1e-6)
        words += drained(chip)
        assert chip.load(INT_FL) & ~1 == 0
    assert words == [0x04030201, 0x08070605, 0x0E0D0C0B, 0x1211100F]
    assert chip.load(INT_FL) == 1
    assert chip.load(CTRL) & 3 == 0
    assert chip.irqs() == [IRQ]
    chip.store(INT_FL, 1)
    assert chip.irqs() == []


def test_threshold_interrupt_and_full_fifo():
    sensor = Sensor()
    sensor.lines = (bytes(48),)
    chip = chip_with(sensor, is_strict=False)
    start(chip, SINGLE, threshold=4)
    chip.store(INT_EN, 4)
    chip.let_pass(2e-6)
    assert chip.irqs() == [IRQ]
    assert chip.load(INT_FL) == 4 | 8
    chip.load(FIFO)
    assert chip.irqs() == []
    chip.let_pass(20e-6)
    assert chip.load(INT_FL) == 1 | 2 | 4 | 8
    assert len(drained(chip)) == 8
    assert "a line of the camera does not fit the FIFO" in chip.objections.warnings[0]


def test_pixels_become_three_bytes():
    sensor = Sensor()
    sensor.lines = (bytes([0xFF, 0xE0, 0x00, 0x1F]),)
    chip = chip_with(sensor)
    start(chip, SINGLE | EXPAND | 2 << 2)
    chip.let_pass(20e-6)
    assert drained(chip) == [0x0000FCF8, 0x00F80000]


def test_wide_samples_take_half_a_word_each():
    chip = chip_with()
    start(chip, SINGLE | 1 << 2)
    chip.let_pass(2e-6)
    assert chip.load(FIFO) == 0x00020001


def test_dma_takes_whole_lines():
    chip = chip_with()
    dma, requests = EagerDma(chip["PCIF"], 0x30), []

    def poke():
        requests.append(chip["PCIF"].requests)
        dma.poke()

    chip["PCIF"]._around.poke_dma = poke
    start(chip, SINGLE | DMA)
    assert not chip["PCIF"].requests
    chip.let_pass(2e-6)
    assert max(requests) == 3
    assert dma.taken == [0x04030201, 0x08070605]
    chip.let_pass(20e-6)
    assert len(dma.taken) == 4
    assert chip.load(INT_FL) == 1


def test_continuous_until_stopped():
    sensor = Sensor()
    chip = chip_with(sensor)
    chip["PCIF"]._around.poke_dma = EagerDma(chip["PCIF"], 0x30).poke
    start(chip, CONTINUOUS | DMA)
    chip.let_pass(65e-6)
    assert sensor.n_frames == 4
    start(chip, DMA)
    chip.let_pass(1)
    assert sensor.n_frames == 4
    chip["PCIF"].reset()
    assert chip.load(CTRL) == 1 << 17 | 1 << 5


def test_what_it_refuses():
    chip = chip_with()
    with pytest.raises(BoardError, match=r"PCIF: embedded timing codes are not modelled"):
        start(chip, SINGLE | 1 << 4)
    chip["PCIF"].sensor = None
    with pytest.raises(BoardError, match="waits for a frame, but no camera is connected"):
        start(chip, SINGLE)
    chip = ChipParts(World(camera=Sensor()))
    with pytest.raises(BoardError, match=r"pins do not have their function: D0..D7 \(P0.20\), VS"):
        start(chip, SINGLE)
    with pytest.raises(BoardError, match="takes a word from the empty FIFO"):
        chip.load(FIFO)


# -- pulse trains ----------------------------------------------------------------------------------


def test_a_square_wave_has_a_frequency():
    chip = ChipParts()
    trains = chip["PT"]
    chip.store(PT + 0x20, 3 | 1 << 27)
    assert trains.frequency_hz(0) == 0
    chip.store(PT, 1)
    assert trains.frequency_hz(0) == 0  # its pin is no output of it
    chip.connect(0, [18], 1)
    assert trains.frequency_hz(0) == pytest.approx(30e6 / 3 / 2)
    chip.store(PT + 0x14, 1)
    assert trains.frequency_hz(0) == 0


def test_a_train_of_some_loops_ends():
    chip = ChipParts()
    chip.store(PT + 0x40, 30)  # a bit takes a microsecond
    chip.store(PT + 0x48, 5)
    chip.store(PT + 0x0C, 2)
    chip.store(PT + 0x10, 2)
    chip.let_pass(159e-6)
    assert chip.load(PT) == 2
    chip.let_pass(2e-6)
    assert chip.load(PT) == 0
    assert chip.irqs() == [59]
    chip.store(PT + 0x08, 2)
    assert chip.irqs() == []
    chip.store(PT, 2)
    chip.store(PT, 0)
    chip.let_pass(1)
    assert chip.irqs() == []
