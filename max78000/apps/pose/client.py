"""Talks to the pose application on a board: a picture goes out, people come back.

Works on any open line, a serial port or the virtual board's. Keypoints are in pixels of the
128x128 picture that was sent; letterboxing, drawing and files are others' business. A spoilt frame
is sent again, a board that stays silent is a `BoardError`.
"""

import struct
from dataclasses import dataclass

import numpy as np

from max78000.apps.pose.arrays import Uint8s
from max78000.apps.pose.person import Person
from max78000.apps.pose.skeleton import IMAGE_SIZE, N_PARTS
from max78000.apps.shared.exchange import Exchange, Progress
from max78000.apps.shared.frames import Frame, FrameType
from max78000.errors import BoardError, InputError

POSITION_UNIT, VALUE_UNIT = 256, 16384  # Q8 pixels, Q14 values and scores
INFO = struct.Struct("<4HI")
TIMES = struct.Struct("<4I")
KEYPOINT = np.dtype([("x", "<i2"), ("y", "<i2"), ("value", "<i2")])
PERSON = np.dtype([("score", "<i4"), ("parts", KEYPOINT, (N_PARTS,))])

FIX_SILENCE = "is it the pose application? max78000 build DIR --app pose, then max78000 flash DIR"
FIX_VERSION = "build and flash the application of this version: max78000 build DIR --app pose"


@dataclass(frozen=True, slots=True)
class BoardInfo:
    """What the board says of itself: its picture in pixels, keypoints, most people, core clock."""

    width: int
    height: int
    n_parts: int
    max_people: int
    clock_hz: int


@dataclass(frozen=True, slots=True)
class StepTimes:
    """Microseconds on the board: picture to accelerator, network, maps back, decoder.

    `inference_us` is 1 if the project was generated without a timer.
    """

    load_us: int
    inference_us: int
    unload_us: int
    decode_us: int


@dataclass(frozen=True, slots=True)
class PoseReply:
    """The people of one picture, best first, in its pixels; and how long it took."""

    people: tuple[Person, ...]
    times: StepTimes


class PoseClient(Exchange):
    """The host's end of the conversation; see `Exchange`."""

    __slots__ = ()

    def hello(self) -> BoardInfo:
        """Greet the board until it answers; it may have been reset a moment ago.

        Raises:
            BoardError: no answer in ten seconds, or from something else.
        """
        reply = self.greeting(FIX_SILENCE)
        info = BoardInfo(*self.unpack(INFO, reply, FrameType.INFO, FIX_VERSION))
        if (info.width, info.height, info.n_parts) != (IMAGE_SIZE, IMAGE_SIZE, N_PARTS):
            why = f"takes {info.width}x{info.height} pixels and finds {info.n_parts} keypoints"
            raise BoardError(
                f"{why}, expected {IMAGE_SIZE}x{IMAGE_SIZE} and {N_PARTS}",
                where=self.device,
                fix=FIX_VERSION,
            )
        return info

    def find_people(self, image: Uint8s, progress: Progress | None = None) -> PoseReply:
        """Send a picture, uint8 (128, 128, 3) RGB, and wait for the people in it.

        Raises:
            InputError: not such a picture.
            BoardError: no valid answer after three tries, or a refusal.
        """
        if image.shape != (IMAGE_SIZE, IMAGE_SIZE, 3) or image.dtype != np.uint8:
            raise InputError(
                f"the picture is {image.dtype} {image.shape}, "
                f"expected uint8 ({IMAGE_SIZE}, {IMAGE_SIZE}, 3)"
            )
        reply = self.insist("the picture", FrameType.PICTURE, image.tobytes(), progress)
        return self._read_people(reply)

    def _read_people(self, reply: Frame) -> PoseReply:
        n_rest = len(reply.payload) - TIMES.size
        if reply.type != FrameType.PEOPLE or n_rest < 0 or n_rest % PERSON.itemsize:
            self.refuse(reply, FIX_VERSION)
        times = StepTimes(*TIMES.unpack_from(reply.payload))
        rows = np.frombuffer(reply.payload, PERSON, offset=TIMES.size)
        return PoseReply(tuple(_person(row) for row in rows), times)


def _person(row: np.void) -> Person:
    """Turn the board's integers into pixels and map units; exact, so equal numbers stay equal."""
    points = row["parts"]
    parts = np.stack(
        (points["x"] / POSITION_UNIT, points["y"] / POSITION_UNIT, points["value"] / VALUE_UNIT),
        axis=1,
    )
    parts[parts[:, 2] == 0, :2] = np.nan
    parts.flags.writeable = False
    return Person(parts, int(row["score"]) / VALUE_UNIT)
