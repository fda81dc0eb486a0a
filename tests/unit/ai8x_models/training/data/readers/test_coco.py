"""COCO's files of boxes and keypoints, and the stream of entries that they are read by."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ai8x_models.training.data.open import open_samples
from ai8x_models.training.data.plan import DataPlan
from ai8x_models.training.data.readers import json_stream
from ai8x_models.training.data.readers.json_stream import array_entries
from ai8x_models.training.data.source import Answers
from max78000.errors import InputError, ProblemList, UnsupportedError

SHAPE = (1, 4, 4)


@pytest.fixture(autouse=True)
def _alone(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def content(count=4):
    """Pictures 20 x 10, each with a cat, the odd ones with a dog as well; a crowd in the last."""
    images, annotations = [], []
    for index in range(count):
        images.append({"id": 100 + index, "file_name": f"{index}.png", "width": 20, "height": 10})
        annotations.append({"image_id": 100 + index, "bbox": [2, 1, 10, 5], "category_id": 17,
                            "iscrowd": 0, "area": 9, "keypoints": [2, 1, 2, 10, 5, 1]})  # fmt: skip
        if index % 2:
            annotations.append({"image_id": 100 + index, "bbox": [0, 0, 20, 10], "category_id": 3,
                                "area": 200, "keypoints": [20, 10, 2, 0, 0, 0]})  # fmt: skip
    annotations.append({"image_id": 100, "bbox": [0, 0, 9, 9], "category_id": 3, "iscrowd": 1})
    categories = [
        {"id": 17, "name": "cat", "keypoints": ["nose", "tail"]},
        {"id": 3, "name": "dog"},
    ]
    return {"info": {"year": 2017}, "licenses": [{"id": 1}], "images": images,
            "annotations": annotations, "categories": categories}  # fmt: skip


def write(path, value, pictures="pets"):
    Path(pictures).mkdir(parents=True, exist_ok=True)
    for index in range(4):
        Image.new("L", (20, 10), 10 * index).save(Path(pictures, f"{index}.png"))
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(json.dumps(value))


def opened(source, answers, split="train", **options):
    plan = DataPlan(source, validation_share=0.25, test_share=0.0, **options)
    return open_samples(plan, split, SHAPE, answers)


def test_boxes_are_shares_of_the_picture():
    write("pets/all.json", content())
    found = opened("pets/all.json", Answers.BOXES)
    assert (found.classes, found.targets.shape) == (("dog", "cat"), (3, 2, 5))
    odd = (found.inputs[:, 0, 0, 0].astype(int) + 128) // 10 % 2 == 1
    np.testing.assert_allclose(found.targets[:, 0], [[0.1, 0.1, 0.6, 0.6, 1]] * 3)
    np.testing.assert_array_equal(found.targets[:, 1, 4] == 0, odd)
    assert (found.targets[~odd, 1, 4] == -1).all()


def test_keypoints_are_those_of_the_largest_object():
    write("pets/all.json", content())
    found = opened("pets/all.json", Answers.KEYPOINTS)
    odd = (found.inputs[:, 0, 0, 0].astype(int) + 128) // 10 % 2 == 1
    assert found.classes == ("nose", "tail")
    wanted = {True: [[1, 1, 2], [0, 0, 0]], False: [[0.1, 0.1, 2], [0.5, 0.5, 1]]}
    np.testing.assert_allclose(found.targets, [wanted[bool(one)] for one in odd])


def test_archives_as_they_unpack_have_their_splits():
    write("coco/annotations/instances_train2017.json", content(), "coco/train2017")
    write("coco/annotations/instances_val2017.json", content(2), "coco/val2017")
    assert len(opened("coco", Answers.BOXES)) == 4
    assert len(opened("coco", Answers.BOXES, "validation")) == 2


def test_pictures_can_lie_elsewhere():
    write("notes/all.json", content(), "photos")
    assert len(opened("notes/all.json", Answers.BOXES, folder="photos")) == 3
    with pytest.raises(ProblemList, match=r"names 0.png, which is not there .*`data.folder`"):
        opened("notes/all.json", Answers.BOXES)


def test_malformed_annotations_are_told_with_their_pictures():
    wrong = content()
    wrong["annotations"][0]["bbox"] = [1, 2]
    wrong["annotations"][1]["category_id"] = 99
    write("pets/all.json", wrong)
    with pytest.raises(ProblemList) as caught:
        opened("pets/all.json", Answers.BOXES)
    first, second = str(caught.value).splitlines()
    assert first.startswith("pets/all.json image 100: an annotation is malformed: ValueError")
    assert second.startswith("pets/all.json image 101: an annotation is malformed: KeyError 99")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{",
        '{"images": [{]}',
        '{"images": [{"id": 1}]}',
        "{}",
        '{"images": [' + "[" * 100_000,
    ],
)
def test_damaged_files(text):
    Path("a.json").write_text(text)
    with pytest.raises(InputError, match=r"a\.json: "):
        opened("a.json", Answers.BOXES)


def test_boxes_are_no_classes():
    write("pets/all.json", content())
    with pytest.raises(UnsupportedError, match="its answers are boxes, the task learns classes"):
        open_samples(DataPlan("pets/all.json"), "train", SHAPE)


@pytest.mark.parametrize("chunk", [1, 2, 7, 1000])
def test_entries_come_one_by_one_however_they_are_cut(monkeypatch, chunk):
    monkeypatch.setattr(json_stream, "_CHUNK", chunk)
    value = {"n": 1234, "a": [], "b": [{"x": [1, 2], "é": "}]"}, 56, "t", None, -1.5e3], "c": {}}
    Path("a.json").write_text(json.dumps(value, indent=1, ensure_ascii=False))
    assert list(array_entries(Path("a.json"))) == [("b", one) for one in value["b"]]
