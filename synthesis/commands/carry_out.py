"""What `synthesize` does when its options are read: explain a rule, or compile and say what came.

Apart from the options, since the compiler takes a moment to import and `--help` does without it.
"""

import click

from max78000.command.other_tools import refusals
from synthesis.api import CompiledNetwork, compile_files
from synthesis.commands.given import Given
from synthesis.commands.request import find_chip, read_request
from synthesis.commands.vendor_options import OPTIONS
from synthesis.report.report import summary_lines, to_json
from synthesis.rules.manual import explain
from synthesis.text import graph_text, stage_text


def carry_out(given: Given) -> None:
    """Do what the options ask for, and print the result.

    Raises:
        ToolError: as `compile_files` and `CompiledNetwork.write`.
    """
    if given["explain"] is not None:
        click.echo(explain(given["explain"], find_chip(given["device"])))
        return
    network = compile_files(read_request(given, refusals(OPTIONS, given)))
    for warning in network.warnings:
        click.echo(f"warning: {warning}", err=True)
    if given["show"] is not None:
        click.echo(stage_text(given["show"], network.stages, network.request.chip), nl=False)
        return
    _write_and_report(given, network)


def _write_and_report(given: Given, network: CompiledNetwork) -> None:
    folder = given["test_dir"] / network.request.options.name
    if not given["check"]:
        network.write(folder, overwrite=given["overwrite"])
    if given["as_json"]:
        click.echo(to_json(network.report), nl=False)
        return
    if given["verbose"]:
        click.echo(graph_text(network.stages.graph), nl=False)
    for line in summary_lines(network.report):
        click.echo(line)
    click.echo("OK: fits" if given["check"] else f"wrote {folder}")
