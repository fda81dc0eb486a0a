"""The chip's devices without a core: a test loads and stores registers, and lets time pass."""

from max78000.board.memories import AddressMap, Words
from max78000.board.objections import Objections
from max78000.board.peripherals import Resets, Setting, build_peripherals
from max78000.board.placement import Flash
from max78000.board.timeline import Timeline
from max78000.board.world import World
from max78000.facts.chip import MAX78000
from max78000.facts.memory_map import FLASH_BYTES

GCR, GPIO0, GPIO1 = 0x4000_0000, 0x4000_8000, 0x4000_9000


class ChipParts:
    """All devices, with their clocks on."""

    def __init__(self, world=None, *, is_strict=True):
        self.timeline = Timeline()
        self.objections = Objections(is_strict=is_strict)
        flash = Flash(bytearray(FLASH_BYTES), lambda: None)
        self.memories = AddressMap(Words(self.load, self.store))
        setting = Setting(world or World(), self.objections, self.memories)
        self.parts = build_peripherals(MAX78000, self.timeline, Resets(), flash, setting)
        self.store(GCR + 0x24, 0)
        self.store(GCR + 0x48, 0)
        self.store(0x4008_000C, 0)

    def __getitem__(self, name):
        return self.parts.by_name[name]

    def load(self, addr, n_bytes=4):
        """What a load gives."""
        return self.parts.bus.load(addr, n_bytes)

    def store(self, addr, value, n_bytes=4):
        """Store a value."""
        self.parts.bus.store(addr, n_bytes, value)

    def connect(self, port, pins, function):
        """Give pins an alternate function."""
        base = (GPIO0, GPIO1)[port]
        for pin in pins:
            self.store(base + 0x08, 1 << pin)
            self.store(base + (0x6C if function == 2 else 0x70), 1 << pin)

    def let_pass(self, seconds):
        """Let time pass while no code runs."""
        self.timeline.advance(round(seconds * 1e9))

    def irqs(self):
        """Interrupt lines that are up."""
        return self.parts.asserted_irqs()


class EagerDma:
    """Stands in for the DMA: takes every word of one request, or gives words to another."""

    def __init__(self, device, offset, n_bytes=4):
        self.device, self.offset, self.n_bytes = device, offset, n_bytes
        self.taken, self.to_give = [], []

    def poke(self):
        """Move what the requests allow."""
        while self.device.requests & 1:
            if self.n_bytes == 4:
                self.taken.append(self.device.load(self.offset))
            else:
                self.taken.append(self.device.load_part(self.offset, self.n_bytes))
        while self.to_give and self.device.requests & 2:
            self.device.store(self.offset, self.to_give.pop(0))
