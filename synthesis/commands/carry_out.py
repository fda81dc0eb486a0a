"""What `synthesize` does when its options are read: explain a rule, or compile and say what came.

Apart from the options, since the compiler takes a moment to import and `--help` does without it.
"""

import click

from max78000.command.other_tools import refusals
from max78000.command.table import print_table
from synthesis.api import CompiledNetwork, compile_files
from synthesis.commands.given import Given
from synthesis.commands.request import find_chip, read_request
from synthesis.commands.show import print_layers, tell, warn
from synthesis.commands.vendor_options import OPTIONS
from synthesis.report.report import SIZES_ONLY, Report, VariantReport, to_json
from synthesis.report.summary import summary_lines
from synthesis.report.variant_lines import heading as variant_heading
from synthesis.report.variant_lines import variant_rows, ways
from synthesis.rules.manual import explain
from synthesis.text import stage_text


def carry_out(given: Given) -> None:
    """Do what the options ask for, and print the result.

    Raises:
        ToolError: as `compile_files` and `CompiledNetwork.write`.
    """
    if given["explain"] is not None:
        click.echo(explain(given["explain"], find_chip(given["device"])))
        return
    if len(given["network"]) > 1:
        from synthesis.commands.carry_out_together import carry_out_together

        carry_out_together(given)
        return
    network = compile_files(read_request(given, refusals(OPTIONS, given)))
    warn(network.warnings)
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
        print_layers(network)
    if network.report.variants is not None:
        _print_variants(network.report, network.report.variants)
    tell(summary_lines(network.report), given, folder)


def _print_variants(report: Report, variants: tuple[VariantReport, ...]) -> None:
    """What changes would bring, then how to make them."""
    print_table(variant_heading(report), tuple(variant_rows(report)))
    if variants:
        click.echo(SIZES_ONLY)
    click.echo()
    for line in ways(variants):
        click.echo(line)
    click.echo()
