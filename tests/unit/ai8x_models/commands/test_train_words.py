"""`ai8x train` without a recipe, and verbs that the checkpoint's task decides."""

from pathlib import Path

import pytest

from ai8x_models.training.recipe_options import RecipeWords
from max78000.errors import InputError


def test_words_become_a_recipe():
    recipe = RecipeWords("DigitNet", "toy:digits", 9, batch_size=16, weight_bits=4).recipe()
    assert (recipe.name, recipe.task, recipe.batch_size) == ("digitnet", None, 16)
    assert recipe.data.source == "toy:digits"
    assert (recipe.qat.start_epoch, recipe.qat.weight_bits) == (6, 4)
    named = RecipeWords("a/net.py:My_Net", "x.npz", 2, task="classification", peak_rate=0.1)
    assert named.recipe().name == "my_net"
    assert named.recipe().optimizer.peak_rate == 0.1
    shaped = RecipeWords("net.py:Net", "pets", 2, shape=(3, 64, 64), task="classification")
    assert shaped.recipe().data.shape == (3, 64, 64)


def test_a_policy_file_is_taken_whole(tmp_path):
    policy = tmp_path / "policy.yaml"
    policy.write_text("start_epoch: 1\nweight_bits: 8\noverrides:\n  conv2: {weight_bits: 2}\n")
    qat = RecipeWords("DigitNet", "toy:digits", 9, policy=policy).recipe().qat
    assert (qat.start_epoch, qat.weight_bits, qat.overrides) == (1, 8, {"conv2": 2})


def test_words_are_checked_as_a_recipe_is():
    with pytest.raises(InputError, match="command line:2 model: nothing says what it is to learn"):
        RecipeWords("net.py:Net", "x", 9).recipe()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "give a recipe, or --model, --data, --epochs"),
        (("a.yaml", "--config", "a.yaml"), "RECIPE and --config are the same"),
        (("a.yaml", "--epochs", 3), "for runs without a recipe"),
        (("nowhere.yaml",), "nowhere.yaml: cannot be read"),
        (("a.yaml", "--input", "3x8x8"), "for runs without a recipe"),
    ],
)
def test_misuse_is_explained(ai8x, arguments, message):
    status, _, err = ai8x("train", *arguments)
    assert (status, message in err) == (2, True), err


def test_help_without_a_checkpoint_is_that_of_every_task(ai8x):
    status, out, _ = ai8x("evaluate", "--help")
    assert status == 0
    assert "With a checkpoint for any other task:" in out
    assert "With a checkpoint for pose:" in out
    assert out.count("Examples:") == 2


def test_what_is_no_checkpoint_is_for_the_shipped_task_to_refuse(ai8x, tmp_path):
    damaged = tmp_path / "damaged.pth.tar"
    damaged.write_text("no weights")
    status, _, err = ai8x("predict", "x.png", "--checkpoint", damaged)
    assert (status, str(damaged) in err) == (2, True)
    assert Path("poses").exists() is False
