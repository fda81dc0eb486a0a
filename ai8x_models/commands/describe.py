"""`ai8x describe`: a model in PyTorch or ONNX as the compiler reads it."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ai8x_models.commands.options import CHECKPOINT, INPUT, MODEL, model_file
from ai8x_models.training.first_look import look_at
from ai8x_models.zoo.registry import Shape
from max78000.command import FILE, JSON, OVERWRITE, examples
from max78000.files import make_folder, npy_bytes, refuse_existing, refuse_inputs, write_all

if TYPE_CHECKING:
    from ai8x_models.describe.calibrate import Calibrated
    from ai8x_models.describe.convert import Network
    from ai8x_models.describe.description import NetworkDescription
    from ai8x_models.describe.subject import Subject


@click.command(
    epilog=examples(
        "ai8x describe TinyStudentModel",
        "ai8x describe my/net.py:Net --input 3x64x64 --out networks/net.yaml",
        "ai8x describe net.onnx --calibration samples.npy --checkpoint-out net-q.pth.tar",
        "",
        "Before training, does it fit?",
        "ai8x describe DigitNet --out d.yaml --checkpoint-out d-q.pth.tar --sample-out d.npy",
        "synthesize d.yaml --checkpoint-file d-q.pth.tar --sample-input d.npy --check",
    )
)
@MODEL
@INPUT
@click.option("--out", type=FILE, help="File to write.  [default: standard output]")
@CHECKPOINT
@click.option("--calibration", type=FILE, help="Examples to scale for, an .npy array N x CxHxW.")
@click.option("--checkpoint-out", type=FILE, help="Integer checkpoint to write.")
@click.option("--sample-out", type=FILE, help="Sample to write: noise of the device's input shape.")
@click.option("--no-rewrite", is_flag=True, help="Refuse what would be said in other words.")
@OVERWRITE
@JSON
def describe(
    *,
    word: str,
    shape: Shape | None,
    out: Path | None,
    checkpoint: Path | None,
    calibration: Path | None,
    checkpoint_out: Path | None,
    sample_out: Path | None,
    no_rewrite: bool,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Write the network description of a model.

    MODEL is a name of `ai8x list`, FILE.py:CLASS (or a function that returns a model), or an ONNX
    file. What the accelerator cannot do is listed, all of it, with what to write instead; rules in
    [brackets] are explained by `synthesize --explain RULE`. What other layers compute exactly
    (strides, groups, upsampling, ...) is said by these, and each such rewrite is named with its
    cost; --no-rewrite refuses it.

    Weights are those of MODEL, or of --checkpoint; --checkpoint-out has them as integers. Untrained
    ones will do to ask the compiler if the network fits.
    """
    if calibration is not None and checkpoint_out is None:
        raise click.UsageError("--calibration is for --checkpoint-out")
    inputs = (model_file(word), checkpoint, calibration)
    _check_targets((out, checkpoint_out, sample_out), inputs, overwrite)
    look_at(calibration, checkpoints=[checkpoint], model=word)
    from ai8x_models.checkpoint import checkpoint_bytes
    from ai8x_models.describe.convert import network_of
    from ai8x_models.describe.describe import describe_network
    from ai8x_models.describe.integers import noise
    from ai8x_models.describe.subject import find_subject

    subject = find_subject(word, shape, checkpoint)
    network = network_of(subject.model, subject.shape, rewrites=not no_rewrite)
    figures: dict[str, Any] = {}
    files: dict[Path, bytes] = {}
    if checkpoint_out is not None and calibration is not None:
        found = _calibrated(subject, (checkpoint, calibration), not no_rewrite)
        network, figures = found.network, found.to_json()
        files[checkpoint_out] = checkpoint_bytes(found.checkpoint(subject.arch))
        click.echo("".join(f"note: {note}\n" for note in found.notes), err=True, nl=False)
    elif checkpoint_out is not None:
        files[checkpoint_out] = _integers(subject, network)
    description = describe_network(network, subject.model, subject.arch, subject.dataset)
    if sample_out is not None:
        files[sample_out] = npy_bytes(noise(description.device_shape))
    if out is not None:
        files[out] = description.to_text().encode()
    _write(files)
    if out is not None:
        click.echo("".join(f"rewritten: {one}\n" for one in network.rewrites), err=True, nl=False)
    if out and checkpoint_out and sample_out:
        _ask_further((out, checkpoint_out, sample_out), description)
    if as_json:
        click.echo(json.dumps(description.to_json() | figures, indent=2))
    else:
        click.echo(f"{out}" if out else description.to_text(), nl=out is not None)


def _check_targets(
    named: Sequence[Path | None], inputs: Sequence[Path | None], overwrite: bool
) -> None:
    """Refuse to write what is read, what is there already, and two things to one file."""
    targets = [path for path in named if path is not None]
    for path in targets:
        refuse_inputs(path, inputs)
        refuse_existing(path, overwrite)
    if len({path.resolve() for path in targets}) < len(targets):
        raise click.UsageError("two of --out, --checkpoint-out and --sample-out name one file")


def _ask_further(written: tuple[Path, Path, Path], description: "NetworkDescription") -> None:
    out, checkpoint, sample = written
    names = f"{out} --checkpoint-file {checkpoint} --sample-input {sample}"
    fifo = " --fifo" if any(layer.is_streaming for layer in description.layers) else ""
    click.echo(f"does it fit? synthesize {names}{fifo} --check", err=True)


def _write(files: Mapping[Path, bytes]) -> None:
    for path in files:
        make_folder(path.parent)
    write_all(files)


def _integers(subject: "Subject", network: "Network") -> bytes:
    """The integer checkpoint of a network as it stands."""
    from ai8x_models.checkpoint import checkpoint_bytes
    from ai8x_models.describe.integers import integer_checkpoint, integer_state

    state = integer_state(network, subject.model, subject.policy)
    return checkpoint_bytes(integer_checkpoint(subject.arch, state))


def _calibrated(
    subject: "Subject", given: tuple[Path | None, Path], rewrites: bool
) -> "Calibrated":
    """Integers by samples; `given` are the files of weights and of samples."""
    from ai8x_models.describe.calibrate import calibrate, read_examples, refuse_trained
    from ai8x_models.quantize.options import QuantizeOptions

    checkpoint, examples = given
    refuse_trained(subject.model, str(checkpoint or subject.arch), "--calibration")
    policy = subject.policy
    options = QuantizeOptions(policy.overrides, policy.weight_bits)
    data = read_examples(examples, subject.shape)
    return calibrate(subject.model, subject.shape, data, options, rewrites)
