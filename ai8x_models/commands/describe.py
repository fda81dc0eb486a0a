"""The verbs of `ai8x` that join the halves: describe a network to the compiler, export it as ONNX.

They parse, call the library and show its result, like those of `cli`, which mounts them.
"""

# ruff: noqa: PLC0415 - commands import what they need when they run, as in `cli`

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

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
_CHECKPOINT = click.option("--checkpoint", type=FILE, help="Weights to take, of any stage.")


def _examples(*lines: str) -> str:
    return "\n".join(["\b", "Examples:", *(f"  {line}" for line in lines)])


@click.command(
    epilog=_examples(
        "ai8x describe TinyStudentModel",
        "ai8x describe my/net.py:Net --input 3x64x64 --out networks/net.yaml",
        "ai8x describe net.onnx --calibration samples.npy --checkpoint-out net-q.pth.tar",
        "",
        "Before training, does it fit?",
        "ai8x describe DigitNet --out d.yaml --checkpoint-out d-q.pth.tar --sample-out d.npy",
        "synthesize d.yaml --checkpoint-file d-q.pth.tar --sample-input d.npy --check",
    )
)
@_MODEL
@_INPUT
@click.option("--out", type=FILE, help="File to write.  [default: standard output]")
@_CHECKPOINT
@click.option("--calibration", type=FILE, help="Examples to scale for, an .npy array N x CxHxW.")
@click.option("--checkpoint-out", type=FILE, help="Integer checkpoint to write.")
@click.option("--sample-out", type=FILE, help="Sample to write: noise of the device's input shape.")
@_OVERWRITE
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def describe(
    *,
    word: str,
    shape: Shape | None,
    out: Path | None,
    checkpoint: Path | None,
    calibration: Path | None,
    checkpoint_out: Path | None,
    sample_out: Path | None,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Write the network description of a model.

    MODEL is a name of `ai8x list`, FILE.py:CLASS (or a function that returns a model), or an ONNX
    file. What the accelerator cannot do is listed, all of it, with what to write instead; rules in
    [brackets] are explained by `synthesize --explain RULE`.

    Weights are those of MODEL, or of --checkpoint; --checkpoint-out has them as integers. Untrained
    ones will do to ask the compiler if the network fits.
    """
    from ai8x_models.describe.convert import network_of
    from ai8x_models.describe.describe import describe_network
    from ai8x_models.describe.integers import integer_state, save_integers, save_noise
    from ai8x_models.describe.output import refuse_existing, write_whole

    if calibration is not None and checkpoint_out is None:
        raise click.UsageError("--calibration is for --checkpoint-out")
    targets = [path for path in (out, checkpoint_out, sample_out) if path is not None]
    for path in targets:
        refuse_existing(path, overwrite)
    subject = _subject(word, shape, checkpoint)
    network = network_of(subject.model, subject.shape)
    description = describe_network(network, subject.model, subject.arch, subject.dataset)
    result = description.to_json()
    for path in targets:
        path.parent.mkdir(parents=True, exist_ok=True)
    if checkpoint_out is not None and calibration is not None:
        result |= _calibrated(subject, calibration, checkpoint_out)
    elif checkpoint_out is not None:
        state = integer_state(network, subject.model, subject.policy)
        save_integers(checkpoint_out, subject.arch, state)
    if sample_out is not None:
        save_noise(sample_out, description.device_shape)
    if out is not None:
        write_whole(out, description.to_text().encode())
    if out and checkpoint_out and sample_out:
        fifo = " --fifo" if any(layer.is_streaming for layer in description.layers) else ""
        files = f"{out} --checkpoint-file {checkpoint_out} --sample-input {sample_out}"
        click.echo(f"does it fit? synthesize {files}{fifo} --check", err=True)
    if as_json:
        click.echo(json.dumps(result, indent=2))
    else:
        click.echo(f"{out}" if out else description.to_text(), nl=out is not None)


def _subject(word: str, shape: Shape | None, checkpoint: Path | None) -> "Subject":
    from ai8x_models.describe.subject import find_subject, with_weights

    subject = find_subject(word, shape)
    return subject if checkpoint is None else with_weights(subject, checkpoint)


def _calibrated(subject: "Subject", examples: Path, target: Path) -> dict[str, Any]:
    """Write the integer checkpoint; what became of the network."""
    from ai8x_models.describe.calibrate import calibrate, read_examples, save_calibrated

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
@_CHECKPOINT
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

    refuse_existing(out, overwrite)
    subject = _subject(word, shape, checkpoint)
    written = export_model(subject.model, subject.shape, subject.arch)
    save_onnx(written, out)
    click.echo(f"{out}: {len(written.graph.node)} nodes")
