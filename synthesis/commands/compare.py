"""`synthesize --compare`: reports that are there already, side by side; nothing is compiled."""

from pathlib import Path

import click
from click.core import ParameterSource

from max78000.command.table import print_table
from synthesis.commands.given import Given
from synthesis.report.compare import heading, read_reports, rows, to_json


def compare_reports(given: Given) -> None:
    """Set reports side by side; the changes are against the first.

    Raises:
        ToolError: as `read_reports`.
    """
    _refuse_others()
    reports = read_reports([Path(one) for one in given["network"]])
    if given["as_json"]:
        click.echo(to_json(reports), nl=False)
        return
    print_table(heading(reports), rows(reports))


def _refuse_others() -> None:
    """Options that compile say nothing about reports."""
    context = click.get_current_context()
    others = [
        one.opts[0]
        for one in context.command.params
        if one.name not in ("network", "compare", "as_json")
        and context.get_parameter_source(one.name or "") is ParameterSource.COMMANDLINE
    ]
    if others:
        raise click.UsageError(f"--compare only reads reports: leave out {', '.join(others)}")
