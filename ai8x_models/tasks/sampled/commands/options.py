"""Options that these verbs have alike."""

import click

SPLITS = ("train", "validation", "test")

MODEL = click.option(
    "--model", "word", default="", help="Where the model is now, FILE.py:NAME, if it has moved."
)
DATA = click.option("--data", "source", default="", help="Other data than it was trained on.")
SPLIT = click.option(
    "--split",
    type=click.Choice(SPLITS),
    default="test",
    show_default=True,
    help="Which of the data; without a test split, that of validation.",
)
