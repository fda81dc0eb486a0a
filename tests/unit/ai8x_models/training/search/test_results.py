"""Tables and the picture of a search."""

import csv
import json
from io import StringIO
from xml.etree import ElementTree

import pytest

pytest.importorskip("optuna", reason="of the extra `train`")

from ai8x_models.training.search.search import search
from ai8x_models.training.search.stored import write_results

pytestmark = pytest.mark.long


@pytest.fixture
def results(plan, figures_only):
    return search(plan, 14, StringIO())


def dominates(one, other):
    first, second = ((row.score, *(-row.figures[name] for name in ("cycles", "weight_bytes")))
                     for row in (one, other))  # fmt: skip
    return first != second and all(a >= b for a, b in zip(first, second, strict=True))


def test_the_front_is_what_nothing_beats(results):
    for row in results.trained:
        assert row.is_best != any(dominates(other, row) for other in results.trained)
    assert 0 < len(results.trained) < 14  # some were given up


def test_the_text_shows_the_front_and_counts_the_rest(results):
    lines = results.to_text().splitlines()
    assert lines[0].split()[:4] == ["trial", "accuracy", "95", "%"]
    assert [int(line.split()[0]) for line in lines[1 : len(results.front) + 1]] == [
        row.number for row in results.front
    ]
    assert f"14 trials: {len(results.front)} best compromises of" in results.to_text()
    assert "  1 x " in results.to_text()
    assert "is too wide" in results.to_text()


def test_tables_for_other_programs_have_every_trial(results):
    rows = list(csv.DictReader(StringIO(results.to_csv())))
    data = json.loads(results.to_json())
    assert len(rows) == len(data["trials"]) == 14
    assert (data["family"], data["score"]) == ("pictures", "accuracy")
    for row, trial in zip(rows, data["trials"], strict=True):
        assert int(row["width"]) == trial["params"]["width"]
        assert (row["cycles"] or None) == (trial["cycles"] and str(trial["cycles"]))
        assert row["reason"] == trial["reason"]


def test_the_picture_has_a_circle_for_every_network(results, tmp_path):
    *tables, picture = write_results(tmp_path, results)
    assert [path.name for path in tables] == ["results.csv", "results.json"]
    names = [one.tag.partition("}")[2] for one in ElementTree.parse(picture).iter()]
    assert names.count("circle") == len(results.trained)
    for one in ElementTree.parse(picture).iter("{http://www.w3.org/2000/svg}circle"):
        assert 0 < float(one.get("cx")) < 720
        assert 0 < float(one.get("cy")) < 440
