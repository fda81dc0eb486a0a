"""The width test: what narrow layers cost, and which of them a network needs to fit."""

from dataclasses import replace
from io import StringIO

import pytest

from ai8x_models.layers.policy import QatPolicy
from ai8x_models.training.logs import Console
from ai8x_models.training.loop import train
from ai8x_models.training.recipe_file import parse_recipe
from ai8x_models.training.search.figures import Figures, find_compiler
from ai8x_models.training.width_test import Width, find_widths, narrowed
from max78000.errors import CapacityError, InputError, ProblemList, UnsupportedError

WIDTHS = (Width("big", 1000, 0.2), Width("cheap", 100, 0.001), Width("dear", 100, 0.5))


def fitting(*needed):
    """A compiler that takes the network once these are narrow."""

    def fits(policy):
        if lacking := set(needed) - policy.overrides.keys():
            raise CapacityError(f"too large: {', '.join(sorted(lacking))}")
        return Figures(1, 1, 1.0, 1.0)

    return fits


@pytest.mark.parametrize(
    ("needed", "narrow"),
    [
        ((), set()),
        (("cheap",), {"cheap"}),
        (("big",), {"big"}),  # the cheaper one, tried before it, is widened again
        (("cheap", "dear"), {"cheap", "dear"}),
    ],
)
def test_no_more_layers_than_needed_are_narrow(needed, narrow):
    found = narrowed(1.0, WIDTHS, QatPolicy(0), fitting(*needed))
    assert found.overrides == dict.fromkeys(narrow, 4)
    assert [one.layer for one in found.widths] == ["cheap", "big", "dear"]
    assert found.to_text().count("narrow") == len(narrow)


def test_what_never_fits_is_refused_with_the_compilers_reason():
    with pytest.raises(CapacityError, match="4 bits in every layer: too large: other"):
        narrowed(1.0, WIDTHS, QatPolicy(0), fitting("other"))


def test_what_is_not_too_large_is_refused_at_once():
    asked = []

    def fits(policy):
        asked.append(policy)
        raise ProblemList([CapacityError("too large"), UnsupportedError("a kernel of 5x5")])

    with pytest.raises(ProblemList, match="a kernel of 5x5"):
        narrowed(1.0, WIDTHS, QatPolicy(0), fits)
    assert len(asked) == 1


def test_untrained_weights_are_not_measured(toy):
    with pytest.raises(InputError, match="starts from nothing"):
        find_widths(toy_recipe(), find_compiler(), Console(StringIO()))


def toy_recipe():
    text = "name: toy\nmodel: DigitNet\nepochs: 1\nbatch_size: 8\n"
    return parse_recipe(f"{text}data: {{name: digits, train_count: 64}}\n", "toy.yaml")


@pytest.mark.long
def test_layers_of_a_trained_network_are_measured(toy):
    """The real compiler, but for a chip with less memory than DigitNet takes at 8 bits."""
    start = train(toy_recipe(), Console(StringIO()))
    recipe = replace(toy_recipe(), name="narrow", start_from=start)
    compiler = find_compiler()
    whole = find_widths(recipe, compiler, Console(StringIO()))
    assert not whole.overrides
    assert len({one.rise for one in whole.widths}) == len(whole.widths)  # each was measured
    limit = whole.figures.weight_bytes - 1

    def small(*paths, is_streamed):
        report = compiler(*paths, is_streamed=is_streamed)
        if report["weights"]["used"] > limit:
            raise CapacityError(f"takes {report['weights']['used']} bytes of {limit}")
        return report

    found = find_widths(recipe, small, Console(StringIO()))
    assert len(found.overrides) == 1
    assert found.figures.weight_bytes < whole.figures.weight_bytes
    assert replace(recipe.qat or QatPolicy(0), overrides=found.overrides).weight_bits == 8
    assert not recipe.run_folder.exists()
