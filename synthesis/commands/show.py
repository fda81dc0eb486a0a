"""What `synthesize` prints of one network or of several."""

from collections.abc import Iterable
from pathlib import Path

import click

from max78000.command.table import print_table
from synthesis.api import CompiledNetwork
from synthesis.commands.given import Given
from synthesis.report.layer_lines import HEADING, layer_rows
from synthesis.text import graph_text


def print_layers(network: CompiledNetwork) -> None:
    """What each layer does, then what it takes."""
    click.echo(graph_text(network.stages.graph))
    print_table(HEADING, tuple(layer_rows(network.report)))
    click.echo()


def warn(warnings: Iterable[str]) -> None:
    """Say on standard error what does not stop the compiler."""
    for warning in warnings:
        click.echo(f"warning: {warning}", err=True)


def tell(lines: Iterable[str], given: Given, folder: Path) -> None:
    """Print the summary, and where the project is now."""
    for line in lines:
        click.echo(line)
    click.echo("OK: fits" if given["check"] else f"wrote {folder}")
