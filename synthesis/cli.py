"""`synthesize`: network description, integer checkpoint and sample in, a C project out.

The options are those of the vendor's generator, so that scripts written for it keep working.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click

from max78000.chip import MAX78000, Chip
from max78000.command import run
from max78000.errors import InputError, UnsupportedError
from synthesis.compile import Compiled, compile_network
from synthesis.emit.project import ProjectOptions
from synthesis.generate.program import Options
from synthesis.inputs import Files, find_files, read_source
from synthesis.manual import allowed_rules, explain
from synthesis.output import write_project
from synthesis.project import project_files
from synthesis.report import summary_lines, to_json
from synthesis.stages import STAGES, stage_text
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
# Options of the vendor's generator that change nothing here.
SILENT_FLAGS = (
    "no-version-check", "display-checkpoint", "new-kernel-loader", "embedded-code", "no-pipeline",
    "no-pll", "compact-data", "mexpress", "no-log", "no-progress", "log", "no-warn-zero",
    "ignore-energy-warning", "ignore-mlator-warning", "mlator",
)  # fmt: skip
SILENT_VALUES = ("version-check-interval", "yamllint", "board-name", "log-filename", "upstream")
# Those that would change what is computed or written, and that this compiler does not have.
REFUSED_FLAGS = (
    "fast-fifo", "fast-fifo-quad", "riscv", "riscv-debug", "energy", "zero-sram",
    "no-mexpress", "verify-kernels", "verify-writes", "deepsleep", "powerdown", "one-shot",
    "pipeline", "pll", "max-speed", "link-layer", "read-ahead", "calcx4",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Request:
    """What to do with the compiled network."""

    folder: Path
    check: bool
    show: str | None
    as_json: bool
    overwrite: bool
    is_verbose: bool


def _legacy_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Accept or refuse, by name, what else the vendor's generator knows."""
    for name in SILENT_FLAGS:
        command = click.option(f"--{name}", is_flag=True, hidden=True, expose_value=False)(command)
    for name in SILENT_VALUES:
        command = click.option(f"--{name}", hidden=True, expose_value=False)(command)
    for name in REFUSED_FLAGS:
        command = click.option(
            f"--{name}", is_flag=True, hidden=True, expose_value=False, callback=_refuse
        )(command)
    return command


def _refuse(_context: click.Context, option: click.Parameter, value: bool) -> None:
    if value:
        raise UnsupportedError(f"--{option.name} is not supported yet".replace("_", "-"))


@click.command(epilog=EXAMPLES, context_settings={"max_content_width": 100})
@click.argument("network", required=False, type=click.Path(path_type=Path))
@click.option("--config-file", type=click.Path(path_type=Path), help="Network description (YAML).")
@click.option(
    "--checkpoint-file",
    type=click.Path(path_type=Path),
    help="Quantized checkpoint.  [default: checkpoints/NETWORK-q.pth.tar]",
)
@click.option(
    "--sample-input",
    type=click.Path(path_type=Path),
    help="Sample for the known-answer test.  [default: networks/samples/NETWORK.npy]",
)
@click.option(
    "--weight-input", type=click.Path(path_type=Path), help="Weights of `arch: test` (.npy)."
)
@click.option("--bias-input", type=click.Path(path_type=Path), help="Biases of `arch: test`.")
@click.option(
    "--test-dir",
    type=click.Path(path_type=Path),
    default=Path("build"),
    show_default=True,
    help="Folder in which the project folder is made.",
)
@click.option("--prefix", help="Name of the project and its folder.  [default: NETWORK]")
@click.option("--device", default="MAX78000", show_default=True, help="Part to compile for.")
@click.option("--timer", type=click.IntRange(0, 3), help="Measure inference with this timer.")
@click.option("--fifo", is_flag=True, help="Load the picture through the FIFOs.")
@click.option("--softmax", is_flag=True, help="Add a soft-max of the 32-bit outputs.")
@click.option("--avg-pool-rounding", is_flag=True, help="Average pooling rounds.")
@click.option("--overlap-data", is_flag=True, help="Allow outputs to overwrite inputs (rule D7).")
@click.option("--allow", multiple=True, metavar="RULE", help="Turn a rule into a warning.")
@click.option("--no-kat", is_flag=True, help="Leave out the known-answer test.")
@click.option("--no-unload", is_flag=True, help="Leave out cnn_unload().")
@click.option(
    "--max-checklines",
    "--max-verify-length",
    type=click.IntRange(1),
    help="Compare only this many words, and one, of the known answer.",
)
@click.option("--overwrite", is_flag=True, help="Replace an existing project.")
@click.option("--check", is_flag=True, help="Check rules and budgets; write nothing.")
@click.option("--show", type=click.Choice(STAGES), help="Print a stage; write nothing.")
@click.option("--explain", metavar="RULE", help="Print a rule's manual entry.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
@click.option("-v", "--verbose", is_flag=True, help="Print the layer table.")
@click.version_option(VERSION)
@_legacy_options
def synthesize(**given: Any) -> None:
    """Compile NETWORK (a YAML description) for the MAX78000 and write a C project."""
    if given["explain"] is not None:
        click.echo(explain(given["explain"]))
        return
    chip = _chip(given["device"])
    files = find_files(
        given["config_file"] or given["network"], given["checkpoint_file"], given["sample_input"]
    )
    files = replace(files, weights=given["weight_input"], bias=given["bias_input"])
    name = _project_name(given["prefix"] or files.network.stem)
    allowed = allowed_rules((*given["allow"], *(["D7"] if given["overlap_data"] else [])))
    source = replace(read_source(files), uses_fifo=given["fifo"])
    options = Options(name, given["avg_pool_rounding"], given["max_checklines"])
    compiled = compile_network(source, options, chip, allowed)
    for warning in compiled.report.warnings:
        click.echo(f"warning: {warning}", err=True)
    request = Request(
        folder=given["test_dir"] / name,
        check=given["check"],
        show=given["show"],
        as_json=given["as_json"],
        overwrite=given["overwrite"],
        is_verbose=given["verbose"],
    )
    project = ProjectOptions(
        timer=given["timer"],
        has_kat=not given["no_kat"],
        has_unload=not given["no_unload"],
        softmax_shift=_softmax_shift(compiled) if given["softmax"] else None,
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


def _softmax_shift(compiled: Compiled) -> int:
    """Left shift that brings the last layer's 32-bit values to Q17.14."""
    last = compiled.graph.layers[-1]
    if last.output_width != 32 or last.kernel is None:
        raise UnsupportedError(
            "--softmax needs 32-bit outputs", last.where, "set output_width: 32", "O4"
        )
    return 8 - last.kernel.bits


def _project_name(name: str) -> str:
    """A name for the folder, for make and for C comments."""
    if re.fullmatch(r"\w[\w.+-]*", name, re.ASCII) is None:
        fix = "give one of letters, digits, _ . + and -"
        raise InputError(f"{name!r} is no name for a project", "--prefix", fix)
    return name


def _chip(device: str) -> Chip:
    if device.lower() not in DEVICES:
        raise UnsupportedError(f"no device {device!r}", "--device", "use MAX78000")
    return MAX78000


def main() -> None:
    """Run the command line."""
    run(synthesize)
