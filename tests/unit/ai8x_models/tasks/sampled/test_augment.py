"""Augmentations: an example changes by itself, and says where its pixels went."""

import numpy as np

from ai8x_models.tasks.sampled.augment import Move, augmented
from ai8x_models.tasks.sampled.recipe import AugmentPlan


def changed(inputs, plan):
    """Every example by a generator of its own."""
    found = [augmented(one, plan, np.random.default_rng(i)) for i, one in enumerate(inputs)]
    return np.stack([sample for sample, _ in found]), [move for _, move in found]


def test_augmentation_moves_mirrors_and_disturbs():
    inputs = np.random.default_rng(0).integers(-128, 128, (64, 2, 5, 7)).astype(np.int8)
    before = inputs.copy()
    same, _ = changed(inputs, AugmentPlan())
    np.testing.assert_array_equal(same, before)
    mirrored, moves = changed(inputs, AugmentPlan(flip=True))
    is_flipped = [
        np.array_equal(one, two[..., ::-1]) for one, two in zip(mirrored, before, strict=True)
    ]
    assert 16 < sum(is_flipped) < 48
    assert is_flipped == [move.is_mirrored for move in moves]
    moved, _ = changed(inputs, AugmentPlan(shift=1))
    assert set(np.unique(moved)) <= set(np.unique(before))
    assert any(np.array_equal(a[:, 1:], b[:, :-1]) for a, b in zip(moved, before, strict=True))
    noisy, _ = changed(inputs, AugmentPlan(noise=0.1, brightness=0.1))
    assert 5 < np.abs(noisy.astype(int) - before).mean() < 30
    np.testing.assert_array_equal(inputs, before)


def test_signals_move_along_time_alone():
    signal = np.tile(np.arange(9, dtype=np.int8), (4, 3, 1))
    moved, _ = changed(signal, AugmentPlan(shift=2))
    assert (moved[:, 0] == moved[:, 2]).all()
    assert set((moved[:, 0, 4] - 4).tolist()) <= {-2, -1, 0, 1, 2}


def test_a_mask_goes_where_its_picture_went():
    picture = np.random.default_rng(0).integers(-128, 128, (1, 6, 8)).astype(np.int8)
    moved, move = augmented(picture, AugmentPlan(shift=3, flip=True), np.random.default_rng(2))
    assert move.size == (6, 8)
    np.testing.assert_array_equal(move.of(picture[0]), moved[0])
    assert Move(True, (0, -2), (1, 4)).of(np.array([[1, 2, 3, 4]])).tolist() == [[2, 1, 1, 1]]


def test_points_go_where_their_pixels_went():
    rng = np.random.default_rng(3)
    plan = AugmentPlan(shift=3, flip=True, scale=0.3)
    assert plan.moves
    for seed in range(20):
        picture = np.zeros((1, 24, 32), np.int8)
        row, column = rng.integers(8, 16), rng.integers(10, 22)
        picture[0, row - 1 : row + 2, column - 1 : column + 2] = 100
        moved, move = augmented(picture, plan, np.random.default_rng(seed))
        rows, columns = np.nonzero(moved[0])
        point = np.array([(column + 0.5) / 32, (row + 0.5) / 24])
        x, y = move.of_points(point) * (32, 24)
        assert abs(rows.mean() + 0.5 - y) <= 1
        assert abs(columns.mean() + 0.5 - x) <= 1
        assert 0.7 <= move.scale <= 1.3


def test_a_stretch_of_a_signal_or_a_field_of_a_picture_is_left_blank():
    for shape in ((3, 40), (2, 12, 16)):
        full = np.full((200, *shape), 100, np.int8)
        found, _ = changed(full, AugmentPlan(blank=5))
        assert set(np.unique(found)) == {0, 100}
        for one in found:
            blank = one == 0
            assert (blank == blank[0]).all()  # in all channels
            places = np.argwhere(blank[0])
            if len(places):
                sides = np.ptp(places, axis=0) + 1
                assert sides.max() <= 5
                assert len(places) == np.prod(sides)
        counts = (found == 0).reshape(200, shape[0], -1)[:, 0].sum(axis=1)
        assert counts.max() == 5 ** (len(shape) - 1)
        anywhere = (found == 0).any(axis=(0, 1))
        assert anywhere[..., anywhere.shape[-1] // 4 : -2].all()


def test_a_stretch_is_no_longer_than_its_signal():
    found, _ = changed(np.full((50, 1, 4), 9, np.int8), AugmentPlan(blank=128))
    assert {int((one == 0).sum()) for one in found} == {0, 1, 2, 3, 4}
