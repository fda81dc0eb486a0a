"""What `synthesize` does when its options are read: explain a rule, or compile and say what came.

Apart from the options, since the compiler takes a moment to import and `--help` does without it.
"""

from collections.abc import Iterable
from pathlib import Path

import click

from max78000.command.other_tools import refusals
from max78000.command.table import print_table
from synthesis.api import CompiledNetwork, compile_files, compile_together
from synthesis.commands.given import Given
from synthesis.commands.request import find_chip, read_request
from synthesis.commands.together import read_together
from synthesis.commands.vendor_options import OPTIONS
from synthesis.report.layer_lines import HEADING, layer_rows
from synthesis.report.report import SIZES_ONLY, Report, VariantReport, summary_lines, to_json
from synthesis.report.together import summary_lines as lines_together
from synthesis.report.together import to_json as json_together
from synthesis.report.variant_lines import heading as variant_heading
from synthesis.report.variant_lines import variant_rows, ways
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
    if len(given["network"]) > 1:
        _carry_out_together(given)
        return
    network = compile_files(read_request(given, refusals(OPTIONS, given)))
    _warn(network.warnings)
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
        _print_layers(network)
    if network.report.variants is not None:
        _print_variants(network.report, network.report.variants)
    _tell(summary_lines(network.report), given, folder)


def _carry_out_together(given: Given) -> None:
    """The same for several networks; what is printed of each has its name above it."""
    request = read_together(given, refusals(OPTIONS, given))
    together = compile_together(request.networks, request.name)
    _warn(together.warnings)
    if given["show"] is not None:
        for network in together.networks:
            click.echo(f"# {network.request.options.name}")
            click.echo(stage_text(given["show"], network.stages, network.request.chip), nl=False)
        return
    folder = given["test_dir"] / request.name
    if not given["check"]:
        together.write(folder, overwrite=given["overwrite"])
    if given["as_json"]:
        click.echo(json_together(together.report), nl=False)
        return
    for network in together.networks if given["verbose"] else ():
        click.echo(f"# {network.request.options.name}")
        _print_layers(network)
    _tell(lines_together(together.report), given, folder)


def _print_layers(network: CompiledNetwork) -> None:
    """What each layer does, then what it takes."""
    click.echo(graph_text(network.stages.graph))
    print_table(HEADING, tuple(layer_rows(network.report)))
    click.echo()


def _print_variants(report: Report, variants: tuple[VariantReport, ...]) -> None:
    """What changes would bring, then how to make them."""
    print_table(variant_heading(report), tuple(variant_rows(report)))
    if variants:
        click.echo(SIZES_ONLY)
    click.echo()
    for line in ways(variants):
        click.echo(line)
    click.echo()


def _warn(warnings: Iterable[str]) -> None:
    for warning in warnings:
        click.echo(f"warning: {warning}", err=True)


def _tell(lines: Iterable[str], given: Given, folder: Path) -> None:
    for line in lines:
        click.echo(line)
    click.echo("OK: fits" if given["check"] else f"wrote {folder}")
