"""The cache file: what is written is read; what is no cache is refused in one sentence."""

import json

import h5py
import numpy as np
import pytest

from ai8x_models.tasks.pose.data.cache import (
    PoseCache,
    build_cache,
    read_teacher,
    write_teacher,
)
from ai8x_models.tasks.pose.data.cache_file import SEAL_BYTES, replacing, seal
from ai8x_models.tasks.pose.figures.figures import PRESETS, SPLIT_BASE, StickFigures
from max78000.errors import InputError

SCENE = StickFigures(PRESETS["scene"])
N = 9


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    return build_cache(tmp_path_factory.mktemp("cache") / "scene.h5", SCENE, "test", N)


@pytest.fixture
def copied(built, tmp_path):
    path = tmp_path / "copy.h5"
    path.write_bytes(built.read_bytes())
    return path


def teacher_maps(seed=0, count=N):
    rng = np.random.default_rng(seed)
    return (
        rng.integers(-127, 128, (count, 19, 16, 16), np.int8),
        rng.integers(-127, 128, (count, 38, 16, 16), np.int8),
    )


@pytest.mark.long
def test_a_cache_holds_what_was_rendered(built):
    cache = PoseCache.open(built)
    assert (cache.preset, cache.split, cache.count) == ("scene", "test", N)
    for index in range(N):
        figure = SCENE.render(SPLIT_BASE["test"] + index)
        people = cache.people(index)
        np.testing.assert_array_equal(cache.images[index], figure.image)
        np.testing.assert_array_equal(cache.loss_mask[index], figure.loss_mask)
        for name in ("keypoints", "bbox", "area", "iscrowd"):
            np.testing.assert_array_equal(getattr(people, name), getattr(figure, name))
    assert cache.source_id.tolist() == list(range(2_000_000, 2_000_000 + N))
    assert (cache.to_source == np.eye(2, 3)).all()


def test_the_file_describes_itself(built):
    with h5py.File(built) as file:
        assert file["images"].chunks == (N, 128, 128, 3)
        assert file["person_start"].dtype == np.int32
        assert file.attrs["seed_base"] == 2_000_000
        assert json.loads(file.attrs["generator"])["name"] == "scene"
        assert len(json.loads(file.attrs["keypoint_names"])) == 17
        assert len(json.loads(file.attrs["limbs"])) == 19
        assert (file.attrs["sigma_pixels"], file.attrs["paf_thickness_cells"]) == (7.0, 1.0)


def test_what_a_killed_process_left_is_cleared(tmp_path):
    left = tmp_path / "cache.h5.99999999.tmp"  # no process has this number
    left.write_bytes(b"half")
    with replacing(tmp_path / "cache.h5") as file:
        file.attrs["a"] = 1
    assert [path.name for path in tmp_path.iterdir()] == ["cache.h5"]


def test_a_cache_in_memory_is_read_only(built):
    cache = PoseCache.open(built)
    with pytest.raises(ValueError, match="read-only"):
        cache.images[0] = 0


@pytest.mark.long
def test_the_number_of_workers_changes_nothing(built, tmp_path):
    seen = []
    path = build_cache(
        tmp_path / "parallel.h5",
        SCENE,
        "test",
        N,
        workers=2,
        progress=lambda *step: seen.append(step),
    )
    assert seen == [(done, N) for done in range(1, N + 1)]
    one, two = PoseCache.open(built), PoseCache.open(path)
    np.testing.assert_array_equal(one.images, two.images)
    np.testing.assert_array_equal(one.all_people.keypoints, two.all_people.keypoints)
    assert list(tmp_path.iterdir()) == [path]


def test_a_finished_file_is_reused_and_another_request_replaces_it(copied):
    write_teacher(copied, "Student", *teacher_maps(), "abc")
    before = copied.read_bytes()
    build_cache(copied, SCENE, "test", N, progress=lambda *_: pytest.fail("rendered again"))
    assert copied.read_bytes() == before
    build_cache(copied, SCENE, "test", 2)
    assert PoseCache.open(copied).count == 2
    build_cache(copied, StickFigures(PRESETS["single"]), "test", 2)
    assert PoseCache.open(copied).preset == "single"
    assert read_teacher(copied, "Student", "abc") is None


def test_an_interrupted_build_leaves_the_old_file(copied):
    before = copied.read_bytes()

    def stop(_done, _total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build_cache(copied, SCENE, "test", N + 1, progress=stop)
    assert copied.read_bytes() == before
    assert list(copied.parent.iterdir()) == [copied]


@pytest.mark.parametrize(
    ("split", "count", "message"),
    [("training", 4, "unknown split 'training'"), ("train", 0, "a cache of 0 images")],
)
def test_impossible_requests_are_refused(tmp_path, split, count, message):
    with pytest.raises(InputError, match=message):
        build_cache(tmp_path / "x.h5", SCENE, split, count)
    assert not list(tmp_path.iterdir())


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match="no such pose cache") as caught:
        PoseCache.open(tmp_path / "none.h5")
    assert caught.value.where.endswith("none.h5")


@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.98])
def test_a_truncated_file_is_refused(built, tmp_path, share):
    whole = built.read_bytes()
    path = tmp_path / "cut.h5"
    path.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(InputError, match=r"pose cache.*build it again"):
        PoseCache.open(path)


@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.98])
def test_a_damaged_file_never_reaches_the_library(built, tmp_path, share):
    damaged = bytearray(built.read_bytes())
    damaged[SEAL_BYTES + int(share * (len(damaged) - SEAL_BYTES))] ^= 0x40
    path = tmp_path / "damaged.h5"
    path.write_bytes(damaged)
    with pytest.raises(InputError, match="not a readable pose cache: it is cut short or damaged"):
        PoseCache.open(path)


def test_a_foreign_file_is_refused_and_never_overwritten(tmp_path):
    path = tmp_path / "foreign.h5"
    with h5py.File(path, "w") as file:
        file["images"] = np.zeros(3)
    before = path.read_bytes()
    for attempt in (PoseCache.open, lambda p: build_cache(p, SCENE, "test", 1)):
        with pytest.raises(InputError, match="not a pose cache, or one of an earlier version"):
            attempt(path)
    assert path.read_bytes() == before
    with h5py.File(path, "w", userblock_size=SEAL_BYTES) as file:
        file["images"] = np.zeros(3)
    seal(path)
    with pytest.raises(InputError, match="an HDF5 file, but not a pose cache"):
        PoseCache.open(path)


def test_a_file_that_breaks_its_own_promise_is_refused(copied):
    with h5py.File(copied, "r+") as file:
        file.attrs["count"] = N + 1
    seal(copied)
    with pytest.raises(InputError, match=r"images is \(9, 128, 128, 3\) instead of \(10,"):
        PoseCache.open(copied)
    with h5py.File(copied, "r+") as file:
        file.attrs["count"] = N
        del file["area"]
    seal(copied)
    with pytest.raises(InputError, match="area"):
        PoseCache.open(copied)
    with h5py.File(copied, "r+") as file:
        file.attrs["format_version"] = 99
    seal(copied)
    with pytest.raises(InputError, match="format 99, this tool reads 1"):
        PoseCache.open(copied)


def test_teacher_maps_come_back_for_their_checkpoint_only(copied):
    assert read_teacher(copied, "Student", "0123abcd") is None
    heat, paf = teacher_maps()
    write_teacher(copied, "Student", heat, paf, "0123abcd", validation_ap=0.25)
    found = read_teacher(copied, "Student", "0123abcd")
    assert found is not None
    np.testing.assert_array_equal(found[0], heat)
    np.testing.assert_array_equal(found[1], paf)
    with pytest.raises(InputError, match="maps of checkpoint 0123abcd, not of ffff"):
        read_teacher(copied, "Student", "ffff")
    assert PoseCache.open(copied).count == N
    with h5py.File(copied) as file:
        assert file["teacher/Student"].attrs["validation_ap"] == 0.25
        assert file["teacher/Student"].attrs["scale"] == 127


def test_new_teacher_maps_replace_the_old_ones(copied):
    write_teacher(copied, "Student", *teacher_maps(0), "old")
    write_teacher(copied, "Student", *teacher_maps(1), "new")
    found = read_teacher(copied, "Student", "new")
    assert found is not None
    np.testing.assert_array_equal(found[0], teacher_maps(1)[0])


def test_teacher_maps_of_another_size_or_type_are_refused(copied):
    heat, paf = teacher_maps()
    with pytest.raises(InputError, match=r"heat maps are int8 \(8, 19, 16, 16\)"):
        write_teacher(copied, "Student", heat[:8], paf, "abc")
    with pytest.raises(InputError, match="paf maps are float64"):
        write_teacher(copied, "Student", heat, paf / 127, "abc")
    write_teacher(copied, "Student", heat, paf, "abc")
    with h5py.File(copied, "r+") as file:
        del file["teacher/Student/paf"]
        file["teacher/Student/paf"] = paf[:5]
    seal(copied)
    with pytest.raises(InputError, match="maps of 9 and 5 images in a cache of 9"):
        read_teacher(copied, "Student", "abc")


def test_nothing_is_begun_where_there_is_no_room(tmp_path):
    path = tmp_path / "cache.h5"
    with (
        pytest.raises(InputError, match="No space left on device"),
        replacing(path, n_bytes=1 << 60),
    ):
        pytest.fail("HDF5 has been asked to write")
    assert list(tmp_path.iterdir()) == []


def test_what_hdf5_says_of_the_system_is_a_refusal(tmp_path):
    said = "Can't decrement id ref count (file write failed: errno = 28, error message = ...)"
    with pytest.raises(InputError, match="No space left on device"), replacing(tmp_path / "c.h5"):
        raise RuntimeError(said)
    assert list(tmp_path.iterdir()) == []
