"""The cache file: what is written is read; what is no cache is refused in one sentence."""

import json

import h5py
import numpy as np
import pytest
from PIL import Image

from ai8x_models.tasks.pose.data.cache import (
    PoseCache,
    build_cache,
    import_coco,
    read_teacher,
    write_teacher,
)
from ai8x_models.tasks.pose.figures.figures import PRESETS, SPLIT_BASE, render
from max78000.errors import InputError

SCENE = PRESETS["scene"]
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


def test_a_cache_holds_what_was_rendered(built):
    cache = PoseCache.open(built)
    assert (cache.preset, cache.split, cache.count) == ("scene", "test", N)
    for index in range(N):
        figure = render(SCENE, SPLIT_BASE["test"] + index)
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


def test_a_cache_in_memory_is_read_only(built):
    cache = PoseCache.open(built)
    with pytest.raises(ValueError, match="read-only"):
        cache.images[0] = 0


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
    build_cache(copied, PRESETS["single"], "test", 2)
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
    with pytest.raises(InputError, match=r"not a readable pose cache.*build it again"):
        PoseCache.open(path)


def test_a_foreign_file_is_refused_and_never_overwritten(tmp_path):
    path = tmp_path / "foreign.h5"
    with h5py.File(path, "w") as file:
        file["images"] = np.zeros(3)
    before = path.read_bytes()
    for attempt in (PoseCache.open, lambda p: build_cache(p, SCENE, "test", 1)):
        with pytest.raises(InputError, match="an HDF5 file, but not a pose cache"):
            attempt(path)
    assert path.read_bytes() == before


def test_a_file_that_breaks_its_own_promise_is_refused(copied):
    with h5py.File(copied, "r+") as file:
        file.attrs["count"] = N + 1
    with pytest.raises(InputError, match=r"images is \(9, 128, 128, 3\) instead of \(10,"):
        PoseCache.open(copied)
    with h5py.File(copied, "r+") as file:
        file.attrs["count"] = N
        del file["area"]
    with pytest.raises(InputError, match="area"):
        PoseCache.open(copied)
    with h5py.File(copied, "r+") as file:
        file.attrs["format_version"] = 99
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
    with pytest.raises(InputError, match="maps of 9 and 5 images in a cache of 9"):
        read_teacher(copied, "Student", "abc")


def coco_folder(tmp_path):
    """A wide picture with one labelled person, one without keypoints, and one crowd; a tall one."""
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    wide = np.zeros((100, 200, 3), np.uint8)
    wide[40:60, 80:120] = (250, 10, 10)
    Image.fromarray(wide).save(pictures / "wide.png")
    Image.fromarray(np.full((64, 32), 60, np.uint8)).save(pictures / "tall.png")
    keypoints = [0] * 51
    keypoints[:6] = [99.5, 49.5, 2, 80, 40, 1]
    counts = [100 * 180, 100 * 20]  # columns 180..199, column by column
    people = [
        {"keypoints": keypoints, "bbox": [80, 40, 40, 20], "area": 800, "iscrowd": 0},
        {"keypoints": [0] * 51, "bbox": [0, 0, 25, 25], "area": 625, "iscrowd": 0,
         "segmentation": [[0, 0, 25, 0, 25, 25, 0, 25]]},
        {"bbox": [180, 0, 20, 100], "area": 2000, "iscrowd": 1,
         "segmentation": {"size": [100, 200], "counts": counts}},
    ]  # fmt: skip
    annotations = [{"image_id": 7, "category_id": 1, **person} for person in people]
    annotations.append({"image_id": 7, "category_id": 18, "bbox": [0, 0, 9, 9]})  # not a person
    listing = {
        "images": [{"id": 7, "file_name": "wide.png"}, {"id": 9, "file_name": "tall.png"}],
        "annotations": annotations,
    }
    path = tmp_path / "person_keypoints.json"
    path.write_text(json.dumps(listing))
    return pictures, path


def test_a_coco_folder_goes_through_the_same_cache(tmp_path):
    pictures, annotations = coco_folder(tmp_path)
    cache = PoseCache.open(import_coco(pictures, annotations, tmp_path / "coco.h5", "validation"))
    assert (cache.preset, cache.split, cache.count) == ("coco", "validation", 2)
    assert cache.source_id.tolist() == [7, 9]

    assert (cache.images[0, :32] == 128).all()  # padding above the wide picture
    assert (cache.images[0, 64, 64] == (250, 10, 10)).all()
    assert (cache.images[1, :, :32] == 128).all()
    assert (cache.images[1, :, 32:96] == 60).all()

    people = cache.people(0)
    assert people.iscrowd.tolist() == [0, 0, 1]
    np.testing.assert_allclose(people.keypoints[0, 0], (63.5, 63.5, 2))
    np.testing.assert_allclose(people.bbox[0], (50.7, 57.1, 25.6, 12.8), atol=1e-4)
    np.testing.assert_allclose(people.area, np.array((800, 625, 2000)) * 0.64**2, rtol=1e-6)
    assert not people.keypoints[1:].any()
    assert len(cache.people(1).area) == 0


def test_to_source_leads_back_to_the_picture(tmp_path):
    pictures, annotations = coco_folder(tmp_path)
    cache = PoseCache.open(import_coco(pictures, annotations, tmp_path / "coco.h5"))
    points = cache.people(0).keypoints[0, :2, :2]
    source = points @ cache.to_source[0, :, :2].T + cache.to_source[0, :, 2]
    np.testing.assert_allclose(source, [(99.5, 49.5), (80, 40)], atol=1e-4)


def test_crowds_and_people_without_keypoints_do_not_count_in_the_loss(tmp_path):
    pictures, annotations = coco_folder(tmp_path)
    mask = PoseCache.open(import_coco(pictures, annotations, tmp_path / "coco.h5")).loss_mask
    assert mask[0, 4, 0] == 0  # the unlabelled person: source 0..25, image 0..16, rows from 32
    assert mask[0, 4:12, 15].max() == 0  # the crowd
    assert mask[0, 7:9, 5:11].min() == 255  # the labelled person
    assert (mask[1] == 255).all()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "not a COCO keypoint file"),
        ("[]", "not a COCO keypoint file"),
        ('{"images": [], "annotations": []}', "lists no images"),
        ('{"images": [{"id": 1}], "annotations": []}', "not a COCO keypoint file.*file_name"),
    ],
)
def test_malformed_annotations_are_refused(tmp_path, text, message):
    path = tmp_path / "annotations.json"
    path.write_text(text)
    with pytest.raises(InputError, match=message):
        import_coco(tmp_path, path, tmp_path / "coco.h5")
    assert not (tmp_path / "coco.h5").exists()


def test_malformed_people_and_pictures_are_refused(tmp_path):
    pictures, annotations = coco_folder(tmp_path)
    listing = json.loads(annotations.read_text())
    listing["annotations"][0]["keypoints"] = [1, 2, 3]
    annotations.write_text(json.dumps(listing))
    with pytest.raises(InputError, match=r"image 7: malformed person.*51 keypoint numbers"):
        import_coco(pictures, annotations, tmp_path / "coco.h5")
    (pictures / "wide.png").write_bytes(b"not a picture")
    with pytest.raises(InputError, match=r"wide.png: not a picture of a known format"):
        import_coco(pictures, annotations, tmp_path / "coco.h5")
    with pytest.raises(InputError, match="cannot be read: No such file"):
        import_coco(pictures, tmp_path / "none.json", tmp_path / "coco.h5")
