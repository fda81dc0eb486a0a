"""Verbs that are found by name, and the options that many of them have.

A verb is one file with one click command. A group holds a table of its verbs and imports one when
it is asked for, so that `--help` waits for nothing; packages mount further tables by entry point.
"""

import math
import pkgutil
from collections.abc import Iterator, Mapping
from copy import copy
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import click

from max78000.facts.shipped import DISTRIBUTION

HELP_OPTIONS = ("-h", "--help")


class RealRange(click.FloatRange):
    """A number within limits, and no NaN, which click takes for one within any."""

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """The number; fails as a click type does."""
        number = float(super().convert(value, param, ctx))
        if not math.isfinite(number):
            self.fail(f"{value!r} is not a number.", param, ctx)
        return number


# Options that many verbs have, and mean alike.
FILE = click.Path(path_type=Path)
JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
OVERWRITE = click.option("--overwrite", is_flag=True, help="Replace what is there already.")


def saying_version(command: click.Command) -> click.Command:
    """Give a command the option that prints the version of the distribution."""
    return click.version_option(package_name=DISTRIBUTION)(command)


def examples(*lines: str) -> str:
    """Lay out an epilog that click does not rewrap."""
    return "\n".join(["\b", "Examples:", *(f"  {line}" for line in lines)])


@dataclass(frozen=True, slots=True)
class Verb:
    """A command that is imported when it is asked for.

    Args:
        name: what is typed.
        target: the click command, `module:attribute`.
        summary: first sentence of the command's help, for the list of verbs.
    """

    name: str
    target: str
    summary: str

    def load(self) -> click.Command:
        """Import the command; it knows `--version`, as its group does."""
        command = pkgutil.resolve_name(self.target)
        assert isinstance(command, click.Command)
        command = copy(command)
        command.params = list(command.params)
        return saying_version(command)


class VerbGroup(click.Group):
    """A group of verbs: those of its own table, and of the tables that packages mount on it.

    A package mounts verbs by an entry point whose value is a table, and whose name heads the table
    in the help. What is in a table must be quick to import:

        [project.entry-points."ai8x.verbs"]
        pose = "ai8x_models.tasks.pose.verbs:VERBS"

    Args:
        verbs: own verbs, in the order of the help.
        mounted: group of entry points.
        settings: as for `click.Group`.
    """

    def __init__(self, *, verbs: tuple[Verb, ...], mounted: str, **settings: Any) -> None:
        super().__init__(context_settings={"help_option_names": list(HELP_OPTIONS)}, **settings)
        saying_version(self)
        self._own = verbs
        self._mounted = mounted

    @cached_property
    def tables(self) -> Mapping[str, tuple[Verb, ...]]:
        """All verbs, by the heading that they have in the help."""
        from importlib.metadata import entry_points  # noqa: PLC0415 - slow, and own verbs need none

        points = sorted(entry_points(group=self._mounted), key=lambda point: point.name)
        return {"Commands": self._own} | {point.name.title(): point.load() for point in points}

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names of all verbs."""
        return [verb.name for verbs in self.tables.values() for verb in verbs]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a verb; None if there is none of this name."""
        verb = next((verb for verb in self._verbs() if verb.name == cmd_name), None)
        return None if verb is None else verb.load()

    def _verbs(self) -> Iterator[Verb]:
        """All verbs; what is mounted is looked for only when the own ones are through."""
        yield from self._own
        for verbs in self.tables.values():
            yield from verbs

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the verbs without importing them."""
        for title, verbs in self.tables.items():
            if not verbs:
                continue
            with formatter.section(title):
                formatter.write_dl([(verb.name, verb.summary) for verb in verbs])
