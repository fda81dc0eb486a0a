"""`synthesize --compare`: reports that are there already, side by side; nothing is compiled."""

from pathlib import Path

import click
from click.core import ParameterSource

from max78000.command.table import print_table
from max78000.files import refuse_inputs, write_whole
from synthesis.commands.given import Given
from synthesis.report.compare import groups, heading, rows, to_html, to_json
from synthesis.report.compared import read_reports

TAKEN = ("network", "compare", "as_json", "out")


def compare_reports(given: Given) -> None:
    """Set reports side by side; the changes are against the first.

    Raises:
        ToolError: as `read_reports`; or the page cannot be written.
    """
    _refuse_others()
    paths = [Path(one) for one in given["network"]]
    reports = read_reports(paths)
    out = given["out"]
    if out is not None:
        refuse_inputs(out, (*paths, *(one.file for one in reports)))
        write_whole(out, to_html(reports).encode())
    if given["as_json"]:
        click.echo(to_json(reports), nl=False)
        return
    for group in groups(reports):
        if group.name:
            click.echo(f"# {group.name}")
        print_table(heading(group.reports), rows(group.reports))
    if out is not None:
        click.echo(f"wrote {out}")


def _refuse_others() -> None:
    """Options that compile say nothing about reports."""
    context = click.get_current_context()
    others = [
        one.opts[0]
        for one in context.command.params
        if one.name not in TAKEN
        and context.get_parameter_source(one.name or "") is ParameterSource.COMMANDLINE
    ]
    if others:
        raise click.UsageError(f"--compare only reads reports: leave out {', '.join(others)}")
