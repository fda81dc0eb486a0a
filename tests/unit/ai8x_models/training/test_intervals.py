"""Confidence intervals by their definitions."""

import math

import numpy as np
import pytest

from ai8x_models.training.intervals import bootstrap_interval, wilson_interval


def test_wilson_s_interval_by_its_definition():
    """Its ends are the shares from which what was seen is z deviations away."""
    low, high = wilson_interval(7, 20)
    for end in (low, high):
        assert abs(7 / 20 - end) == pytest.approx(1.959964 * math.sqrt(end * (1 - end) / 20))
    assert wilson_interval(5, 5)[1] == 1
    assert 0 == wilson_interval(0, 5)[0] < wilson_interval(0, 5)[1] < 0.5


def test_the_bootstrap_of_a_mean_is_its_standard_error():
    values = np.random.default_rng(0).normal(5, 2, 400)
    low, high = bootstrap_interval(400, lambda counts: counts @ values / counts.sum(axis=1))
    assert (high - low) / 2 == pytest.approx(1.96 * values.std() / 20, rel=0.1)
    assert low < values.mean() < high


def test_a_score_that_no_draw_has_has_no_interval():
    low, high = bootstrap_interval(3, lambda counts: counts[:, :2] * [1, np.nan])
    assert low[0] <= high[0]
    assert np.isnan([low[1], high[1]]).all()
