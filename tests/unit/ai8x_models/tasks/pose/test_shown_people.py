"""The score from which people are shown: the best by F1 over people who are placed by hand."""

import math
import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ai8x_models.checkpoint import load_checkpoint
from ai8x_models.tasks.pose.metrics import Detections, Truth
from ai8x_models.tasks.pose.shown import (
    are_empty,
    best_shown_score,
    f1_of,
    false_people,
    keep_shown_score,
    shown_of,
    stored_shown_score,
)
from max78000.errors import InputError

POINTS = np.c_[20.0 + 20 * (np.arange(17) % 5), 20 + 20.0 * (np.arange(17) // 5), np.full(17, 2.0)]
AWAY = POINTS + np.array([60.0, 60, 0])


@pytest.fixture
def shipped_copy(tmp_path):
    name = Path(__file__).parents[5] / "checkpoints/pose_tiny-q.pth.tar"
    return Path(shutil.copy(name, tmp_path))


def truth(*people, crowd=False):
    """A picture of people, each points (17, 3)."""
    keypoints = np.array(people, np.float64).reshape(-1, 17, 3)
    n = len(keypoints)
    box = np.tile([20.0, 20, 80, 60], (n, 1))
    return Truth(keypoints, box, np.full(n, 4000.0), np.full(n, int(crowd)))


def found(**people):
    """Detections by score: `at_7=POINTS`."""
    scores = [float(name.removeprefix("at_")) for name in people]
    return Detections(np.array(list(people.values())).reshape(-1, 17, 3), np.array(scores))


def test_the_best_score_leaves_out_those_who_are_nobody():
    truths = [truth(POINTS), truth(POINTS), truth()]
    answers = [found(at_9=POINTS, at_2=AWAY), found(at_6=POINTS), found(at_3=AWAY)]
    assert best_shown_score(truths, answers) == 6
    shown = [shown_of(one, 6) for one in answers]
    assert [len(one.scores) for one in shown] == [1, 1, 0]
    assert f1_of(truths, shown) == 1
    assert f1_of(truths, answers) == pytest.approx(2 * 2 / (4 + 2))


def test_people_of_equal_score_are_shown_or_hidden_together():
    answers = [found(at_9=POINTS), found(at_5=POINTS), found(at_5=AWAY), found(at_5=AWAY)]
    truths = [truth(POINTS), truth(POINTS), truth(), truth()]
    # 9: 1 hit of 2, F1 2/3. 5: 2 hits and 2 false, F1 4/6: no better, so fewer are shown.
    assert best_shown_score(truths, answers) == 9


def test_people_in_crowds_are_neither_right_nor_wrong():
    answers = [found(at_9=POINTS), found(at_8=POINTS), found(at_7=POINTS)]
    truths = [truth(POINTS), truth(POINTS, crowd=True), truth(POINTS)]
    assert best_shown_score(truths, answers) == 7
    assert f1_of(truths, answers) == 1


def test_where_nobody_is_hit_no_score_is_best():
    assert math.isnan(best_shown_score([truth(POINTS)], [found(at_9=AWAY)]))
    assert math.isnan(best_shown_score([truth(POINTS)], [found()]))
    assert math.isnan(best_shown_score([truth()], [found(at_9=AWAY)]))
    assert math.isnan(f1_of([truth()], [found(at_9=AWAY)]))
    assert f1_of([truth(POINTS)], [found()]) == 0


@pytest.mark.long
@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 5), st.booleans()), min_size=1, max_size=12))
def test_no_other_score_has_a_higher_f1(people):
    """Against trying all scores; a person and a detection in each picture."""
    truths = [truth(POINTS)] * len(people)
    answers = [
        Detections((POINTS if is_hit else AWAY)[None], np.array([float(score)]))
        for score, is_hit in people
    ]
    tried = {score: f1_of(truths, [shown_of(one, score) for one in answers]) for score, _ in people}
    best = best_shown_score(truths, answers)
    if not any(is_hit for _, is_hit in people):
        assert math.isnan(best)
    else:
        assert best == max(score for score, f1 in tried.items() if f1 == max(tried.values()))


def test_everybody_is_shown_where_no_score_is_best():
    assert len(shown_of(found(at_9=POINTS, at_2=AWAY), math.nan).scores) == 2


def test_false_people_are_those_in_pictures_that_are_surely_empty():
    answers = [found(at_9=POINTS, at_2=AWAY), found(), found(at_9=POINTS), found(at_9=POINTS)]
    truths = [truth(), truth(), truth(), truth(POINTS, crowd=True)]
    empty = are_empty(truths, [True, True, False, True])
    assert empty.tolist() == [True, True, False, False]
    assert false_people(empty, answers) == 1
    assert math.isnan(false_people(are_empty(truths[3:], [True]), answers[3:]))


def test_a_checkpoint_keeps_its_score_and_everything_else(shipped_copy):
    before = load_checkpoint(shipped_copy)
    keep_shown_score(shipped_copy, 12.5)
    after = load_checkpoint(shipped_copy)
    assert stored_shown_score(after.extras, "x") == 12.5
    assert {**after.extras, "shown_score": None} == {**before.extras, "shown_score": None}
    assert (after.arch, after.epoch) == (before.arch, before.epoch)
    assert all(value.equal(after.state_dict[name]) for name, value in before.state_dict.items())
    with pytest.raises(InputError, match=r"finds nobody on these pictures"):
        keep_shown_score(shipped_copy, math.nan)


@pytest.mark.parametrize("said", ["much", True, -1, math.nan, math.inf])
def test_what_is_no_score_is_refused(said):
    with pytest.raises(InputError, match=r"a\.pth: shown_score is .*, not a score"):
        stored_shown_score({"shown_score": said}, "a.pth")


def test_a_checkpoint_need_not_have_one():
    assert stored_shown_score({}, "a.pth") is None
