"""`synthesize`: network description, integer checkpoint and sample in, a C project out.

The options are those of the vendor's generator, so that scripts written for it keep working.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click

from max78000.command import run
from max78000.errors import InputError, UnsupportedError, raise_all
from max78000.facts.chip import MAX78000, Chip
from synthesis.commands import options as cli_options
from synthesis.commands.vendor_options import options_page, refusals
from synthesis.compile import Compiled
from synthesis.emit.flash_size import check_flash
from synthesis.emit.options import ProjectOptions
from synthesis.emit.project import gather_warnings
from synthesis.emit.whole_project import project_files
from synthesis.emit.write import write_project
from synthesis.generate.memories import unload_maps
from synthesis.lower.overrides import apply_overrides
from synthesis.read.files import Files, find_files, read_source
from synthesis.report.report import summary_lines, to_json
from synthesis.rules.manual import allowed_rules, explain
from synthesis.text import STAGES, stage_text
from synthesis.variants import compile_or_advise
from synthesis.version import VERSION

DEVICES = ("max78000", "78000", "ai85", "85")
EXAMPLES = """\b
Examples:
  synthesize networks/pose_tiny.yaml
  synthesize networks/pose_tiny.yaml --check
  synthesize networks/pose_tiny.yaml --show placed
  synthesize --config-file net.yaml --checkpoint-file net-q.pth.tar \\
             --sample-input sample.npy --test-dir build --prefix net --timer 0
  synthesize --explain C12
"""


@dataclass(frozen=True, slots=True)
class Request:
    """What to do with the compiled network."""

    folder: Path
    check: bool
    show: str | None
    as_json: bool
    overwrite: bool
    is_verbose: bool


@click.command(epilog=EXAMPLES, context_settings={"max_content_width": 100})
@click.argument("network", required=False, type=click.Path(path_type=Path))
@cli_options.FILES
@click.option("--check", is_flag=True, help="Check rules and budgets; write nothing.")
@click.option("--show", type=click.Choice(STAGES), help="Print a stage; write nothing.")
@click.option("--explain", metavar="RULE", help="Print a rule's manual entry; `all`: all of them.")
@click.option("--options", is_flag=True, help="Print what became of the vendor's options.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
@click.option("-v", "--verbose", is_flag=True, help="Print the layer table.")
@click.version_option(VERSION)
@cli_options.NETWORK_CHANGES
@cli_options.PROGRAM
@cli_options.CODE
@cli_options.vendor_options
def synthesize(**given: Any) -> None:
    """Compile NETWORK (a YAML description) for the MAX78000 and write a C project."""
    if given["explain"] is not None or given["options"]:
        chip = _chip(given["device"])
        click.echo(options_page() if given["options"] else explain(given["explain"], chip))
        return
    raise_all([*cli_options.core_problems(given), *refusals(given)])
    chip = _chip(given["device"])
    files = find_files(
        given["config_file"] or given["network"], given["checkpoint_file"], given["sample_input"]
    )
    files = replace(files, weights=given["weight_input"], bias=given["bias_input"])
    name = _project_name(given["prefix"] or files.network.stem)
    allowed = allowed_rules((*given["allow"], *(["D7"] if given["overlap_data"] else [])))
    options = cli_options.program_options(given, name)
    source = replace(
        read_source(files),
        input_path=cli_options.input_path(given),
    )
    source = apply_overrides(source, cli_options.overrides(given))
    compiled = compile_or_advise(source, options, chip, allowed)
    project = cli_options.project_options(given, _softmax_shift(compiled, given))
    of_flash = check_flash(compiled.program, project, chip, str(files.network))
    for warning in (*compiled.report.warnings, *of_flash, *_warnings(compiled, given)):
        click.echo(f"warning: {warning}", err=True)
    request = Request(
        folder=given["test_dir"] / name,
        check=given["check"],
        show=given["show"],
        as_json=given["as_json"],
        overwrite=given["overwrite"],
        is_verbose=given["verbose"],
    )
    _deliver(compiled, files, project, request, chip)


def _deliver(
    compiled: Compiled, files: Files, project: ProjectOptions, request: Request, chip: Chip
) -> None:
    """Print or write what was asked for."""
    if request.show is not None:
        click.echo(stage_text(request.show, compiled, chip), nl=False)
        return
    if not request.check:
        contents = project_files(compiled, files, project, chip)
        write_project(request.folder, contents, overwrite=request.overwrite)
    if request.as_json:
        click.echo(to_json(compiled.report), nl=False)
        return
    if request.is_verbose:
        click.echo(stage_text("graph", compiled, chip), nl=False)
    for line in summary_lines(compiled.report):
        click.echo(line)
    click.echo("OK: fits" if request.check else f"wrote {request.folder}")


def _softmax_shift(compiled: Compiled, given: Mapping[str, Any]) -> int | None:
    """Left shift that brings 32-bit values to Q17.14; bytes are taken as they are.

    Raises:
        UnsupportedError: the results are those of several layers, or not unloaded at all.
    """
    if not given["softmax"]:
        return None
    layers, last = compiled.graph.unloaded, compiled.graph.layers[-1]
    if layers != (last,):
        why = f"--softmax is for the last layer alone, {len(layers)} are unloaded"
        raise UnsupportedError(
            why, where=last.where, fix="mark no other layer `output: true`", rule="O4"
        )
    if given["no_unload"]:
        raise InputError(
            "--softmax needs cnn_unload()", where="--no-unload", fix="leave one of them out"
        )
    is_wide = last.output_width == 32 and last.kernel is not None
    return 8 - last.kernel.bits if is_wide and last.kernel is not None else 0


def _warnings(compiled: Compiled, given: Mapping[str, Any]) -> Iterator[str]:
    """What options of the command line do not do for this network."""
    last = compiled.graph.layers[-1]
    if given["softmax"] and last.output_width == 8:
        yield (
            f"{last.where}: --softmax of bytes is coarse: 1 more is twice as likely [O4] "
            "(set output_width: 32)"
        )
    if given["energy"] and given["timer"] is not None and not given["no_timer"]:
        yield "--timer is ignored with --energy [O5] (leave one of them out)"
    if given["mlator"] and not given["ignore_mlator_warning"]:
        yield from gather_warnings(unload_maps(compiled.placement.graph, MAX78000))


def _project_name(name: str) -> str:
    """A name for the folder, for make and for C comments."""
    if re.fullmatch(r"\w[\w.+-]*", name, re.ASCII) is None:
        fix = "give one of letters, digits, _ . + and -"
        raise InputError(f"{name!r} is no name for a project", where="--prefix", fix=fix)
    return name


def _chip(device: str) -> Chip:
    if device.lower() not in DEVICES:
        raise UnsupportedError(f"no device {device!r}", where="--device", fix="use MAX78000")
    return MAX78000


def main() -> None:
    """Run the command line."""
    run(synthesize)
