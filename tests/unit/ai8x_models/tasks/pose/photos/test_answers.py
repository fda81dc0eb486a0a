"""What a teacher has said outlives an import that is interrupted, and no other teacher says it."""

import io
from contextlib import suppress

import numpy as np
import pytest
from street import bare_street

from ai8x_models.tasks.pose.data.cache_coco import read_annotations
from ai8x_models.tasks.pose.photos.answers import kept_answers
from ai8x_models.tasks.pose.photos.guard import N_BITS, HeldOut
from ai8x_models.tasks.pose.photos.imported import ANSWERS_FILE, TAUGHT_FILE, Import
from ai8x_models.tasks.pose.photos.taught import Teacher
from ai8x_models.training.logs import Console
from max78000.errors import InputError

NOTHING = HeldOut((), np.zeros((0, N_BITS), bool))
CROPS = np.arange(3 * 8 * 8 * 3, dtype=np.uint8).reshape(3, 8, 8, 3)
POINTS = np.linspace(0, 1, 3 * 17 * 3).reshape(3, 17, 3)


def filled(path, n=3, stamp="a"):
    """Leave answers as a run does that is interrupted."""
    with suppress(KeyboardInterrupt), kept_answers(path, stamp) as answers:
        for crop, points in zip(CROPS[:n], POINTS, strict=False):
            answers.add(crop, points)
        raise KeyboardInterrupt


def known(path, stamp="a"):
    with kept_answers(path, stamp) as answers:
        return [answers.of(crop) for crop in CROPS]


def test_answers_are_those_that_were_given_until_all_is_said(tmp_path):
    path = tmp_path / "new" / "said.jsonl"
    filled(path, 2)
    first, second, third = known(path)
    assert np.array_equal([first, second], POINTS[:2])
    assert third is None
    assert not path.exists()


def test_of_a_cut_line_nothing_is_taken(tmp_path):
    path = tmp_path / "said.jsonl"
    filled(path, 2)
    whole = path.read_bytes()
    for end in (len(whole) - 1, len(whole) - 200, whole.index(b"\n") + 9):
        path.write_bytes(whole[:end])
        filled(path, 3)  # says all again
        assert np.array_equal(known(path), POINTS)


@pytest.mark.parametrize("text", ["", "{", "[]\n", "7\n{}\n", '{"teacher": "a"}\n{"crop": 1}\n'])
def test_what_is_no_file_of_answers_is_begun_anew(tmp_path, text):
    path = tmp_path / "said.jsonl"
    path.write_text(text)
    filled(path)
    assert np.array_equal(known(path), POINTS)


def test_another_teacher_is_asked_himself(tmp_path):
    path = tmp_path / "said.jsonl"
    filled(path)
    assert known(path, "b") == [None] * 3


def test_an_import_goes_on_where_it_was_interrupted(tmp_path):
    images, annotations = bare_street(tmp_path, 4)
    n_people = sum(len(picture.people) for picture in read_annotations(annotations).pictures)
    asked = []

    def ask(crop):
        asked.append(crop)
        if len(asked) == 4:
            raise InputError("has had enough")
        return np.column_stack((np.full((17, 2), len(crop) / 2), np.ones(17)))

    def imported(folder, teacher):
        source = Import(images, annotations, folder, NOTHING, teacher)
        return source.cache("coco", "train", Console(io.StringIO()))[0].read_bytes()

    teacher = Teacher("t.py:ask", ask, 0.0, "t.py:ask 1")
    with pytest.raises(InputError, match="has had enough"):
        imported(tmp_path / "data", teacher)
    assert (tmp_path / "data" / ANSWERS_FILE).exists()
    again = imported(tmp_path / "data", teacher)
    assert len(asked) == 2 * n_people + 1  # each twice, mirrored too, and one for nothing
    assert not (tmp_path / "data" / ANSWERS_FILE).exists()
    assert again == imported(tmp_path / "fresh", teacher)
    told = [(tmp_path / name / TAUGHT_FILE).read_bytes() for name in ("data", "fresh")]
    assert told[0] == told[1]
