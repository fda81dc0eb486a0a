"""Recipes: what is right is read, and every problem of a wrong one is named with its line."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ai8x_models.layers.policy import Ranges
from ai8x_models.training.recipe_file import parse_recipe, read_recipe
from max78000.errors import InputError, ProblemList, ToolError

RECIPES = sorted((Path(__file__).parents[4] / "ai8x_models" / "recipes").glob("*.yaml"))
SMALLEST = """\
name: small
model: TinyStudentModel
epochs: 2
data:
  preset: single
  train_count: 64
"""


def problem_of(text):
    with pytest.raises(ToolError) as caught:
        parse_recipe(text, "r.yaml")
    return str(caught.value)


def test_defaults_fill_a_small_recipe():
    recipe = parse_recipe(SMALLEST, "r.yaml")
    assert recipe.run_folder == Path("runs/small")
    assert recipe.distill is None
    assert recipe.qat is None
    assert recipe.precision == "float32"


def test_all_parts_are_read():
    recipe = parse_recipe(
        SMALLEST
        + """\
optimizer: {peak_rate: 4e-3}
augment:
  flip: false
start_from: checkpoints/a.pth.tar
distill:
  teacher: checkpoints/b.pth.tar
  decay: true
qat:
  start_epoch: 1
  overrides:
    conv1: 4
""",
        "r.yaml",
    )
    assert recipe.optimizer.peak_rate == 0.004  # YAML 1.1 calls 4e-3 a text
    assert recipe.augment.flip is False
    assert recipe.start_from == Path("checkpoints/a.pth.tar")
    assert recipe.distill is not None
    assert recipe.distill.teacher == Path("checkpoints/b.pth.tar")
    assert recipe.distill.decay is True
    assert recipe.qat is not None
    assert dict(recipe.qat.overrides) == {"conv1": 4}


def test_null_means_none():
    assert parse_recipe(SMALLEST + "distill: null\n", "r.yaml").distill is None


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_shipped_recipes_are_named_after_their_file(path):
    assert read_recipe(path).name == path.stem


def test_there_are_shipped_recipes():
    assert {"student_float", "tiny_float", "tiny_qat", "tiny_demo"} <= {p.stem for p in RECIPES}


def test_both_arms_of_the_comparison_differ_in_the_teacher_alone():
    arms = {p.stem: read_recipe(p) for p in RECIPES if p.stem.startswith("compare_")}
    plain, distilled = arms["compare_plain"], arms["compare_distilled"]
    for name in plain.__dataclass_fields__:
        if name not in ("name", "distill"):
            assert getattr(plain, name) == getattr(distilled, name), name
    assert plain.distill is None
    assert distilled.distill is not None


def test_every_problem_is_reported_at_once_with_its_line():
    text = """\
name: small
model: TinyStudentModel
epochs: many
epoch: 3
data:
  preset: crowd
  train_count: 0
  folders: x
augment:
  flip: perhaps
"""
    with pytest.raises(ProblemList) as caught:
        parse_recipe(text, "r.yaml")
    message = str(caught.value)
    assert caught.value.exit_code == InputError.exit_code
    for part in (
        "r.yaml:3 epochs: must be a whole number, is 'many'",
        "r.yaml:4 epoch: is an unknown key (known are: name, model,",
        "r.yaml:6 data.preset: must be one of: single, scene, bodies, bodies_photos, pasted, coco, "
        "crops, photos, is crowd",
        "r.yaml:7 data.train_count: must be at least 1 and at most 1e+06, is 0",
        "r.yaml:8 data.folders: is an unknown key",
        "r.yaml:10 augment.flip: must be true or false, is 'perhaps'",
    ):
        assert part in message
    assert len(message.splitlines()) == 6


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "r.yaml: is empty (start from a file in ai8x_models/recipes/)"),
        ("- a\n", "r.yaml:1: must be `key: value` lines"),
        ("? [a]\n: b\n", "r.yaml:1: is not valid YAML: a key is a list or a mapping"),
        ("a: [1\n", "r.yaml:2: is not valid YAML: "),
        (SMALLEST + "seed: 1\nseed: 2\n", "r.yaml:8 seed: is given twice"),
        (SMALLEST + "seed: [1]\n", "r.yaml:7 seed: must be a whole number"),
        (SMALLEST + "seed: 1.5\n", "r.yaml:7 seed: must be a whole number, is '1.5'"),
        (SMALLEST + "optimizer: 3\n", "r.yaml:7 optimizer: must be `key: value` lines"),
        (SMALLEST + "optimizer: {peak_rate: .nan}\n", "peak_rate: must be a number, is '.nan'"),
        (SMALLEST + "distill: {share: 0.5}\n", "r.yaml:7 distill.teacher: is missing"),
        (SMALLEST + "qat: {start_epoch: 0, weight_bits: 3}\n", "3 bits is not a weight width"),
        (SMALLEST + "qat: {start_epoch: 0, overrides: 4}\n", "must be `name: number` lines"),
        (
            SMALLEST + "qat: {start_epoch: 0, ranges: wide}\n",
            "must be fixed or measured, is 'wide'",
        ),
        (
            SMALLEST + "qat: {start_epoch: 0, ranges: [1]}\n",
            "qat.ranges: must be fixed or measured",
        ),
        (SMALLEST + "qat: {start_epoch: 2}\n", "qat.start_epoch 2 is never reached in 2 epochs"),
        (SMALLEST + "batch_size: 65\n", "batch_size 65 is more than train_count 64"),
        (SMALLEST.replace("small", "../up"), "name: '../up' cannot be a folder name"),
        (SMALLEST.replace("model: TinyStudentModel\n", ""), "r.yaml:1 model: is missing"),
    ],
)
def test_message(text, message):
    assert message in problem_of(text)


def test_ranges_and_tables_of_qat():
    text = "qat: {start_epoch: 0, ranges: measured, quantile_overrides: {conv1: 0.99}}\n"
    recipe = parse_recipe(SMALLEST + text, "r.yaml")
    assert recipe.qat.ranges is Ranges.MEASURED
    assert recipe.qat.shift_quantile_of("conv1") == 0.99


@given(st.text(max_size=60))
def test_any_text_is_a_recipe_or_a_refusal(text):
    with pytest.raises(ToolError):
        parse_recipe(text, "r.yaml")


@pytest.mark.long
@given(st.lists(st.sampled_from(SMALLEST.splitlines()), max_size=8))
def test_any_order_of_lines_is_a_recipe_or_a_refusal(lines):
    try:
        recipe = parse_recipe("\n".join(lines), "r.yaml")
    except ToolError:
        return
    assert recipe.model == "TinyStudentModel"


def test_a_file_that_cannot_be_read(tmp_path):
    with pytest.raises(InputError, match="cannot be read: No such file or directory"):
        read_recipe(tmp_path / "none.yaml")
    binary = tmp_path / "binary.yaml"
    binary.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="is not UTF-8 text"):
        read_recipe(binary)


def test_keys_of_data_are_told_with_their_lines():
    text = SMALLEST.partition("data:")[0].replace("TinyStudentModel", "net.py:Net")
    text += "task: classification\ndata:\n  source: a\n  rate: 10\n  workers: -1\n  ratee: 3\n"
    text += "  classes: up\n  silence: some\n  shape: [0]\n"
    assert [line.partition(" (")[0] for line in problem_of(text).splitlines()] == [
        "r.yaml:7 data.rate: must be at least 1000 and at most 192000, is 10",
        "r.yaml:8 data.workers: must be at least 0 and at most 256, is -1",
        "r.yaml:9 data.ratee: is an unknown key",
        "r.yaml:10 data.classes: must be a list: each entry a text",
        "r.yaml:11 data.silence: must be a whole number, is 'some'",
    ]
