import numpy as np
import pytest
import torch
from PIL import Image

from ai8x_models.layers.box_head import BoxHead, BoxMap, sizes_of
from ai8x_models.tasks.detect.answer import BoxAnswers
from ai8x_models.tasks.detect.boxes import (
    areas,
    boxes_at,
    centred,
    cornered,
    offsets,
    overlaps,
)
from ai8x_models.tasks.detect.drawing import LEAST_SIDE, draw_boxes
from ai8x_models.tasks.detect.matching import NOTHING, match
from ai8x_models.tasks.detect.suppress import Suppression, found_in, kept_of, rows_of
from ai8x_models.tasks.sampled.augment import Move


def random_boxes(rng, *shape):
    low = rng.uniform(0, 0.7, (*shape, 2))
    return torch.from_numpy(np.concatenate((low, low + rng.uniform(0.05, 0.3, low.shape)), -1))


def test_forms_and_offsets_come_back():
    rng = np.random.default_rng(1)
    boxes, priors = random_boxes(rng, 3, 7), centred(random_boxes(rng, 7))
    assert torch.allclose(cornered(centred(boxes)), boxes)
    assert torch.allclose(boxes_at(offsets(boxes, priors), priors), boxes)
    assert torch.allclose(areas(boxes), centred(boxes)[..., 2:].prod(-1))


def test_offsets_are_those_of_the_paper():
    # A prior of 0.2 x 0.4; the object a tenth of its width to the right, and twice as high.
    priors = torch.tensor([[0.5, 0.5, 0.2, 0.4]])
    box = cornered(torch.tensor([[0.52, 0.5, 0.2, 0.8]]))
    assert offsets(box, priors)[0].tolist() == pytest.approx([1.0, 0, 0, 5 * np.log(2)], abs=1e-5)


def test_overlaps():
    one = torch.tensor([[0.0, 0, 0.2, 0.2], [0.5, 0.5, 0.5, 0.5]])
    other = torch.tensor([[0.1, 0, 0.3, 0.2], [0.0, 0, 0.2, 0.2], [0.6, 0.6, 0.7, 0.7]])
    assert overlaps(one, other).tolist() == [pytest.approx([1 / 3, 1, 0]), [0, 0, 0]]


def test_huge_offsets_stay_finite():
    assert boxes_at(torch.full((1, 4), 1e6), torch.full((1, 4), 0.5)).isfinite().all()


def test_each_object_gets_a_prior_and_the_overlapping_ones():
    priors = torch.tensor([[0.25, 0.5, 0.5, 1], [0.25, 0.5, 0.5, 0.9], [0.75, 0.5, 0.5, 1]])
    nothing = [0, 0, 0, 0, -1.0]
    truth = torch.tensor(
        [
            [[0, 0, 0.5, 1.0, 2], [0.5, 0.4, 0.6, 0.5, 0], nothing],  # the second one is tiny
            [nothing, [0, 0.05, 0.5, 0.95, 1], nothing],
            [nothing] * 3,
        ]
    )
    found = match(truth, priors, 0.5)
    assert found.classes.tolist() == [[3, 3, 1], [2, 2, NOTHING], [NOTHING] * 3]
    assert torch.equal(found.boxes[0, 2], truth[0, 1, :4])


def test_two_objects_at_one_place_get_two_priors():
    priors = torch.tensor([[0.5, 0.5, 0.5, 0.5], [0.5, 0.5, 0.9, 0.9], [0.1, 0.1, 0.1, 0.1]])
    box = [0.25, 0.25, 0.75, 0.75]
    found = match(torch.tensor([[[*box, 0], [*box, 1.0]]]), priors, 0.5)
    assert sorted(found.classes[0].tolist()) == [NOTHING, 1, 2]


def test_less_probable_boxes_of_the_same_thing_are_left_out():
    boxes = torch.tensor([[0, 0, 1, 1.0], [0, 0, 1, 0.9], [0, 0, 0.3, 0.3], [0, 0, 0.95, 1]])
    assert kept_of(boxes, torch.tensor([0.5, 0.9, 0.2, 0.5]), 0.5).tolist() == [1, 2]
    assert kept_of(boxes[:0], torch.zeros(0), 0.5).tolist() == []


def test_found_boxes_are_ranked_and_packed():
    priors = torch.tensor([[0.3, 0.3, 0.2, 0.2], [0.7, 0.7, 0.2, 0.2], [0.9, 0.1, 0.4, 0.4]])
    scores = torch.tensor([[0, 0, 4.0], [0, 9.0, 0], [9.0, 0, 0]])
    found = found_in(torch.zeros(3, 4), scores, priors, Suppression(min_score=0.1, top_k=5))
    assert found.shape == (5, 6)
    assert found[:, 4].tolist() == [0, 1, -1, -1, -1]
    assert np.allclose(rows_of(found)[:, :4], [[0.6, 0.6, 0.8, 0.8], [0.2, 0.2, 0.4, 0.4]])
    assert found[0, 5] > found[1, 5] > 0.9


def test_answers_and_priors_of_a_head_are_in_the_same_order():
    maps = (BoxMap(2, 4, 3, sizes_of(0.3, (1, 2))), BoxMap(3, 2, 1, ((0.5, 0.6),)))
    head = BoxHead(maps, n_classes=2)
    assert head.priors_cxcy.shape == (4 * 3 * 2 + 2, 4)
    assert head.priors_cxcy[0].tolist() == pytest.approx([1 / 6, 1 / 8, 0.3, 0.3])
    assert head.priors_cxcy[1].tolist() == pytest.approx([1 / 6, 1 / 8, 0.3 * 2**0.5, 0.3 / 2**0.5])
    assert head.priors_cxcy[-1].tolist() == pytest.approx([1 / 2, 3 / 4, 0.5, 0.6])
    with torch.no_grad():
        fine, coarse = torch.zeros(1, 2, 4, 3), torch.zeros(1, 3, 2, 1)
        for conv in head.convs:
            conv.op.weight.zero_()
            conv.op.bias.zero_()
            conv.op.weight[6 if conv is head.convs[0] else 0, 0, 1, 1] = 1  # a score, an offset
        fine[0, 0, 2, 1] = coarse[0, 0, 1, 0] = 0.5
        locations, scores = head(fine, coarse)
    assert locations.shape == (1, 26, 4)
    assert scores.shape == (1, 26, 3)
    assert locations.nonzero().tolist() == [[0, 25, 0]]
    assert scores.nonzero().tolist() == [[0, 2 * (2 * 3 + 1), 2]]


def test_drawing_marks_boxes_and_leaves_the_picture():
    picture = Image.new("L", (40, 20))
    boxes = np.array([[0.1, 0.2, 0.5, 0.9, 1, 0.75], [0, 0, 1, 1, -1, 0]])
    drawn = draw_boxes(picture, boxes, ("disc", "square"))
    assert drawn.size == (2 * LEAST_SIDE, LEAST_SIDE)
    assert drawn.getpixel((int(0.1 * drawn.width), drawn.height // 2)) == (0x56, 0xB4, 0xE9)
    assert drawn.getpixel((drawn.width - 1, drawn.height - 1)) == (0, 0, 0)
    assert picture.size == (40, 20)


def test_boxes_move_with_their_pixels_and_leave():
    answer = BoxAnswers(("disc", "square"), torch.zeros(1, 4), Suppression())
    boxes = np.array([[0.1, 0.2, 0.3, 0.6, 1], [0.8, 0.1, 1, 0.5, 0], [0, 0, 0, 0, -1]], np.float32)
    moved = answer.moved(boxes, Move(True, (1, -2), (10, 20)))
    np.testing.assert_allclose(moved[0], [0.6, 0.3, 0.8, 0.7, 1], atol=1e-6)
    np.testing.assert_allclose(moved[1], [0, 0.2, 0.1, 0.6, 0], atol=1e-6)
    far = answer.moved(boxes, Move(False, (0, 20), (20, 20), scale=1.25))
    assert far[:, 4].tolist() == [-1, -1, -1]
    assert answer.name_of(boxes) == "square, disc"
    assert answer.name_of(far) == "nothing"
