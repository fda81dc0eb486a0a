"""The `ai8x` command: make data, train, distil, quantize, evaluate, predict, describe, export.

Each command parses, calls library functions and shows their result. Results go to standard output,
progress and problems to standard error. Nothing else of the package prints or exits, but for the
verbs in `cli_describe`, which are mounted here. Commands import what they need when they run, so
that `--help` need not wait for torch.
"""

# ruff: noqa: PLC0415 - see the last sentence above

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from ai8x_models.commands.describe import describe, export
from ai8x_models.commands.dump import dump
from max78000.command import run
from max78000.errors import InputError, raise_all

STUDENT = Path("checkpoints/pose_student.pth.tar")
TINY_FLOAT = Path("checkpoints/pose_tiny.pth.tar")
TINY = Path("checkpoints/pose_tiny-q.pth.tar")
SPLITS = ("train", "validation", "test")

Command = Callable[..., Any]
FILE = click.Path(path_type=Path)
_OVERWRITE = click.option("--overwrite", is_flag=True, help="Replace what is there already.")
_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
_PRESET = click.option("--preset", default="single", show_default=True, help="Kind of figures.")
_DATA = click.option(
    "--folder", type=FILE, default=Path("data"), show_default=True, help="Where data are cached."
)


def _split(default: str) -> Callable[[Command], Command]:
    return click.option(
        "--split",
        type=click.Choice(SPLITS),
        default=default,
        show_default=True,
        help="Splits share no image.",
    )


def _examples(*lines: str) -> str:
    """Lay out an epilog that click does not rewrap."""
    return "\n".join(["\b", "Examples:", *(f"  {line}" for line in lines)])


@click.group(
    "ai8x",
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=_examples(
        "ai8x distill --config ai8x_models/recipes/tiny_qat.yaml",
        "ai8x quantize runs/tiny_qat/tiny_qat.pth.tar pose_tiny-q.pth.tar",
        "ai8x evaluate pose_tiny-q.pth.tar",
    ),
)
def cli() -> None:
    """Train networks for the MAX78000 and turn them into integers."""


@cli.command("list", epilog=_examples("ai8x list"))
@_JSON
def list_networks(as_json: bool) -> None:
    """Show the networks that can be trained."""
    from ai8x_models.zoo.registry import MODELS

    if as_json:
        rows = [{"name": m.name, "task": m.task, "input": m.input_shape} for m in MODELS.values()]
        click.echo(json.dumps(rows, indent=2))
        return
    for model in MODELS.values():
        shape = "x".join(map(str, model.input_shape))
        click.echo(f"{model.name:<18} {model.task:<8} {shape:<10} {model.summary}")


@cli.command(
    epilog=_examples(
        "ai8x data --preset single --split validation --count 300",
        "ai8x data --images coco/val2017 --annotations person_keypoints_val2017.json",
    )
)
@_PRESET
@_split("train")
@click.option("--count", default=3000, show_default=True, help="Number of images.")
@click.option("--images", type=FILE, help="Import this folder of pictures instead.")
@click.option("--annotations", type=FILE, help="Their people: COCO keypoints, JSON.")
@_DATA
def data(
    preset: str,
    split: str,
    count: int,
    images: Path | None,
    annotations: Path | None,
    folder: Path,
) -> None:
    """Render labelled figures, or import pictures.

    Rendering uses all cores and keeps a cache that is there already. Imported pictures are the
    preset `coco` of `evaluate` and of recipes.
    """
    from ai8x_models.training.batches import DataSource, import_data, open_data

    if images is not None and annotations is not None:
        path, cache = import_data(images, annotations, folder, split, _console())
    elif images is None and annotations is None:
        path, cache = open_data(DataSource(folder, preset, split, count), _console())
    else:
        raise click.UsageError("--images and --annotations go together")
    people = len(cache.all_people.area)
    click.echo(f"{path}: {cache.count} images, {people} people")


def _training_options(command: Command) -> Command:
    for option in (
        click.option("--config", type=FILE, required=True, help="Recipe, a YAML file."),
        click.option("--resume", is_flag=True, help="Continue a run that was interrupted."),
        click.option("--overwrite", is_flag=True, help="Throw an earlier run away."),
    ):
        command = option(command)
    return command


@cli.command(epilog=_examples("ai8x train --config ai8x_models/recipes/tiny_float.yaml"))
@_training_options
def train(config: Path, resume: bool, overwrite: bool) -> None:
    """Train a network.

    The recipe says how; the results go to runs/NAME.
    """
    _train(config, resume, overwrite, with_teacher=False)


@cli.command(epilog=_examples("ai8x distill --config ai8x_models/recipes/tiny_qat.yaml"))
@_training_options
def distill(config: Path, resume: bool, overwrite: bool) -> None:
    """Train a network with a teacher.

    The recipe says how; the results go to runs/NAME.
    """
    _train(config, resume, overwrite, with_teacher=True)


def _train(config: Path, resume: bool, overwrite: bool, with_teacher: bool) -> None:
    from ai8x_models.training.loop import train as run
    from ai8x_models.training.recipe import read_recipe

    recipe = read_recipe(config)
    if with_teacher and recipe.distill is None:
        fix = "add `distill:` with a teacher, or use `ai8x train`"
        raise InputError("the recipe names no teacher", where=str(config), fix=fix)
    path = run(recipe, _console(), resume, overwrite)
    click.echo(str(path))


@cli.command(
    epilog=_examples("ai8x quantize runs/tiny_qat/tiny_qat.pth.tar checkpoints/pose_tiny-q.pth.tar")
)
@click.argument("source", metavar="IN", type=FILE)
@click.argument("target", metavar="OUT", type=FILE)
@_OVERWRITE
@_JSON
def quantize(source: Path, target: Path, overwrite: bool, as_json: bool) -> None:
    """Turn a training checkpoint into integers.

    Reads IN, writes OUT, shows what was done to each layer.
    """
    from ai8x_models.quantize.quantize import quantize_checkpoint

    _refuse_existing(target, overwrite)
    target.parent.mkdir(parents=True, exist_ok=True)
    report = quantize_checkpoint(source, target)
    click.echo(json.dumps(report.to_json(), indent=2) if as_json else report.to_text())


@cli.command(
    epilog=_examples(
        "ai8x evaluate",
        "ai8x evaluate runs/tiny_qat/tiny_qat.pth.tar checkpoints/pose_tiny-q.pth.tar --json",
    )
)
@click.argument("checkpoints", nargs=-1, type=FILE)
@_PRESET
@_split("validation")
@click.option("--count", default=300, show_default=True, help="Number of images.")
@_DATA
@_JSON
def evaluate(
    checkpoints: tuple[Path, ...], preset: str, split: str, count: int, folder: Path, as_json: bool
) -> None:
    """Score pose networks.

    Float, quantization-aware or integer, beside what perfect maps would reach. Without CHECKPOINTS,
    the shipped ones.
    """
    from ai8x_models.tasks.pose.evaluate import format_table
    from ai8x_models.tasks.pose.predictor import CEILING, score_checkpoints
    from ai8x_models.training.batches import DataSource, open_data

    console = _console()
    _, cache = open_data(DataSource(folder, preset, split, count), console)
    scores = score_checkpoints(checkpoints or (STUDENT, TINY_FLOAT, TINY), cache, console)
    if as_json:
        click.echo(json.dumps({name: row.to_json() for name, row in scores.items()}, indent=2))
        return
    ceiling = scores.pop(CEILING)
    click.echo(format_table(scores, ceiling))


@cli.command(epilog=_examples("ai8x predict holiday.jpg --output poses"))
@click.argument("pictures", nargs=-1, required=True, type=FILE)
@click.option("--checkpoint", type=FILE, default=TINY, show_default=True, help="Pose network.")
@click.option(
    "--output", "--out", type=FILE, default=Path("poses"), show_default=True, help="Folder to fill."
)
@_JSON
def predict(pictures: tuple[Path, ...], checkpoint: Path, output: Path, as_json: bool) -> None:
    """Find people in pictures.

    Writes NAME-pose.png for each, and keypoints.json.
    """
    from ai8x_models.tasks.pose.predict import predict_pictures
    from ai8x_models.tasks.pose.predictor import Predictor

    model = Predictor.load(checkpoint)
    with _console().progress("pictures", quiet=True) as progress:
        found = predict_pictures(pictures, model.maps, output, model.decoder, progress)
    if as_json:
        click.echo(json.dumps([picture.to_json() for picture in found.pictures], indent=2))
    for picture in () if as_json else found.pictures:
        click.echo(f"{picture.source}: {len(picture.people)} people, {picture.drawing}")
    raise_all(found.problems)


@cli.command(epilog=_examples("ai8x sample pose_tiny --index 3 --overwrite"))
@click.argument("name", default="pose_tiny")
@click.option("--model", default="TinyStudentModel", show_default=True, help="Who it is for.")
@_PRESET
@click.option("--index", default=0, show_default=True, help="Which image of the test split.")
@click.option(
    "--output", "--out", type=FILE, help="File to write.  [default: networks/samples/NAME.npy]"
)
@_OVERWRITE
def sample(
    name: str, model: str, preset: str, index: int, output: Path | None, overwrite: bool
) -> None:
    """Write a picture as device input.

    A rendered figure as the bytes the accelerator is given, for `synthesize --sample-input`.
    """
    from ai8x_models.tasks.pose.predictor import write_sample

    target = output or Path("networks/samples") / f"{name}.npy"
    _refuse_existing(target, overwrite)
    shape = write_sample(target, model, preset, index)
    click.echo(f"{target}: int8 {'x'.join(map(str, shape))}")


def _console() -> Any:
    from ai8x_models.training.logs import Console

    return Console(sys.stderr)


def _refuse_existing(path: Path, overwrite: bool) -> None:
    if path.exists() and not overwrite:
        raise InputError("exists already", where=str(path), fix="--overwrite replaces it")


cli.add_command(describe)
cli.add_command(export)
cli.add_command(dump)


def main() -> None:
    """Run the command line."""
    run(cli)


if __name__ == "__main__":
    main()
