"""Tables on standard output: columns side by side, the heading bold on a terminal.

Plain where nobody looks on, and where `NO_COLOR` is set (https://no-color.org). Knows no units and
rounds nothing: cells are text.
"""

import os
from collections.abc import Iterator, Sequence

import click

GAP = "  "


def print_table(heading: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table.

    Args:
        heading: names of the columns; numbers, which stand to the right, are named `>NAME`.
        rows: of so many cells each.
    """
    first, *others = table_lines(heading, rows)
    has_colours = not os.environ.get("NO_COLOR")
    click.echo(click.style(first, bold=True) if has_colours else first)  # click drops it in pipes
    for line in others:
        click.echo(line)


def table_lines(heading: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Lines of a table, without blanks at their ends; arguments as of `print_table`."""
    is_number = [name.startswith(">") for name in heading]
    lines = [[name.removeprefix(">") for name in heading], *rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for cells in lines:
        padded = (
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(cells, widths, is_number, strict=True)
        )
        yield GAP.join(padded).rstrip()
