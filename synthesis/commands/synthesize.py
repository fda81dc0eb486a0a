"""`synthesize`: network description, integer checkpoint and sample in, a C project out.

The options are those of the vendor's generator, so that scripts written for it keep working.
"""

from pathlib import Path
from typing import Unpack

import click

from max78000.command import run
from max78000.command.other_tools import refusals
from synthesis.api import compile_files
from synthesis.commands import options
from synthesis.commands.given import Given
from synthesis.commands.request import find_chip, read_request
from synthesis.commands.vendor_options import OPTIONS, options_page
from synthesis.report.report import summary_lines, to_json
from synthesis.rules.manual import explain
from synthesis.text import STAGES, graph_text, stage_text
from synthesis.version import VERSION

EXAMPLES = """\b
Examples:
  synthesize networks/pose_tiny.yaml
  synthesize networks/pose_tiny.yaml --check
  synthesize networks/pose_tiny.yaml --show placed
  synthesize --config-file net.yaml --checkpoint-file net-q.pth.tar \\
             --sample-input sample.npy --test-dir build --prefix net --timer 0
  synthesize --explain C12
"""


@click.command(epilog=EXAMPLES, context_settings={"max_content_width": 100})
@click.argument("network", required=False, type=click.Path(path_type=Path))
@options.FILES
@click.option(
    "--check",
    is_flag=True,
    help="Check rules and budgets; write nothing. Without checkpoint and sample by shapes alone.",
)
@click.option("--show", type=click.Choice(STAGES), help="Print a stage; write nothing.")
@click.option("--explain", metavar="RULE", help="Print a rule's manual entry; `all`: all of them.")
@click.option("--options", is_flag=True, help="Print what became of the vendor's options.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
@click.option("-v", "--verbose", is_flag=True, help="Print the layer table.")
@click.version_option(VERSION)
@options.NETWORK_CHANGES
@options.PROGRAM
@options.CODE
@options.vendor_options
def synthesize(**given: Unpack[Given]) -> None:
    """Compile NETWORK (a YAML description) for the MAX78000 and write a C project."""
    if given["options"]:
        click.echo(options_page())
        return
    if given["explain"] is not None:
        click.echo(explain(given["explain"], find_chip(given["device"])))
        return
    network = compile_files(read_request(given, refusals(OPTIONS, given)))
    for warning in network.warnings:
        click.echo(f"warning: {warning}", err=True)
    if given["show"] is not None:
        click.echo(stage_text(given["show"], network.stages, network.request.chip), nl=False)
        return
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


def main() -> None:
    """Run the command line."""
    run(synthesize)
