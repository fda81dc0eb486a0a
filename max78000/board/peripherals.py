"""Which devices the board has, what clocks them, and what resets them. Wiring only."""

from collections.abc import Callable
from dataclasses import dataclass

from max78000.board.accelerator import CLOCK_GATE_BIT, Accelerator
from max78000.board.bus import Gate, PeripheralBus
from max78000.board.device import Device
from max78000.board.flash_controller import FlashController
from max78000.board.gpio import GpioPort
from max78000.board.registers import RegisterBlock
from max78000.board.system import LPGCR, GlobalControl, WakeStatus, plain_blocks
from max78000.board.timeline import Timeline
from max78000.board.timer import Timer
from max78000.board.uart import Uart, Wiring
from max78000.facts.chip import Chip

N_TIMERS = 4
CNN_IRQ, UART0_IRQ, FIRST_TIMER_IRQ = 101, 14, 5
SOFT_RESETS = (29, 30, 31)  # RST0: soft, peripherals, system

# fmt: off
RESET_BITS = (
    #  bit of RST0, device
    (2, "GPIO0"), (3, "GPIO1"), (5, "TMR0"), (6, "TMR1"), (7, "TMR2"), (8, "TMR3"), (11, "UART0"),
)
GATES = (
    #  bit of PCLKDIS0, device
    (0, "GPIO0"), (1, "GPIO1"), (9, "UART0"),
    (15, "TMR0"), (16, "TMR1"), (17, "TMR2"), (18, "TMR3"),
)
# fmt: on


@dataclass(frozen=True, slots=True)
class Peripherals:
    """All devices, and the bus they are on."""

    bus: PeripheralBus
    clocks: GlobalControl
    accelerator: Accelerator
    uart: Uart
    timers: tuple[Timer, ...]
    ports: tuple[GpioPort, ...]
    devices: tuple[Device, ...]

    def asserted_irqs(self) -> list[int]:
        """Interrupt lines that are up."""
        irqs = [FIRST_TIMER_IRQ + n for n, timer in enumerate(self.timers) if timer.is_asserted]
        if self.uart.is_asserted:
            irqs.append(UART0_IRQ)
        if self.accelerator.is_asserted:
            irqs.append(CNN_IRQ)
        return irqs

    def reset(self) -> None:
        """A system reset; memories of the accelerator lose power with it."""
        for device in self.devices:
            device.reset()
        self.accelerator.restart()


@dataclass(frozen=True, slots=True)
class Flash:
    """The flash, and whom to tell when it changes."""

    content: bytearray
    on_change: Callable[[], None]


class Resets:
    """Carries out what RST0 asks for; told of the devices once they exist."""

    def __init__(self) -> None:
        self.is_system_reset_wanted = False  # for the processor to carry out
        self.devices: tuple[Device, ...] = ()
        self.accelerator: Accelerator | None = None

    def __call__(self, bit: int) -> None:
        """Reset what a bit of RST0 stands for."""
        if bit in SOFT_RESETS:
            self.is_system_reset_wanted = True
        if bit == CLOCK_GATE_BIT and self.accelerator is not None:
            self.accelerator.restart()
        names = [name for reset_bit, name in RESET_BITS if reset_bit == bit]
        for device in self.devices:
            if device.name in names:
                device.reset()


def build_peripherals(chip: Chip, timeline: Timeline, resets: Resets, flash: Flash) -> Peripherals:
    """Make all devices and put them on a bus."""
    clocks = GlobalControl(timeline, resets)
    low_power = RegisterBlock("LPGCR", 0x4008_0000, 0x400, LPGCR)
    accelerator = Accelerator(chip, clocks, timeline)
    ports = (
        GpioPort(0, 0x4000_8000, 0x1000, timeline),
        GpioPort(1, 0x4000_9000, 0x1000, timeline),
        GpioPort(2, 0x4008_0400, 0x200, timeline),
        GpioPort(3, 0x4008_0600, 0x200, timeline),
    )
    uart = Uart(Wiring(clocks, ports[0]), timeline)
    timers = tuple(Timer(n, clocks, timeline) for n in range(N_TIMERS))
    controller = FlashController(
        flash.content, system_clock_hz=lambda: clocks.system_clock_hz, on_change=flash.on_change
    )
    devices: tuple[Device, ...] = (
        clocks,
        low_power,
        accelerator.power,
        WakeStatus(),
        *plain_blocks(),
        *ports,
        uart,
        *timers,
        controller,
    )
    bus = PeripheralBus()
    gates = {name: Gate(clocks, "PCLKDIS0", bit) for bit, name in GATES}
    gates["GPIO2"] = Gate(low_power, "PCLKDIS", 0)
    for device in devices:
        bus.attach(device, gates.get(device.name))
    resets.devices, resets.accelerator = devices, accelerator
    return Peripherals(bus, clocks, accelerator, uart, timers, ports, devices)
