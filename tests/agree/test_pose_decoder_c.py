"""The firmware's decoder, compiled for this machine, finds the people that the Python one finds.

Same people in the same order, same coordinates and scores in every bit: on what the shipped integer
network says of 200 rendered pictures, and on maps drawn at random.
"""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from native_build import COMPILERS, LOUD, build_native, pointer

from ai8x_models.tasks.pose.decoder import decode_integer
from ai8x_models.tasks.pose.decoder_arithmetic import log_table
from ai8x_models.tasks.pose.figures.figures import PRESETS, SPLIT_BASE, render
from ai8x_models.tasks.pose.predictor import Predictor
from max78000.firmware.sources import APPS

ROOT = Path(__file__).resolve().parents[2]
CHECKPOINT = ROOT / "checkpoints/pose_tiny-q.pth.tar"
N_PICTURES, BATCH = 200, 25
WIDE_ONE, BYTE_ONE = 16384, 128
MAX_PEOPLE = 20

Keypoint = np.dtype([("x", "<i2"), ("y", "<i2"), ("value", "<i2")])
Person = np.dtype([("score", "<i4"), ("parts", Keypoint, (18,))])


class Decoder:
    """The C functions, on arrays as cnn_unload() stores them."""

    def __init__(self, library):
        self.library = library
        self.maps = np.zeros((18 + 38, 256), np.int16)

    def from_words(self, heat, paf, one):
        words = np.concatenate([unloaded_words(maps) for maps in (heat, paf)]).astype(np.int32)
        self.library.pose_maps_from_words(pointer(self.maps), pointer(words), one.bit_length() - 1)
        return self._decode()

    def from_bytes(self, heat, paf):
        planes = np.concatenate([heat, paf]).astype(np.int8, order="C")
        self.library.pose_maps_from_bytes(pointer(self.maps), pointer(planes))
        return self._decode()

    def _decode(self):
        people = np.zeros(MAX_PEOPLE, Person)
        n_people = self.library.pose_decode(pointer(self.maps), pointer(people))
        return people[:n_people]


def unloaded_words(maps):
    """The order of cnn_unload(): blocks of four channels, cell by cell, channel fastest."""
    blocks = [maps[first : first + 4] for first in range(0, len(maps), 4)]
    return np.concatenate([block.reshape(len(block), -1).T.ravel() for block in blocks])


@pytest.fixture(scope="module", params=sorted(COMPILERS))
def decoder(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("decoder")
    sources = (APPS / "pose/maps.c", APPS / "pose/decoder.c")
    return Decoder(build_native(folder / "pose.so", sources, *LOUD, compiler=request.param))


@pytest.fixture(scope="module")
def network_maps():
    """What the shipped integer network says: int32 (200, 19, 16, 16) and (200, 38, 16, 16)."""
    network = Predictor.load(CHECKPOINT)
    assert network.one == WIDE_ONE
    names = ("single", "scene")
    images = np.stack(
        [render(PRESETS[names[i % 2]], SPLIT_BASE["test"] + i).image for i in range(N_PICTURES)]
    )
    parts = [network.maps(images[i : i + BATCH]) for i in range(0, N_PICTURES, BATCH)]
    return tuple(np.concatenate(maps) for maps in zip(*parts, strict=True))


def assert_same_people(found, expected):
    assert len(found) == len(expected)
    for person, wanted in zip(found, expected, strict=True):
        assert person["score"] == wanted.score * 2**14
        parts = np.nan_to_num(wanted.parts) * (256, 256, 2**14)
        actual = [person["parts"][name] for name in ("x", "y", "value")]
        assert np.array_equal(np.stack(actual, axis=1), parts)


def test_table_of_logarithms():
    text = (APPS / "pose" / "log_table.h").read_text()
    body = text[text.index("= {") + 3 : text.index("};")]
    assert [int(word) for word in body.replace(",", " ").split()] == log_table().tolist()


def test_same_people_on_200_pictures(decoder, network_maps):
    n_people = 0
    for heat, paf in zip(*network_maps, strict=True):
        expected = decode_integer(heat, paf, WIDE_ONE)
        assert_same_people(decoder.from_words(heat, paf, WIDE_ONE), expected)
        n_people += len(expected)
    assert n_people > N_PICTURES


def test_same_people_on_byte_maps(decoder, network_maps):
    n_people = 0
    for heat, paf in zip(*(maps[:50] for maps in network_maps), strict=True):
        coarse = [np.clip(maps >> 7, -128, 127).astype(np.int32) for maps in (heat, paf)]
        expected = decode_integer(*coarse, BYTE_ONE)
        assert_same_people(decoder.from_bytes(*coarse), expected)
        assert_same_people(decoder.from_words(*coarse, BYTE_ONE), expected)
        n_people += len(expected)
    assert n_people > 50


@settings(max_examples=60)
@given(
    seed=st.integers(0, 2**32 - 1),
    one=st.sampled_from((128, 1024, 16384)),
    amplitude=st.sampled_from((0.1, 0.5, 1.0, 2.0, 1e9)),
    grain=st.sampled_from((1, 2, 8, 16)),
)
@example(seed=0, one=16384, amplitude=0.0, grain=1)
def test_same_people_on_random_maps(decoder, seed, one, amplitude, grain):
    """Fields of even patches, so that many limbs hold; values of few levels, so that many tie."""
    rng = np.random.default_rng(seed)
    limit = min(amplitude * one, 2**31 - 1)
    levels = rng.integers(-2, 5, (19, 16, 16)) / 4 if seed % 2 else rng.random((19, 16, 16))
    heat = np.clip(levels * limit, -(2**31), 2**31 - 1).astype(np.int32)
    patches = rng.uniform(-limit, limit, (38, 16 // grain, 16 // grain)).astype(np.int32)
    paf = patches.repeat(grain, axis=1).repeat(grain, axis=2)
    assert_same_people(decoder.from_words(heat, paf, one), decode_integer(heat, paf, one))


@pytest.mark.parametrize("value", [-(2**31), -32769, -32768, -1, 0, 1, 32767, 32768, 2**31 - 1])
def test_maps_saturate(decoder, value):
    maps = np.full((57, 16, 16), value, np.int32)
    decoder.from_words(maps[:19], maps[19:], WIDE_ONE)
    assert (decoder.maps == np.clip(value, -(2**15), 2**15 - 1)).all()


def arm(values=(8000, 8000, 8000), along=8000, rows=(2,)):
    """A level left arm (parts 5, 6, 7) in each of some rows: peaks, and fields to the right."""
    heat, paf = np.zeros((19, 16, 16), np.int32), np.zeros((38, 16, 16), np.int32)
    for row in rows:
        heat[(5, 6, 7), row, (2, 7, 12)] = values
    paf[[22, 24]] = along
    return heat, paf


@pytest.mark.parametrize(
    ("at_limit", "beyond"),
    [
        (arm((1638, 8000, 8000)), arm((1639, 8000, 8000))),
        (arm(along=819), arm(along=820)),
        (arm((2000, 2000, 2000), 1915), arm((2000, 2001, 2000), 1915)),  # 9830, 9831 of 3 x 3277
    ],
    ids=["peak", "sample", "mean score"],
)
def test_thresholds_are_the_same_to_the_last_bit(decoder, at_limit, beyond):
    for maps, n_people in ((at_limit, 0), (beyond, 1)):
        expected = decode_integer(*maps, WIDE_ONE)
        assert len(expected) == n_people
        assert_same_people(decoder.from_words(*maps, WIDE_ONE), expected)


def test_equal_people_come_in_the_same_order(decoder):
    maps = arm(rows=(3, 8, 13))
    expected = decode_integer(*maps, WIDE_ONE)
    assert len({person.score for person in expected}) == 1
    assert len(expected) == 3
    assert_same_people(decoder.from_words(*maps, WIDE_ONE), expected)


def test_no_more_than_twenty_people(decoder):
    """Every part everywhere, fields to the right: four kinds of people of three parts."""
    heat, paf = np.zeros((19, 16, 16), np.int32), np.zeros((38, 16, 16), np.int32)
    for a, b, c in ((5, 6, 7), (2, 3, 4), (8, 9, 10), (11, 12, 13)):
        for row in range(0, 16, 2):
            heat[(a, b, c), row, (2, 7, 12)] = 8000 + row
    paf[0::2] = 8000
    expected = decode_integer(heat, paf, WIDE_ONE)
    assert len(expected) == MAX_PEOPLE
    assert_same_people(decoder.from_words(heat, paf, WIDE_ONE), expected)
