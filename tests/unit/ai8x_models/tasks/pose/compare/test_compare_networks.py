"""`ai8x compare` from the command line: costs of known networks, and files that say the same."""

import json
import xml.etree.ElementTree as ET
from dataclasses import replace
from io import StringIO
from pathlib import Path

import numpy as np
import pytest

from ai8x_models.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from ai8x_models.layers.qat import start_qat
from ai8x_models.tasks.pose.compare.compared import compare_networks
from ai8x_models.tasks.pose.compare.costs import costs_of, widths_of
from ai8x_models.tasks.pose.compare.expectations import EXPECTATIONS
from ai8x_models.tasks.pose.compare.named import Named
from ai8x_models.tasks.pose.compare.report import Comparison
from ai8x_models.tasks.pose.data.cache import PoseCache, build_cache
from ai8x_models.tasks.pose.evaluate import evaluate_oracle
from ai8x_models.tasks.pose.figures.figures import PRESETS, StickFigures
from ai8x_models.tasks.pose.predictor import Predictor
from ai8x_models.training.logs import Console
from ai8x_models.training.recipe_file import read_recipe
from ai8x_models.training.search.figures import find_compiler
from ai8x_models.zoo.load import load_model
from ai8x_models.zoo.registry import create_model
from max78000.errors import CapacityError

pytestmark = pytest.mark.long

CHECKPOINTS = Path(__file__).parents[6] / "checkpoints"
COUNT = 12


@pytest.fixture
def shipped():
    return [
        CHECKPOINTS / name
        for name in ("pose_student.pth.tar", "pose_tiny.pth.tar", "pose_tiny-q.pth.tar")
    ]


def test_the_shipped_networks_are_compared(ai8x, shipped, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    student, _, integers = shipped
    arguments = ("compare", f"big={student}", integers, "--preset", "scene", "--count", COUNT)
    status, out, err = ai8x(*arguments)
    assert status == 0
    assert "asking the compiler about big" in err
    assert out == Path("build/compare/compare.md").read_text()
    assert "| big | 656,889 | 655,776 | 348.1 |" in out
    assert "| pose_tiny-q | 501,409 | 10.03 |" in out
    assert "big does not fit as it is: weights need 660,384 bytes of 442,368" in out
    assert "those with 4 bits in all layers" in out
    assert all(f"| {one.title} |" in out for one in EXPECTATIONS)
    data = json.loads(Path("build/compare/compare.json").read_text())
    assert [row["numbers"] for row in data["networks"]] == ["float", "integer"]
    assert data["networks"][1]["costs"]["chip"]["cycles"] == 501_409
    page = Path("build/compare/compare.html").read_text()
    for picture in Path("build/compare").glob("*.svg"):
        assert picture.read_text() in page
        circles = ET.fromstring(picture.read_text()).findall(".//{*}circle")
        assert sorted(one.get("fill") for one in circles) == ["#1b6ca8", "none"]


def test_scores_are_those_of_evaluate(ai8x, shipped, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = shipped[2]
    status, out, _ = ai8x("compare", f"tiny={path}", "--count", COUNT, "--json")
    assert status == 0
    (row,) = json.loads(out)["networks"]
    _, out, _ = ai8x("evaluate", path, "--count", COUNT, "--json")
    (evaluated,) = (one for name, one in json.loads(out).items() if name != "ceiling")
    assert {name: evaluated[name] for name in row["scores"]} == row["scores"]


def test_files_are_read_before_any_work(ai8x, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    status, out, err = ai8x("compare", "mine=none.pth.tar", "--count", COUNT)
    assert (status, out) == (2, "")
    assert "none.pth.tar" in err
    assert not list(tmp_path.iterdir())


def test_widths_of_integers_are_asked_about(shipped):
    asked = []

    def compiler(_network, checkpoint, _sample, *, is_streamed):
        assert not is_streamed
        model = create_model("TinyStudentModel")
        model.load_state_dict(load_checkpoint(checkpoint).state_dict)
        asked.append(widths_of(model))
        raise CapacityError("too much", fix="less")

    costs = costs_of(Predictor.load(shipped[2]), compiler)
    assert (costs.chip, costs.refusal) == (None, "too much")
    assert costs.power_mw(1) is None
    assert asked[0] == {}
    assert [set(one.values()) for one in asked[1:]] == [{4}, {2}, {1}]


def test_power_grows_with_answers_until_the_chip_is_busy(shipped):
    costs = costs_of(Predictor.load(shipped[2]), find_compiler())
    powers = [costs.power_mw(rate) for rate in (0, 1, 10, costs.most_per_second)]
    assert powers[0] == 20
    assert all(np.diff(powers) > 0)
    assert costs.power_mw(costs.most_per_second * 1.01) is None


def test_narrow_weights_of_a_checkpoint_count(shipped, tmp_path):
    """The Student with 4 bits in seven layers fits, as its recipe says."""
    model = load_model(shipped[0])
    start_qat(model, read_recipe(CHECKPOINTS.parent / "ai8x_models/recipes/student_qat.yaml").qat)
    path = tmp_path / "narrow.pth.tar"
    save_checkpoint(path, Checkpoint("StudentModel", 1, model.state_dict()))
    costs = costs_of(Predictor.load(path), find_compiler())
    assert (costs.refusal, costs.chip_bits) == ("", None)
    assert costs.weight_bytes < 400_000
    assert costs.cycles > 1_000_000


def test_a_network_of_a_file_is_compared_by_its_checkpoint(ai8x, shipped, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("mine.py").write_text(
        "from ai8x_models.zoo.pose import TinyStudentModel\n\n\n"
        "def Mine():\n    return TinyStudentModel()\n"
    )
    extras = {"task": "pose", "model": "mine.py:Mine", "shape": (3, 128, 128)}
    state = load_checkpoint(shipped[1]).state_dict
    save_checkpoint(Path("mine.pth.tar"), Checkpoint("Mine", 1, state, extras))
    names = ("mine=mine.pth.tar", f"tiny={shipped[1]}")
    status, out, err = ai8x("compare", *names, "--count", COUNT, "--json")
    assert status == 0, err
    mine, tiny = json.loads(out)["networks"]
    assert (mine["network"], tiny["network"]) == ("Mine", "TinyStudentModel")
    assert mine["costs"] == tiny["costs"]
    # The shipped one has a score from which its people are shown, the other the best one here.
    of_shown = ("shown_score", "f1", "false_people")
    scores = [
        {name: score for name, score in row["scores"].items() if name not in of_shown}
        for row in (mine, tiny)
    ]
    assert scores[0] == scores[1]
    low, high = tiny["scores"]["ap_interval"]
    assert low < tiny["scores"]["ap"] < high


def test_names_are_given_or_taken_from_files():
    assert Named.parse("a b=x/y.pth.tar") == Named("a b", Path("x/y.pth.tar"))
    assert Named.parse("x/y-q.pth.tar") == Named("y-q", Path("x/y-q.pth.tar"))
    assert Named.parse("runs/lr=1/q.pth.tar") == Named("q", Path("runs/lr=1/q.pth.tar"))


def test_names_must_tell_networks_apart(ai8x):
    status, _, err = ai8x("compare", "a/best.pth.tar", "b/best.pth.tar", "mine=", "=c.pth.tar")
    assert status == 2
    assert err == (
        "ai8x: best: 2 networks are called so (name them: NAME=FILE)\n"
        "mine=: names no file (NAME=FILE)\n"
        "=c.pth.tar: has no name (NAME=FILE, or FILE alone)\n"
    )


def test_pictures_without_anybody_are_told_so(shipped, tmp_path):
    cache = PoseCache.open(
        build_cache(tmp_path / "some.h5", StickFigures(PRESETS["single"]), "validation", 2)
    )
    empty = replace(cache, person_start=np.zeros(3, np.int32))
    network = Predictor.load(shipped[2])
    rows = compare_networks(
        [(Named("tiny", shipped[2]), network)], empty, find_compiler(), Console(StringIO())
    )
    comparison = Comparison(rows, evaluate_oracle(empty), "nobody")
    comparison.write(tmp_path / "out")
    assert "nobody to find" in comparison.to_markdown()
    assert "nan" not in (tmp_path / "out/compare-time.svg").read_text()
