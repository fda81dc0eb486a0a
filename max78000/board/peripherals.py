"""Makes the devices of `devices.table` and leads clocks, resets and interrupts to them."""

from collections.abc import Mapping
from dataclasses import dataclass

from max78000.board.accelerator import CLOCK_GATE_BIT, Accelerator
from max78000.board.bus import Gate, PeripheralBus
from max78000.board.device import Device
from max78000.board.devices.gpio import GpioPort
from max78000.board.devices.table import TABLE
from max78000.board.devices.uart import Uart
from max78000.board.devices.wake_status import WakeStatus
from max78000.board.objections import Objections
from max78000.board.placement import Flash, MasterPort, Placement, Surroundings
from max78000.board.registers import Bit, RegisterBlock
from max78000.board.system import GlobalControl, LowPowerControl
from max78000.board.timeline import Timeline
from max78000.board.world import World
from max78000.facts.chip import Chip

CNN_IRQ = 101
CONSOLE = "UART0"
SOFT_RESETS = (29, 30, 31)  # RST0: soft, peripherals, system


@dataclass(frozen=True, slots=True)
class Peripherals:
    """All devices, and the bus they are on."""

    bus: PeripheralBus
    clocks: GlobalControl
    accelerator: Accelerator
    by_name: Mapping[str, Device]
    uart: Uart  # the console
    ports: tuple[GpioPort, ...]
    wake_status: WakeStatus
    lines: tuple[tuple[Device, tuple[int, ...]], ...]  # devices that interrupt

    @property
    def devices(self) -> tuple[Device, ...]:
        """All of them but the accelerator."""
        return tuple(self.by_name.values())

    def asserted_irqs(self) -> list[int]:
        """Interrupt lines that are up."""
        irqs = [CNN_IRQ] if self.accelerator.is_asserted else []
        for device, numbers in self.lines:
            asserted = device.asserted
            if asserted:
                irqs += [irq for bit, irq in enumerate(numbers) if asserted >> bit & 1]
        return irqs

    def irqs_of(self, device: Device) -> tuple[int, ...]:
        """Interrupt numbers of a device, whether they are up or not."""
        return next((numbers for other, numbers in self.lines if other is device), ())

    def reset(self) -> None:
        """A system reset; memories of the accelerator lose power with it."""
        for device in self.by_name.values():
            device.reset()
        self.accelerator.restart()


class Resets:
    """Carries out what reset registers ask for; told of the devices once they exist."""

    def __init__(self) -> None:
        self.is_system_reset_wanted = False  # for the processor to carry out
        self.devices: Mapping[Bit, Device] = {}
        self.accelerator: Accelerator | None = None

    def ask_system_reset(self) -> None:
        """Reset the chip when the present instruction is over."""
        self.is_system_reset_wanted = True

    def __call__(self, bit: Bit) -> None:
        """Reset what a bit stands for."""
        if bit.register == "RST0" and bit.bit in SOFT_RESETS:
            self.is_system_reset_wanted = True
        if bit.register == "RST0" and bit.bit == CLOCK_GATE_BIT and self.accelerator is not None:
            self.accelerator.restart()
        device = self.devices.get(bit)
        if device is not None:
            device.reset()


@dataclass(frozen=True, slots=True)
class Setting:
    """What a board is put into."""

    world: World
    objections: Objections
    memory: MasterPort


def build_peripherals(
    chip: Chip, timeline: Timeline, resets: Resets, flash: Flash, setting: Setting
) -> Peripherals:
    """Make all devices and put them on a bus."""
    clocks = GlobalControl(timeline, resets)
    accelerator = Accelerator(chip, clocks, timeline)
    bus = PeripheralBus(setting.objections)
    fixed: tuple[RegisterBlock, ...] = (clocks, LowPowerControl(resets), accelerator.power)
    around = Surroundings(
        timeline, clocks, setting.world, flash, setting.memory, resets.ask_system_reset
    )
    around.placements = {place.name: place for place in TABLE}
    around.devices |= {device.name: device for device in fixed}
    for place in TABLE:
        device = place.make(place, around)
        around.devices[place.name] = device
        if isinstance(device, GpioPort):
            around.ports[place.number] = device
    for name, device in around.devices.items():
        device.objections = setting.objections
        bus.attach(device, _gate(around.placements.get(name), around.devices))
    resets.devices = {place.reset: around.devices[place.name] for place in TABLE if place.reset}
    resets.accelerator = accelerator
    for attach in setting.world.attachments:
        attach(around)
    console, wake_status = around.devices[CONSOLE], around.devices["PWRSEQ"]
    assert isinstance(console, Uart)
    assert isinstance(wake_status, WakeStatus)
    ports = tuple(device for device in around.devices.values() if isinstance(device, GpioPort))
    lines = tuple((around.devices[place.name], place.irqs) for place in TABLE if place.irqs)
    return Peripherals(bus, clocks, accelerator, around.devices, console, ports, wake_status, lines)


def _gate(place: Placement | None, devices: Mapping[str, Device]) -> Gate | None:
    if place is None or place.gate is None:
        return None
    block = devices[place.gate.block]
    assert isinstance(block, RegisterBlock)
    return Gate(block, place.gate.register, place.gate.bit)
