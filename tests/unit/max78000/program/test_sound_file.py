"""WAV files of every form give the samples that were written, or one line."""

import sys

import numpy as np
import pytest

from max78000.program.sound_file import load_wav

soundfile = pytest.importorskip("soundfile", reason="of the extra `train`")

RATE = 16_000
WAVES = np.sin(np.arange(600, dtype=np.float32).reshape(300, 2) / 20) / 2
# Form of the file, kind of its samples, and how far apart two neighbouring values are.
FORMS = [
    ("WAV", "PCM_U8", 2**-7),
    ("WAV", "PCM_16", 2**-15),
    ("WAV", "PCM_24", 2**-23),
    ("WAV", "FLOAT", 2**-23),
    ("WAV", "ULAW", 2**-5),
    ("WAVEX", "PCM_16", 2**-15),
    ("WAVEX", "PCM_24", 2**-23),
    ("WAVEX", "FLOAT", 2**-23),
    ("RF64", "PCM_16", 2**-15),
]


@pytest.fixture
def written(tmp_path):
    def written(form, kind, samples=WAVES, rate=RATE):
        path = tmp_path / "a.wav"
        soundfile.write(path, samples, rate, format=form, subtype=kind)
        return path

    return written


@pytest.mark.parametrize(("form", "kind", "step"), FORMS)
def test_samples_are_those_that_were_written(written, form, kind, step):
    path = written(form, kind)
    samples, rate = load_wav(path)
    assert (rate, samples.dtype) == (RATE, np.float32)
    assert np.abs(samples - WAVES.mean(axis=1)).max() <= step
    start, _ = load_wav(path, 0.01)
    assert np.array_equal(start, samples[:160])


@pytest.mark.parametrize("form", ["WAVEX", "RF64"])
def test_a_form_that_needs_the_library_says_so(written, monkeypatch, form):
    path = written(form, "PCM_16")
    monkeypatch.setitem(sys.modules, "soundfile", None)
    with pytest.raises(ValueError, match=r"soundfile, .* is not installed: pip install soundfile"):
        load_wav(path)


def test_plain_samples_need_no_library(written, monkeypatch):
    path = written("WAV", "PCM_16")
    monkeypatch.setitem(sys.modules, "soundfile", None)
    assert len(load_wav(path)[0]) == len(WAVES)


def test_samples_that_are_no_numbers_are_refused(written):
    bad = WAVES.copy()
    bad[7, 0] = np.nan
    with pytest.raises(ValueError, match="samples that are no numbers"):
        load_wav(written("WAV", "FLOAT", bad))


@pytest.mark.parametrize("rate", [10, 3_000_000])
def test_impossible_rates_are_refused_in_every_form(written, rate):
    for form, kind in (("WAV", "PCM_16"), ("WAV", "FLOAT")):
        with pytest.raises(ValueError, match=f"has {rate} samples a second; at "):
            load_wav(written(form, kind, rate=rate))


def test_what_is_no_recording_is_told_in_a_line(tmp_path):
    path = tmp_path / "a.wav"
    for content in (b"", b"words", b"RF64" + bytes(60), b"RIFF" + bytes(60)):
        path.write_bytes(content)
        with pytest.raises(ValueError, match=r"^.+$") as refusal:
            load_wav(path)
        assert "\n" not in str(refusal.value)
