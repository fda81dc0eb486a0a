"""The range test: rates rise, the loss falls and flies up, and a rate between is suggested."""

from io import StringIO
from xml.etree import ElementTree

import pytest

from ai8x_models.training.logs import Console
from ai8x_models.training.range_test import HIGHEST, LOWEST, RangeTest, draw_rates, find_rate, table
from ai8x_models.training.recipe_file import parse_recipe
from max78000.errors import ToolError

FOUND = RangeTest((1e-5, 1e-4, 1e-3, 1e-2, 1e-1), (2.0, 1.5, 1.0, 0.5, 3.0))


def test_a_tenth_of_the_best_rate_is_suggested():
    assert FOUND.suggestion == pytest.approx(1e-3)
    with pytest.raises(ToolError, match="the loss falls at no rate"):
        _ = RangeTest((1e-6, 1e-5), (1.0, 2.0)).suggestion


def test_the_picture_has_the_curve_and_the_rate(tmp_path):
    draw_rates(tmp_path / "new" / "rates.svg", FOUND)
    text = (tmp_path / "new" / "rates.svg").read_text()
    ElementTree.fromstring(text)
    assert "suggested: 1.0e-03" in text
    (points,) = (line for line in text.splitlines() if "polyline" in line)
    assert points.count(",") == len(FOUND.rates)
    assert len(table(FOUND, 3)) == 3


@pytest.mark.long
def test_a_network_is_tried(toy):
    text = "name: toy\nmodel: DigitNet\nepochs: 2\nbatch_size: 8\n"
    recipe = parse_recipe(f"{text}data: {{name: digits, train_count: 64}}\n", "toy.yaml")
    found = find_rate(recipe, Console(StringIO()))
    assert found.rates[0] == pytest.approx(LOWEST)
    assert list(found.rates) == sorted(found.rates)
    assert 1e-4 < found.suggestion < HIGHEST / 5
    assert not recipe.run_folder.exists()
