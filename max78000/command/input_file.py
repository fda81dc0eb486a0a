"""Files that command lines name, for reading: one's own, or the shipped ones of these names."""

import os
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from max78000.facts.shipped import find_input

_TOLD = f"{__name__}.told"  # in the context of a command line: the names that were told


def find_named(name: Path) -> Path:
    """Where a file lies that somebody has named.

    If that is a shipped one, since the current folder has none, one line on standard error says so,
    once a name.
    """
    found = find_input(name)
    if found != name:
        _tell(f"note: {name} is the shipped one: {found}")
    return found


def _tell(note: str) -> None:
    context = click.get_current_context(silent=True)
    told = context.meta.setdefault(_TOLD, set()) if context else set()
    if note not in told:
        told.add(note)
        click.echo(note, err=True)


class InputFile(click.Path):
    """A file that is read: in the current folder, or one of those that are shipped."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        """Find it; what is taken unasked is not told."""
        name = Path(os.fsdecode(super().convert(value, param, ctx)))
        is_default = (
            ctx is not None
            and param is not None
            and param.name is not None
            and ctx.get_parameter_source(param.name) is ParameterSource.DEFAULT
        )
        return find_input(name) if is_default else find_named(name)


INPUT_FILE = InputFile(path_type=Path)
