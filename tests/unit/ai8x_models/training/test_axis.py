"""Sides of charts."""

import pytest

from ai8x_models.training.axis import Axis


def test_axes_have_round_numbers_where_they_belong():
    cycles = Axis(900, 60_000, 0, 100, is_log=True)
    assert [round(tick) for tick in cycles.ticks()] == [
        *(1000, 2000, 5000, 10_000, 20_000, 50_000),
    ]
    assert cycles.place(900) == 0
    assert cycles.place(60_000) == pytest.approx(100)
    share = Axis(0.93, 0.981, 100, 0)
    assert [round(tick, 6) for tick in share.ticks()] == [0.94, 0.96, 0.98]
