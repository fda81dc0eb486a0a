"""Talks to the serial application on a board: an input goes out, answers come back.

Works on any open line, a serial port or the virtual board's. Integers in, integers out; what they
mean is `answers.py`'s matter. The other end is `max78000/apps/shared/serve.c`.
"""

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from max78000.apps.shared.exchange import (
    N_TRIES,
    REPLY_TIME_OUT_S,
    Exchange,
    is_retryable,
)
from max78000.apps.shared.frames import Frame, FrameType
from max78000.errors import BoardError
from max78000.facts.chip import WORD_BYTES
from max78000.machine.inputs import LOAD_INPUT
from max78000.program.program import Copy, Fifo, OutputMap, RegisterProgram

GREETING = struct.Struct("<5I")
TIMES = struct.Struct("<2I")
ALL_LAYERS = 0xFFFFFFFF
WIDE_BITS = 32
FIX = "is it this network's serial application? max78000 new DIR --app serial, build, flash"

Values = NDArray[np.int64]  # channels, rows, columns


@dataclass(frozen=True, slots=True)
class Greeting:
    """What the board says of its network."""

    checksum: int
    n_input_words: int
    n_answer_bytes: int
    chunk_words: int
    clock_hz: int


@dataclass(frozen=True, slots=True)
class Times:
    """Microseconds on the board: network, and what stands behind it."""

    network_us: int
    answer_us: int


@dataclass(slots=True)
class SerialClient:
    """The host's end of the conversation.

    Args:
        exchange: on an open line.
    """

    exchange: Exchange
    _greeting: Greeting | None = field(default=None)

    def hello(self, checksum: int) -> Greeting:
        """Greet the board, which must have the network of this checksum.

        Raises:
            BoardError: no answer in ten seconds, or from another program or network.
        """
        reply = self.exchange.greeting(FIX)
        greeting = Greeting(*self._unpack(GREETING, reply, FrameType.NETWORK))
        if greeting.checksum != checksum:
            why = f"has another network: checksum {greeting.checksum:08x}, expected {checksum:08x}"
            raise BoardError(why, where=self.exchange.device, fix=FIX)
        self._greeting = greeting
        return greeting

    def infer(
        self,
        program: RegisterProgram,
        last_layer: int | None = None,
    ) -> Times:
        """Give the board the input of a program, and let it run the network, or up to a layer.

        A start whose reply is lost is repeated with the input, which layers may have overwritten.

        Raises:
            BoardError: the board takes another input, or does not answer.
        """
        words = input_words(program)
        if len(words) != self._known().n_input_words:
            why = f"takes {self._known().n_input_words} words of input, the program has"
            raise BoardError(f"{why} {len(words)}", where=self.exchange.device, fix=FIX)
        payload = struct.pack("<I", ALL_LAYERS if last_layer is None else last_layer)
        for _ in range(N_TRIES):
            self._load(words)
            reply = self.exchange.request(FrameType.RUN, payload, REPLY_TIME_OUT_S)
            if reply is not None and not is_retryable(reply):
                return Times(*self._unpack(TIMES, reply, FrameType.DONE))
        why = f"the network was started {N_TRIES} times, and no answer came"
        raise BoardError(why, where=self.exchange.device, fix="check the cable, reset the board")

    def _load(self, words: Sequence[int]) -> None:
        chunk_words = self._known().chunk_words
        for first in range(0, len(words), chunk_words):
            chunk = words[first : first + chunk_words]
            payload = np.array([first, *chunk], "<u4").tobytes()
            reply = self.exchange.insist("input", FrameType.INPUT, payload)
            self.exchange.expect(reply, FrameType.TAKEN, FIX)

    def output(self, output: OutputMap) -> Values:
        """Read a layer's result from the accelerator's memory: int64 (C, H, W).

        Raises:
            BoardError: the board does not answer.
        """
        n_pixels = output.shape[1] * output.shape[2]
        step = output.pixel_stride_bytes // WORD_BYTES
        found = np.empty((output.shape[0], n_pixels), np.int64)
        if output.width_bits == WIDE_BITS:
            for first, run in _neighbours(output, n_pixels):
                addr, apart = output.channel_addrs[first], step if run == 1 else 1
                words = self._memory(addr, n_pixels * run, apart)
                found[first : first + run] = words.view("<i4").reshape(n_pixels, run).T
            return found.reshape(output.shape)
        known: dict[int, NDArray[np.int8]] = {}
        for channel, addr in enumerate(output.channel_addrs):
            word_addr, lane = addr & ~3, addr & 3
            if word_addr not in known:
                words = self._memory(word_addr, n_pixels, step)
                known[word_addr] = words.view(np.int8).reshape(n_pixels, WORD_BYTES)
            found[channel] = known[word_addr][:, lane]
        return found.reshape(output.shape)

    def answer(self, n_bytes: int) -> bytes:
        """Read what the core made of the outputs.

        Raises:
            BoardError: the board has fewer bytes, or does not answer.
        """
        greeting, found = self._known(), b""
        while len(found) < n_bytes:
            n_next = min(n_bytes - len(found), greeting.chunk_words * WORD_BYTES)
            payload = struct.pack("<2I", len(found), n_next)
            found += self._bytes(FrameType.ANSWER, payload, n_next)
        return found

    def _memory(self, addr: int, n_words: int, step_words: int) -> NDArray[np.uint32]:
        """Words of the accelerator, `step_words` apart."""
        most, parts = self._known().chunk_words, []
        for first in range(0, n_words, most):
            count = min(most, n_words - first)
            place = addr + WORD_BYTES * step_words * first
            payload = struct.pack("<3I", place, count, step_words)
            parts.append(self._bytes(FrameType.MEMORY, payload, WORD_BYTES * count))
        return np.frombuffer(b"".join(parts), "<u4")

    def _bytes(self, kind: FrameType, payload: bytes, n_bytes: int) -> bytes:
        reply = self.exchange.insist("a question", kind, payload)
        self.exchange.expect(reply, FrameType.BYTES, FIX)
        if len(reply.payload) != n_bytes:
            self.exchange.refuse(reply, FIX)
        return reply.payload

    def _known(self) -> Greeting:
        assert self._greeting is not None, "hello() comes first"
        return self._greeting

    def _unpack(self, layout: struct.Struct, reply: Frame, kind: FrameType) -> tuple[int, ...]:
        return self.exchange.unpack(layout, reply, kind, FIX)


def input_words(program: RegisterProgram) -> Sequence[int]:
    """The words of a program's input, block after block."""
    blocks = (
        operation.words
        for operation in program.phase(LOAD_INPUT).operations
        if isinstance(operation, Copy | Fifo)
    )
    return [word for block in blocks for word in block]


def _neighbours(output: OutputMap, n_pixels: int) -> Iterator[tuple[int, int]]:
    """Channels of 32 bits whose words follow each other without gaps: the first, and how many."""
    addrs, first = output.channel_addrs, 0
    for channel in range(1, len(addrs) + 1):
        is_next = channel < len(addrs) and addrs[channel] == addrs[channel - 1] + WORD_BYTES
        if is_next:
            continue
        run = channel - first
        if n_pixels == 1 or output.pixel_stride_bytes == WORD_BYTES * run:
            yield first, run
        else:
            yield from ((one, 1) for one in range(first, channel))
        first = channel
