"""Inputs for a board are prepared as training prepares them: one form, two codes, equal bytes."""

import wave

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from ai8x_models.tasks.sampled.single import read_sample
from ai8x_models.training.data.form import LAYOUTS, InputForm
from max78000.apps.run.inputs import Preparation, read_sound
from max78000.errors import InputError

SIZES = st.integers(1, 6).map(lambda half: 2 * half)


@st.composite
def forms(draw):
    """Forms of pictures, signals and recordings, in any range."""
    layout = draw(st.sampled_from(sorted(LAYOUTS)))
    channels = 1 if layout == "HW" else draw(st.integers(1, 4))
    sizes = (draw(SIZES), draw(SIZES)) if layout in ("CHW", "HWC", "HW") else (draw(SIZES),)
    low = draw(st.sampled_from((-1.0, 0.0, -32768.0, 3.5)))
    high = low + draw(st.sampled_from((255 / 128, 1.0, 255.0, 65535.0, 7.25)))
    inside = st.floats(low, high, width=32)
    mean = draw(
        st.sampled_from(((), (draw(inside),), tuple(draw(inside) for _ in range(channels))))
    )
    fold = draw(st.sampled_from((1, 2))) if len(sizes) == 2 else 1
    return InputForm((channels, *sizes), low, high, layout, mean, fold, rate=16000)


def raw_of(form, seed):
    """A sample in the layout of the source."""
    moved = form.shape[1:] if form.layout == "HW" else form.shape
    shape = (np.prod(moved),) if form.layout == "L" else [0] * len(moved)
    if form.layout != "L":
        for axis, place in enumerate(LAYOUTS[form.layout]):
            shape[place] = moved[axis]
    draws = np.random.default_rng(seed).uniform(form.low, form.high, shape)
    return draws.astype(np.float32)


def prepared_by(form):
    return Preparation.from_facts(form.to_json(), "network.json")


@pytest.mark.long
@given(form=forms(), seed=st.integers(0, 999))
def test_arrays(tmp_path_factory, form, seed):
    path = tmp_path_factory.mktemp("sample") / "sample.npy"
    np.save(path, raw_of(form, seed))
    expected = form.device_input(read_sample(path, form)[0])
    found = prepared_by(form).read(path)
    assert found.dtype == np.int8
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("mode", ["RGB", "L", "RGBA", "I;16", "P", "1"])
@pytest.mark.parametrize("shape", [(3, 12, 16), (1, 20, 20)])
@pytest.mark.parametrize("mean", [(), (0.4,)])
def test_pictures(tmp_path, mode, shape, mean):
    path = tmp_path / "picture.png"
    levels = np.random.default_rng(1).integers(0, 256, (31, 40, 3), np.uint8)
    picture = Image.fromarray(levels)
    if mode == "I;16":
        picture = Image.fromarray(levels[..., 0].astype(np.uint16) * 257)
    else:
        picture = picture.convert(mode)
    picture.save(path)
    form = InputForm(shape, 0.0, 1.0, "CHW", mean, fold=2)
    expected = form.device_input(read_sample(path, form)[0])
    np.testing.assert_array_equal(prepared_by(form).read(path), expected)


@pytest.mark.parametrize("layout", ["CHW", "HWC", "HW"])
def test_arrays_of_another_size_are_resized(tmp_path, layout):
    form = InputForm((1 if layout == "HW" else 3, 8, 6), 0.0, 255.0, layout, rate=16000)
    shape = {"CHW": (3, 16, 9), "HWC": (16, 9, 3), "HW": (16, 9)}[layout]
    np.save(tmp_path / "a.npy", np.random.default_rng(4).uniform(0, 255, shape))
    expected = form.device_input(read_sample(tmp_path / "a.npy", form)[0])
    np.testing.assert_array_equal(prepared_by(form).read(tmp_path / "a.npy"), expected)


def write_wave(path, samples, width, rate, channels=1):
    low_bytes = samples.astype("<i4")[:, None].view(np.uint8).reshape(len(samples), 4)
    raw = (samples + 128).astype(np.uint8) if width == 1 else low_bytes[:, :width]
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(width)
        file.setframerate(rate)
        file.writeframes(raw.tobytes())


@pytest.mark.parametrize("width", [1, 2, 3, 4])
@pytest.mark.parametrize(("rate", "channels"), [(16000, 1), (8000, 1), (44100, 2), (22050, 1)])
def test_recordings(tmp_path, width, rate, channels):
    path = tmp_path / "sound.wav"
    most = 2 ** (8 * width - 1)
    write_wave(path, np.random.default_rng(2).integers(-most, most, 3000), width, rate, channels)
    form = InputForm((8, 256), -1.0, 127 / 128, "L", rate=16000)
    expected = form.device_input(read_sample(path, form)[0])
    np.testing.assert_array_equal(prepared_by(form).read(path), expected)


def test_what_the_network_does_not_take(tmp_path):
    signal = prepared_by(InputForm((2, 8), 0.0, 1.0, "CL"))
    picture, sound, array = (tmp_path / name for name in ("a.png", "b.wav", "c.npy"))
    Image.new("L", (4, 4)).save(picture)
    write_wave(sound, np.zeros(4, int), 2, 16000)
    np.save(array, np.zeros((3, 3)))
    with pytest.raises(InputError, match="takes no pictures"):
        signal.read(picture)
    with pytest.raises(InputError, match="takes no recordings"):
        signal.read(sound)
    with pytest.raises(InputError, match=r"is 3x3 \(CL\), the network takes 2x8"):
        signal.read(array)
    np.save(array, np.full((2, 8), np.nan))
    with pytest.raises(InputError, match="numbers that are not finite"):
        signal.read(array)
    with pytest.raises(InputError, match="is not a readable picture"):
        prepared_by(InputForm((1, 2, 2), 0.0, 1.0, "HW")).read(sound.with_suffix(".png"))
    sound.write_bytes(b"no sound")
    with pytest.raises(InputError, match="is not a readable recording"):
        read_sound(sound, 4, 16000)
    array.write_bytes(b"no array")
    with pytest.raises(InputError, match="is not a readable array"):
        signal.read(array)
    np.save(array, np.zeros(5))
    with pytest.raises(InputError, match=r"is 5 \(L\), the network takes 2x8"):
        prepared_by(InputForm((2, 8), 0.0, 1.0, "L")).read(array)
    with pytest.raises(InputError, match=r"is 5 \(CL\), the network takes 2x8"):
        signal.read(array)
    with pytest.raises(InputError, match="takes 5 channels, a picture has 1 or 3"):
        prepared_by(InputForm((5, 2, 2), 0.0, 1.0, "CHW")).read(picture)
    with pytest.raises(InputError, match="does not say how inputs are prepared"):
        Preparation.from_facts({"shape": [1]}, "network.json")
