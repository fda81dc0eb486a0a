"""`ai8x data`: figures rendered, or pictures imported, into a cache."""

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ai8x_models.tasks.pose.commands.options import FOLDER, PRESET, count_option, split_option
from max78000.command import FILE, RealRange, examples

if TYPE_CHECKING:
    from ai8x_models.tasks.pose.data.cache import PoseCache
    from ai8x_models.tasks.pose.photos.imported import Import
    from ai8x_models.training.logs import Console

LEAST_TRUST = 0.46  # of a person: below it, keypoints are more often wrong than useful


@click.command(
    epilog=examples(
        "ai8x data --preset single --split validation --count 300",
        "ai8x data --images coco/val2017 --annotations person_keypoints_val2017.json",
        "ai8x data --images coco/train2017 --annotations person_keypoints_train2017.json --album",
        "ai8x data --images street --annotations boxes.json --album --teacher teacher.py:Landmarks",
        "ai8x data --preset pasted --count 4000",
        "ai8x data --motion mocap",
        "ai8x data --preset bodies --count 4000",
    )
)
@PRESET
@split_option("train")
@count_option(3000)
@click.option("--images", type=FILE, help="Import this folder of pictures instead.")
@click.option("--annotations", type=FILE, help="Their people: COCO keypoints, JSON.")
@click.option("--crops", is_flag=True, help="Of pictures, a crop of every person.")
@click.option("--album", is_flag=True, help="Of pictures, an album for the preset `photos`.")
@click.option(
    "--teacher",
    metavar="FILE.py:NAME",
    help="Gives a function that says keypoints of those who have none, on pictures to train on.",
)
@click.option(
    "--teacher-trust",
    type=RealRange(0, 1),
    default=LEAST_TRUST,
    show_default=True,
    help="Trust in a person's keypoints from which the teacher's are taken.",
)
@click.option(
    "--test-only",
    type=FILE,
    multiple=True,
    help="Folder of pictures that must not be trained on; in any case, those of published scores.",
)
@click.option("--motion", type=FILE, help="Take postures from this folder of .asf and .amc files.")
@FOLDER
def data(
    *,
    preset: str,
    split: str,
    count: int,
    images: Path | None,
    annotations: Path | None,
    crops: bool,
    album: bool,
    teacher: str | None,
    teacher_trust: float,
    test_only: tuple[Path, ...],
    motion: Path | None,
    folder: Path,
) -> None:
    """Render labelled figures, or import pictures.

    Rendering uses all cores and keeps a cache that is there already. Imported pictures are the
    preset `coco` of `evaluate` and of recipes, crops the preset `crops`. An album is trained on as
    `photos`: every epoch draws other views of it; a tenth of the pictures is kept out of it, and
    crops of the people on them are written beside it. People with outlines are cut out, too: the
    preset `pasted` makes other pictures of them. The preset `bodies` renders people as meshes, in
    drawn postures and in those of captured motion, if some was given by --motion. People who have a
    box and no keypoints are shown to --teacher, if there is one: what it says is trained on as far
    as it is trusted, and never scores.
    """
    from ai8x_models.tasks.pose.data.source import DataSource, open_data
    from ai8x_models.training.logs import Console

    console = Console(sys.stderr)
    of_pictures = crops or album or bool(test_only) or teacher is not None
    if (images is None) != (annotations is None):
        raise click.UsageError("--images and --annotations go together")
    if motion is not None and (images is not None or of_pictures):
        why = "--motion goes without --images, --crops, --album, --teacher and --test-only"
        raise click.UsageError(why)
    if images is None and of_pictures:
        raise click.UsageError("--crops, --album, --teacher and --test-only are for --images")
    if crops and album:
        raise click.UsageError("an album has its own crops: give --crops or --album")
    if teacher is not None and not album and split != "train":
        raise click.UsageError("--teacher is for --split train: scores need labels by people")
    if motion is not None:
        _take_motion(motion, folder)
    elif images is None or annotations is None:
        source = DataSource(folder, preset, split, count)
        click.echo(_summary(source.path, open_data(source, console)))
    else:
        pictures = _pictures(images, annotations, folder, test_only, teacher, teacher_trust)
        if album:
            _make_album(pictures, console)
        else:
            click.echo(_summary(*pictures.cache("crops" if crops else "coco", split, console)))


def _take_motion(motion: Path, folder: Path) -> None:
    """Keep the postures of captured motion beside the data."""
    from ai8x_models.tasks.pose.bodies.postures import captured_from, captured_path

    captured = captured_from(motion)
    captured.write(captured_path(folder))
    click.echo(f"{captured_path(folder)}: {len(captured.postures)} postures")


def _pictures(
    images: Path,
    annotations: Path,
    folder: Path,
    test_only: tuple[Path, ...],
    teacher: str | None,
    teacher_trust: float,
) -> "Import":
    """The pictures that are named, and who says keypoints of them."""
    from ai8x_models.tasks.pose.photos.guard import HeldOut
    from ai8x_models.tasks.pose.photos.imported import Import

    pictures = Import(images, annotations, folder, HeldOut.published(*test_only))
    if teacher is None:
        return pictures
    from ai8x_models.tasks.pose.photos.teacher_file import load_teacher

    return replace(pictures, teacher=load_teacher(teacher, teacher_trust))


def _make_album(pictures: "Import", console: "Console") -> None:
    from ai8x_models.tasks.pose.photos.album import Album, described
    from ai8x_models.tasks.pose.photos.paste import Cutouts

    made = pictures.album(console)
    click.echo(f"{made.path}: {described(Album(made.path))}")
    click.echo(_summary(*made.crops))
    for path in made.cutouts:
        cutouts = Cutouts.open(path)
        click.echo(f"{path}: {len(cutouts.people)} people cut out, {cutouts.n_grounds} grounds")


def _summary(path: Path, cache: "PoseCache") -> str:
    return f"{path}: {cache.count} images, {len(cache.all_people.area)} people"
