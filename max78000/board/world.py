"""What is connected to the chip's pins: a value that the board is given. Knows no device.

A board without anything around it is `World()`. The protocols say what a thing outside has to do;
the devices inside call them.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, TypeAlias

if TYPE_CHECKING:
    from max78000.board.placement import Surroundings

Attachment: TypeAlias = Callable[["Surroundings"], None]


class I2cSlave(Protocol):
    """A chip on an I2C bus, addressed by 7 bits."""

    def start(self, *, is_read: bool) -> bool:
        """A start or repeated start with its address; False does not acknowledge."""

    def write(self, byte: int) -> bool:
        """A byte from the master; False does not acknowledge."""

    def read(self) -> int:
        """A byte for the master."""

    def stop(self) -> None:
        """The master lets go of the bus."""


class SpiPeripheral(Protocol):
    """A chip on a SPI bus behind one select line."""

    def select(self) -> None:
        """Its select line becomes active."""

    def transfer(self, words: tuple[int, ...], n_bits: int) -> tuple[int, ...]:
        """Clock words of a number of bits out of the master, and as many back."""

    def deselect(self) -> None:
        """Its select line becomes inactive."""


class SampleSource(Protocol):
    """Something that gives samples at a rate that the board asks for, such as a microphone."""

    def samples(self, first: int, n_samples: int, rate_hz: float) -> tuple[int, ...]:
        """Signed samples of 32 bits from one on; the first follows the first that was taken."""


@dataclass(frozen=True, slots=True)
class SensorFrame:
    """A picture as it appears at the parallel port, 8 bits at a time."""

    lines: tuple[bytes, ...]
    wait_ns: int  # from the start of the frame to its first line
    line_ns: int  # from one line to the next
    end_ns: int  # from the last line to the start of the next frame


class ImageSensor(Protocol):
    """Something that gives pictures on the parallel port."""

    def expose(self) -> SensorFrame:
        """The next picture.

        Raises:
            BoardError: it is not set up, or sees nothing.
        """


@dataclass(frozen=True, slots=True)
class World:
    """All that is connected.

    Attributes:
        i2c: by bus, then by 7-bit address.
        spi: by bus and number of the select line.
        microphone: what the I2S receiver hears.
        camera: what the parallel camera interface sees.
        pins: levels that something outside drives from the start, by port and pin.
        volts: at the inputs of the converter, by channel; the others have 0.
        serial_wires: UART that sends -> UART that receives it; one may lead to itself.
        attachments: called once when all devices are made, to hang more on their pins.
        seed: of everything that is random on a chip.
        start_s: what the real-time clock has counted before power-on.
    """

    i2c: Mapping[int, Mapping[int, I2cSlave]] = field(default_factory=dict)
    spi: Mapping[tuple[int, int], SpiPeripheral] = field(default_factory=dict)
    microphone: SampleSource | None = None
    camera: ImageSensor | None = None
    pins: Mapping[tuple[int, int], bool] = field(default_factory=dict)
    volts: Mapping[int, float] = field(default_factory=dict)
    serial_wires: Mapping[int, int] = field(default_factory=dict)
    attachments: tuple["Attachment", ...] = ()
    seed: int = 0
    start_s: int = 0
