"""Options of another tool's command line: done here, taken because they are harmless, or refused.

A command that takes such a command line has a table of its options; help, refusals and a page are
made of it. What is done is declared by the command itself, with its help.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

import click

from max78000.errors import UnsupportedError

Row = tuple[str, "Fate", str]
Command = Callable[..., Any]


class Fate(Enum):
    """What becomes of an option."""

    HERE = "same"
    HARMLESS = "taken, no effect"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class OtherOption:
    """An option. `neutral` holds values of a refused option that change nothing: its defaults."""

    names: tuple[str, ...]
    fate: Fate
    why: str
    takes_value: bool = False
    neutral: tuple[str, ...] = ()
    rule: str = ""

    @property
    def parameter(self) -> str:
        """The name under which click passes its value."""
        return "vendor_" + self.names[-1].lstrip("-").replace("-", "_")


def read_table(rows: tuple[Row, ...]) -> tuple[OtherOption, ...]:
    """Options from rows of a table.

    Args:
        rows: options that share a fate and a reason. `|` joins spellings, `=` takes a value, and
            after it stand the values of a refused option that are harmless. A reason may name a
            rule, `[S9]`, and end in a way out, `; leave it out`.
    """
    return tuple(_options(rows))


def _options(rows: tuple[Row, ...]) -> Iterator[OtherOption]:
    for names, fate, why in rows:
        rule = re.search(r"\[(\w+)\]", why)
        for word in names.split():
            spellings, has_value, neutral = word.partition("=")
            yield OtherOption(
                names=tuple(spellings.split("|")),
                fate=fate,
                why=why,
                takes_value=bool(has_value),
                neutral=tuple(filter(None, neutral.split(","))),
                rule=rule.group(1) if rule else "",
            )


def taking(options: tuple[OtherOption, ...]) -> Callable[[Command], Command]:
    """Let a command take what is harmless or refused, hidden from its help."""

    def decorate(command: Command) -> Command:
        for option in options:
            if option.fate is Fate.HERE:
                continue
            how: dict[str, Any] = {"is_flag": not option.takes_value}
            command = click.option(*option.names, option.parameter, hidden=True, **how)(command)
        return command

    return decorate


def refusals(
    options: tuple[OtherOption, ...], given: Mapping[str, Any]
) -> Iterator[UnsupportedError]:
    """An error for each refused option that was given, unless with a harmless value."""
    for option in options:
        value = given.get(option.parameter)
        if option.fate is not Fate.REFUSED or value in (None, False, *option.neutral):
            continue
        reason, _, fix = re.sub(r" \[\w+\]", "", option.why).partition("; ")
        yield UnsupportedError(reason, where=option.names[-1], fix=fix, rule=option.rule)


def table_of(options: tuple[OtherOption, ...]) -> str:
    """All options as a table of Markdown, by name."""
    rows = [
        f"| {', '.join(f'`{name}`' for name in option.names)} | {option.fate.value} | "
        f"{option.why} |"
        for option in sorted(options, key=lambda option: option.names[-1].lstrip("-").lower())
    ]
    return "\n".join(("| option | here | |", "|---|---|---|", *rows))
