"""Recordings of any rate and length become what the network takes, folded and as signed bytes."""

import wave
from pathlib import Path

import numpy as np
import pytest
import soundfile

from ai8x_models.tasks.sampled.single import read_sample
from ai8x_models.training.data.form import InputForm
from ai8x_models.training.data.open import open_samples
from ai8x_models.training.data.plan import DataPlan
from ai8x_models.training.data.readers.sounds import RANGE, read_sound
from max78000.errors import InputError
from max78000.program.resampling import resampled


@pytest.fixture(autouse=True)
def _alone(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def wav(path, samples, rate=16_000, n_channels=1):
    """Write 16-bit samples with Python's own library."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(n_channels)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(np.asarray(samples, "<i2").tobytes())


def test_a_byte_is_the_upper_one_of_sixteen_bits():
    wav("a.wav", np.arange(-128, 128) * 256)
    form = InputForm((1, 256), *RANGE, "L", rate=16_000)
    assert read_sample(Path("a.wav"), form).ravel().tolist() == list(range(-128, 128))


def test_neighbouring_samples_are_the_channels_of_a_step():
    wav("a.wav", np.arange(12) * 256)
    form = InputForm((3, 4), *RANGE, "L", rate=16_000)
    found = read_sample(Path("a.wav"), form)
    assert found.tolist() == [[[0, 3, 6, 9], [1, 4, 7, 10], [2, 5, 8, 11]]]


def test_short_recordings_end_in_silence_and_long_ones_are_cut():
    wav("a.wav", np.full(10, 1000))
    assert np.count_nonzero(read_sound(Path("a.wav"), 16, 16_000)) == 10
    assert len(read_sound(Path("a.wav"), 4, 16_000)) == 4
    assert not read_sound(Path("a.wav"), 4, 16_000, start_s=1.0).any()


def test_several_channels_become_their_mean():
    wav("a.wav", [[8192, 0], [8192, 16384]], n_channels=2)
    assert read_sound(Path("a.wav"), 2, 16_000).tolist() == [0.125, 0.375]


@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24", "FLOAT", "PCM_U8"])
def test_numbers_of_every_width_are_the_same_sound(subtype):
    soundfile.write("a.wav", np.array([0.5, -0.25, 0.0]), 16_000, subtype=subtype)
    assert read_sound(Path("a.wav"), 3, 16_000).tolist() == [0.5, -0.25, 0.0]


@pytest.mark.parametrize("old", [8_000, 11_025, 22_050, 44_100, 48_000])
def test_a_tone_keeps_its_pitch_at_another_rate(old):
    def tone(rate):
        return np.sin(2 * np.pi * 440 * np.arange(rate // 4) / rate).astype(np.float32)

    found, wanted = resampled(tone(old), old, 16_000), tone(16_000)
    assert abs(len(found) - len(wanted)) <= 1
    middle = slice(400, -400)
    assert np.abs(found[: len(wanted)][middle] - wanted[: len(found)][middle]).max() < 0.01


def test_what_a_lower_rate_cannot_hold_goes():
    high = np.sin(2 * np.pi * 10_000 * np.arange(48_000) / 48_000).astype(np.float32)
    assert np.abs(resampled(high, 48_000, 16_000)[400:-400]).max() < 0.01


def test_a_folder_of_recordings_has_their_subfolders_as_classes():
    for index in range(10):
        wav(f"words/{'yes' if index % 2 else 'no'}/{index}.wav", np.full(64, 256 * index))
    found = open_samples(DataPlan("words", shape=(8, 8), test_share=0.0), "train")
    assert (found.classes, found.inputs.shape) == (("no", "yes"), (9, 8, 8))
    np.testing.assert_array_equal(found.inputs[:, 3, 3] % 2, found.targets)
    assert (found.form.layout, found.form.rate) == ("L", 16_000)
    assert InputForm.from_json(found.form.to_json()) == found.form


def test_a_table_of_recordings_with_numbers():
    for index in range(10):
        wav(f"words/{index}.wav", np.full(8, 256 * index), rate=8_000)
    lines = (f"{index}.wav,{index}.5" for index in range(10))
    Path("words/labels.csv").write_text("\n".join(lines))
    plan = DataPlan("words", shape=(1, 8), rate=8_000, test_share=0.0)
    found = open_samples(plan, "train", answers=None)
    np.testing.assert_array_equal(found.targets[:, 0], found.inputs[:, 0, 0] + 0.5)


# -- Speech Commands -------------------------------------------------------------------------------


def speech_commands():
    names = [f"{index:04x}_nohash_0.wav" for index in range(6)]
    for level, word in enumerate(("down", "go", "up")):
        for name in names:
            wav(f"speech/{word}/{name}", np.full(16, 256 * level))
    wav("speech/_background_noise_/pink.wav", np.full(2000, 256 * 50))
    words = ("down", "go", "up")
    Path("speech/testing_list.txt").write_text("".join(f"{one}/{names[0]}\n" for one in words))
    Path("speech/validation_list.txt").write_text("".join(f"{one}/{names[1]}\n" for one in words))
    Path("speech/LICENSE").write_text("CC BY")


def test_lists_say_the_splits_of_speech_commands():
    speech_commands()
    plan = DataPlan("speech", shape=(4, 4))
    splits = [open_samples(plan, one) for one in ("train", "validation", "test")]
    assert [len(one) for one in splits] == [12, 3, 3]
    assert splits[0].classes == ("down", "go", "up")
    for one in splits:
        np.testing.assert_array_equal(one.inputs[:, 0, 0], one.targets)


def test_silence_is_cut_from_noise_and_words_can_be_unknown():
    speech_commands()
    plan = DataPlan("speech", shape=(4, 4), silence=20, classes=("up", "silence"))
    splits = [open_samples(plan, one) for one in ("train", "validation", "test")]
    assert splits[0].classes == ("up", "silence", "unknown")
    counts = [np.bincount(one.targets).tolist() for one in splits]
    assert counts == [[4, 16, 8], [1, 2, 2], [1, 2, 2]]
    assert (splits[1].inputs[splits[1].targets == 1] == 50).all()


# -- refusals --------------------------------------------------------------------------------------


@pytest.mark.parametrize("content", [b"", b"RIFF", b"no sound at all" * 10])
def test_damaged_recordings_are_one_line(content):
    Path("a.wav").write_bytes(content)
    message = r"a.wav: is not a readable recording \(name a sound file: .wav, .flac, .ogg\)"
    with pytest.raises(InputError, match=message):
        read_sound(Path("a.wav"), 8, 16_000)


def test_samples_that_are_no_numbers():
    soundfile.write("a.wav", np.array([0.5, np.nan]), 16_000, subtype="FLOAT")
    with pytest.raises(InputError, match="has samples that are no numbers"):
        read_sound(Path("a.wav"), 2, 16_000)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "recordings can have any length .give `data.shape`"),
        ({"shape": (3, 8, 8)}, "a recording cannot become 3x8x8"),
        ({"shape": (4, 4), "classes": ("left",)}, "has no class left .`data.classes`: it has down"),
        ({"shape": (4, 4), "silence": 5}, "holds no noise to cut silence from"),
    ],
)
def test_refusals(options, message):
    speech_commands()
    Path("speech/_background_noise_/pink.wav").unlink()
    with pytest.raises(InputError, match=message):
        open_samples(DataPlan("speech", **options), "train")


def test_a_network_of_pictures_takes_no_recordings():
    wav("a.wav", np.zeros(4))
    with pytest.raises(InputError, match="the network takes no recordings"):
        read_sample(Path("a.wav"), InputForm((1, 2, 2), 0.0, 1.0, "CHW"))
