"""Serial ports: which there are, what is behind them, and opening one.

Reads bytes and knows their senders; it does not know what they mean. `console.py` makes lines of
them, `power_monitor.py` makes measurements. Everything above can be tested with a pseudo terminal.
"""

import errno
import importlib
import os
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any, Protocol

from max78000.errors import BoardError

CONSOLE_BAUD = 115200  # UART0 of both boards, 8N1
POLL_S = 0.05  # a read returns after this time at the latest
INSTALL = 'pip install "max78000-toolchain[link]"'


class SerialLine(Protocol):
    """What is used of an open port; `serial.Serial` has it."""

    @property
    def in_waiting(self) -> int:
        """Number of bytes that have arrived and are not read."""

    def read(self, size: int = 1) -> bytes:
        """Read up to `size` bytes, fewer or none after the port's time-out."""

    def write(self, data: bytes) -> int | None:
        """Send bytes."""

    def close(self) -> None:
        """Give the port back."""


class PortUse(Enum):
    """What a port is good for."""

    CONSOLE = "console"
    ADAPTER = "console of the debug adapter"
    POWER_MONITOR = "power monitor"
    OTHER = "not a USB port"


# USB ids. Adapter: DAPLink's; its port is the console of the MAX78000FTHR, while the EVKit has a
# bridge of its own at CN1. Power monitor: analogdevicesinc/max78000-powermonitor:descriptors.h.
ADAPTER_ID = (0x0D28, 0x0204)
POWER_MONITOR_ID = (0x0B6A, 0x003C)


@dataclass(frozen=True, slots=True)
class SerialPort:
    """A port of this computer; `usb_id` is (vendor, product), None for one that is not on USB."""

    device: str
    usb_id: tuple[int, int] | None = None
    description: str = ""

    @property
    def use(self) -> PortUse:
        """What the port is good for, as far as its USB id tells."""
        if self.usb_id is None:
            return PortUse.OTHER
        if self.usb_id == POWER_MONITOR_ID:
            return PortUse.POWER_MONITOR
        return PortUse.ADAPTER if self.usb_id == ADAPTER_ID else PortUse.CONSOLE

    @property
    def is_accessible(self) -> bool:
        """This user may read and write it."""
        return sys.platform == "win32" or os.access(self.device, os.R_OK | os.W_OK)


def list_ports() -> tuple[SerialPort, ...]:
    """All serial ports of this computer, sorted by name.

    Raises:
        BoardError: pyserial is not installed.
    """
    found = _pyserial("serial.tools.list_ports").comports()
    ports = (
        SerialPort(
            port.device,
            None if port.vid is None else (port.vid, port.pid),
            port.description or "",
        )
        for port in found
    )
    return tuple(sorted(ports, key=lambda port: port.device))


PortLister = Callable[[], Iterable[SerialPort]]


def find_console(ports: Iterable[SerialPort]) -> str:
    """The port that carries UART0: connector CN1 of the EVKit, the only connector of the FTHR.

    Raises:
        BoardError: there is none, or several are equally likely.
    """
    candidates = tuple(ports)
    for use in (PortUse.CONSOLE, PortUse.ADAPTER):
        devices = [port.device for port in candidates if port.use is use]
        if len(devices) > 1:
            why = f"{len(devices)} ports may be the console: {', '.join(devices)}"
            raise BoardError(why, fix=f"choose one: --port {devices[0]}")
        if devices:
            return devices[0]
    raise BoardError(
        "no USB serial port found for the console",
        fix="EVKit: USB cable to CN1, switch SW1 on; or name a port with --port",
    )


def find_power_monitor(ports: Iterable[SerialPort]) -> str | None:
    """The port of the EVKit's power monitor (connector J1); None if it is not plugged in."""
    devices = [port.device for port in ports if port.use is PortUse.POWER_MONITOR]
    return devices[0] if devices else None


def open_port(device: str, baud: int = CONSOLE_BAUD) -> SerialLine:
    """Open a port for this program alone; a read waits `POLL_S` at most.

    Args:
        device: a device name, or a URL as pyserial takes it (`socket://host:port`).
        baud: rate in bit/s; USB devices without a UART ignore it.

    Raises:
        BoardError: it is not there, is not permitted, or another program has it.
    """
    serial = _pyserial("serial")
    try:
        line: SerialLine = serial.serial_for_url(
            device, baudrate=baud, timeout=POLL_S, write_timeout=1.0, exclusive=True
        )
    except (OSError, ValueError) as error:  # pyserial's own errors are OSErrors
        raise _refusal(device, error) from None
    return line


def receive(line: SerialLine, device: str = "") -> bytes:
    """Bytes that have arrived; empty if none did within `POLL_S`.

    Raises:
        BoardError: the port is gone.
    """
    try:
        return line.read(line.in_waiting or 1)
    except OSError as error:
        raise _lost(device, error) from None


def send(line: SerialLine, data: bytes, device: str = "") -> None:
    """Send bytes.

    Raises:
        BoardError: the port is gone.
    """
    try:
        line.write(data)
    except OSError as error:
        raise _lost(device, error) from None


def group_remedy(device: str) -> str:
    """How a user of Linux gets access to a port."""
    try:
        group = Path(device).group()
    except (OSError, KeyError, NotImplementedError):  # no such port, unnamed group, no groups
        group = "dialout"
    return f"sudo usermod -aG {group} $USER, then log out and in again"


def _lost(device: str, error: OSError) -> BoardError:
    return BoardError(
        f"the port is gone: {error}", where=device, fix="plug the cable in again and retry"
    )


def _refusal(device: str, error: OSError | ValueError) -> BoardError:
    number = getattr(error, "errno", None)
    if number == errno.EACCES:
        return BoardError("no permission to open it", where=device, fix=group_remedy(device))
    if number == errno.ENOENT:
        return BoardError("no such port", where=device, fix="max78000 doctor lists the ports")
    if number in (errno.EAGAIN, errno.EBUSY) or "exclusively lock" in str(error):
        return BoardError(
            "another program has it open", where=device, fix="close the other terminal"
        )
    return BoardError(
        f"cannot be opened: {error}", where=device, fix="max78000 doctor lists the ports"
    )


def _pyserial(name: str) -> Any:
    """Import a module of pyserial, which only this folder needs."""
    try:
        return importlib.import_module(name)
    except ImportError:
        raise BoardError("serial ports need the package pyserial", fix=INSTALL) from None
