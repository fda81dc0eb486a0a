"""`ai8x quantize`: a training checkpoint in, an integer checkpoint out."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ai8x_models.commands.options import CHIP, INPUT
from ai8x_models.training.first_look import look_at
from ai8x_models.zoo.registry import Shape
from max78000.command import FILE, INPUT_FILE, JSON, OVERWRITE, examples
from max78000.errors import InputError
from max78000.files import refuse_existing, refuse_inputs

if TYPE_CHECKING:
    from ai8x_models.quantize.options import QuantizeOptions
    from ai8x_models.quantize.report import QuantizeReport

_METHODS = ("MAX", "AVGMAX", "STDDEV", "SCALE")


def _widths(
    _context: click.Context, _option: click.Parameter, words: tuple[str, ...]
) -> dict[str, int]:
    widths = {}
    for word in words:
        name, _, bits = word.rpartition("=")
        if not name or not bits.isdecimal():
            raise click.BadParameter(f"{word!r} is no layer and width; write conv1=4")
        widths[name] = int(bits)
    return widths


def _names(_context: click.Context, _option: click.Parameter, text: str | None) -> frozenset[str]:
    return frozenset(text.split(",") if text else ())


@click.command(
    epilog=examples(
        "ai8x quantize runs/tiny_qat/tiny_qat.pth.tar checkpoints/pose_tiny-q.pth.tar",
        "ai8x quantize qat.pth.tar q.pth.tar --device MAX78000 -v -c networks/net.yaml",
        "ai8x quantize float.pth q.pth.tar --calibrate samples.npy --model net.py:Net "
        "--input 3x32x32",
    )
)
@click.argument("source", metavar="IN", type=INPUT_FILE)
@click.argument("target", metavar="OUT", type=FILE)
@click.option("--calibrate", "samples", type=FILE, help="Samples, .npy or .npz: no QAT is needed.")
@click.option("--model", "word", help="For --calibrate: name, or FILE.py:CLASS.  [default: arch]")
@INPUT
@CHIP
@click.option("-v", "--verbose", is_flag=True, help="Show factors and shifts on standard error.")
@click.option(
    "-c", "--config-file", type=INPUT_FILE, help="Description whose `quantization` counts."
)
@click.option(
    "--weight-bits", metavar="LAYER=N", multiple=True, callback=_widths, help="Width of a layer."
)
@click.option(
    "--qat-weight-bits", type=int, help="Width of layers that have none yet.  [default: 8]"
)
@click.option(
    "--clip-method",
    type=click.Choice(_METHODS, case_sensitive=False),
    help="Scale weights without QAT as the vendor's tool does.",
)
@click.option("--scale", type=float, help="Factor of SCALE.  [default: 0.85]")
@click.option("--stddev", type=float, help="Deviations of STDDEV.  [default: 2.0]")
@click.option("--no-bias", metavar="LAYERS", callback=_names, help="Drop biases: conv1,conv2.")
@click.option("--bn-eps", type=float, help="Of batch norms still there.  [default: 1e-05]")
@click.option(
    "--transposed",
    metavar="LAYERS",
    callback=_names,
    help="Square transposed ones with batch norm.",
)
@click.option(
    "--chip-limits", is_flag=True, help="QATv2 below 8 bits: shifts as the chip has them."
)
@OVERWRITE
@JSON
def quantize(
    *,
    source: Path,
    target: Path,
    samples: Path | None,
    word: str | None,
    shape: Shape | None,
    overwrite: bool,
    as_json: bool,
    verbose: bool,
    **given: Any,
) -> None:
    """Turn a training checkpoint into integers.

    Reads IN, writes OUT, shows what was done to each layer. All options of the vendor's quantizer
    are taken.
    """
    refuse_inputs(target, (source, samples, given["config_file"]))
    refuse_existing(target, overwrite)
    if samples is None and (word or shape):
        raise click.UsageError("--model and --input are for --calibrate")
    look_at(samples, checkpoints=[source])
    from ai8x_models.quantize.quantize import quantize_checkpoint

    options = _options(source, given)
    if samples is None:
        report = quantize_checkpoint(source, target, options)
    else:
        report = _calibrated(source, target, (samples, word, shape), options)
    for note in report.all_notes:
        click.echo(f"note: {note}", err=True)
    if verbose:
        _show_factors(report)
    click.echo(json.dumps(report.to_json(), indent=2) if as_json else report.to_text())


def _options(source: Path, given: dict[str, Any]) -> "QuantizeOptions":
    """Options of the quantizer from those of the command line."""
    from ai8x_models.quantize.options import ClipMethod, QuantizeOptions

    method = ClipMethod(given["clip_method"].upper()) if given["clip_method"] else None
    for option, belongs_to in (("scale", ClipMethod.SCALE), ("stddev", ClipMethod.STDDEV)):
        if given[option] is not None and method is not belongs_to:
            raise click.UsageError(f"--{option} is for --clip-method {belongs_to.value}")
    values = {
        "default_weight_bits": given["qat_weight_bits"],
        "scale": given["scale"],
        "n_deviations": given["stddev"],
        "bn_eps": given["bn_eps"],
    }
    return QuantizeOptions(
        weight_bits=_described_widths(source, given["config_file"]) | given["weight_bits"],
        clip_method=method,
        transposed=given["transposed"],
        no_bias=given["no_bias"],
        has_chip_limits=given["chip_limits"],
        **{name: value for name, value in values.items() if value is not None},
    )


def _described_widths(source: Path, description: Path | None) -> dict[str, int]:
    if description is None:
        return {}
    from ai8x_models.checkpoint import load_checkpoint
    from ai8x_models.quantize.description_widths import read_widths, widths_by_name
    from ai8x_models.quantize.preparation import layer_names

    names = layer_names(load_checkpoint(source).state_dict)
    return widths_by_name(read_widths(description), names, str(description))


def _calibrated(
    source: Path,
    target: Path,
    given: tuple[Path, str | None, Shape | None],
    options: "QuantizeOptions",
) -> "QuantizeReport":
    from ai8x_models.checkpoint import load_checkpoint
    from ai8x_models.describe.calibrate import calibrate_checkpoint

    samples, word, shape = given
    if options.clip_method is not None:
        raise click.UsageError("--calibrate chooses scales itself: leave --clip-method out")
    word = word or load_checkpoint(source).arch
    if not word:
        why = "names no network, and samples have to go through one"
        fix = "add --model FILE.py:CLASS --input CxHxW, or a name of `ai8x list`"
        raise InputError(why, where=str(source), fix=fix)
    return calibrate_checkpoint(source, target, samples, word, shape, options)


def _show_factors(report: "QuantizeReport") -> None:
    for layer in report.layers:
        click.echo(
            f"{layer.name}: {layer.n_parameters} parameters * {layer.factor:g} to"
            f" {layer.weight_bits} bits, output shift {layer.output_shift}",
            err=True,
        )
