"""Every option of the vendor's trainer is done, taken, or refused with a reason."""

import re
import shlex
from pathlib import Path

import pytest
from brought import beside

from ai8x_models.commands.train import train
from ai8x_models.commands.train_vendor import train_vendor
from ai8x_models.training.data.source import Answers
from ai8x_models.training.vendor.datasets import DataFacts
from ai8x_models.training.vendor.options import OPTIONS, options_page
from ai8x_models.training.vendor.recipe import recipe_of
from ai8x_models.training.vendor.request import Request
from max78000.command.other_tools import Fate, refusals
from max78000.errors import UnsupportedError

PAGE = Path(__file__).resolve().parents[4] / "docs" / "train-options.md"
VENDOR = beside("vendor")
GIVEN = ("--model", "DigitNet", "--dataset", "toy:digits", "--epochs", "1", "--summary", "model")
# The options of the vendor's trainer of August 2024, from the description of its command line.
NAMES = """
-8 --8-bit-mode -a --arch --model -f --out-fold-ratio --dataset --truncate-testset --data -j
--workers --epochs -b --batch-size --use-bias --avg-pool-rounding --dr --scaf-margin --scaf-scale
--backbone-checkpoint --copy-output-folder --kd-relationbased --qat-policy --nas
--nas-kd-resume-from --nas-policy --nas-stage-transition-list --optimizer --lr --learning-rate
--scaf-lr --momentum --weight-decay --wd --print-freq -p --resume-from --exp-load-weights-from
--pretrained --reset-optimizer -e --evaluate --save-sample --slice-sample --activation-stats
--act-stats --param-hist --summary --summary-filename --yaml-template --compress --deterministic
--det --seed --gpus --cpu --name -n --out-dir -o --validation-split --valid-size --vs --confusion
--embedding --pr-curves --show-train-accuracy --no-tensorboard --enable-tensorboard --tensorboard
--regression --num-best-scores --compiler-mode --compiler-backend --enable-obj-detection
--obj-detection --obj-detection-params --device --kd-teacher --kd-pretrained --kd-resume
--kd-temperature --kd-temp --kd-distill-wt --kd-dw --kd-student-wt --kd-sw --kd-teacher-wt --kd-tw
--kd-start-epoch
"""
BY_NAME = {name: option for option in OPTIONS for name in option.names}


def of(fate):
    return [pytest.param(option, id=option.names[-1]) for option in OPTIONS if option.fate is fate]


def with_value(option, value="7"):
    return [option.names[-1], value] if option.takes_value else [option.names[-1]]


def test_every_option_is_in_the_table():
    assert set(NAMES.split()) <= set(BY_NAME)
    assert len(BY_NAME) == sum(len(option.names) for option in OPTIONS)


def test_every_option_is_known_to_the_command_line():
    known = {}
    for parameter in train_vendor.params:
        known |= dict.fromkeys((*parameter.opts, *parameter.secondary_opts), parameter.hidden)
    assert set(BY_NAME) <= set(known)
    for name, option in BY_NAME.items():
        assert known[name] == (option.fate is not Fate.HERE), name
    assert {name for name in known if name not in BY_NAME} == {"--models-dir", "--datasets-dir"}


@pytest.mark.parametrize("option", of(Fate.REFUSED))
def test_refused_options_give_their_reason(ai8x, option):
    status, out, err = ai8x("train", *GIVEN, *with_value(option))
    assert (status, out) == (4, "")
    why, _, fix = option.why.partition("; ")
    assert err == f"ai8x: {option.names[-1]}: {why} ({fix})\n"


@pytest.mark.parametrize("option", [o for o in OPTIONS if o.neutral], ids=lambda o: o.names[-1])
def test_refused_options_are_taken_with_a_value_that_changes_nothing(option):
    for value in option.neutral:
        given = train_vendor.make_context("train", [*GIVEN, option.names[-1], value]).params
        assert not list(refusals(OPTIONS, given))


@pytest.mark.long
def test_harmless_options_are_taken(ai8x):
    given = [word for o in OPTIONS if o.fate is Fate.HARMLESS for word in with_value(o)]
    assert ai8x("train", *GIVEN, *given) == ai8x("train", *GIVEN)


@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        (("-8",), 2, "-8: integers cannot be trained"),
        (("--resume-from", "a", "--exp-load-weights-from", "b"), 2, "exclude each other"),
        (("--kd-teacher", "x"), 2, "--kd-teacher: an untrained teacher teaches nothing"),
        (("--slice-sample",), 2, "--slice-sample is for --save-sample"),
        (("--device", "MAX78002"), 4, "--device: device MAX78002 is not the MAX78000"),
        (("--summary", "png"), 4, "--summary: there is no summary png"),
        (("--optimizer", "Ada"), 4, "--optimizer: there is no Ada"),
        (("--model", "nothing"), 2, "there is no 'nothing' among the models"),
        (("--no-such-option",), 2, "No such option"),
    ],
)
@pytest.mark.long
def test_what_makes_no_sense_is_refused(ai8x, words, status, message):
    found, out, err = ai8x("train", *GIVEN, *words)
    assert (found, out) == (status, "")
    assert message in err


def test_our_own_help_stays_short(ai8x):
    own = {name for parameter in train.params for name in parameter.opts}
    assert len(own) < 20
    assert "--validation-split" in ai8x("train", "--dataset", "--help")[1]
    assert "--validation-split" in ai8x("train", "--dataset=MNIST", "-h")[1]
    assert "--validation-split" not in ai8x("train", "--help")[1]


def test_the_page_is_current(ai8x):
    status, out, _ = ai8x("train", "--options")
    assert (status, out) == (0, options_page() + "\n")
    assert PAGE.read_text(encoding="utf-8") == out, "ai8x train --options > docs/train-options.md"


# -- the vendor's own command lines

# What stands behind the names of the data sets there: shape, number of outputs, kind of answers.
DATA = {
    "CIFAR10": ((3, 32, 32), 10, Answers.CLASSES),
    "CIFAR100": ((3, 32, 32), 100, Answers.CLASSES),
    "CamVid_s352_c3": ((48, 88, 88), 4, Answers.MASKS),
    "KWS_20": ((128, 128), 21, Answers.CLASSES),
    "KWS_20_msnoise_mixed": ((128, 128), 21, Answers.CLASSES),
    "MNIST": ((1, 28, 28), 10, Answers.CLASSES),
    "SVHN_74": ((3, 74, 74), 10, Answers.BOXES),
    "SampleMotorDataLimerick_ForTrain": ((256, 3), 1, Answers.NUMBERS),
    "VGGFace2_FaceDetection": ((3, 224, 168), 1, Answers.BOXES),
    "VGGFace2_FaceID": ((3, 112, 112), 64, Answers.NUMBERS),
    "VGGFace2_FaceID_dr": ((3, 112, 112), 64, Answers.NUMBERS),
    "cats_vs_dogs": ((3, 128, 128), 2, Answers.CLASSES),
}
OTHER_CHIP = "MAX78002"
REFUSED = {  # by the model of the line
    "ir_152": {"--dr", "--scaf-lr", "--scaf-scale", "--backbone-checkpoint"},
    "ai85faceidnet_112": {"--kd-relationbased"},
}


def command_lines():
    """Every `python train.py ...` of the vendor's scripts for training."""
    for path in sorted((VENDOR / "scripts").glob("train_*.sh")):
        for number, words in enumerate(
            re.findall(r"python train\.py (.*?)\"\$@\"", path.read_text(), re.DOTALL)
        ):
            yield pytest.param(shlex.split(words), id=f"{path.stem}-{number}")


@pytest.mark.skipif(not VENDOR.is_dir(), reason="the vendor's scripts are not beside this checkout")
@pytest.mark.parametrize("words", list(command_lines()))
@pytest.mark.long
def test_the_vendors_own_command_lines(words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("models", "policies"):
        Path(name).symlink_to(VENDOR / name)
    if OTHER_CHIP in words:
        with pytest.raises(UnsupportedError, match="device MAX78002 is not the MAX78000"):
            train_vendor.make_context("train", list(words))
        return
    given = train_vendor.make_context("train", list(words)).params
    refused = {one.where for one in refusals(OPTIONS, given)}
    assert refused == REFUSED.get(given["model"], set())
    if refused:
        return
    names = Request.__dataclass_fields__.keys() & given.keys()
    request = Request(**{name: given[name] for name in names})
    shape, n_outputs, answers = DATA[request.dataset]
    facts = DataFacts("arrays.npz", shape, n_outputs, answers)
    if request.detection_params is not None:
        request.detection_params.parent.mkdir()
        request.detection_params.write_text("multi_box_loss: {alpha: 2}\nnms: {min_score: 0.2}\n")
    recipe = recipe_of(request, facts, Path("logs/now"))
    assert recipe.model.startswith("models/")
    assert recipe.epochs == request.epochs
    assert recipe.optimizer.peak_rate == request.rate
