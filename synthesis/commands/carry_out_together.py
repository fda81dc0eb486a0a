"""What `synthesize` does with several networks: compile them for one firmware, say what came."""

import click

from max78000.command.other_tools import refusals
from synthesis.api.together import compile_together
from synthesis.commands.given import Given
from synthesis.commands.show import print_layers, tell, warn
from synthesis.commands.together import read_together
from synthesis.commands.vendor_options import OPTIONS
from synthesis.report.together import summary_lines, to_json
from synthesis.text import stage_text


def carry_out_together(given: Given) -> None:
    """Do what the options ask for, and print the result; of each network with its name above it.

    Raises:
        ToolError: as `compile_together` and `CompiledTogether.write`.
    """
    request = read_together(given, refusals(OPTIONS, given))
    together = compile_together(request.networks, request.name)
    warn(together.warnings)
    if given["show"] is not None:
        for network in together.networks:
            click.echo(f"# {network.request.options.name}")
            click.echo(stage_text(given["show"], network.stages, network.request.chip), nl=False)
        return
    folder = given["test_dir"] / request.name
    if not given["check"]:
        together.write(folder, overwrite=given["overwrite"])
    if given["as_json"]:
        click.echo(to_json(together.report), nl=False)
        return
    for network in together.networks if given["verbose"] else ():
        click.echo(f"# {network.request.options.name}")
        print_layers(network)
    tell(summary_lines(together.report), given, folder)
