"""DMA: four channels that move bytes between memory and memory, or a device's FIFO and memory.

A channel whose request is up moves all it can at once, a little after it was started; the bus is
infinitely fast. Devices say when a request may have come up (`Surroundings.poke_dma`). Bytes,
halfwords and words; reload; no time-outs and no priorities.

Source: [MSDK] dma_regs.h, dma_reva.c.
"""

from dataclasses import dataclass

from max78000.board.device import Device
from max78000.board.placement import Placement, Request, Surroundings
from max78000.board.registers import ALL, RegisterBlock, Word
from max78000.board.timeline import Event

N_CHANNELS = 4
N_NAMED_CHANNELS = 16  # in the header: drivers clear all of them, though only four exist
CHANNELS_AT, CHANNEL_BYTES = 0x100, 0x20
ENABLE, RELOAD, SOURCE_STEPS, TARGET_STEPS = 1 << 0, 1 << 1, 1 << 18, 1 << 22
DISABLE_INTERRUPT, COUNT_INTERRUPT = 1 << 30, 1 << 31
IS_ENABLED, IS_PENDING, COUNTED, RELOADED, BUS_ERROR = 1, 2, 4, 8, 16
STATUS_FLAGS = COUNTED | RELOADED | BUS_ERROR | 1 << 6
COUNT_RELOAD = 1 << 31
COUNT_MASK = 0xFF_FFFF
MEMORY_TO_MEMORY = 0  # in CTRL.REQUEST
START_NS = 100  # from a request to the transfer; chosen

# fmt: off
PLAIN = (
    #    name      offset  writable  read-only
    Word("INTEN",   0x00,  0xF),
    Word("INTFL",   0x04,  0,        0xF),
)
DEAD = tuple(
    Word(f"DEAD{offset:X}", offset, 0, ALL)
    for offset in range(
        CHANNELS_AT + CHANNEL_BYTES * N_CHANNELS, CHANNELS_AT + CHANNEL_BYTES * N_NAMED_CHANNELS, 4
    )
)
WORDS = PLAIN + DEAD + tuple(
    Word(f"{name}{n}", CHANNELS_AT + CHANNEL_BYTES * n + offset, writable, read_only)
    for n in range(N_CHANNELS)
    for name, offset, writable, read_only in (
        ("CTRL",   0x00, 0xDF7F_FFFF,   0),
        ("STATUS", 0x04, STATUS_FLAGS,  IS_ENABLED | IS_PENDING),
        ("SRC",    0x08, ALL,           0), ("DST",    0x0C, ALL, 0),
        ("CNT",    0x10, COUNT_MASK,    0),
        ("SRCRLD", 0x14, ALL,           0), ("DSTRLD", 0x18, ALL, 0),
        ("CNTRLD", 0x1C, COUNT_MASK | COUNT_RELOAD, 0),
    )
)
# fmt: on


@dataclass(frozen=True, slots=True)
class RequestLine:
    """A request line: the device, its bit of `Device.requests`, and what serves it."""

    device: Device
    bit: int
    request: Request

    @property
    def is_up(self) -> bool:
        """Whether the device asks for a transfer."""
        return bool(self.device.requests >> self.bit & 1)


class Dma(RegisterBlock):
    """The controller."""

    def __init__(self, place: Placement, around: Surroundings) -> None:
        super().__init__(place.name, place.base_addr, place.size_bytes, WORDS)
        self._around = around
        self._is_stopped = [False] * N_CHANNELS  # since STATUS was last cleared
        self._event: Event | None = None
        around.poke_dma = self.poke

    @property
    def asserted(self) -> int:
        """The interrupt lines, one a channel."""
        return self._flags & self.values["INTEN"]

    def poke(self) -> None:
        """A request may have come up: look at all channels soon."""
        if self._event is None and any(self._is_ready(n) for n in range(N_CHANNELS)):
            timeline = self._around.timeline
            self._event = timeline.at(timeline.now_ns + START_NS, self._serve)

    def loaded(self, name: str) -> int:
        """What a load of a register gives."""
        if name == "INTFL":
            return self._flags
        value = self.values[name]
        if name.startswith("STATUS"):
            channel = int(name[-1])
            value |= IS_ENABLED if self.values[f"CTRL{channel}"] & ENABLE else 0
            value |= IS_PENDING if self._is_pending(channel) else 0
        return value

    def stored(self, name: str, value: int) -> None:
        """What a store of a register does."""
        if name.startswith("STATUS"):
            self.values[name] &= ~value
            self._is_stopped[int(name[-1])] = False
            return
        self.values[name] = value
        self.poke()

    def reset(self) -> None:
        """Return to the state after a system reset."""
        super().reset()
        self._is_stopped = [False] * N_CHANNELS
        if self._event is not None:
            self._event.cancel()
            self._event = None

    @property
    def _flags(self) -> int:
        return sum(self._is_pending(n) << n for n in range(N_CHANNELS))

    def _is_pending(self, channel: int) -> bool:
        control, status = self.values[f"CTRL{channel}"], self.values[f"STATUS{channel}"]
        if control & COUNT_INTERRUPT and status & COUNTED:
            return True
        return bool(control & DISABLE_INTERRUPT and self._is_stopped[channel])

    def _line(self, channel: int) -> RequestLine | None:
        """The request line that a channel listens to; None if nothing is on it."""
        number = self.values[f"CTRL{channel}"] >> 4 & 0x3F
        for place in self._around.placements.values():
            for bit, request in enumerate(place.requests):
                if request.number == number and place.name in self._around.devices:
                    return RequestLine(self._around.devices[place.name], bit, request)
        return None

    def _is_ready(self, channel: int) -> bool:
        """Whether a channel has something to do now."""
        control = self.values[f"CTRL{channel}"]
        if not control & ENABLE:
            return False
        if control >> 4 & 0x3F == MEMORY_TO_MEMORY:
            return True
        line = self._line(channel)
        return line is not None and line.is_up

    def _serve(self) -> None:
        self._event = None
        for channel in range(N_CHANNELS):
            if self._is_ready(channel):
                self._run(channel)
        self._around.timeline.end_polling()
        self.poke()

    def _run(self, channel: int) -> None:
        """Move as much as the channel has and its request wants, up to the end of the count."""
        values = self.values
        is_memory = values[f"CTRL{channel}"] >> 4 & 0x3F == MEMORY_TO_MEMORY
        line = None if is_memory else self._line(channel)
        if line is None:
            self._copy(channel)
        while line is not None and values[f"CNT{channel}"] and line.is_up:
            self._move(channel, line)
        if not values[f"CNT{channel}"]:
            self._end(channel)

    def _copy(self, channel: int) -> None:
        """Memory to memory, all at once."""
        values, memory = self.values, self._around.memory
        steps = SOURCE_STEPS | TARGET_STEPS
        if values[f"CTRL{channel}"] & steps != steps:
            why = "memory to memory at a fixed address is not modelled"
            raise self.fault(why, "set CTRL bits 18 and 22")
        n_bytes = values[f"CNT{channel}"]
        source, target = values[f"SRC{channel}"], values[f"DST{channel}"]
        memory.write(target, memory.read(source, n_bytes))
        values[f"SRC{channel}"], values[f"DST{channel}"] = source + n_bytes, target + n_bytes
        values[f"CNT{channel}"] = 0

    def _move(self, channel: int, line: RequestLine) -> None:
        """One load and store between a FIFO and memory."""
        values, memory = self.values, self._around.memory
        control = values[f"CTRL{channel}"]
        is_sending = line.request.is_sending
        width = 1 << min(control >> (16 if is_sending else 20) & 3, 2)
        n_bytes = min(width, values[f"CNT{channel}"])
        name, steps = ("SRC", SOURCE_STEPS) if is_sending else ("DST", TARGET_STEPS)
        addr = values[f"{name}{channel}"]
        if is_sending:
            self._store(line, memory.read(addr, n_bytes))
        else:
            memory.write(addr, self._load(line, n_bytes))
        if control & steps:
            values[f"{name}{channel}"] = addr + n_bytes
        values[f"CNT{channel}"] -= n_bytes

    def _store(self, line: RequestLine, data: bytes) -> None:
        value = int.from_bytes(data, "little")
        if len(data) == 4:
            line.device.store(line.request.offset, value)
        else:
            line.device.store_part(line.request.offset, len(data), value)

    def _load(self, line: RequestLine, n_bytes: int) -> bytes:
        is_word = n_bytes == 4
        device, offset = line.device, line.request.offset
        value = device.load(offset) if is_word else device.load_part(offset, n_bytes)
        return value.to_bytes(n_bytes, "little")

    def _end(self, channel: int) -> None:
        """The count has reached zero: begin again if there is a reload, else stop."""
        values = self.values
        values[f"STATUS{channel}"] |= COUNTED
        is_reloading = values[f"CTRL{channel}"] & RELOAD
        if is_reloading or values[f"CNTRLD{channel}"] & COUNT_RELOAD:
            values[f"SRC{channel}"] = values[f"SRCRLD{channel}"]
            values[f"DST{channel}"] = values[f"DSTRLD{channel}"]
            values[f"CNT{channel}"] = values[f"CNTRLD{channel}"] & COUNT_MASK
            values[f"CNTRLD{channel}"] &= ~COUNT_RELOAD
            values[f"CTRL{channel}"] &= ~RELOAD
            values[f"STATUS{channel}"] |= RELOADED
        else:
            values[f"CTRL{channel}"] &= ~ENABLE
            self._is_stopped[channel] = True
