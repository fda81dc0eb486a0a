"""Options that the verbs of the pose task have alike, and the checkpoints they take unasked."""

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import click

from max78000.command import FILE, RealRange

STUDENT = Path("checkpoints/pose_student.pth.tar")
TINY_FLOAT = Path("checkpoints/pose_tiny.pth.tar")
TINY = Path("checkpoints/pose_tiny-q.pth.tar")
SHIPPED = (STUDENT, TINY_FLOAT, TINY)
SPLITS = ("train", "validation", "test")

Command = Callable[..., Any]


PRESET = click.option("--preset", default="single", show_default=True, help="Kind of figures.")
FOLDER = click.option(
    "--folder", type=FILE, default=Path("data"), show_default=True, help="Where data are cached."
)

MIN_SCORE = click.option(
    "--min-score",
    type=RealRange(0),
    help="Score from which people are shown.  [default: as the network's checkpoint says]",
)


def split_option(default: str) -> Callable[[Command], Command]:
    """The option `--split`."""
    return click.option(
        "--split",
        type=click.Choice(SPLITS),
        default=default,
        show_default=True,
        help="Splits share no image.",
    )


def count_option(default: int) -> Callable[[Command], Command]:
    """The option `--count`."""
    return click.option(
        "--count",
        type=click.IntRange(1),
        default=default,
        show_default=True,
        help="Number of images.",
    )


def data_options(split: str, count: int) -> Callable[[Command], Command]:
    """The options that say which pictures; the command gets them as `source`, a `DataSource`."""

    def add(command: Command) -> Command:
        @wraps(command)
        def with_source(preset: str, split: str, count: int, folder: Path, **others: Any) -> Any:
            from ai8x_models.tasks.pose.data.source import DataSource

            return command(source=DataSource(folder, preset, split, count), **others)

        added: Command = FOLDER(with_source)
        for option in (count_option(count), split_option(split), PRESET):
            added = option(added)
        return added

    return add
