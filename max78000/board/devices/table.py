"""Which devices the chip has: address, clock gate, reset, interrupts and DMA requests of each.

Ports come first, since other devices look at their pins when they are made.

Source: docs/hardware/firmware.md; [MSDK] max78000.h, gcr_regs.h, lpgcr_regs.h, dma_regs.h.
"""

from collections.abc import Callable

from max78000.board.devices.adc import Adc
from max78000.board.devices.aes import KEYS, AesEngine, AesKeys
from max78000.board.devices.camera_interface import CameraInterface
from max78000.board.devices.crc import CrcEngine
from max78000.board.devices.dma import Dma
from max78000.board.devices.flash_controller import flash_controller
from max78000.board.devices.gpio import GpioPort
from max78000.board.devices.i2c import I2c
from max78000.board.devices.i2s import I2s
from max78000.board.devices.pulse_train import PulseTrains
from max78000.board.devices.random_numbers import RandomNumbers
from max78000.board.devices.real_time_clock import RealTimeClock
from max78000.board.devices.semaphores import Semaphores
from max78000.board.devices.spi import Spi
from max78000.board.devices.timer import Timer
from max78000.board.devices.uart import Uart
from max78000.board.devices.wake_status import WakeStatus
from max78000.board.devices.wakeup_timer import WakeupTimer
from max78000.board.devices.watchdog import Watchdog
from max78000.board.placement import Placement, Request, Surroundings
from max78000.board.registers import Bit, RegisterBlock, Word
from max78000.board.system import FCR, ICC, MCR, SIMO


def gate0(bit: int) -> Bit:
    """A bit of GCR PCLKDIS0."""
    return Bit("GCR", "PCLKDIS0", bit)


def reset0(bit: int) -> Bit:
    """A bit of GCR RST0."""
    return Bit("GCR", "RST0", bit)


def low_gate(bit: int) -> Bit:
    """A bit of LPGCR PCLKDIS."""
    return Bit("LPGCR", "PCLKDIS", bit)


def low_reset(bit: int) -> Bit:
    """A bit of LPGCR RST."""
    return Bit("LPGCR", "RST", bit)


def words(table: tuple[Word, ...]) -> Callable[[Placement, Surroundings], RegisterBlock]:
    """Make a device that only remembers what it is told."""

    def make(place: Placement, _around: Surroundings) -> RegisterBlock:
        return RegisterBlock(place.name, place.base_addr, place.size_bytes, table)

    return make


def fifo(receive: int, send: int, offset: int) -> tuple[Request, Request]:
    """The two DMA requests of a device with one FIFO register."""
    return Request(receive, offset), Request(send, offset, is_sending=True)


def gate1(bit: int) -> Bit:
    """A bit of GCR PCLKDIS1."""
    return Bit("GCR", "PCLKDIS1", bit)


def reset1(bit: int) -> Bit:
    """A bit of GCR RST1."""
    return Bit("GCR", "RST1", bit)


# fmt: off
TABLE: tuple[Placement, ...] = (
    #         name     make              address      window  gate          reset         interrupts
    Placement("GPIO0", GpioPort,         0x4000_8000, 0x1000, gate0(0),     reset0(2),    (24,)),
    Placement("GPIO1", GpioPort,         0x4000_9000, 0x1000, gate0(1),     reset0(3),    (25,)),
    Placement("GPIO2", GpioPort,         0x4008_0400, 0x200,  low_gate(0),  low_reset(0), (26,)),
    Placement("GPIO3", GpioPort,         0x4008_0600, 0x200),
    Placement("FCR",   words(FCR),       0x4000_0800, 0x400),
    Placement("WDT0",  Watchdog,         0x4000_3000, 0x400,  gate1(27),    reset0(1),    (1,)),
    Placement("SIMO",  words(SIMO),      0x4000_4400, 0x400),
    Placement("RTC",   RealTimeClock,    0x4000_6000, 0x400,  None,         reset0(17),   (3,)),
    Placement("WUT",   WakeupTimer,      0x4000_6400, 0x400,  None,         None,         (53,)),
    Placement("PWRSEQ", WakeStatus,      0x4000_6800, 0x400,  None,         None,         (54,)),
    Placement("MCR",   words(MCR),       0x4000_6C00, 0x400),
    Placement(KEYS,    AesKeys,          0x4000_7800, 0x400),
    Placement("AES",   AesEngine,        0x4000_7400, 0x400,  gate1(15),    reset1(10),   (97,),
              (Request(0x10, 0x10), Request(0x30, 0x10, is_sending=True))),
    Placement("CRC",   CrcEngine,        0x4000_F000, 0x1000, gate1(14),    reset1(9),    (),
              (Request(0x2C, 0x04, is_sending=True),)),
    Placement("TMR0",  Timer,            0x4001_0000, 0x1000, gate0(15),    reset0(5),    (5,)),
    Placement("TMR1",  Timer,            0x4001_1000, 0x1000, gate0(16),    reset0(6),    (6,)),
    Placement("TMR2",  Timer,            0x4001_2000, 0x1000, gate0(17),    reset0(7),    (7,)),
    Placement("TMR3",  Timer,            0x4001_3000, 0x1000, gate0(18),    reset0(8),    (8,)),
    Placement("DMA",   Dma,              0x4002_8000, 0x1000, gate0(5),     reset0(0),
              (28, 29, 30, 31)),
    Placement("FLC",   flash_controller, 0x4002_9000, 0x1000, None,         None,         (23,)),
    Placement("ICC0",  words(ICC),       0x4002_A000, 0x800),
    Placement("ICC1",  words(ICC),       0x4002_A800, 0x800),
    Placement("SEMA",  Semaphores,       0x4003_E000, 0x1000, gate1(9),     reset1(16)),
    Placement("UART0", Uart,             0x4004_2000, 0x1000, gate0(9),     reset0(11),   (14,),
              fifo(0x04, 0x24, 0x20)),
    Placement("UART1", Uart,             0x4004_3000, 0x1000, gate0(10),    reset0(12),   (15,),
              fifo(0x05, 0x25, 0x20)),
    Placement("UART2", Uart,             0x4004_4000, 0x1000, gate1(1),     reset0(28),   (34,),
              fifo(0x0E, 0x2E, 0x20)),
    Placement("TRNG",  RandomNumbers,    0x4004_D000, 0x1000, gate1(2),     reset0(24),   (4,)),
    Placement("WDT1",  Watchdog,         0x4008_0800, 0x400,  low_gate(1),  low_reset(1), (57,)),
    Placement("TMR4",  Timer,            0x4008_0C00, 0x400,  low_gate(2),  low_reset(2), (9,)),
    Placement("TMR5",  Timer,            0x4008_1000, 0x400,  low_gate(3),  low_reset(3), (10,)),
    Placement("UART3", Uart,             0x4008_1400, 0x400,  low_gate(4),  low_reset(4), (88,),
              fifo(0x1C, 0x3C, 0x20)),
    Placement("PCIF",  CameraInterface,  0x4000_E000, 0x1000, gate1(18),    None,         (91,),
              (Request(0x0D, 0x30), Request(0x2D, 0x30))),
    Placement("I2C0",  I2c,              0x4001_D000, 0x1000, gate0(13),    reset0(16),   (13,),
              fifo(0x07, 0x27, 0x2C)),
    Placement("I2C1",  I2c,              0x4001_E000, 0x1000, gate0(28),    reset1(0),    (36,),
              fifo(0x08, 0x28, 0x2C)),
    Placement("I2C2",  I2c,              0x4001_F000, 0x1000, gate1(24),    reset1(20),   (62,),
              fifo(0x0A, 0x2A, 0x2C)),
    Placement("ADC",   Adc,              0x4003_4000, 0x1000, gate0(23),    reset0(26),   (20,)),
    Placement("PT",    PulseTrains,      0x4003_C000, 0x1000, gate0(29),    reset1(1),    (59,)),
    Placement("SPI1",  Spi,              0x4004_6000, 0x1000, gate0(6),     reset0(13),   (16,),
              fifo(0x01, 0x21, 0x00)),
    Placement("SPI0",  Spi,              0x400B_E000, 0x400,  gate1(16),    reset1(11),   (56,),
              fifo(0x0F, 0x2F, 0x00)),
    Placement("I2S",   I2s,              0x4006_0000, 0x1000, gate1(23),    reset1(19),   (99,),
              fifo(0x1E, 0x3E, 0x40)),
)
# fmt: on
