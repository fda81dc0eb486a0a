"""The host's side of the conversation, against a board that answers late, wrongly or never."""

import struct
from collections import deque
from dataclasses import dataclass, field

import numpy as np
import pytest

from max78000.apps.pose.client import PoseClient, StepTimes
from max78000.apps.shared.frames import DeviceError, Frame, FrameParser, FrameType
from max78000.errors import BoardError, InputError

INFO = struct.pack("<4HI", 128, 128, 18, 20, 100_000_000)
TIMES = struct.pack("<4I", 1900, 10028, 800, 450)
PICTURE = np.arange(128 * 128 * 3, dtype=np.uint32).astype(np.uint8).reshape(128, 128, 3)
PERSON_BYTES = 112


def person_bytes(score, parts):
    """One person's bytes from {part: (x, y, value)} in the board's units."""
    rows = [parts.get(part, (0, 0, 0)) for part in range(18)]
    return struct.pack("<i", score) + b"".join(struct.pack("<3h", *row) for row in rows)


@dataclass
class FakeBoard:
    """A line whose other end plays a script: one action per request, the last one for ever.

    An action turns a request into bytes. Time passes in reading only.
    """

    actions: deque
    parser: FrameParser = field(default_factory=FrameParser)
    requests: list = field(default_factory=list)
    waiting: bytearray = field(default_factory=bytearray)
    time_s: float = 0.0
    largest_write: int = 0

    @property
    def in_waiting(self):
        return len(self.waiting)

    def read(self, size=1):
        if not self.waiting:
            self.time_s += 0.05
        data = bytes(self.waiting[:size])
        del self.waiting[:size]
        return data

    def write(self, data):
        self.largest_write = max(self.largest_write, len(data))
        for request in self.parser.feed(data):
            self.requests.append(request)
            action = self.actions.popleft() if len(self.actions) > 1 else self.actions[0]
            self.waiting += action(request)
        return len(data)

    def close(self):
        raise AssertionError("the client was lent the line")


def silent(_request):
    return b""


def answer(request):
    people = person_bytes(41000, {0: (8000, 900, 16000), 17: (31616, 896, 1639)})
    replies = {
        FrameType.HELLO: (FrameType.INFO, INFO),
        FrameType.PICTURE: (FrameType.PEOPLE, TIMES + 2 * people),
    }
    kind, payload = replies[FrameType(request.type)]
    return Frame(kind, request.sequence, payload).to_bytes()


def reply(kind, payload, sequence=None):
    def action(request):
        number = request.sequence if sequence is None else sequence
        return Frame(kind, number, payload).to_bytes()

    return action


def error(code, sequence=None):
    return reply(FrameType.ERROR, bytes([code]), sequence)


def talk(*actions):
    board = FakeBoard(deque(actions))
    return board, PoseClient(board, "ttyTEST", lambda: board.time_s)


def test_a_picture_goes_out_and_people_come_back():
    board, client = talk(answer)
    assert client.hello().clock_hz == 100_000_000
    seen = []
    found = client.find_people(PICTURE, lambda *n: seen.append(n))
    assert board.requests[1].payload == PICTURE.tobytes()
    assert board.largest_write <= 1024
    assert seen[-1] == (49_164, 49_164)
    assert found.times == StepTimes(1900, 10028, 800, 450)
    first, second = found.people
    assert first.score == second.score == 41000 / 16384
    assert np.flatnonzero(first.found).tolist() == [0, 17]
    assert first.parts[0].tolist() == [31.25, 900 / 256, 16000 / 16384]
    assert first.parts[17].tolist() == [123.5, 3.5, 1639 / 16384]
    assert np.isnan(first.parts[1, :2]).all()
    with pytest.raises(ValueError, match="read-only"):
        first.parts[0] = 0


def test_nobody_is_a_valid_answer():
    _, client = talk(reply(FrameType.PEOPLE, TIMES))
    assert client.find_people(PICTURE).people == ()


@pytest.mark.parametrize(
    "trouble",
    [
        silent,
        lambda request: answer(request)[:-1],
        lambda request: answer(request)[:-1] + b"?",
        lambda request: answer(Frame(request.type, request.sequence - 1)),
        error(DeviceError.BAD_CRC),
        error(DeviceError.TIME_OUT),
        error(DeviceError.TOO_LONG, sequence=0),
    ],
    ids=["silence", "cut", "damaged", "late answer", "crc", "time-out", "unreadable"],
)
def test_a_spoilt_exchange_is_repeated(trouble):
    board, client = talk(trouble, trouble, answer)
    assert len(client.find_people(PICTURE).people) == 2
    assert [request.sequence for request in board.requests] == [1, 2, 3]
    board, client = talk(trouble)
    with pytest.raises(BoardError, match=r"ttyTEST: the picture was sent 3 times: .*cable"):
        client.find_people(PICTURE)
    assert len(board.requests) == 3


@pytest.mark.parametrize(
    ("action", "why"),
    [
        (error(DeviceError.BAD_VERSION), "error 2, bad version"),
        (error(DeviceError.BAD_LENGTH), "error 5, bad length"),
        (error(99), "error 99, unknown here"),
        (reply(FrameType.INFO, INFO), r"unexpected reply: type 0x81, 12 bytes"),
        (reply(FrameType.PEOPLE, TIMES[:-1]), "type 0x82, 15 bytes"),
        (reply(FrameType.PEOPLE, TIMES + bytes(PERSON_BYTES + 1)), "type 0x82, 129 bytes"),
    ],
)
def test_an_answer_of_another_application_is_refused_at_once(action, why):
    board, client = talk(action)
    with pytest.raises(BoardError, match=why) as caught:
        client.find_people(PICTURE)
    assert caught.value.exit_code == 5
    assert "--app pose" in caught.value.fix
    assert len(board.requests) == 1


def test_greetings_go_on_while_the_board_starts():
    def boot_text(_request):
        return b"\r\nPose: ready for pictures\r\n\xc7"

    board, client = talk(silent, silent, error(DeviceError.BAD_CRC), boot_text, answer)
    assert client.hello().n_parts == 18
    assert len(board.requests) == 5
    assert board.time_s < 3


def test_a_silent_board_is_given_up():
    board, client = talk(silent)
    with pytest.raises(BoardError, match=r"ttyTEST: no answer in 10 s \(is it the pose app"):
        client.hello()
    assert 10 <= board.time_s < 11


def test_a_board_for_other_pictures_is_refused():
    _, client = talk(reply(FrameType.INFO, struct.pack("<4HI", 96, 96, 17, 20, 1)))
    with pytest.raises(BoardError, match="takes 96x96 pixels and finds 17 keypoints, expected 128"):
        client.hello()


def test_sequence_numbers_wrap_without_zero():
    board, client = talk(answer)
    client._sequence = 65534
    for _ in range(3):
        client.hello()
    assert [request.sequence for request in board.requests] == [65535, 1, 2]


@pytest.mark.parametrize(
    "image", [PICTURE[:64], PICTURE.astype(np.int16), PICTURE.transpose(2, 0, 1)]
)
def test_only_rgb_pictures_of_128_pixels_are_sent(image):
    board, client = talk(answer)
    with pytest.raises(InputError, match=r"expected uint8 \(128, 128, 3\)"):
        client.find_people(image)
    assert board.requests == []
