"""Schedule files of the vendor's trainer become rates, or are refused with the key."""

from pathlib import Path

import pytest

from ai8x_models.training.optimizer import learning_rate
from ai8x_models.training.recipe_file import parse_recipe
from ai8x_models.training.recipe_text import recipe_text
from ai8x_models.training.schedule_file import read_schedule
from max78000.errors import ToolError

FILE = """\
---
lr_schedulers:
  training_lr:
    class: {scheduler}

policies:
  - lr_scheduler:
      instance_name: training_lr
    starting_epoch: {start}
    ending_epoch: {end}
    frequency: 1
"""
STEPS = "MultiStepLR\n    milestones: [2, 5]\n    gamma: 0.5"


def rates_of(tmp_path, scheduler, epochs=8, start=0, end=100):
    path = tmp_path / "schedule.yaml"
    path.write_text(FILE.format(scheduler=scheduler, start=start, end=end))
    return read_schedule(path, 0.1, epochs)


def test_milestones_are_epochs(tmp_path):
    assert rates_of(tmp_path, STEPS) == pytest.approx({0: 0.1, 2: 0.05, 5: 0.025})


def test_a_policy_counts_from_its_first_epoch_to_its_last(tmp_path):
    assert list(rates_of(tmp_path, STEPS, start=1)) == [0, 3, 6]
    assert list(rates_of(tmp_path, STEPS, end=3)) == [0, 2]


@pytest.mark.parametrize(
    ("scheduler", "last"),
    [
        ("CosineAnnealingLR\n    T_max: 8\n    eta_min: 0.01", 0.01343),
        ("StepLR\n    step_size: 3\n    gamma: 0.1", 0.001),
        ("ExponentialLR\n    gamma: 0.9", 0.1 * 0.9**7),
        ("CosineAnnealingWarmRestarts\n    T_0: 4", 0.1 * 0.14645),
    ],
)
def test_schedulers_are_those_of_torch(tmp_path, scheduler, last):
    rates = rates_of(tmp_path, scheduler)
    assert rates[0] == pytest.approx(0.1)
    assert list(rates.values())[-1] == pytest.approx(last, rel=1e-3)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[", "is not YAML"),
        ("policies: []\n", "lacks `lr_schedulers`"),
        (
            FILE.format(scheduler="LambdaLR", start=0, end=1),
            "schedule.yaml:4 lr_schedulers.training_lr.class: LambdaLR is no scheduler known here",
        ),
        (
            FILE.format(scheduler=f"{STEPS}\n    base: 1", start=0, end=1),
            "schedule.yaml:7 lr_schedulers.training_lr.base: is an unknown key"
            " (MultiStepLR takes milestones, gamma)",
        ),
        (FILE.format(scheduler="StepLR", start=0, end=1), "lacks `step_size`"),
        (FILE.format(scheduler="StepLR\n    step_size: few", start=0, end=1), "must be a number"),
        (FILE.format(scheduler=STEPS, start="soon", end=1), "must be a whole number"),
        (
            FILE.format(scheduler=STEPS, start=0, end=1).replace("instance_name: tr", "name: tr"),
            "name: is an unknown key",
        ),
        (
            FILE.format(scheduler=STEPS, start=0, end=1).replace("  training_lr:", "  other:"),
            "there is no scheduler 'training_lr'",
        ),
        (
            FILE.format(scheduler=STEPS, start=0, end=1) + "pruners:\n  a: {class: L1}\n",
            "schedule.yaml:14 pruners: is not about learning rates",
        ),
    ],
)
def test_message(tmp_path, text, message):
    path = tmp_path / "schedule.yaml"
    path.write_text(text)
    with pytest.raises(ToolError) as caught:
        read_schedule(path, 0.1, 3)
    assert message in str(caught.value)


def test_a_recipe_takes_the_files_of_schedule_and_policy(toy):
    Path("schedule.yaml").write_text(FILE.format(scheduler=STEPS, start=0, end=9))
    policy = "start_epoch: 2\nweight_bits: 8\noutlier_removal_z_score: 6.0\n"
    Path("policy.yaml").write_text(policy)
    text = """\
name: toy
model: DigitNet
epochs: 6
data: {name: digits, train_count: 100}
optimizer: {peak_rate: 0.1, schedule_file: schedule.yaml}
qat: policy.yaml
"""
    recipe = parse_recipe(text, "toy.yaml")
    assert recipe.qat.outlier_removal_z_score == 6
    plan = recipe.optimizer
    assert [learning_rate(plan, 3 * epoch, 18, epoch) for epoch in range(6)] == pytest.approx(
        [0.1, 0.1, 0.05, 0.05, 0.05, 0.025]
    )
    assert parse_recipe(recipe_text(recipe), "again") == recipe  # without the files
