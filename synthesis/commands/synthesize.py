"""`synthesize`: network description, integer checkpoint and sample in, a C project out.

The options are those of the vendor's generator, so that scripts written for it keep working.
"""

from typing import Unpack

import click

from max78000.command import HELP_OPTIONS, run
from synthesis.commands import options
from synthesis.commands.given import Given
from synthesis.commands.vendor_options import options_page
from synthesis.version import VERSION

EXAMPLES = """\b
Examples:
  synthesize networks/pose_tiny.yaml
  synthesize networks/pose_tiny.yaml --check
  synthesize networks/pose_tiny.yaml --show placed
  synthesize --config-file net.yaml --checkpoint-file net-q.pth.tar \\
             --sample-input sample.npy --test-dir build --prefix net --timer 0
  synthesize networks/pose_tiny.yaml digit=networks/digit_net.yaml --prefix look_closer
  synthesize networks/pose_tiny.yaml --check --variants
  synthesize --compare build/one/report.json build/other/report.json --out build/compared.html
  synthesize --explain C12
"""


@click.command(
    epilog=EXAMPLES, context_settings={"max_content_width": 100, "help_option_names": HELP_OPTIONS}
)
@click.argument("network", nargs=-1, metavar="[NETWORK]...")
@options.FILES
@click.option(
    "--check",
    is_flag=True,
    help="Check rules and budgets; write nothing. Without checkpoint and sample by shapes alone.",
)
@click.option("--show", type=click.Choice(options.STAGES), help="Print a stage; write nothing.")
@click.option(
    "--compare", is_flag=True, help="Compare reports: the arguments are report.json files."
)
@click.option("--out", type=options.PATH, help="Write the comparison to this page (HTML), too.")
@click.option("--explain", metavar="RULE", help="Print a rule's manual entry; `all`: all of them.")
@click.option("--options", is_flag=True, help="Print what became of the vendor's options.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
@click.option("-v", "--verbose", is_flag=True, help="Print the layer table.")
@click.option(
    "--variants", is_flag=True, help="Try changes of the network; print what each would bring."
)
@click.version_option(VERSION)
@options.NETWORK_CHANGES
@options.PROGRAM
@options.CODE
@options.vendor_options
def synthesize(**given: Unpack[Given]) -> None:
    """Compile NETWORK (a YAML description) for the MAX78000 and write a C project.

    Several networks, each NETWORK or NAME=NETWORK, become one project: they lie side by side in the
    chip as far as they fit, and a name begins each one's C functions.
    """
    if given["options"]:
        click.echo(options_page())
        return
    if given["compare"]:
        from synthesis.commands.compare import compare_reports

        compare_reports(given)
        return
    if given["out"] is not None:
        raise click.UsageError("--out is for --compare; a project goes to --test-dir")
    from synthesis.commands.carry_out import carry_out

    carry_out(given)


def main() -> None:
    """Run the command line."""
    run(synthesize)
