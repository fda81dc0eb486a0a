"""A TCP server that speaks OpenOCD's remote_bitbang protocol for one modelled chip.

One character a pin change, one client at a time. It has no thread of its own until it is used as a
context, and it listens on this machine only.

Source: [OpenOCD] remote_bitbang driver, and its page doc/manual/jtag/drivers/remote_bitbang.txt.
"""

import socket
import threading
from types import TracebackType
from typing import Self

from max78000.debug.debug_port import DebugPort
from max78000.debug.jtag import JtagPort

_CHUNK_BYTES = 65536
_POLL_S = 0.05


class BitbangPins:
    """The pins of a chip as characters: what is sent for each that came in."""

    def __init__(self, port: DebugPort) -> None:
        self._core = port.core
        self._jtag = JtagPort(port)
        self._is_clock_high = False

    def feed(self, characters: bytes) -> bytes:
        """Take pin changes in order; return one digit for each read of TDO.

        `0` to `7` set TCK, TMS, TDI (bits 2, 1, 0); `R` reads TDO; `r s t u` set test reset and
        system reset (bits 1, 0); everything else, such as the blinking LED, changes nothing.
        """
        answers = bytearray()
        for character in characters:
            if 0x30 <= character <= 0x37:
                self._set_pins(character)
            elif character == 0x52:  # R
                answers.append(0x30 + self._jtag.tdo)
            elif 0x72 <= character <= 0x75:  # r s t u
                self._set_resets(character - 0x72)
        return bytes(answers)

    def _set_pins(self, pins: int) -> None:
        is_high = bool(pins & 4)
        if is_high and not self._is_clock_high:
            self._jtag.clock(pins >> 1 & 1, pins & 1)
        self._is_clock_high = is_high

    def _set_resets(self, pins: int) -> None:
        if pins & 2:
            self._jtag.reset()
        self._core.hold_reset(bool(pins & 1))


class RemoteBitbangServer:
    """Serves pins on a free port of this machine: `with RemoteBitbangServer(pins) as server`.

    A client that leaves may come back; the chip stays as it was. A `ConnectionError` of the pins
    ends the client's connection, as a pulled cable would.
    """

    def __init__(self, pins: BitbangPins) -> None:
        self._pins = pins
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(_POLL_S)
        self._is_stopping = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._defect: Exception | None = None

    @property
    def port(self) -> int:
        """TCP port that is listened on."""
        return int(self._listener.getsockname()[1])

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._is_stopping.set()
        self._thread.join()
        self._listener.close()
        if self._defect is not None and error is None:
            raise self._defect

    def _serve(self) -> None:
        while not self._is_stopping.is_set():
            try:
                client, _ = self._listener.accept()
            except TimeoutError:
                continue
            with client:
                self._serve_client(client)

    def _serve_client(self, client: socket.socket) -> None:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        client.settimeout(_POLL_S)
        while not self._is_stopping.is_set():
            try:
                characters = client.recv(_CHUNK_BYTES)
                if not characters or not self._answer(client, characters):
                    return
            except TimeoutError:
                continue
            except ConnectionError:
                return
            except Exception as defect:
                self._defect = defect  # told to whoever leaves the context
                return

    def _answer(self, client: socket.socket, characters: bytes) -> bool:
        """Handle what came in; False when the client said goodbye (`Q`)."""
        last = characters.find(b"Q")
        client.sendall(self._pins.feed(characters if last < 0 else characters[:last]))
        return last < 0
