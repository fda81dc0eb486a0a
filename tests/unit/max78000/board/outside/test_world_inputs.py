"""Pictures, sounds and scripts that users give: what is taken, and one clear line for the rest."""

import struct
import wave

import numpy as np
import pytest
from PIL import Image

from max78000.board.outside.buttons import Press, read_presses
from max78000.board.outside.microphone import Microphone
from max78000.board.outside.pictures import fill, read_scene
from max78000.board.outside.sounds import Sound, read_sound, write_sound
from max78000.errors import InputError
from max78000.program.resampling import resampled


def picture_of(value, rows=4, columns=6):
    return np.full((rows, columns, 3), value, np.uint8)


# -- pictures --------------------------------------------------------------------------------------


def test_folder_in_order_and_the_last_stays(tmp_path):
    for name, value in (("b.png", 2), ("a.png", 1)):
        Image.fromarray(picture_of(value)).save(tmp_path / name)
    (tmp_path / ".hidden").write_text("no picture")
    scene = read_scene(tmp_path)
    assert [int(scene.look()[0, 0, 0]) for _ in range(4)] == [1, 2, 2, 2]
    assert scene.n_seen == 4


def test_one_picture_frames_and_arrays(tmp_path):
    Image.fromarray(picture_of(7)[..., 0]).save(tmp_path / "grey.png")
    assert (read_scene(tmp_path / "grey.png").look() == 7).all()
    frames = [Image.fromarray(picture_of(value)) for value in (0, 255)]
    frames[0].save(tmp_path / "film.gif", save_all=True, append_images=frames[1:])
    film = read_scene(tmp_path / "film.gif")
    assert [int(film.look().mean()) for _ in range(2)] == [0, 255]
    np.save(tmp_path / "two.npy", np.stack([picture_of(3), picture_of(4)]))
    two = read_scene(tmp_path / "two.npy")
    assert [int(two.look()[0, 0, 0]) for _ in range(2)] == [3, 4]


def test_a_picture_fills_the_window():
    picture = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)
    assert (fill(picture, 4, 4) == picture).all()
    wide = np.concatenate([picture_of(0, 4, 2), picture_of(9, 4, 4), picture_of(0, 4, 2)], axis=1)
    assert (fill(wide, 4, 4) == 9).all()
    assert (fill(wide[:, 2:6], 2, 2) == 9).all()
    tall = np.swapaxes(wide, 0, 1)
    assert (fill(tall, 8, 8) == 9).all()


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("no.png", None, r"no\.png: cannot be read: .*No such file.* \(give a picture, a folder"),
        ("bad.png", b"nothing", r"bad\.png: cannot be read: cannot identify image"),
        ("bad.npy", b"nothing", r"bad\.npy: cannot be read"),
    ],
)
def test_pictures_that_cannot_be_read(tmp_path, name, content, message):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=message):
        read_scene(tmp_path / name)


def test_pictures_that_are_none(tmp_path):
    with pytest.raises(InputError, match="holds no picture"):
        read_scene(tmp_path)
    np.save(tmp_path / "floats.npy", np.zeros((2, 2, 3)))
    with pytest.raises(InputError, match=r"holds float64 \(2, 2, 3\)"):
        read_scene(tmp_path / "floats.npy")


# -- sounds ----------------------------------------------------------------------------------------


def write_wave(path, samples, n_channels=1, width=2, rate=16_000):
    with wave.open(str(path), "wb") as file:
        file.setnchannels(n_channels)
        file.setsampwidth(width)
        file.setframerate(rate)
        file.writeframes(samples)


@pytest.mark.parametrize("rate", [0, 1, 999])
def test_a_rate_that_no_sound_has(tmp_path, rate):
    path = tmp_path / "a.wav"
    write_wave(path, bytes(8))
    content = bytearray(path.read_bytes())
    content[24:28] = rate.to_bytes(4, "little")
    path.write_bytes(content)
    with pytest.raises(InputError, match=rf"a\.wav: cannot be read: has {rate} samples a second"):
        read_sound(path)


@pytest.mark.parametrize("n_bits", [40, 64])
def test_samples_of_more_bits_than_are_taken(tmp_path, n_bits):
    path = tmp_path / "a.wav"
    write_wave(path, bytes(80))
    content = bytearray(path.read_bytes())
    content[32:36] = struct.pack("<2H", n_bits // 8, n_bits)  # of a frame, of a sample
    path.write_bytes(content)
    with pytest.raises(InputError, match=rf"a\.wav: cannot be read: has {n_bits} bits a sample"):
        read_sound(path)


def test_a_sound_survives_its_file(tmp_path):
    sound = Sound(np.array([0, 1, -2, 32767, -32768], np.int16), 8000)
    write_sound(tmp_path / "a.wav", sound)
    again = read_sound(tmp_path / "a.wav")
    assert again.rate_hz == 8000
    assert (again.samples == sound.samples).all()


@pytest.mark.parametrize(
    ("width", "data", "wanted"),
    [
        (1, bytes([128, 255, 0]), [0, 32512, -32768]),
        (2, b"\x01\x00\xff\xff", [1, -1]),
        (3, b"\x00\x01\x00\x00\xff\xff", [1, -1]),
        (4, b"\x00\x00\x01\x00\x00\x00\xff\xff", [1, -1]),
    ],
)
def test_widths(tmp_path, width, data, wanted):
    write_wave(tmp_path / "a.wav", data, width=width)
    assert list(read_sound(tmp_path / "a.wav").samples) == wanted


def test_channels_are_mixed_and_rates_matched(tmp_path):
    write_wave(tmp_path / "a.wav", np.array([10, 20, 30, 50], "<i2").tobytes(), n_channels=2)
    assert list(read_sound(tmp_path / "a.wav").samples) == [15, 40]
    ramp = Sound(np.arange(0, 80, 10, dtype=np.int16), 8000)
    assert list(ramp.take(2, 3)) == [20, 30, 40]
    assert ramp.at(8050) is ramp
    assert list(ramp.take(6, 4)) == [60, 70, 0, 0]
    assert list(ramp.take(100, 2)) == [0, 0]
    twice = ramp.at(16_000)
    assert (len(twice), twice.rate_hz) == (16, 16_000)
    assert list(twice.samples[::2]) == list(ramp.samples)
    expected = resampled(ramp.samples.astype(np.float32), 8000, 16_000)
    np.testing.assert_array_equal(twice.samples, np.rint(expected))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, r"cannot be read: .*No such file.* \(convert it to PCM"),
        (b"RIFF", "cannot be read"),
        (b"", "cannot be read"),
    ],
)
def test_sounds_that_cannot_be_read(tmp_path, content, message):
    if content is not None:
        (tmp_path / "a.wav").write_bytes(content)
    with pytest.raises(InputError, match=rf"a\.wav: {message}"):
        read_sound(tmp_path / "a.wav")


def test_empty_sound_and_unwritable_file(tmp_path):
    write_wave(tmp_path / "a.wav", b"")
    with pytest.raises(InputError, match="holds no sound"):
        read_sound(tmp_path / "a.wav")
    assert (Sound.played([40_000, -40_000], 0.0).samples == [32_767, -32_768]).all()
    assert Sound.played([], 0.0).rate_hz == 16_000
    with pytest.raises(InputError, match="cannot be written"):
        write_sound(tmp_path / "no" / "a.wav", Sound(np.zeros(1, np.int16), 8000))


def test_the_microphone_has_18_bits_and_headroom():
    microphone = Microphone(Sound(np.array([4, -4, 5, 32767], np.int16), 16_000))
    assert microphone.samples(0, 5, 16_000) == (1 << 14, -1 << 14, 1 << 14, 8191 << 14, 0)
    assert Microphone(None).samples(5, 2, 16_000) == (0, 0)


# -- buttons ---------------------------------------------------------------------------------------


def test_presses():
    script = "PB1@2.5, PB2@0+1.5,PB1@Press PB1 to start"
    assert read_presses(script, ("PB1", "PB2")) == (
        Press("PB1", 2_500_000_000, ""),
        Press("PB2", 0, "", 1_500_000_000),
        Press("PB1", None, "Press PB1 to start", 50_000_000),
    )


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("PB9@1", "--buttons: the board has no button 'PB9'; it has PB1, PB2"),
        ("PB1", "'PB1' does not say when"),
        ("PB1@", "'PB1@' does not say when"),
        ("PB1@-1", "'PB1@-1': no such time"),
        ("PB1@1+0", "no such time"),
    ],
)
def test_scripts_that_make_no_sense(script, message):
    with pytest.raises(InputError, match=message):
        read_presses(script, ("PB1", "PB2"))
