"""The host's side of the serial application, against boards that differ or fall silent."""

import struct

import numpy as np
import pytest
from hand_made import Case

from max78000.apps.run.client import SerialClient, Times, input_words
from max78000.apps.shared.exchange import N_TRIES, Exchange
from max78000.apps.shared.frames import DeviceError, Frame, FrameParser, FrameType
from max78000.errors import BoardError

CASE = Case(np.arange(16).reshape(1, 1, 4, 4), np.arange(9).reshape(1, 1, 3, 3))
PROGRAM = CASE.program()
N_WORDS, CHUNK_WORDS = len(input_words(PROGRAM)), 4
CHUNKS = [FrameType.INPUT] * -(-N_WORDS // CHUNK_WORDS)
CHECKSUM = 0x1234_5678
CLOCK_HZ = 100_000_000
LOST = None  # no reply


class Board:
    """A line to a board that answers each kind of request in one way; time passes in reading."""

    def __init__(self, replies, n_input_words):
        greeting = struct.pack("<5I", CHECKSUM, n_input_words, 8, CHUNK_WORDS, CLOCK_HZ)
        self.replies = {
            FrameType.HELLO: (FrameType.NETWORK, greeting),
            FrameType.INPUT: (FrameType.TAKEN, b""),
            FrameType.RUN: (FrameType.DONE, struct.pack("<2I", 740, 12)),
        } | replies
        self.asked, self.waiting, self.now_s = [], b"", 0.0
        self.parser = FrameParser()

    @property
    def in_waiting(self):
        return len(self.waiting)

    def read(self, size=1):
        self.now_s += 0.05
        data, self.waiting = self.waiting[:size], self.waiting[size:]
        return data

    def write(self, data):
        for request in self.parser.feed(data):
            self.asked.append(request.type)
            if (reply := self.replies[request.type]) is not LOST:
                self.waiting += Frame(reply[0], request.sequence, reply[1]).to_bytes()
        return len(data)


def greeted(replies=(), n_input_words=N_WORDS):
    board = Board(dict(replies), n_input_words)
    client = SerialClient(Exchange(board, "the port", lambda: board.now_s))
    client.hello(CHECKSUM)
    return board, client


def test_an_inference():
    board, client = greeted()
    assert client.infer(PROGRAM) == Times(740, 12)
    assert board.asked == [FrameType.HELLO, *CHUNKS, FrameType.RUN]


def test_a_board_that_takes_another_input():
    _, client = greeted(n_input_words=99)
    why = f"the port: takes 99 words of input, the program has {N_WORDS}"
    with pytest.raises(BoardError, match=why):
        client.infer(PROGRAM)


def test_a_network_that_never_ends_is_started_again_with_its_input():
    board, client = greeted({FrameType.RUN: LOST})
    with pytest.raises(BoardError, match=r"started 3 times, and no answer came \(check the cable"):
        client.infer(PROGRAM)
    assert board.asked[1:] == [*CHUNKS, FrameType.RUN] * N_TRIES


@pytest.mark.parametrize(
    ("reply", "why"),
    [
        ((FrameType.BYTES, b"12345678"), ""),
        ((FrameType.BYTES, b"1234567"), "unexpected reply: type 0x85, 7 bytes"),
        ((FrameType.TAKEN, b""), "unexpected reply: type 0x83, 0 bytes"),
        ((FrameType.ERROR, bytes([DeviceError.BAD_PLACE])), "reports error 7, bad place"),
        (LOST, r"a question was sent 3 times: no answer in 3 s"),
    ],
)
def test_answers(reply, why):
    _, client = greeted({FrameType.ANSWER: reply})
    if not why:
        assert client.answer(8) == b"12345678"
        return
    with pytest.raises(BoardError, match=why):
        client.answer(8)
