"""AES and its keys, the information block of the flash, and the converter, register by register."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from max78000.board.board import VirtualBoard
from max78000.board.devices import adc, aes
from max78000.board.devices import flash_controller as flc
from max78000.board.devices.aes_cipher import decrypt, encrypt
from max78000.board.devices.info_block import serial_number
from max78000.board.memories import INFO_ADDR
from max78000.board.timeline import NS_PER_S
from max78000.board.world import World
from max78000.errors import BoardError

# FIPS 197, appendix C: the same text, by length of key
TEXT = bytes.fromhex("00112233445566778899aabbccddeeff")
CIPHERS = {
    16: "69c4e0d86a7b0430d8cdb78070b4c55a",
    24: "dda97ca4864cdfe06eaf70a0ec0d7191",
    32: "8ea2b7ca516745bfeafc49904b496089",
}
READY = adc.POWER | adc.REFERENCE_POWER | adc.CLOCK_ON


def key_of(n_bytes):
    return bytes(range(n_bytes))


# -- AES -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n_bytes", CIPHERS)
def test_the_cipher_of_the_standard(n_bytes):
    cipher = bytes.fromhex(CIPHERS[n_bytes])
    assert encrypt(key_of(n_bytes), TEXT) == cipher
    assert decrypt(key_of(n_bytes), cipher) == TEXT


@settings(max_examples=20)
@given(st.sampled_from((16, 24, 32)).flatmap(lambda n: st.binary(min_size=n, max_size=n)),
       st.binary(min_size=16, max_size=16))  # fmt: skip
def test_what_is_encrypted_can_be_decrypted(key, block):
    assert decrypt(key, encrypt(key, block)) == block


class Engine:
    """The engine of a strict board, its key registers, and the DMA."""

    def __init__(self, key=b"", size=0):
        self.board = VirtualBoard()
        self.device = self.board.devices.by_name["AES"]
        keys = self.board.devices.by_name[aes.KEYS]
        for n, word in enumerate(lowest_first(key)):
            keys.stored(f"KEY{n}", word)
        self.device.stored("CTRL", aes.ENABLE | size << 6)

    def give(self, words):
        for word in words:
            self.device.stored("FIFO", word)


def lowest_first(data):
    """Words of a large number whose highest byte is the first, as the engine takes them."""
    words = [int.from_bytes(data[n : n + 4], "big") for n in range(0, len(data), 4)]
    return words[::-1]


@pytest.mark.parametrize(("n_bytes", "size"), [(16, 0), (24, 1), (32, 2)])
def test_a_block_there_and_back(n_bytes, size):
    engine = Engine(key_of(n_bytes), size)
    assert engine.device.loaded("STATUS") == aes.INPUT_EMPTY | aes.OUTPUT_EMPTY
    engine.give(lowest_first(TEXT))
    assert engine.device.loaded("INTFL") & aes.DONE
    assert engine.device.loaded("STATUS") == aes.INPUT_EMPTY | aes.OUTPUT_FULL
    words = [engine.device.loaded("FIFO") for _ in range(4)]
    assert words == lowest_first(bytes.fromhex(CIPHERS[n_bytes]))
    for kind in (aes.DECRYPT, aes.DECRYPT_WITH_LAST):
        engine.device.stored("CTRL", aes.ENABLE | size << 6 | kind << 8)
        engine.give(words)
        assert [engine.device.loaded("FIFO") for _ in range(4)] == lowest_first(TEXT)


def test_the_last_key_is_kept_when_the_registers_change():
    engine = Engine(key_of(16))
    engine.give(lowest_first(TEXT))
    words = [engine.device.loaded("FIFO") for _ in range(4)]
    engine.board.devices.by_name["TRNG"].stored("CTRL", 1 << 3)
    engine.device.stored("CTRL", aes.ENABLE | aes.DECRYPT_WITH_LAST << 8)
    engine.give(words)
    assert [engine.device.loaded("FIFO") for _ in range(4)] == lowest_first(TEXT)


def test_a_generated_key_and_a_wiped_one():
    engine = Engine()
    keys, numbers = engine.board.devices.by_name[aes.KEYS], engine.board.devices.by_name["TRNG"]
    numbers.stored("CTRL", 1 << 3)
    assert any(keys.key(32))
    engine.device.stored("INTEN", aes.KEY_CHANGED)
    assert engine.device.asserted
    engine.device.stored("INTFL", aes.KEY_CHANGED)
    assert not engine.device.asserted
    numbers.stored("CTRL", 1 << 15)
    assert not any(keys.key(32))
    engine.give([0] * 4)
    assert engine.device.loaded("INTFL") & aes.KEY_ZERO


def test_a_reset_forgets_that_the_key_has_changed():
    engine = Engine(key_of(16))
    assert engine.device.loaded("INTFL") & aes.KEY_CHANGED
    for device in (engine.board.devices.by_name[aes.KEYS], engine.device):
        device.reset()
    assert not engine.device.loaded("INTFL")


def test_part_of_a_block_is_filled_with_zeros():
    engine = Engine(key_of(16))
    engine.give((1, 2))
    assert not engine.device.loaded("STATUS") & aes.INPUT_EMPTY
    engine.device.stored("CTRL", aes.ENABLE | aes.START)
    assert engine.device.loaded("CTRL") == aes.ENABLE
    short = [engine.device.loaded("FIFO") for _ in range(4)]
    engine.give((1, 2, 0, 0))
    assert [engine.device.loaded("FIFO") for _ in range(4)] == short


def test_results_that_nobody_took():
    engine = Engine(key_of(16))
    engine.give([0] * 8)
    assert engine.device.loaded("INTFL") & aes.OVERRUN
    engine.device.stored("CTRL", aes.ENABLE | aes.INPUT_FLUSH | aes.OUTPUT_FLUSH)
    assert engine.device.loaded("STATUS") == aes.INPUT_EMPTY | aes.OUTPUT_EMPTY
    assert engine.device.loaded("FIFO") == 0


def test_blocks_by_dma():
    engine = Engine(key_of(16))
    board, dma = engine.board, engine.board.devices.by_name["DMA"]
    words = lowest_first(TEXT)
    data = b"".join(word.to_bytes(4, "little") for word in words)
    board.write_memory(0x2000_0000, data * 3)
    step = 2 << 16 | 2 << 20 | 1
    dma.stored("SRC0", 0x2000_0000)
    dma.stored("CNT0", 48)
    dma.stored("CTRL0", step | 0x30 << 4 | 1 << 18)
    dma.stored("DST1", 0x2000_1000)
    dma.stored("CNT1", 48)
    dma.stored("CTRL1", step | 0x10 << 4 | 1 << 22)
    engine.device.stored("CTRL", aes.ENABLE | aes.RECEIVE_DMA | aes.SEND_DMA)
    board.timeline.advance(NS_PER_S // 1000)
    cipher = b"".join(
        word.to_bytes(4, "little") for word in lowest_first(bytes.fromhex(CIPHERS[16]))
    )
    assert board.read_memory(0x2000_1000, 48) == cipher * 3
    assert not engine.device.loaded("INTFL") & aes.OVERRUN


def test_what_the_engine_refuses():
    engine = Engine()
    engine.device.stored("CTRL", 0)
    with pytest.raises(BoardError, match="data is stored while it is off"):
        engine.give([1])
    for control in (3 << 6, 3 << 8):
        engine.device.stored("CTRL", aes.ENABLE | aes.INPUT_FLUSH | control)
        with pytest.raises(BoardError, match="which is none"):
            engine.give([0] * 4)
    engine.device.reset()
    engine.device.stored("CTRL", aes.ENABLE | aes.DECRYPT_WITH_LAST << 8)
    with pytest.raises(BoardError, match="decrypts with the last key, and has had none"):
        engine.give([0] * 4)


# -- information block -----------------------------------------------------------------------------


def test_the_information_block_opens_to_its_key():
    board = VirtualBoard(world=World(seed=3))
    controller = board.devices.by_name["FLC"]
    erased = b"\xff" * 16
    assert board.read_memory(INFO_ADDR, 16) == erased
    for word in flc.INFO_KEY:
        controller.store(flc.ACTRL, word)
    first = int.from_bytes(board.read_memory(INFO_ADDR, 8), "little") >> 15
    assert first & (1 << 48) - 1 == int.from_bytes(serial_number(3)[:6], "little")
    assert controller.load(flc.ACTRL) == 0
    controller.store(flc.ACTRL, 0x1234)
    assert board.read_memory(INFO_ADDR, 16) == erased
    assert serial_number(3) != serial_number(4)


def test_the_information_block_can_be_written_while_it_is_open():
    board = VirtualBoard()
    controller = board.devices.by_name["FLC"]

    def write(word):
        controller.store(flc.CLKDIV, 60)
        controller.store(flc.ADDR, flc.INFO_BLOCK_OFFSET + 0x100)
        controller.store(flc.DATA0, word)
        controller.store(flc.CTRL, flc.UNLOCKED | flc.CTRL_IS_32_BIT | flc.CTRL_WRITE)
        failed = controller.load(flc.INTR) & flc.INTR_ACCESS_FAILURE
        controller.store(flc.INTR, 0)
        return not failed

    assert not write(1)
    for word in flc.INFO_KEY:
        controller.store(flc.ACTRL, word)
    assert write(0x1234_5678)
    controller.reset()
    assert not write(0)
    for word in flc.INFO_KEY:
        controller.store(flc.ACTRL, word)
    assert board.read_memory(INFO_ADDR + 0x100, 4) == (0x1234_5678).to_bytes(4, "little")
    controller.store(flc.CTRL, flc.UNLOCKED | flc.PAGE_CODE | flc.CTRL_PAGE_ERASE)
    assert board.read_memory(INFO_ADDR, 4) == b"\xff" * 4


# -- converter -------------------------------------------------------------------------------------


class Converter:
    """The converter of a strict board, at 30 MHz / 8."""

    def __init__(self, **volts):
        world = World(volts={int(name.removeprefix("ch")): level for name, level in volts.items()})
        self.board = VirtualBoard(world=world)
        self.device = self.board.devices.by_name["ADC"]
        self.board.devices.clocks.stored("PCLKDIV", 8 << 10)
        self.device.stored("CTRL", READY)
        self.wait_us(20)

    def wait_us(self, microseconds):
        self.board.timeline.advance(microseconds * NS_PER_S // 1_000_000)

    def convert(self, channel, extra=0):
        self.device.stored("CTRL", READY | channel << 12 | extra | adc.START)
        assert self.device.loaded("STATUS") & adc.ACTIVE
        self.wait_us(280)
        assert not self.device.loaded("CTRL") & adc.START
        return self.device.loaded("DATA")


def test_the_reference_takes_its_time():
    converter = Converter()
    assert converter.device.loaded("INTR") == adc.REFERENCE_READY
    converter.device.stored("INTR", adc.REFERENCE_READY | 2)
    assert converter.device.loaded("INTR") == 2
    converter.device.reset()
    converter.device.stored("CTRL", READY)
    assert converter.device.loaded("STATUS") == adc.STARTING
    with pytest.raises(BoardError, match="begins without power, clock or reference"):
        converter.device.stored("CTRL", READY | adc.START)


def test_without_power_nothing_goes_on():
    converter = Converter()
    converter.device.stored("INTR", 0x1F << 16)
    converter.device.stored("CTRL", READY | adc.START)
    converter.device.stored("CTRL", 0)
    assert converter.device.loaded("STATUS") == 0
    converter.wait_us(300)
    assert converter.device.loaded("INTR") == 0
    converter.device.stored("CTRL", READY)
    converter.device.stored("CTRL", 0)
    converter.wait_us(20)
    assert converter.device.loaded("INTR") == 0


# fmt: off
SCALES = (
    # extra bits of CTRL                                   what half a volt is then
    (0,                                                    1024 * 0.5 / 1.22),
    (adc.HALF_INPUT,                                       1024 * 0.25 / 1.22),
    (adc.HALF_REFERENCE,                                   1024 * 0.5 / 0.61),
    (3 << 17,                                              1024 * 0.125 / 1.22),
    (adc.REFERENCE_IS_SUPPLY,                              1024 * 0.5 / 0.9),
    (adc.IS_ALIGNED_HIGH,                                  64 * int(1024 * 0.5 / 1.22)),
)
# fmt: on


@pytest.mark.parametrize(("extra", "expected"), SCALES)
def test_scales(extra, expected):
    assert Converter(ch2=0.5).convert(2, extra) == int(expected)


def test_the_dividers_are_of_the_external_inputs_only():
    converter = Converter(ch12=1.0)
    assert converter.convert(12, 3 << 17) == converter.convert(12) == int(1024 / 1.22)
    assert converter.convert(11) == 0


def test_the_end_of_a_conversion_interrupts():
    converter = Converter(ch0=3.3)
    converter.device.stored("INTR", 0x1F << 16 | 1 << 4)
    assert converter.convert(0) == 1023
    assert converter.device.loaded("STATUS") == adc.OVERFLOW
    assert converter.device.asserted
    assert converter.device.loaded("INTR") == adc.DONE | adc.OVERFLOWED | adc.PENDING | 1 << 4
    converter.device.stored("INTR", 0x1F << 16)
    assert not converter.device.asserted


def test_limits():
    converter = Converter(ch1=0.6, ch2=0.1)
    limit = 100 | 400 << 12 | 1 << 24 | adc.LOW_ON | adc.HIGH_ON
    converter.device.stored("LIMIT2", limit)
    converter.convert(2)
    assert not converter.device.loaded("INTR") & (adc.TOO_HIGH | adc.TOO_LOW)
    converter.convert(1)
    assert converter.device.loaded("INTR") & adc.TOO_HIGH
    converter.device.stored("LIMIT2", limit + (1 << 24))
    converter.convert(2)
    assert converter.device.loaded("INTR") & adc.TOO_LOW


def test_what_the_converter_refuses():
    converter = Converter()
    converter.device.stored("CTRL", READY | 20 << 12 | adc.START)
    with pytest.raises(BoardError, match="CH_SEL is 20; there are 17 channels"):
        converter.wait_us(300)
    converter.board.devices.clocks.stored("PCLKDIV", 0)
    with pytest.raises(BoardError, match=r"PCLKDIV.ADCFRQ is 0"):
        converter.device.stored("CTRL", READY | adc.START)
