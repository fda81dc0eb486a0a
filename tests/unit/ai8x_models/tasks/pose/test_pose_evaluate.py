"""Scores of made-up models on a small set of drawn figures; the oracle meets its ceiling."""

import json
import math
from types import SimpleNamespace

import numpy as np
import pytest

from ai8x_models.tasks.pose.data.cache import PoseCache, build_cache
from ai8x_models.tasks.pose.data.targets import draw_targets
from ai8x_models.tasks.pose.evaluate import (
    COLUMNS,
    HEADING,
    evaluate_maps,
    evaluate_oracle,
    table_rows,
)
from ai8x_models.tasks.pose.figures.figures import PRESETS, StickFigures
from max78000.command.table import table_lines
from max78000.errors import InputError

pytestmark = pytest.mark.long  # seconds each

N_IMAGES = 40


@pytest.fixture(scope="module")
def caches(tmp_path_factory):
    folder = tmp_path_factory.mktemp("caches")
    return {
        name: PoseCache.open(
            build_cache(folder / f"{name}.h5", StickFigures(PRESETS[name]), "validation", N_IMAGES)
        )
        for name in ("single", "scene")
    }


def perfect(cache, noise=0.0, one=None):
    """A model that knows the targets of the pictures in the order of the cache."""
    rng = np.random.default_rng(5)
    n_seen = 0

    def predict(images):
        nonlocal n_seen
        assert images.dtype == np.uint8
        assert np.array_equal(images, cache.images[n_seen : n_seen + len(images)])
        batch = range(n_seen, n_seen + len(images))
        n_seen += len(images)
        maps = []
        for drawn in zip(*(draw_targets(cache.people(i).keypoints) for i in batch), strict=True):
            stacked = np.stack(drawn)
            stacked = stacked + rng.normal(0, noise, stacked.shape)
            maps.append(np.rint(stacked * one).astype(np.int32) if one else stacked)
        return tuple(maps)

    return predict


def nothing(images):
    return np.zeros((len(images), 19, 16, 16)), np.zeros((len(images), 38, 16, 16))


@pytest.mark.parametrize(("preset", "least_ap"), [("single", 0.98), ("scene", 0.93)])
def test_oracle_reaches_the_ceiling_of_the_specification(caches, preset, least_ap):
    metrics = evaluate_oracle(caches[preset])
    assert metrics.n_images == N_IMAGES
    assert metrics.ap > least_ap
    assert metrics.ap50 >= metrics.ap75 > least_ap
    assert metrics.pck > 0.97
    assert (metrics.heat_mse, metrics.paf_mse) == (0, 0)
    assert metrics.people_predicted == pytest.approx(metrics.people_true, abs=0.1)


def test_a_perfect_model_equals_the_oracle(caches):
    assert evaluate_maps(perfect(caches["scene"]), caches["scene"]) == evaluate_oracle(
        caches["scene"]
    )


@pytest.mark.parametrize("one", [128, 16384])
def test_integer_maps_are_decoded_as_integers_and_score_as_well(caches, one):
    cache = caches["single"]
    metrics = evaluate_maps(perfect(cache, one=one), cache, one=one)
    assert metrics.ap == pytest.approx(evaluate_oracle(cache).ap, abs=0.01)
    assert 0 < metrics.heat_mse < 0.25 / one**2
    with pytest.raises(InputError, match="float"):
        evaluate_maps(perfect(cache), cache, one=one)


def test_noise_costs_score_and_shows_in_the_errors(caches):
    cache = caches["single"]
    metrics = evaluate_maps(perfect(cache, noise=0.1), cache)
    assert 0.2 < metrics.ap < 0.95
    assert metrics.heat_mse == pytest.approx(0.01, rel=0.02)
    assert metrics.paf_mse == pytest.approx(0.01, rel=0.02)


def test_a_dead_model_scores_zero(caches):
    metrics = evaluate_maps(nothing, caches["single"])
    assert (metrics.ap, metrics.ar, metrics.pck, metrics.people_predicted) == (0, 0, 0, 0)
    assert metrics.people_true == 1
    assert metrics.heat_mse > 0


def test_progress(caches):
    seen = []
    evaluate_maps(nothing, caches["single"], progress=lambda *n: seen.append(n))
    assert seen == [(32, 40), (40, 40)]


def test_wrong_maps_are_refused_with_both_shapes(caches):
    with pytest.raises(
        InputError, match=r"\(32, 38, 16, 16\) and \(32, 19, 16, 16\), expected \(32, 19"
    ):
        evaluate_maps(lambda images: nothing(images)[::-1], caches["single"])


def test_metrics_as_json_and_as_a_table(caches):
    dead, ceiling = evaluate_maps(nothing, caches["single"]), evaluate_oracle(caches["single"])
    values = json.loads(json.dumps(ceiling.to_json(), allow_nan=False))
    assert values["ap"] == ceiling.ap
    assert values["ap_interval"] == list(ceiling.ap_interval)
    assert list(values["pck_by_group"]) == list(COLUMNS[-7:])
    lines = list(table_lines(HEADING, table_rows({"tiny, int8": dead}, ceiling)))
    assert [len(line) for line in lines] == [len(lines[0])] * 3
    interval = ("0.000", "0.000..0.000")
    assert lines[1].split()[:9] == ["tiny,", "int8", "40", *interval, *["0.000"] * 4]
    assert lines[2].split()[7] == "1.000"
    assert table_rows({"tiny": dead})[0][7] == "-"


def test_a_set_without_people_has_no_score(caches):
    cache = caches["scene"]
    empty = next(i for i in range(cache.count) if len(cache.people(i).area) == 0)
    only = SimpleNamespace(
        count=1,
        preset=cache.preset,
        images=cache.images[[empty]],
        loss_mask=cache.loss_mask[[empty]],
        people=lambda _: cache.people(empty),
    )
    alone = evaluate_maps(nothing, only)
    assert math.isnan(alone.ap)
    assert alone.to_json()["ap"] is alone.to_json()["ap_interval"] is None
    assert alone.to_json()["pck_by_group"]["hips"] is None
    assert alone.to_row("none")[2] == "-"
