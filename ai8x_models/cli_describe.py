"""The verbs of `ai8x` that join the halves: describe a network to the compiler, export it as ONNX.

They parse, call the library and show its result, like those of `cli`, which mounts them.
"""

# ruff: noqa: PLC0415 - commands import what they need when they run, as in `cli`

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from max78000.errors import InputError

if TYPE_CHECKING:
    from ai8x_models.describe.subject import Subject

Shape = tuple[int, ...]
FILE = click.Path(path_type=Path)


def _shape(_context: click.Context, _option: click.Parameter, text: str | None) -> Shape | None:
    """3x64x64 or 6x128: channels, then rows and columns, or steps."""
    if text is None:
        return None
    parts = text.lower().split("x")
    if len(parts) not in (2, 3) or not all(part.isdecimal() and int(part) for part in parts):
        raise click.BadParameter(f"{text!r} is no shape; write 3x64x64 or 6x128")
    return tuple(map(int, parts))


_INPUT = click.option(
    "--input", "shape", metavar="CxHxW", callback=_shape, help="Shape of the model's input."
)
_OVERWRITE = click.option("--overwrite", is_flag=True, help="Replace what is there already.")
_MODEL = click.argument("word", metavar="MODEL")


def _examples(*lines: str) -> str:
    return "\n".join(["\b", "Examples:", *(f"  {line}" for line in lines)])


@click.command(
    epilog=_examples(
        "ai8x describe TinyStudentModel",
        "ai8x describe my/net.py:Net --input 3x64x64 --out networks/net.yaml",
        "ai8x describe net.onnx --calibration samples.npy --checkpoint-out net-q.pth.tar",
    )
)
@_MODEL
@_INPUT
@click.option("--out", type=FILE, help="File to write.  [default: standard output]")
@click.option("--calibration", type=FILE, help="Examples, an .npy array N x CxHxW.")
@click.option("--checkpoint-out", type=FILE, help="Integer checkpoint to write, from these.")
@_OVERWRITE
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def describe(
    *,
    word: str,
    shape: Shape | None,
    out: Path | None,
    calibration: Path | None,
    checkpoint_out: Path | None,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Write the network description of a model.

    MODEL is a name of `ai8x list`, FILE.py:CLASS (or a function that returns a model), or an ONNX
    file. What the accelerator cannot do is listed, all of it, with what to write instead.
    """
    from ai8x_models.describe.describe import describe as describe_model
    from ai8x_models.describe.output import refuse_existing, write_whole
    from ai8x_models.describe.subject import find_subject

    for path in (out, checkpoint_out):
        refuse_existing(path, overwrite)
    subject = find_subject(word, shape)
    description = describe_model(subject.model, subject.shape, subject.arch, subject.dataset)
    result = description.to_json() | _calibrated(subject, calibration, checkpoint_out)
    if out is not None:
        out.parent.mkdir(parents=True, exist_ok=True)
        write_whole(out, description.to_text().encode())
    if as_json:
        click.echo(json.dumps(result, indent=2))
    else:
        click.echo(f"{out}" if out else description.to_text(), nl=out is not None)


def _calibrated(subject: "Subject", examples: Path | None, target: Path | None) -> dict[str, Any]:
    """Write the integer checkpoint if one is asked for; what became of the network."""
    from ai8x_models.describe.calibrate import calibrate, read_examples, save_calibrated

    if examples is None and target is None:
        return {}
    if examples is None or target is None:
        raise click.UsageError("--calibration and --checkpoint-out go together")
    data = read_examples(examples, subject.shape)
    network, calibration = calibrate(subject.model, subject.shape, data)
    save_calibrated(target, network, subject.arch, calibration)
    for answer, quality in enumerate(calibration.qsnr_db):
        click.echo(f"{target}: answer {answer} has {quality:.1f} dB QSNR", err=True)
    return calibration.to_json()


@click.command(
    epilog=_examples(
        "ai8x export DigitNet --out digit_net.onnx",
        "ai8x export TinyStudentModel --checkpoint checkpoints/pose_tiny-q.pth.tar --out tiny.onnx",
    )
)
@_MODEL
@_INPUT
@click.option("--checkpoint", type=FILE, help="Weights, of any stage; for names of `ai8x list`.")
@click.option("--out", type=FILE, required=True, help="ONNX file to write.")
@_OVERWRITE
def export(
    word: str,
    shape: Shape | None,
    checkpoint: Path | None,
    out: Path,
    overwrite: bool,
) -> None:
    """Write a model as ONNX, for viewers and other tools.

    MODEL is as for `ai8x describe`. The file computes with the real numbers that the network has,
    with batch norm folded; data are not rounded in it.
    """
    from ai8x_models.describe.onnx_writer import export_model, save_onnx
    from ai8x_models.describe.output import refuse_existing
    from ai8x_models.describe.subject import find_subject
    from ai8x_models.registry import load_model

    refuse_existing(out, overwrite)
    subject = find_subject(word, shape)
    model = subject.model
    if checkpoint is not None:
        model = load_model(checkpoint)
        if type(model) is not type(subject.model):
            why = f"holds {type(model).__name__}, not {subject.arch}"
            raise InputError(why, str(checkpoint), f"ai8x export {type(model).__name__} ...")
    written = export_model(model, subject.shape, subject.arch)
    save_onnx(written, out)
    click.echo(f"{out}: {len(written.graph.node)} nodes")
