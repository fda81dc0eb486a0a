"""Views to train on, and the score of the person in the middle."""

import io

import numpy as np
import pytest
import torch
from street import street

from ai8x_models.tasks.pose.data.targets import draw_targets
from ai8x_models.tasks.pose.losses import Maps
from ai8x_models.tasks.pose.photos.album import Album
from ai8x_models.tasks.pose.photos.examples import PhotoExamples
from ai8x_models.tasks.pose.photos.guard import N_BITS, HeldOut
from ai8x_models.tasks.pose.photos.imported import Import
from ai8x_models.tasks.pose.recipe import ViewPlan
from ai8x_models.tasks.pose.single import subject_points
from ai8x_models.training.logs import Console


@pytest.fixture(scope="module")
def album(tmp_path_factory):
    folder = tmp_path_factory.mktemp("album")
    held_out = HeldOut((), np.zeros((0, N_BITS), bool))
    return Album(Import(*street(folder), folder, held_out).album(Console(io.StringIO())).path)


def batches(album, epoch=0, **plan):
    return list(PhotoExamples(album, ViewPlan(**plan), 20).shuffled(8, 1, epoch, None))


@pytest.mark.long
def test_an_epoch_is_a_function_of_seed_and_number(album):
    first, again, next_one = batches(album), batches(album), batches(album, 1)
    assert len(first) == 2  # whole batches only
    for one, other in zip(first, again, strict=True):
        assert torch.equal(one.inputs, other.inputs)
        assert torch.equal(one.truth.heat, other.truth.heat)
    assert not torch.equal(first[0].inputs, next_one[0].inputs)


def test_targets_are_where_the_picture_shows_the_points(album):
    (batch, _) = batches(album, crop_share=1.0, rotate=20, camera=0.0)
    assert batch.inputs.shape == (8, 3, 128, 128)
    assert batch.truth.paf.shape == (8, 38, 16, 16)
    red = (batch.inputs[:, 0] - batch.inputs[:, 1:].amax(1)).clamp(0)  # the street's points
    cells = red.reshape(8, 16, 8, 16, 8).mean((2, 4))
    parts = batch.truth.heat[:, :18].amax(1)
    assert cells[parts > 0.8].mean() > 3 * cells[parts < 0.05].mean()


def test_a_teacher_is_asked_about_the_view_itself(album):
    class Teacher(torch.nn.Module):
        def forward(self, x):
            level = x.mean((1, 2, 3), keepdim=True)
            return Maps(level.expand(-1, 19, 16, 16), level.expand(-1, 38, 16, 16))

    examples = PhotoExamples(album, ViewPlan(), 8).with_teacher(Teacher(), None, None)
    (batch,) = examples.shuffled(8, 1, 0, None)
    wanted = batch.inputs.mean((1, 2, 3))
    assert torch.allclose(batch.teacher.heat[:, 3, 5, 7], wanted)


def test_perfect_maps_give_the_person_back():
    rng = np.random.default_rng(3)
    keypoints = np.zeros((1, 17, 3))
    keypoints[0] = np.column_stack((rng.uniform(40, 88, 17), rng.uniform(20, 108, 17), [2] * 17))
    heat, _ = draw_targets(keypoints)
    found = subject_points(heat, np.array((38.0, 18, 52, 92)))
    np.testing.assert_allclose(found[:, :2], keypoints[0, :, :2], atol=1e-3)


def test_points_are_looked_for_near_the_box():
    keypoints = np.zeros((2, 17, 3))
    keypoints[0] = (100, 60, 2)
    keypoints[1] = (24, 60, 2)
    heat, _ = draw_targets(keypoints)
    heat[:, :, 8:] *= 1.5  # the stranger is clearer
    found = subject_points(heat, np.array((10.0, 40, 30, 40)))
    assert np.abs(found[:, 0] - 24).max() < 8
