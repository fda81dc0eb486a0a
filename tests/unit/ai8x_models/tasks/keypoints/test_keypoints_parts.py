import numpy as np
import pytest
import torch
from PIL import Image

from ai8x_models.tasks.keypoints.drawing import draw_points
from ai8x_models.tasks.keypoints.heatmaps import heat_of, points_in
from ai8x_models.tasks.keypoints.losses import KeypointLoss, are_heatmaps, coordinates_of
from ai8x_models.tasks.keypoints.recipe import LossPlan, PointsPlan
from ai8x_models.tasks.keypoints.scores import PointScores
from ai8x_models.training.batches import Batch
from max78000.errors import InputError


def random_points(n=20, k=3, seed=1):
    points = np.random.default_rng(seed).uniform(0.15, 0.85, (n, k, 3))
    points[..., 2] = 2
    return torch.from_numpy(points)


def test_points_come_back_from_their_maps_between_cells():
    points = random_points()
    heat = heat_of(points, (9, 7), 0.7)
    assert torch.allclose(heat.sum((2, 3)), torch.ones(20, 3, dtype=heat.dtype))
    found = points_in(heat.log().numpy())
    assert np.allclose(found[..., :2], points[..., :2].numpy())
    assert (found[..., 2] > 0.7).all()


def test_integers_will_do_whatever_they_were_multiplied_by():
    points = random_points()
    logits = heat_of(points, (8, 8), 0.7).log().clamp(min=-16).numpy()
    found = points_in(np.round(logits * 64) + 1000)
    assert np.allclose(found[..., :2], points[..., :2].numpy(), atol=0.01)


def test_at_an_edge_it_is_the_middle_of_the_cell_and_flat_maps_are_no_fault():
    heat = np.zeros((1, 2, 4, 4))
    heat[0, 0, 0, 3] = 9
    found = points_in(heat)
    assert found[0, 0, :2].tolist() == [3.5 / 4, 0.5 / 4]
    assert np.isfinite(found).all()


def test_the_loss_of_the_right_maps_is_zero_and_missing_points_do_not_count():
    points = random_points().float()
    loss = KeypointLoss(LossPlan(hidden_weight=0.5))
    answer = heat_of(points, (6, 6), 0.7).log()

    def term(answer, points):
        ((_, value),) = loss.to_truth(answer, Batch(points, points, torch.ones(1))).items()
        return value.item()

    assert term(answer, points) == pytest.approx(0, abs=1e-5)
    wrong = answer.clone()
    wrong[:, 1] = wrong[:, 1].flip(2)
    whole = term(wrong, points)
    assert whole > 0.5
    points[:, 1, 2] = 1
    assert 0.4 * whole < term(wrong, points) < whole
    points[:, 1, 2] = 0
    assert term(wrong, points) == pytest.approx(0, abs=1e-5)
    points[..., 2] = 0
    assert term(wrong, points) == 0


def test_coordinates_are_numbers_of_the_accelerator():
    points = random_points().float()
    answer = (points[..., :2] * 2 - 1).flatten(1)
    assert not are_heatmaps(answer[..., None, None])
    assert torch.allclose(coordinates_of(answer[..., None, None]), points[..., :2])
    loss = KeypointLoss(LossPlan())
    assert loss.to_truth(answer, Batch(points, points, torch.ones(1)))["distance"].item() < 1e-6


def test_correct_is_within_a_share_of_the_object():
    truth = np.array([[[0.2, 0.5, 2], [0.4, 0.5, 1], [0.9, 0.9, 0]]])  # 20 of 100 pixels wide
    found = np.array([[[0.2, 0.519, 1], [0.4, 0.53, 1], [0, 0, 1]]])
    scores = PointScores.of(("a", "b", "c"), found, truth, (100, 100))
    assert scores.distances[0, :2] == pytest.approx([1.9, 3])
    assert scores.correct(0.1)[:2].tolist() == [1, 0]
    assert np.isnan(scores.correct(0.1)[2])
    assert scores.pck == 0.5
    assert scores.to_json()["error_pixels"] == pytest.approx(2.45)
    assert "50.0%" in scores.summary
    assert len(scores.to_text().splitlines()) == 4


def test_one_point_alone_is_measured_by_the_picture():
    scores = PointScores.of(("a",), np.full((1, 1, 2), 0.5), np.array([[[0.59, 0.5, 2]]]), (40, 80))
    assert scores.pck == 1
    assert scores.sides.tolist() == [80]


@pytest.mark.parametrize("given", [{"mirrored": (0, 0)}, {"mirrored": (1, 0), "names": ("a",)}])
def test_refused(given):
    with pytest.raises(InputError, match="mirrored"):
        PointsPlan(**given)


def test_drawing_marks_points_that_are_there():
    points = np.array([[0.5, 0.5, 0.9], [0.1, 0.1, 0]])
    drawn = draw_points(Image.new("L", (32, 32)), points, ("tip", "tail"))
    assert drawn.getpixel((drawn.width // 2, drawn.height // 2)) == (0xE6, 0x9F, 0x00)
    assert drawn.getpixel((drawn.width // 10, drawn.height // 10)) == (0, 0, 0)
