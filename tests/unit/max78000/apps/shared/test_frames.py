"""Frames survive a bad line: in Python, in the firmware's C, and between the two."""

import ctypes
import itertools
import zlib

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from native_build import COMPILERS, LOUD, build_native, pointer

from max78000.apps.shared.frames import MAGIC, DeviceError, Frame, FrameParser, FrameType
from max78000.firmware.sources import SHARED

pytestmark = pytest.mark.long  # seconds each

CAPACITY = 300
frames = st.builds(
    Frame,
    type=st.integers(0, 255),
    sequence=st.integers(0, 65535),
    payload=st.binary(max_size=CAPACITY),
)
noise = st.binary(max_size=40).map(lambda data: data.replace(MAGIC[:1], b"."))


class Receiver(ctypes.Structure):
    """frame_receiver_t."""

    class Header(ctypes.Structure):
        _fields_ = (
            ("type", ctypes.c_uint8),
            ("sequence", ctypes.c_uint16),
            ("length", ctypes.c_uint16),
        )

    _fields_ = (
        ("payload", ctypes.c_void_p),
        ("capacity", ctypes.c_uint32),
        ("header", Header),
        ("n_bytes", ctypes.c_uint32),
        ("crc", ctypes.c_uint32),
        ("expected_crc", ctypes.c_uint32),
        ("raw_header", ctypes.c_uint8 * 8),
    )


class CParser:
    """The firmware's receiver; complete frames and refusals in the order they come."""

    def __init__(self, library):
        self.library = library
        self.payload = np.zeros(CAPACITY + 8, np.uint8)
        self.receiver = Receiver()
        self.library.frame_start(ctypes.byref(self.receiver), pointer(self.payload), CAPACITY)

    def feed(self, data):
        events = []
        error = ctypes.c_int()
        for byte in data:
            state = self.library.frame_take(ctypes.byref(self.receiver), byte, ctypes.byref(error))
            if state == 1:
                header = self.receiver.header
                payload = self.payload[: header.length].tobytes()
                events.append(Frame(header.type, header.sequence, payload))
            elif state == 2:
                events.append(DeviceError(error.value))
        assert not self.payload[CAPACITY:].any()
        return events


@pytest.fixture(scope="module")
def libraries(tmp_path_factory):
    """The firmware's frames by every compiler that is here."""
    folder = tmp_path_factory.mktemp("frames")
    return {
        name: build_native(folder / f"{name}.so", [SHARED / "frame.c"], *LOUD, compiler=name)
        for name in COMPILERS
    }


@pytest.fixture(scope="module", params=sorted(COMPILERS))
def library(request, libraries):
    return libraries[request.param]


@pytest.fixture(scope="module", params=["python", *sorted(COMPILERS)])
def new_parser(request, libraries):
    if request.param == "python":
        return FrameParser
    return lambda: CParser(libraries[request.param])


def in_pieces(data, sizes):
    """Cut data into pieces of the given sizes, repeated."""
    start = 0
    for size in itertools.cycle(sizes):
        if start >= len(data):
            return
        yield data[start : start + size]
        start += size


def test_layout_is_the_documented_one():
    raw = Frame(FrameType.HELLO, 0x1234, b"xyz").to_bytes()
    assert raw[:8] == bytes.fromhex("c778 01 01 3412 0300")
    assert raw[8:11] == b"xyz"
    assert raw[11:] == zlib.crc32(raw[2:11]).to_bytes(4, "little")


@given(
    sent=st.lists(st.tuples(noise, frames), max_size=4),
    sizes=st.lists(st.integers(1, 30), min_size=1, max_size=5),
)
def test_frames_come_through_text_and_noise_in_any_pieces(new_parser, sent, sizes):
    parser = new_parser()
    stream = b"".join(before + frame.to_bytes() for before, frame in sent)
    found = [frame for piece in in_pieces(stream, sizes) for frame in parser.feed(piece)]
    assert found == [frame for _, frame in sent]


@given(frame=frames, next_frame=frames, place=st.integers(0, 10**6), flip=st.integers(1, 255))
@example(frame=Frame(1, 1), next_frame=Frame(2, 2), place=0, flip=1)
@example(
    frame=Frame(1, 1), next_frame=Frame(2, 2), place=6, flip=0x40
)  # a longer length swallows what follows
def test_a_changed_byte_never_passes(new_parser, frame, next_frame, place, flip):
    raw = bytearray(frame.to_bytes())
    raw[place % len(raw)] ^= flip
    parser = new_parser()
    found = parser.feed(raw)
    while next_frame not in found:  # a length that is too large swallows some
        found += parser.feed(next_frame.to_bytes())
    assert frame == next_frame or frame not in found


@given(data=st.binary(max_size=400).map(lambda data: MAGIC.join((data[:9], data[9:30], data[30:]))))
def test_noise_is_no_frame(new_parser, data):
    assert [event for event in new_parser().feed(data) if isinstance(event, Frame)] == []


@given(frame=frames, cut=st.integers(0, 10**6), next_frame=frames)
def test_the_host_finds_a_frame_behind_half_a_frame(frame, cut, next_frame):
    raw = frame.to_bytes()
    parser = FrameParser()
    assert parser.feed(raw[: cut % len(raw)]) == []
    parser.reset()
    assert parser.feed(next_frame.to_bytes()) == [next_frame]
    assert parser.n_skipped_bytes == cut % len(raw)


def test_the_host_finds_a_frame_inside_a_bad_one():
    inner = Frame(FrameType.PEOPLE, 7, b"abc")
    outer = bytearray(Frame(FrameType.INFO, 6, inner.to_bytes()).to_bytes())
    outer[-1] ^= 1
    assert FrameParser().feed(bytes(outer)) == [inner]


def test_the_firmware_names_what_it_refuses(library):
    good = Frame(FrameType.PICTURE, 9, b"12345").to_bytes()
    version, crc, long = bytearray(good), bytearray(good), bytearray(good)
    version[2] += 1
    crc[-1] ^= 0x80
    long[6:8] = (CAPACITY + 1).to_bytes(2, "little")
    parser = CParser(library)
    assert parser.feed(version) == [DeviceError.BAD_VERSION]
    assert parser.feed(crc) == [DeviceError.BAD_CRC]
    assert parser.feed(long) == [DeviceError.TOO_LONG]
    assert parser.feed(good) == [Frame(FrameType.PICTURE, 9, b"12345")]


def test_the_firmware_writes_what_the_host_reads(library):
    frame = Frame(FrameType.PEOPLE, 513, bytes(range(200)))
    header, crc_bytes = np.zeros(8, np.uint8), np.zeros(4, np.uint8)
    payload = np.frombuffer(frame.payload, np.uint8).copy()
    library.frame_write_header.restype = library.frame_crc.restype = ctypes.c_uint32
    raw = Receiver.Header(frame.type, frame.sequence, len(payload))
    crc = library.frame_write_header(pointer(header), raw)
    for start, n_bytes in ((0, 3), (3, 0), (3, 197)):
        piece = payload[start : start + n_bytes].copy()
        crc = library.frame_crc(ctypes.c_uint32(crc), pointer(piece), n_bytes)
    library.frame_write_crc(pointer(crc_bytes), ctypes.c_uint32(crc))
    assert np.concatenate([header, payload, crc_bytes]).tobytes() == frame.to_bytes()
