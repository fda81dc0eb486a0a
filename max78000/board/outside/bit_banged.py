"""Two wires that software moves by hand, as the camera's driver does: levels to starts and bytes.

Source: [UG] I2C; docs/hardware/board.md#camera.
"""

from enum import Enum
from functools import partial

from max78000.board.placement import Pins
from max78000.board.world import I2cSlave

BYTE_BITS = 8


class WirePhase(Enum):
    """What the next bits on the line are."""

    IDLE = "nothing, until a start"
    ADDRESS = "the address"
    TAKE = "a byte for the device"
    GIVE = "a byte from the device"


class BitBangedBus:
    """Follows clock and data, which resistors pull up; the devices answer on the data wire.

    Args:
        slaves: what is on the bus, by address.
        port: of both wires.
        clock: its pin; `data` likewise.
    """

    def __init__(self, slaves: dict[int, I2cSlave], port: Pins, clock: int, data: int) -> None:
        self._slaves = slaves
        self._slave: I2cSlave | None = None
        self._is_clock_high = self._is_data_high = True
        self._phase = WirePhase.IDLE
        self._n_bits = 0  # of the present byte; the one after the eighth acknowledges
        self._byte = 0
        self._is_acknowledged = False  # what is given is wanted
        self._drive = partial(port.drive, data)
        for pin, action in ((clock, self._on_clock), (data, self._on_data)):
            port.pull(pin, is_high=True)
            port.on_change(pin, action)

    def _on_clock(self, is_high: bool) -> None:
        """The clock has moved: bits are read while it is high and change while it is low."""
        if is_high == self._is_clock_high:
            return
        self._is_clock_high = is_high
        if self._phase is WirePhase.IDLE:
            return
        if is_high:
            self._sample()
        elif self._n_bits == BYTE_BITS:
            self._acknowledge()
        elif self._n_bits > BYTE_BITS:
            self._begin_byte()
        elif self._phase is WirePhase.GIVE:
            self._pull_down(is_zero=not self._byte << self._n_bits & 0x80)

    def _on_data(self, is_high: bool) -> None:
        """The data wire has moved; while the clock is high that starts or stops a transfer."""
        if is_high == self._is_data_high:
            return
        self._is_data_high = is_high
        if not self._is_clock_high:
            return
        if self._slave is not None and is_high:
            self._slave.stop()
            self._slave = None
        self._phase = WirePhase.IDLE if is_high else WirePhase.ADDRESS
        self._n_bits = self._byte = 0
        self._pull_down(is_zero=False)

    def _sample(self) -> None:
        if self._phase is not WirePhase.GIVE and self._n_bits < BYTE_BITS:
            self._byte = self._byte << 1 | self._is_data_high
        elif self._phase is WirePhase.GIVE and self._n_bits == BYTE_BITS:
            self._is_acknowledged = not self._is_data_high
        self._n_bits += 1

    def _acknowledge(self) -> None:
        """The eighth bit is over: whoever took the byte says so during the ninth."""
        is_taken = False
        if self._phase is WirePhase.ADDRESS:
            self._slave = self._slaves.get(self._byte >> 1)
            is_read = bool(self._byte & 1)
            is_taken = self._slave is not None and self._slave.start(is_read=is_read)
            self._slave = self._slave if is_taken else None
        elif self._phase is WirePhase.TAKE:
            is_taken = self._slave is not None and self._slave.write(self._byte)
        self._pull_down(is_zero=is_taken)

    def _begin_byte(self) -> None:
        """The ninth bit is over."""
        if self._phase is WirePhase.ADDRESS:
            self._phase = WirePhase.GIVE if self._byte & 1 else WirePhase.TAKE
            self._is_acknowledged = True
        self._n_bits = self._byte = 0
        if self._phase is WirePhase.GIVE and self._slave is not None and self._is_acknowledged:
            self._byte = self._slave.read()
            self._pull_down(is_zero=not self._byte & 0x80)
        else:
            self._pull_down(is_zero=False)

    def _pull_down(self, *, is_zero: bool) -> None:
        self._drive(False if is_zero else None)
