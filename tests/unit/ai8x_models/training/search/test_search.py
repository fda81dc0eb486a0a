"""Real trials: networks are drawn, asked for their cycles, trained, and come back as files."""

import json
import subprocess
import sys
from dataclasses import replace
from io import StringIO
from pathlib import Path

import pytest
from click.testing import CliRunner

from max78000.errors import ToolError

pytest.importorskip("optuna", reason="of the extra `train`")

from ai8x_models.commands.main import cli
from ai8x_models.training.recipe_text import recipe_text
from ai8x_models.training.search.search import search

pytestmark = pytest.mark.long

ARGUMENTS = ("search", "pictures", "--config", "recipe.yaml", "--trials", "2", "--name", "small")
JOURNAL = "runs/small-search/journal.log"


def test_what_does_not_fit_is_not_trained(plan, no_compiler):
    stream = StringIO()
    with pytest.raises(ToolError, match=r"none of 3 networks was trained; .*more than there is"):
        search(plan, 3, stream)
    assert stream.getvalue().count("given up: needs more than there is") == 3
    assert not (plan.journal.parent / "runs").exists()
    assert len(list((plan.journal.parent / "models").glob("*.py"))) == 3


def test_limits_are_asked_before_training(plan):
    limited = replace(plan, limits={"cycles": 10})
    with pytest.raises(ToolError, match=r"cycles, at most 10"):
        search(limited, 1, StringIO())
    assert not (plan.journal.parent / "runs").exists()


def test_narrow_weights_are_those_between_the_first_layer_and_the_last(plan):
    policy = plan.policy(2, ("conv2", "conv3"))
    assert dict(policy.overrides) == {"conv2": 2, "conv3": 2}
    assert (policy.weight_bits, policy.start_epoch) == (8, 1)
    assert not plan.policy(8, ("conv2",)).overrides
    bare = replace(plan, recipe=replace(plan.recipe, qat=None, epochs=9))
    assert bare.policy(4, ("conv2",)).start_epoch == 6


@pytest.mark.slow
def test_a_found_network_is_trained_again_with_its_own_figures(plan):
    Path("recipe.yaml").write_text(recipe_text(plan.recipe))
    runner = CliRunner()
    found = runner.invoke(cli, [*ARGUMENTS, "--json"], catch_exceptions=False)
    trials = json.loads(found.stdout)["trials"]
    assert len(trials) == 2
    best = next(trial for trial in trials if trial["is_best"])
    words = ["search", "--study", JOURNAL, "--write-model", str(best["trial"]), "--out", "found"]
    shown = runner.invoke(cli, words, catch_exceptions=False)
    assert f"{best['cycles']:,}" in shown.stdout
    refused = runner.invoke(cli, words)
    assert "is there already" in str(refused.exception)
    ai8x = Path(sys.executable).with_name("ai8x")
    said = subprocess.run(
        [ai8x, "train", "recipe.yaml"], cwd="found", check=True, text=True, capture_output=True
    ).stdout
    checkpoint, integers = Path("found", said.strip()), Path("found/q.pth.tar")
    again = runner.invoke(cli, ["quantize", str(checkpoint), str(integers)])
    assert not again.exit_code, again.output
    scores = evaluated(integers.resolve(), plan)
    assert scores == best["score"]
    assert {path.name for path in Path("runs/small-search").iterdir()} >= {
        *("front.svg", "results.csv", "results.json", "models", "runs"),
    }


@pytest.mark.slow
def test_two_workers_share_the_trials(plan):
    ai8x = Path(sys.executable).with_name("ai8x")
    Path("recipe.yaml").write_text(recipe_text(plan.recipe))
    done = subprocess.run(
        [ai8x, *ARGUMENTS, "--workers", "2", "--json"], check=True, text=True, capture_output=True
    )
    trials = json.loads(done.stdout)["trials"]
    assert len(trials) == 2
    assert len({str(trial["params"]) for trial in trials}) == 2
    assert sum(": accuracy" in line or "given up" in line for line in
               done.stderr.splitlines()) == 2  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("pictures",), "give --data, or a recipe with --config"),
        (("pictures", "--data", "x", "--config", "y"), "give --data, or a recipe with --config"),
        (("pictures", "--data", "x", "--bits", "3"), "'3' are no widths; write 8,4,2"),
        (("--write-model", "3"), "--write-model and --out go together"),
        ((), "runs/search-search/journal.log: there is no such search"),
        (("birds", "--data", "data.npz"), "there is no family 'birds'"),
        (("pictures", "--data", "nowhere.npz"), "nowhere.npz"),
    ],
)
def test_wrong_words(arguments, message, plan):
    result = CliRunner().invoke(cli, ["search", *arguments])
    assert message in (result.output + str(result.exception))
    assert not Path("runs/search-search/journal.log").exists()


def evaluated(integers, plan):
    """The score of an integer checkpoint on the validation examples."""
    words = ["evaluate", str(integers), "--split", "validation", "--json"]
    words += ["--model", "found/model.py:Found"]
    rows = json.loads(CliRunner().invoke(cli, words, catch_exceptions=False).stdout)
    return next(iter(rows.values()))["accuracy"]
