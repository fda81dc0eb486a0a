"""`ai8x train --dataset ...`: the command line of the vendor's trainer.

What is taken without effect or refused comes from `training/vendor/options.py`; what is done is
declared here, and what it means is `training/vendor/recipe.py`.
"""

import io
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ai8x_models.commands.options import CHIP, some_epochs
from ai8x_models.training.vendor.options import OPTIONS
from ai8x_models.training.vendor.request import Distillation, Request
from max78000.command import FILE, RealRange, examples
from max78000.command.other_tools import refusals, taking
from max78000.errors import InputError, UnsupportedError, raise_all
from max78000.files import write_whole

if TYPE_CHECKING:
    from ai8x_models.training.logs import Console
    from ai8x_models.training.processes import Team
    from ai8x_models.training.recipe import Recipe
    from ai8x_models.training.vendor.datasets import DataFacts

Command = Callable[..., Any]
SHARE = RealRange(0, 1, max_open=True)
ONNX = ("onnx", "onnx_simplified")
_INSTEAD = ("evaluate", "summary", "yaml_template")  # of training


def _grouped(*options: Callable[[Command], Command]) -> Callable[[Command], Command]:
    def decorate(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


def _option(*names: str, text: str, kind: Any = None, **how: Any) -> Callable[[Command], Command]:
    """An option with a value; its default, if it has one, is shown."""
    return click.option(*names, type=kind, help=text, show_default=True, **how)


# fmt: off
DATA = _grouped(
    _option("-a", "--arch", "--model", "model", required=True, metavar="NAME",
            text="In the lists of --models-dir, of `ai8x list`, or FILE.py:NAME."),
    _option("--dataset", required=True, metavar="NAME",
            text="In the lists of --datasets-dir, MNIST, CIFAR10, ..., or as --data of a recipe."),
    _option("--data", kind=FILE, default="data", text="Folder of the data."),
    _option("--models-dir", kind=FILE, default="models", text="Folder of the model modules."),
    _option("--datasets-dir", kind=FILE, default="datasets", text="Folder of the data modules."),
    _option("--vs", "--valid-size", "--validation-split", "validation_split", kind=SHARE,
            default=0.1, text="Share of the training samples; 0: the test's are taken."),
    click.option("--use-bias", "has_bias", is_flag=True, help="`bias` of the model."),
    click.option("--regression", "is_regression", is_flag=True, help="Learn numbers."),
    click.option("--enable-obj-detection", "--obj-detection", "is_detection", is_flag=True,
                 help="Learn boxes."),
    _option("--obj-detection-params", "detection_params", kind=FILE, text="What their loss needs."),
)
TRAINING = _grouped(
    _option("--epochs", kind=int, default=90, callback=some_epochs,
            text="How often all samples are seen."),
    _option("-b", "--batch-size", kind=int, default=256, text="Samples in a batch."),
    _option("--optimizer", default="SGD", text="SGD or Adam."),
    _option("--lr", "--learning-rate", "rate", kind=float, default=0.1, text="First rate."),
    _option("--momentum", kind=float, default=0.9, text="Of SGD."),
    _option("--wd", "--weight-decay", "weight_decay", kind=float, default=1e-4, text="Of weights."),
    _option("--compress", kind=FILE, text="Schedule of the rate."),
    _option("--qat-policy", "policy", metavar="FILE", text="Policy of QAT, or None.  "
            "[default: policies/qat_policy.yaml, or 8 bits from epoch 30]"),
    _option("--seed", kind=int, default=1, text="Of all that is drawn."),
    click.option("--det", "--deterministic", "is_deterministic", is_flag=True,
                 help="The same bits again, whatever the number of cores."),
    click.option("--cpu", "on_cpu", is_flag=True, help="Compute on no GPU."),
    _option("--kd-teacher", metavar="NAME", text="Known to the checkpoint of --kd-resume."),
    _option("--kd-resume", kind=FILE, text="Checkpoint of the teacher."),
    _option("--kd-temp", "--kd-temperature", "kd_temperature", kind=float, default=1.0,
            text="Of both soft-maxes."),
    _option("--kd-dw", "--kd-distill-wt", "kd_distill_wt", kind=float, default=0.5,
            text="What the teacher counts."),
    _option("--kd-sw", "--kd-student-wt", "kd_student_wt", kind=float, default=0.5,
            text="What the truth counts."),
)
CHECKPOINTS = _grouped(
    _option("--resume-from", kind=FILE, text="Go on with the run of this checkpoint."),
    click.option("--reset-optimizer", is_flag=True, help="Take its weights for a new run."),
    _option("--exp-load-weights-from", "start", kind=FILE, text="Weights to begin with."),
    _option("-n", "--name", text="Of the run: its folder is NAME___DATE-TIME."),
    _option("-o", "--out-dir", kind=FILE, default="logs", text="Folder of the runs."),
    _option("--copy-output-folder", "copy_to", kind=FILE, text="Copy the run's folder there."),
)
SHOWN = _grouped(
    click.option("--confusion", is_flag=True, help="Show the confusion matrix of the test."),
    click.option("--param-hist", is_flag=True, help="Histograms of weights, for TensorBoard."),
    click.option("--pr-curves", is_flag=True, help="Precision and recall, for TensorBoard."),
    click.option("--embedding", is_flag=True, help="Answers, for TensorBoard's projector."),
)
INSTEAD = _grouped(
    click.option("-e", "--evaluate", is_flag=True, help="Test, do not train."),
    click.option("-8", "--8-bit-mode", "integers", is_flag=True, help="With integers."),
    _option("--save-sample", "sample", kind=int, text="Write sample_DATASET.npy, test sample N."),
    click.option("--slice-sample", is_flag=True, help="Only its first three channels."),
    _option("--summary", text="Show the model, or write it as ONNX, and stop."),
    _option("--summary-filename", kind=FILE, default="model", text="File of the summary."),
    _option("--yaml-template", kind=FILE, text="Write the description, and stop."),
)
# fmt: on


@click.command(
    "train",
    epilog=examples(
        "ai8x train --model ai85net5 --dataset MNIST --epochs 40 --use-bias --confusion",
        "ai8x train --model ai85net5 --dataset MNIST --use-bias --evaluate -8 \\",
        "    --exp-load-weights-from q.pth.tar --save-sample 10",
    ),
)
@DATA
@TRAINING
@CHECKPOINTS
@SHOWN
@INSTEAD
@CHIP
@taking(OPTIONS)
def train_vendor(**given: Any) -> None:
    """Train as the vendor's train.py does.

    Every option of train.py is taken; `ai8x train --options` says what becomes of each.
    """
    raise_all(refusals(OPTIONS, given))
    _check(given)
    request = _request(given)
    from ai8x_models.commands.run_recipe import in_team

    in_team(lambda team: _act(given, request, team))


def _act(given: dict[str, Any], request: Request, team: "Team") -> None:
    """Do what is asked for, as one of the processes of `torchrun`."""
    from ai8x_models.training.logs import Console
    from ai8x_models.training.vendor.datasets import find_data
    from ai8x_models.training.vendor.files import LoggedConsole, log_of
    from ai8x_models.training.vendor.recipe import check_words, recipe_of

    instead = next((name for name in _INSTEAD if given[name]), None)
    if instead is not None and team.size > 1:
        why = f"is the work of one process, {team.size} were started"
        where = f"--{instead.replace('_', '-')}"
        raise InputError(why, where=where, fix="leave torchrun out")
    check_words(request)
    facts = team.one_by_one(lambda: find_data(request))
    now = datetime.now().strftime("%Y.%m.%d-%H%M%S")
    folder = team.together(lambda: request.folder(now))
    recipe = recipe_of(request, facts, folder)
    if given["summary"] or given["yaml_template"]:
        _write_instead(given, recipe, facts)
        return
    is_heard = team.is_first
    console = LoggedConsole(sys.stderr, log_of(folder)) if is_heard else Console(io.StringIO())
    if given["evaluate"]:
        _evaluate(given, recipe, facts, console)
    else:
        _train(given, request, recipe, console, team)


def _check(given: dict[str, Any]) -> None:
    """Refuse what contradicts itself."""
    if given["integers"] and not given["evaluate"]:
        fix = "add --evaluate and --exp-load-weights-from"
        raise InputError("integers cannot be trained", where="-8", fix=fix)
    if given["resume_from"] and given["start"]:
        raise click.UsageError("--resume-from and --exp-load-weights-from exclude each other")
    if given["kd_teacher"] and not given["kd_resume"]:
        fix = "add --kd-resume with its checkpoint"
        raise InputError("an untrained teacher teaches nothing", where="--kd-teacher", fix=fix)
    if given["slice_sample"] and given["sample"] is None:
        raise click.UsageError("--slice-sample is for --save-sample")


def _request(given: dict[str, Any]) -> Request:
    """Options as a value."""
    resumed, start = given["resume_from"], given["start"]
    if resumed is not None and given["reset_optimizer"]:
        resumed, start = None, resumed
    distillation = None
    if given["kd_resume"] is not None:
        distillation = Distillation(
            given["kd_resume"],
            given["kd_temperature"],
            given["kd_distill_wt"],
            given["kd_student_wt"],
        )
    names = Request.__dataclass_fields__.keys() & given.keys()
    values = {name: given[name] for name in names} | {"start": start}
    folder = None if resumed is None else resumed.parent
    return Request(**values, distillation=distillation, resumed=folder)


def _train(
    given: dict[str, Any], request: Request, recipe: "Recipe", console: "Console", team: "Team"
) -> None:
    from ai8x_models.training.vendor.evaluate import sample_of, save_sample
    from ai8x_models.training.vendor.run import Display, copy_folder, train_and_test

    if given["policy"] is not None and recipe.qat is None and given["policy"].lower() != "none":
        console.line(f"{given['policy']}: QAT would begin after the last epoch; there is none")
    display = Display(
        given["confusion"], given["param_hist"], given["pr_curves"], given["embedding"]
    )
    resume = request.resumed is not None
    tested = train_and_test(recipe, request.prefix, display, console, resume, team)
    if tested is None:
        return
    if given["sample"] is not None:
        index, cut = given["sample"], given["slice_sample"]
        sample = sample_of(recipe, tested.model, tested.examples, index, cut)
        click.echo(str(save_sample(given["dataset"], sample)))
    if given["copy_to"] is not None:
        copy_folder(recipe.run_folder, given["copy_to"])
    half = "qat_" if recipe.qat is not None else ""
    click.echo(str(recipe.run_folder / f"{request.prefix}{half}best.pth.tar"))


def _evaluate(
    given: dict[str, Any], recipe: "Recipe", facts: "DataFacts", console: "Console"
) -> None:
    from ai8x_models.training.vendor.evaluate import (
        network_of_recipe,
        open_test,
        sample_of,
        save_sample,
    )
    from ai8x_models.training.vendor.run import Display, show_test

    model = network_of_recipe(recipe, facts.shape, given["integers"])
    test = open_test(recipe, console)
    show_test(recipe, model, test, Display(given["confusion"]), console)
    if given["sample"] is not None:
        sample = sample_of(recipe, model, test, given["sample"], given["slice_sample"])
        path = save_sample(given["dataset"], sample)
        click.echo(f"{path}: {'x'.join(map(str, sample.shape))}")


def _write_instead(given: dict[str, Any], recipe: "Recipe", facts: "DataFacts") -> None:
    """Write the model down as --summary or --yaml-template says."""
    from ai8x_models.describe.convert import network_of
    from ai8x_models.describe.describe import describe_network
    from ai8x_models.describe.onnx_writer import export_model, save_onnx
    from ai8x_models.describe.stored import arch_of_word
    from ai8x_models.training.vendor.evaluate import network_of_recipe

    model, arch = network_of_recipe(recipe, facts.shape), arch_of_word(recipe.model)
    kind, path = given["summary"], given["summary_filename"]
    if given["yaml_template"] is not None:
        network = network_of(model, facts.shape)
        text = describe_network(network, model, arch, given["dataset"]).to_text()
        write_whole(Path(given["yaml_template"]), text.encode())
        click.echo(str(given["yaml_template"]))
    elif kind.lower() == "model":
        click.echo(str(model))
    elif kind.lower() in ONNX:
        path = path if path.suffix == ".onnx" else path.with_name(f"{path.name}.onnx")
        save_onnx(export_model(model, facts.shape, arch), path)
        click.echo(str(path))
    else:
        why = f"there is no summary {kind}"
        fix = "use onnx, onnx_simplified or model, or see `ai8x describe`"
        raise UnsupportedError(why, where="--summary", fix=fix)
