"""SPI as a master, with the displays on it."""

import numpy as np
import pytest
from chip_parts import GPIO0, ChipParts, EagerDma
from PIL import Image

from max78000.board.outside.displays import PictureFolder, Screen
from max78000.board.outside.ili9341 import Ili9341
from max78000.board.outside.ssd2119 import Ssd2119
from max78000.board.timeline import Timeline
from max78000.board.world import World
from max78000.errors import BoardError, InputError

SPI = 0x400B_E000
FIFO, CTRL0, CTRL1, CTRL2, DMA, INTFL, INTEN = (
    SPI + offset for offset in (0, 4, 8, 0xC, 0x1C, 0x20, 0x24)
)
ON, START, KEEP = 3, 1 << 5, 1 << 8
SECOND = 2 << 16  # select line 1
DONE = 1 << 11


class Echo:
    """Answers each word with its complement."""

    def __init__(self):
        self.words, self.events = [], []

    def select(self):
        """Noted."""
        self.events.append("select")

    def deselect(self):
        """Noted."""
        self.events.append("deselect")

    def transfer(self, words, n_bits):
        """Answer."""
        self.words += [(word, n_bits) for word in words]
        return tuple(~word for word in words)


def chip_with(peripheral):
    chip = ChipParts(World(spi={(0, 1): peripheral}))
    chip.store(CTRL0, ON | SECOND)
    return chip


def test_bytes_both_ways():
    echo = Echo()
    chip = chip_with(echo)
    chip.store(CTRL2, 8 << 8)
    chip.store(CTRL1, 5 << 16 | 5)
    chip.store(DMA, 1 << 6 | 1 << 22)
    chip.store(INTEN, DONE)
    chip.store(FIFO, 0x04030201)
    assert chip.load(DMA) >> 8 & 0x3F == 4
    chip.store(CTRL0, ON | SECOND | START)
    assert echo.words == [(n, 8) for n in (1, 2, 3, 4)]
    assert chip.load(SPI + 0x30) == 1
    assert chip.irqs() == []
    chip.store(FIFO, 5, 1)
    assert chip.irqs() == [56]
    assert chip.load(DMA) >> 24 == 5
    assert chip.load(FIFO) == 0xFBFCFDFE
    assert chip.load(FIFO, 1) == 0xFA
    assert echo.events == ["select", "deselect"]
    chip.store(INTFL, DONE)
    assert chip.load(INTFL) & DONE == 0


def test_wide_characters_and_staying_selected():
    echo = Echo()
    chip = chip_with(echo)
    chip.store(CTRL2, 9 << 8)
    chip.store(CTRL1, 2)
    chip.store(DMA, 1 << 6)
    chip.store(FIFO, 0x1A5, 2)
    chip.store(CTRL0, ON | SECOND | START | KEEP)
    chip.store(FIFO, 0xFFFF, 2)
    assert echo.words == [(0x1A5, 9), (0x1FF, 9)]
    assert echo.events == ["select"]
    chip.store(CTRL0, ON | SECOND)
    assert echo.events == ["select", "deselect"]
    assert chip.load(INTFL) & DONE


def test_receive_alone_and_a_full_fifo():
    chip = chip_with(Echo())
    chip.store(CTRL2, 8 << 8)
    chip.store(CTRL1, 40 << 16)
    chip.store(DMA, 1 << 22)
    chip.store(CTRL0, ON | SECOND | START)
    assert chip.load(INTFL) & (1 << 3)
    assert not chip.load(INTFL) & DONE
    assert [chip.load(FIFO) for _ in range(10)] == [0xFFFF_FFFF] * 10
    assert chip.load(INTFL) & DONE


def test_nothing_on_a_select_line():
    echo = Echo()
    chip = chip_with(echo)
    chip.store(CTRL1, 1 << 16 | 1)
    chip.store(DMA, 1 << 6 | 1 << 22)
    chip.store(FIFO, 7)
    chip.store(CTRL0, ON | 1 << 16 | START)
    assert echo.words == []
    assert chip.load(FIFO, 2) == 0
    with pytest.raises(BoardError, match="takes 1 bytes of 0 in the receive FIFO"):
        chip.load(FIFO, 1)


def test_dma_gives_what_is_left():
    echo = Echo()
    chip = chip_with(echo)
    dma = EagerDma(chip["SPI0"], 0)
    dma.to_give = [0x03020100 + 0x04040404 * n for n in range(25)]
    chip["SPI0"]._around.poke_dma = dma.poke
    chip.store(CTRL2, 8 << 8)
    chip.store(CTRL1, 100)
    chip.store(DMA, 1 << 6 | 1 << 15)
    assert len(dma.to_give) == 17
    chip.store(CTRL0, ON | SECOND | START)
    assert [word for word, _ in echo.words] == list(range(100))
    assert chip.load(INTFL) & DONE


def test_dma_takes_what_the_program_sends():
    """The DMA is told whenever characters have moved, not at the start alone."""
    chip = chip_with(Echo())
    pokes = []
    chip["SPI0"]._around.poke_dma = lambda: pokes.append(chip["SPI0"].requests)
    chip.store(CTRL2, 8 << 8)
    chip.store(CTRL1, 4 | 4 << 16)
    chip.store(DMA, 1 << 6 | 1 << 22 | 1 << 31)
    chip.store(CTRL0, ON | SECOND | START)
    pokes.clear()
    chip.store(FIFO, 0x04030201)
    assert pokes
    assert pokes[-1] & 1


def test_what_it_refuses():
    chip = chip_with(Echo())
    with pytest.raises(BoardError, match="SPI0: being a slave is not modelled"):
        chip.store(CTRL0, 1 | START)
    for _ in range(8):
        chip.store(FIFO, 0)
    with pytest.raises(BoardError, match="sends bytes into the full transmit FIFO"):
        chip.store(FIFO, 0)
    with pytest.raises(BoardError, match="a store of 1 bytes"):
        chip.store(CTRL1, 1, 1)
    chip["SPI0"].reset()
    assert chip.load(DMA) == 0


# -- displays --------------------------------------------------------------------------------------


class Album:
    """Keeps the pictures of a screen."""

    def __init__(self, rows, columns):
        self.timeline = Timeline()
        self.pictures = []
        self.screen = Screen(rows, columns, self.timeline, lambda p, _t: self.pictures.append(p))

    def rest(self):
        """Nothing is drawn for a while."""
        self.timeline.advance(200_000_000)
        return self.pictures[-1]


def set_register(display, number, value):
    display.transfer((number, 0x100 | value >> 8, 0x100 | value & 0xFF), 9)


def draw(display, *colours):
    words = [0x22]
    for colour in colours:
        words += [0x100 | colour >> 8, 0x100 | colour & 0xFF]
    display.transfer(tuple(words), 9)


RED, GREEN, BLUE = 0xF800, 0x07E0, 0x001F


def test_wide_display_fills_a_window():
    album = Album(240, 320)
    display = Ssd2119(album.screen)
    for number, value in ((0x11, 0x6870), (0x44, 11 << 8 | 10), (0x45, 300), (0x46, 301)):
        set_register(display, number, value)
    set_register(display, 0x4E, 300)
    set_register(display, 0x4F, 10)
    draw(display, RED, GREEN, BLUE, 0xFFFF, GREEN)
    picture = album.rest()
    assert picture[10, 300].tolist() == [0, 255, 0]  # the fifth came round
    assert picture[10, 301].tolist() == [0, 255, 0]
    assert picture[11, 300].tolist() == [0, 0, 255]
    assert picture[11, 301].tolist() == [255, 255, 255]
    assert picture.sum() == 2 * 255 + 255 + 3 * 255
    assert len(album.pictures) == 1
    set_register(display, 0x11, 0x6848)  # from below, and down first
    set_register(display, 0x4F, 11)
    set_register(display, 0x4E, 300)
    draw(display, RED, BLUE)
    assert album.rest()[10:12, 300].tolist() == [[0, 0, 255], [255, 0, 0]]
    display.transfer((0x22, 0x1FF, 0x1FF), 8)  # noise
    assert len(album.pictures) == 2


def test_wing_display_turns_with_a_pin_for_data():
    album = Album(320, 240)
    levels = []
    display = Ili9341(album.screen, lambda: levels[-1])

    def send(command, *values):
        levels.append(False)
        display.transfer((command,), 8)
        levels.append(True)
        display.transfer(values, 8)

    send(0x2A, 0, 5, 0, 6)
    send(0x2B, 0, 9, 0, 10)
    send(0x2C, 0xF8, 0, 0x07, 0xE0, 0x00, 0x1F)
    picture = album.rest()
    assert picture[9, 5:7].tolist() == [[255, 0, 0], [0, 255, 0]]
    assert picture[10, 5].tolist() == [0, 0, 255]
    send(0x36, 0x20)
    send(0x2C, 0xFF, 0xFF)
    assert album.rest()[5, 9].tolist() == [255, 255, 255]
    send(0x36, 0xC0)
    send(0x2C, 0xFF, 0xFF)
    assert album.rest()[310, 234].tolist() == [255, 255, 255]


def test_pictures_are_written_when_the_display_rests(tmp_path):
    timeline = Timeline()
    folder = PictureFolder(tmp_path / "screens")
    screen = Screen(2, 3, timeline, folder)
    screen.put(1, 2, RED)
    timeline.advance(30_000_000)
    screen.put(1, 1, BLUE)
    timeline.advance(30_000_000)
    assert folder.n_written == 0
    timeline.advance(100_000_000)
    screen.put(0, 0, RED)
    screen.put(9, 9, RED)
    screen.show()
    screen.show()
    names = sorted(path.name for path in (tmp_path / "screens").iterdir())
    assert names == ["screen-001-000030ms.png", "screen-002-000160ms.png"]
    first = np.asarray(Image.open(tmp_path / "screens" / names[0]))
    assert first.tolist() == [[[0, 0, 0]] * 3, [[0, 0, 0], [0, 0, 255], [255, 0, 0]]]
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be written"):
        PictureFolder(tmp_path / "file")(first, 0)


def test_pins_know_resistors_and_what_lets_go():
    chip = ChipParts()
    port, levels = chip.parts.ports[0], []
    port.pull(3, is_high=False)
    port.on_change(3, levels.append)
    chip.store(GPIO0 + 0x18, 8)
    chip.store(GPIO0 + 0x0C, 8)
    assert port.level(3)
    chip.store(GPIO0 + 0x0C, 0)
    assert not port.level(3)
    assert levels == [True, False]
