"""`ai8x data`: figures rendered, or pictures imported, into a cache."""

import sys
from pathlib import Path

import click

from ai8x_models.tasks.pose.commands.options import FOLDER, PRESET, count_option, split_option
from max78000.command import FILE, examples


@click.command(
    epilog=examples(
        "ai8x data --preset single --split validation --count 300",
        "ai8x data --images coco/val2017 --annotations person_keypoints_val2017.json",
    )
)
@PRESET
@split_option("train")
@count_option(3000)
@click.option("--images", type=FILE, help="Import this folder of pictures instead.")
@click.option("--annotations", type=FILE, help="Their people: COCO keypoints, JSON.")
@FOLDER
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
    from ai8x_models.tasks.pose.data.source import DataSource, import_data, open_data
    from ai8x_models.training.logs import Console

    console = Console(sys.stderr)
    if images is not None and annotations is not None:
        path, cache = import_data(images, annotations, folder, split, console)
    elif images is None and annotations is None:
        source = DataSource(folder, preset, split, count)
        path, cache = source.path, open_data(source, console)
    else:
        raise click.UsageError("--images and --annotations go together")
    people = len(cache.all_people.area)
    click.echo(f"{path}: {cache.count} images, {people} people")
