"""The camera: what its registers lead to, and what software reads of it."""

import numpy as np
import pytest

from max78000.board.outside.ov7692 import DEFAULTS, Ov7692
from max78000.board.outside.pictures import Scene
from max78000.errors import BoardError

UPRIGHT = 0xD6  # of register 0x0C: mirrored and flipped


def write(camera, *values):
    assert camera.start(is_read=False)
    assert all(camera.write(value) for value in values)
    camera.stop()


def read(camera, register):
    write(camera, register)
    assert camera.start(is_read=True)
    value = camera.read()
    camera.stop()
    return value


def colours(rows, columns):
    generator = np.random.default_rng(1)
    return generator.integers(0, 256, (rows, columns, 3), dtype=np.uint8)


def camera_of(picture, *settings, clock_hz=10e6):
    camera = Ov7692(None if picture is None else Scene((picture,)), lambda: clock_hz)
    for setting in ((0x0C, UPRIGHT), *settings):
        write(camera, *setting)
    return camera


def size(rows, columns):
    asked = rows + 1
    return (0xCC, columns >> 8), (0xCD, columns & 255), (0xCE, asked >> 8), (0xCF, asked & 255)


def test_identity_and_reset():
    camera = camera_of(None)
    assert [read(camera, n) for n in (0x0A, 0x0B, 0x1C, 0x1D)] == [0x76, 0x92, 0x7F, 0xA2]
    write(camera, 0x12, 0x80)
    assert read(camera, 0x12) == 0
    assert all(read(camera, number) == value for number, value in DEFAULTS.items())
    assert camera.size == (479, 640)


def test_other_bank_keeps_its_own_registers():
    camera = camera_of(None, (0xFF, 1), (0x0C, 0x33), (0xB5, 0x30))
    assert read(camera, 0xB5) == 0x30
    write(camera, 0xFF, 0)
    assert read(camera, 0x0C) == UPRIGHT
    assert read(camera, 0xB5) == 0


def test_a_picture_of_the_right_size_arrives_pixel_for_pixel():
    picture = colours(6, 4)
    frame = camera_of(picture, *size(6, 4), (0x12, 0x06)).expose()
    assert len(frame.lines) == 6
    values = np.array([list(line) for line in frame.lines]).reshape(6, 4, 2)
    pixels = values[..., 0] << 8 | values[..., 1]
    assert (pixels >> 11 == picture[..., 0] >> 3).all()
    assert (pixels >> 5 & 63 == picture[..., 1] >> 2).all()
    assert (pixels & 31 == picture[..., 2] >> 3).all()


@pytest.mark.parametrize(
    ("control", "turned"),
    [
        (0xD6, lambda p: p),
        (0x96, lambda p: p[:, ::-1]),
        (0x56, lambda p: p[::-1]),
        (0x16, lambda p: p[::-1, ::-1]),
    ],
)
def test_mirrored_and_flipped(control, turned):
    picture = colours(4, 4)
    got = camera_of(picture, *size(4, 4), (0x12, 0x06), (0x0C, control)).expose()
    wanted = camera_of(turned(picture), *size(4, 4), (0x12, 0x06)).expose()
    assert got.lines == wanted.lines


def test_other_formats():
    grey = np.full((2, 4, 3), 77, np.uint8)
    assert camera_of(grey, *size(2, 4)).expose().lines == (bytes([77, 128] * 4),) * 2
    late = camera_of(grey, *size(2, 4), (0x0C, 0xC6)).expose()
    assert late.lines == (bytes([128, 77] * 4),) * 2
    few = camera_of(grey, *size(2, 4), (0x12, 0x0E)).expose()
    assert few.lines == (bytes([0x04, 0x44] * 4),) * 2
    negative = camera_of(grey, *size(2, 4), (0x28, 0x82)).expose()
    assert negative.lines == (bytes([178, 128] * 4),) * 2
    red = np.zeros((1, 2, 3), np.uint8)
    red[..., 0] = 255
    luma, u, _, v = camera_of(red, *size(1, 2)).expose().lines[0]
    assert (luma, u, v) == (76, 85, 255)


def test_time_of_a_frame():
    frame = camera_of(colours(8, 8), *size(8, 8)).expose()
    period_ns = frame.wait_ns + 8 * frame.line_ns + frame.end_ns
    assert period_ns == pytest.approx(80e6)  # 10 MHz, where 24 MHz is 30 frames a second
    slow = camera_of(colours(8, 8), *size(8, 8), (0x11, 4)).expose()
    assert slow.line_ns == pytest.approx(5 * frame.line_ns, rel=1e-6)


@pytest.mark.parametrize(
    ("picture", "settings", "clock_hz", "message"),
    [
        (None, (), 10e6, r"OVM7692: a frame is waited for, but it sees nothing \(give --camera"),
        (colours(2, 2), (), 0, "it has no clock"),
        (colours(2, 2), ((0x0E, 8),), 10e6, "it sleeps"),
        (colours(2, 2), ((0x12, 1),), 10e6, r"frames in format 0x1 .* are not modelled \(use RGB"),
        (colours(2, 2), ((0xCE, 0), (0xCF, 1)), 10e6, "frames of 0x640"),
    ],
)
def test_what_it_cannot(picture, settings, clock_hz, message):
    clock = [10e6]
    camera = Ov7692(None if picture is None else Scene((picture,)), lambda: clock[0])
    for setting in settings:
        write(camera, *setting)
    clock[0] = clock_hz
    with pytest.raises(BoardError, match=message):
        camera.expose()


def test_it_answers_only_with_a_clock():
    assert not Ov7692(None, lambda: 0.0).start(is_read=False)
