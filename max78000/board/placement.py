"""A row of the table of devices: where a device is in the chip, and which lines lead to it.

`Placement` is what the chip fixes; `Surroundings` is what a device may reach when it is made. A
device takes the two and nothing else, so the table can name its class.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from max78000.board.device import Device
from max78000.board.registers import Bit
from max78000.board.system import GlobalControl
from max78000.board.timeline import Timeline
from max78000.board.world import World


@dataclass(frozen=True, slots=True)
class Request:
    """A DMA request line, and the register through which the DMA serves it."""

    number: int  # in DMA CTRL.REQUEST
    offset: int  # of the FIFO
    is_sending: bool = False  # the DMA stores to the FIFO; else it loads from it


@dataclass(frozen=True, slots=True)
class Flash:
    """The flash, and whom to tell when it changes."""

    content: bytearray
    on_change: Callable[[], None]
    info: bytearray | None = None  # what the program sees of the information block


class Pins(Protocol):
    """A port, as other devices and things outside see it."""

    def function(self, pin: int) -> int:
        """What a pin is connected to: 0 the port, 1 or 2 an alternate function."""

    def level(self, pin: int) -> bool:
        """The level at a pin."""

    def drive(self, pin: int, level: bool | None) -> None:
        """Hold a pin at a level from outside; None lets go of it."""

    def on_edge(self, action: Callable[[int], None]) -> None:
        """Call `action` with the bits of pins whose level has changed, whoever changed it."""

    def pull(self, pin: int, *, is_high: bool) -> None:
        """Put a resistor on a pin, outside the chip."""

    def on_look(self, action: Callable[[], None]) -> None:
        """Call `action` once, when the program next asks for the levels of the pins."""

    def on_change(self, pin: int, action: Callable[[bool], None]) -> None:
        """Call `action` with the level whenever the program changes or lets go of a pin."""


class MasterPort(Protocol):
    """Flash, RAM and the accelerator, as a bus master other than the core reaches them."""

    def read(self, addr: int, n_bytes: int) -> bytes:
        """Read bytes.

        Raises:
            BoardError: nothing is there.
        """

    def write(self, addr: int, data: bytes) -> None:
        """Write bytes.

        Raises:
            BoardError: nothing is there that takes them.
        """


def nothing() -> None:
    """What is called while there is nobody to call."""


@dataclass(slots=True)
class Surroundings:
    """What a device may reach.

    Attributes:
        ports: the pins; complete before any device but a port is made.
        memory: for devices that are masters of the bus.
        ask_reset: resets the chip after the present instruction.
        poke_dma: to be called when a DMA request of a device may have come up.
        placements: all rows by name, for a device that finds others (DMA its requests).
        devices: all devices by name; complete only when all are made.
    """

    timeline: Timeline
    clocks: GlobalControl
    world: World
    flash: Flash
    memory: MasterPort
    ask_reset: Callable[[], None]
    poke_dma: Callable[[], None] = nothing
    ports: dict[int, Pins] = field(default_factory=dict)
    placements: Mapping[str, "Placement"] = field(default_factory=dict)
    devices: dict[str, Device] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Placement:
    """One device.

    Attributes:
        name: ends with its number if there are several of its kind.
        make: its class, or what makes it.
        base_addr: of the first register.
        size_bytes: of the window.
        gate: the bit that takes its clock while it is set; None: its clock always runs.
        reset: the bit that resets it alone.
        irqs: interrupt numbers, in the order of the bits of `Device.asserted`.
        requests: DMA requests, in the order of the bits of `Device.requests`.
    """

    name: str
    make: Callable[["Placement", Surroundings], Device]
    base_addr: int
    size_bytes: int
    gate: Bit | None = None
    reset: Bit | None = None
    irqs: tuple[int, ...] = ()
    requests: tuple[Request, ...] = ()

    @property
    def number(self) -> int:
        """The number at the end of the name; 0 if there is none."""
        digits = self.name[len(self.name.rstrip("0123456789")) :]
        return int(digits or 0)
