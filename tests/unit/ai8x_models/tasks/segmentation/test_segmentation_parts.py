"""Losses, scores and answers of segmentation, each by itself."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image

from ai8x_models.layers.space_to_depth import fold_image
from ai8x_models.tasks.sampled.augment import Move
from ai8x_models.tasks.segmentation.answer import ClassMasks
from ai8x_models.tasks.segmentation.drawing import draw_mask
from ai8x_models.tasks.segmentation.losses import MaskLoss
from ai8x_models.tasks.segmentation.places import at_size, unfolded
from ai8x_models.tasks.segmentation.recipe import LossPlan
from ai8x_models.tasks.segmentation.scores import MaskScores
from ai8x_models.training.batches import Batch
from ai8x_models.training.data.plan import DataPlan
from max78000.errors import InputError

MASKS = torch.tensor([[[0, 0, 1, 1], [0, 255, 2, 2]]])  # (1, 2, 4)


def batch(teacher=None):
    return Batch(torch.zeros(1, 1), MASKS, torch.ones(1), teacher)


def test_folded_scores_are_unfolded():
    scores = torch.randn(2, 3, 4, 6)
    assert torch.equal(unfolded(fold_image(scores), 3), scores)
    assert unfolded(scores, 3) is scores
    by_four = torch.cat([scores[..., i::4, j::2] for i in range(4) for j in range(2)], dim=1)
    assert by_four.shape == (2, 24, 1, 3)
    with pytest.raises(InputError, match="gives 24x1x3 for 3 classes a pixel"):
        unfolded(by_four, 3)
    with pytest.raises(InputError, match="gives 2x4x6 for 3 classes"):
        unfolded(scores[:, :2], 3)


def test_the_vendor_s_fold_by_four():
    scores = torch.randn(1, 2, 8, 8)
    folded = torch.cat([scores[..., i::4, j::4] for i in range(4) for j in range(4)], dim=1)
    assert torch.equal(unfolded(folded, 2), scores)


@pytest.mark.parametrize("kind", [torch.from_numpy, np.asarray])
def test_masks_of_another_size_take_the_nearest_pixels(kind):
    mask = kind(np.arange(16).reshape(1, 4, 4).astype(np.uint8))
    assert at_size(mask, (2, 2)).tolist() == [[[5, 7], [13, 15]]]
    assert at_size(mask, (8, 8))[:, ::2, ::2].tolist() == mask.tolist()
    assert at_size(mask, (4, 4)) is mask


def test_entropy_counts_what_counts():
    scores, weights = torch.randn(1, 3, 2, 4), torch.tensor([1.0, 2.0, 0.5])
    terms = MaskLoss(LossPlan(), weights).to_truth(scores, batch())
    pixels, truth = scores[0].flatten(1).T, MASKS.flatten()
    kept = truth != 255
    wanted = F.cross_entropy(pixels[kept], truth[kept], weights, reduction="none").mean()
    assert list(terms) == ["entropy"]
    assert terms["entropy"].item() == pytest.approx(wanted.item())
    folded = fold_image(scores)
    assert MaskLoss(LossPlan(), weights).to_truth(folded, batch())["entropy"].item() == (
        pytest.approx(wanted.item())
    )


def test_overlap_is_0_where_areas_are_covered():
    right = F.one_hot(torch.where(MASKS == 255, 0, MASKS), 3).movedim(-1, 1) * 50.0
    loss = MaskLoss(LossPlan(dice=2.0), torch.ones(3))
    assert loss.to_truth(right, batch())["overlap"].item() == pytest.approx(0, abs=1e-5)
    assert loss.to_truth(-right, batch())["overlap"].item() > 1
    nothing = Batch(torch.zeros(1, 1), torch.full_like(MASKS, 255), torch.ones(1))
    assert sum(loss.to_truth(right, nothing).values()).item() == 0


def test_a_teacher_that_agrees_costs_nothing():
    scores = torch.randn(1, 3, 2, 4)
    loss = MaskLoss(LossPlan(), torch.ones(3))
    same = loss.to_teacher(scores, batch(scores + 5))["divergence"]
    assert same.item() == pytest.approx(0, abs=1e-6)


def test_scores_of_a_few_pixels():
    truth = np.uint8([[[0, 0, 1, 255]], [[1, 1, 1, 0]]])
    answer = np.uint8([[[0, 1, 1, 2]], [[1, 1, 1, 0]]])
    scores = MaskScores.of("abc", truth, answer)
    assert scores.iou == (2 / 3, 4 / 5, None)
    assert scores.miou == pytest.approx((2 / 3 + 4 / 5) / 2)
    assert scores.pixel_accuracy == 6 / 7
    (low, high) = scores.intervals[0]
    assert low == 0.5
    assert high == 1
    assert scores.intervals[2] == (None, None)
    stored = scores.to_json()
    assert stored["iou"]["c"] is None
    assert stored["confusion"] == [[2, 1, 0], [0, 4, 0], [0, 0, 0]]
    assert scores.to_text().splitlines()[3].split() == ["c", "-", "-", "to", "-", "0"]
    assert scores.summary.startswith("mIoU 73.3% (")


def test_a_mask_goes_with_its_picture_also_if_it_has_more_pixels():
    form = ClassMasks(("a", "b"), (4, 8))
    mask = np.arange(32, dtype=np.uint8).reshape(4, 8)
    moved = form.moved(mask, Move(True, (1, 0), (2, 4)))
    np.testing.assert_array_equal(moved[2:], mask[:2, ::-1])
    larger = Move(False, (0, 0), (4, 8), scale=2.0)
    np.testing.assert_array_equal(form.moved(mask, larger), larger.of(mask))


def test_masks_get_the_size_of_the_input_but_for_folded_pictures(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    masks = np.arange(10 * 64).reshape(10, 8, 8) % 3
    for size, wanted in ((8, (8, 8)), (6, (6, 6)), (4, (8, 8))):
        inputs = np.zeros((10, size, size, 3), np.uint8)
        np.savez("data.npz", inputs=inputs, targets=masks.astype(np.uint8))
        samples = ClassMasks.opened(DataPlan("data.npz"), "train", None)
        assert samples.targets.shape[1:] == wanted
        assert ClassMasks.settled(None, samples).size == wanted


def test_an_answer_is_a_mask_with_names():
    form = ClassMasks(("ground", "disc"), (2, 2))
    outputs = np.zeros((1, 2, 1, 1))
    (answer,) = form.decode((outputs,))
    assert answer.tolist() == [[0, 0], [0, 0]]
    answer[0] = 1
    assert form.show(answer).text == "ground 50.0%, disc 50.0%"
    assert form.name_of(np.uint8([[1, 255], [1, 1]])) == "classes disc"
    assert ClassMasks.from_extras(form.to_extras() | {"task": "segmentation"}) == form
    with pytest.raises(InputError, match="has 2 outputs"):
        form.decode((outputs, outputs))


def test_classes_have_colours_of_their_own():
    picture = Image.new("RGB", (20, 10), "white")
    drawn = np.asarray(draw_mask(picture, np.uint8([[0, 1], [7, 8]])))
    assert drawn.shape == (10, 20, 3)
    corners = [tuple(drawn[y, x]) for y in (0, -1) for x in (0, -1)]
    assert len(set(corners)) == 3  # the eighth class has the first one's colour again
    assert corners[0] == (114, 114, 114)
