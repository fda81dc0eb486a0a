"""Aspects of what was found, on people who are placed by hand."""

import math

import numpy as np
import pytest

from ai8x_models.tasks.pose.compare.aspects import aspects_of
from ai8x_models.tasks.pose.metrics import Detections, Truth

# A person: a grid of points 20 pixels apart; the torso, 5 to 11 and 6 to 12, is 20 to 45 long.
POINTS = np.c_[20.0 + 20 * (np.arange(17) % 5), 20 + 20.0 * (np.arange(17) // 5)]


def truth(*people):
    """A picture of people, each points (17, 3)."""
    keypoints = np.array(people, np.float64).reshape(-1, 17, 3)
    n = len(keypoints)
    return Truth(keypoints, np.tile([0.0, 0, 128, 128], (n, 1)), np.full(n, 4000.0), np.zeros(n))


def person(shift=0.0, hidden=(), unknown=()):
    values = np.c_[POINTS + shift, np.full(17, 2.0)]
    values[list(hidden), 2] = 1
    values[list(unknown)] = 0
    return values


def found(*people):
    keypoints = np.array(people, np.float64).reshape(-1, 17, 3)
    return Detections(keypoints, np.linspace(1, 0.5, len(keypoints)))


def aspects(truths, answers, is_whole=None):
    return aspects_of(truths, answers, is_whole or [True] * len(truths))


def test_a_perfect_answer_has_every_aspect():
    seen = aspects([truth(person(hidden=[3, 4]))], [found(person())])
    assert seen.detection == seen.localization == 1
    assert seen.occlusion == seen.visible == 1
    assert math.isnan(seen.several)
    assert math.isnan(seen.false_people)


def test_points_without_an_answer_are_missed_even_if_their_place_is_right():
    answer = person()
    answer[[3, 9], 2] = 0
    seen = aspects([truth(person(hidden=[3, 4]))], [found(answer)])
    assert seen.detection == pytest.approx(15 / 17)
    assert seen.occlusion == pytest.approx(1 / 2)
    assert seen.visible == pytest.approx(14 / 15)
    assert seen.localization == 1


def test_points_that_are_not_labelled_do_not_count():
    seen = aspects([truth(person(unknown=[0, 1, 2]))], [found(person())])
    assert seen.detection == seen.visible == 1


def test_people_nobody_found_have_no_points_and_no_place():
    seen = aspects([truth(person()), truth(person())], [found(person()), found()])
    assert seen.detection == seen.visible == pytest.approx(1 / 2)
    assert seen.localization == 1


def test_localization_looks_only_at_those_who_are_found():
    far, near = person(shift=60), person(shift=3)
    seen = aspects([truth(person()), truth(person())], [found(far), found(near)])
    assert 0.5 <= seen.localization < 1
    assert seen.visible == pytest.approx(1 / 2)


def test_company_is_scored_by_pictures_with_several_people_alone():
    beside = person(shift=20)
    pictures = [truth(person()), truth(person(), beside)]
    assert aspects(pictures, [found(), found(person(), beside)]).several == 1
    assert aspects(pictures, [found(person()), found()]).several == 0


def test_people_in_empty_pictures_are_counted():
    answers = [found(person(), person()), found(), found(person())]
    seen = aspects([truth(), truth(), truth(person())], answers)
    assert seen.false_people == 1
    assert seen.to_json()["several"] is None


def test_pictures_where_people_are_ignored_are_not_empty():
    crowd = truth(person())
    crowd.iscrowd[:] = 1
    assert math.isnan(aspects([crowd], [found(person())]).false_people)


def test_a_person_has_no_answer_in_the_detection_of_another():
    beside = person(shift=70)
    seen = aspects([truth(person(), beside)], [found(person())])
    assert seen.detection == pytest.approx(1 / 2)
    assert seen.several == pytest.approx(0.5, abs=0.01)


def test_pictures_of_which_only_a_part_is_labelled_are_not_empty():
    assert math.isnan(aspects([truth()], [found(person())], [False]).false_people)
