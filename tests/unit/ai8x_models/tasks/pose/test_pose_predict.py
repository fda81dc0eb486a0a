"""Pictures in, keypoints in their own pixels out; bad files are named, not fatal."""

import json
from functools import partial

import numpy as np
import pytest
from PIL import Image

from ai8x_models.tasks.pose.data.targets import draw_targets
from ai8x_models.tasks.pose.decoder import decode_integer
from ai8x_models.tasks.pose.predict import find_people, predict_pictures
from max78000.apps.pose.letterbox import Letterbox
from max78000.apps.pose.picture import read_picture
from max78000.apps.pose.skeleton import COCO_OF_PART, PART_NAMES
from max78000.errors import InputError

# A person in input pixels, COCO-17 order: a grid of points, far enough apart to be told apart.
PERSON = np.c_[20.0 + 22 * (np.arange(17) % 5), 18.0 + 28 * (np.arange(17) // 5), np.full(17, 2)]


def knows_person(images):
    assert images.shape == (1, 128, 128, 3)
    assert images.dtype == np.uint8
    heat, paf = draw_targets(PERSON[None])
    return heat[None], paf[None]


def knows_nobody(_images):
    return np.zeros((1, 19, 16, 16)), np.zeros((1, 38, 16, 16))


def photograph(path, size=(640, 480)):
    Image.linear_gradient("L").resize(size).convert("RGB").save(path)
    return path


def damaged(folder, kind):
    """A picture that is cut, one that is none, or none at all."""
    content = {"cut.jpg": photograph(folder / "whole.jpg").read_bytes()[:-3000], "text.jpg": b"no"}
    if kind in content:
        (folder / kind).write_bytes(content[kind])
    return folder / kind


def test_people_are_found_in_pixels_of_the_picture(tmp_path):
    picture = read_picture(photograph(tmp_path / "street.jpg", (1280, 720)))
    (person,) = find_people(picture, knows_person)
    box = Letterbox(1280, 720)
    for part, joint in enumerate(COCO_OF_PART):
        if joint is not None:
            expected = box.source_points(PERSON[joint, :2])
            assert person.parts[part, :2] == pytest.approx(expected, abs=1.0)
    assert np.abs(box.points(person.parts[0, :2]) - PERSON[0, :2]).max() < 0.1


def test_integer_models_bring_their_decoder(tmp_path):
    picture = read_picture(photograph(tmp_path / "street.jpg"))

    def integer_maps(images):
        return tuple(np.rint(maps * 16384).astype(np.int32) for maps in knows_person(images))

    (person,) = find_people(picture, integer_maps, partial(decode_integer, one=16384))
    (same,) = find_people(picture, knows_person)
    assert person.parts == pytest.approx(same.parts, abs=0.1)


def test_drawings_and_keypoints_are_written(tmp_path):
    paths = [photograph(tmp_path / "a.jpg", (640, 480)), photograph(tmp_path / "b.png", (90, 120))]
    seen = []
    result = predict_pictures(
        paths, knows_person, tmp_path / "new" / "out", progress=lambda *n: seen.append(n)
    )
    out = tmp_path / "new" / "out"
    assert sorted(path.name for path in out.iterdir()) == [
        "a-pose.png",
        "b-pose.png",
        "keypoints.json",
    ]
    assert seen == [(1, 2), (2, 2)]
    assert result.problems == ()
    content = json.loads((out / "keypoints.json").read_text())
    first, second = content["pictures"]
    assert (first["file"], first["drawing"]) == (str(paths[0]), "a-pose.png")
    assert (second["width"], second["height"]) == (90, 120)
    (person,) = first["people"]
    assert list(person["keypoints"]) == list(PART_NAMES)
    assert person["keypoints"]["nose"][:2] == pytest.approx([102.0, 12.0], abs=1.0)
    with Image.open(out / "a-pose.png") as drawing:
        assert drawing.size == (640, 480)
        assert not np.array_equal(drawing, read_picture(paths[0]))


def test_bad_pictures_are_reported_and_the_others_done(tmp_path):
    good = photograph(tmp_path / "good.jpg")
    bad = [damaged(tmp_path, kind) for kind in ("cut.jpg", "absent.jpg", "text.jpg")]
    result = predict_pictures([bad[0], good, *bad[1:]], knows_nobody, tmp_path / "out")
    assert [picture.source for picture in result.pictures] == [good]
    assert [problem.where for problem in result.problems] == [str(path) for path in bad]
    assert result.pictures[0].people == ()
    assert (tmp_path / "out" / "good-pose.png").exists()


def test_pictures_that_cannot_be_used_leave_no_folder(tmp_path):
    result = predict_pictures([damaged(tmp_path, "text.jpg")], knows_nobody, tmp_path / "out")
    assert len(result.problems) == 1
    assert not (tmp_path / "out").exists()


def test_names_never_meet_each_other_or_a_picture_given(tmp_path):
    (tmp_path / "sub").mkdir()
    paths = [
        photograph(tmp_path / "x.jpg"),
        photograph(tmp_path / "x.png"),
        photograph(tmp_path / "sub" / "x.jpg"),
        photograph(tmp_path / "x-pose.png"),
    ]
    before = paths[3].read_bytes()
    result = predict_pictures(paths, knows_nobody, tmp_path)
    names = [picture.drawing.name for picture in result.pictures]
    assert names == ["x-2-pose.png", "x-3-pose.png", "x-4-pose.png", "x-pose-pose.png"]
    assert paths[3].read_bytes() == before
    again = predict_pictures(paths, knows_nobody, tmp_path)  # earlier results are replaced
    assert [picture.drawing.name for picture in again.pictures] == names


def test_a_folder_that_cannot_be_is_refused(tmp_path):
    picture = photograph(tmp_path / "a.png")
    with pytest.raises(InputError, match=r"a\.png: cannot be a folder"):
        predict_pictures([picture], knows_nobody, picture)
    with pytest.raises(InputError, match="no pictures given"):
        predict_pictures([], knows_nobody, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_failed_write_leaves_no_partial_file(tmp_path):
    picture = photograph(tmp_path / "a.png")
    (tmp_path / "out" / "a-pose.png").mkdir(parents=True)
    with pytest.raises(InputError, match=r"a-pose\.png: cannot be written"):
        predict_pictures([picture], knows_nobody, tmp_path / "out")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["a-pose.png"]
