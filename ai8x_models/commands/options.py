"""Options and arguments that several verbs have alike."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from ai8x_models.zoo.registry import Shape
from max78000.command import INPUT_FILE
from max78000.errors import UnsupportedError

Command = Callable[..., Any]
_DEVICES = ("78000", "85")  # the chip's number, and its name in the vendor's tools


def shape_of(_context: click.Context, _option: click.Parameter, text: str | None) -> Shape | None:
    """3x64x64, 6x128 or 16: channels, then rows and columns, or steps; or features."""
    if text is None:
        return None
    parts = text.lower().split("x")
    if len(parts) > 3 or not all(part.isdecimal() and int(part) for part in parts):
        raise click.BadParameter(
            f"{text!r} is not a shape; write 3x64x64, 6x128, or 16 for features"
        )
    return tuple(map(int, parts))


def some_epochs(_context: click.Context, _option: click.Parameter, n: int | None) -> int | None:
    """A number of epochs, of which there is one at least."""
    if n is not None and n < 1:
        why = f"{n} epochs train nothing; to score a network as it is use `ai8x evaluate`,"
        raise click.BadParameter(f"{why} or --evaluate of the vendor's command lines")
    return n


def model_file(word: str) -> Path | None:
    """The file in which the argument MODEL lies; None for a network of the zoo."""
    path = Path(word.rpartition(":")[0] or word)
    return path if path.suffix else None


def _device(_context: click.Context, _option: click.Parameter, text: str) -> str:
    number = text.upper().removeprefix("MAX").removeprefix("AI")
    if number not in _DEVICES:
        why = f"device {text} is not the MAX78000"
        raise UnsupportedError(why, where="--device", fix="use MAX78000, or 85")
    return number


# Of the vendor's command lines.
CHIP = click.option(
    "--device", default="MAX78000", callback=_device, show_default=True, help="The chip."
)

# A model that need not be trained.
MODEL = click.argument("word", metavar="MODEL")
INPUT = click.option(
    "--input", "shape", metavar="CxHxW", callback=shape_of, help="Shape of the model's input."
)
CHECKPOINT = click.option("--checkpoint", type=INPUT_FILE, help="Weights to take, of any stage.")

# A training run.
RECIPE = click.option("--config", type=INPUT_FILE, required=True, help="Recipe, a YAML file.")
RESUME = click.option("--resume", is_flag=True, help="Continue a run that was interrupted.")
DEVICE = click.option(
    "--device", type=click.Choice(["auto", "cpu", "cuda"]), help="Where, if not as the recipe says."
)
DETERMINISTIC = click.option(
    "--deterministic", is_flag=True, help="The same bits again, whatever the number of cores."
)
RESTART = click.option("--overwrite", is_flag=True, help="Throw an earlier run away.")
