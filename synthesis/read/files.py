"""Finds and reads the three files a network is compiled from, with the defaults of the command
line.
"""

import hashlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from max78000.errors import InputError, ToolError, raise_all
from max78000.facts.shipped import (
    CHECKPOINTS,
    NETWORKS,
    SAMPLES,
    find_input,
    is_shipped,
    or_shipped,
)
from synthesis.read.checkpoint import Checkpoint, read_checkpoint
from synthesis.read.description import NetworkSpec, Operator
from synthesis.read.npy_weights import TEST_ARCH, read_test_weights
from synthesis.read.onnx_file import read_onnx
from synthesis.read.sample import RULE, PictureForm, read_sample_or_picture
from synthesis.read.source import InputPath, Source, Tensor
from synthesis.read.yaml_reader import read_network

Read = TypeVar("Read")
LOOKED_FOR = "looked for, as none was named"
_OF_MODELS = (".py", ".onnx", ".pth", ".pt", ".tar", ".safetensors")


@dataclass(frozen=True, slots=True)
class Files:
    """Paths, as given or found."""

    network: Path
    checkpoint: Path
    sample: Path | None  # None: the vendor's place, which depends on the description
    weights: Path | None = None  # test weights and biases, for `arch: test`
    bias: Path | None = None
    evaluation: Path | None = None  # scores to show beside what the network takes


def find_files(network: Path | None, checkpoint: Path | None, sample: Path | None) -> Files:
    """Apply the defaults: files named like the description, in `checkpoints` and
    `networks/samples`.

    What the current folder does not have is looked for among what is shipped; weights and samples
    that nobody named only for descriptions from there, so that nobody's own gets those of another.
    """
    if network is None:
        raise InputError(
            "no network given", where="", fix="synthesize networks/NAME.yaml, or --config-file"
        )
    network = find_input(network)
    return Files(
        network,
        find_input(checkpoint) if checkpoint else default_checkpoint(network),
        find_input(sample) if sample else _existing(default_sample(network)),
    )


def default_checkpoint(network: Path) -> Path:
    """Where the weights of a description are looked for."""
    return _beside(network, Path(CHECKPOINTS) / f"{network.stem}-q.pth.tar")


def default_sample(network: Path) -> Path:
    """Where the sample of a description is looked for."""
    return _beside(network, Path(SAMPLES) / f"{network.stem}.npy")


def _beside(network: Path, name: Path) -> Path:
    found = find_input(name)
    return found if found == name or is_shipped(network) else name


def sample_path(network: NetworkSpec | None, files: Files) -> Path:
    """The sample: as given or found, else in the vendor's place if it is there."""
    vendors = _vendors_sample(network, files)
    return files.sample or _existing(vendors) or default_sample(files.network)


def _vendors_sample(network: NetworkSpec | None, files: Files) -> Path:
    name = network.dataset.lower() if network is not None else files.network.stem
    return Path("tests") / f"sample_{name}.npy"


@dataclass(frozen=True, slots=True)
class Ready:
    """What need not be read: values that take the place of their files."""

    network: NetworkSpec | None = None
    checkpoint: Checkpoint | None = None
    image: Tensor | None = None


def read_source(
    files: Files, input_path: InputPath = InputPath.MEMORY, ready: Ready | None = None
) -> Source:
    """Read all three, and report what is wrong with all of them.

    Args:
        files: where they are.
        input_path: how the input will reach the accelerator.
        ready: what there is already.
    Raises:
        ToolError: unreadable or ill-formed files.
    """
    ready = ready or Ready()
    problems: list[ToolError] = []
    network = ready.network or _try(lambda: read_description(files.network), problems)
    problems += _unread_arrays(network, files)
    checkpoint, image = ready.checkpoint, ready.image
    # Without a description only files that were named are looked for: the others follow its name.
    if checkpoint is None and (network or files.checkpoint != default_checkpoint(files.network)):
        checkpoint = _try(lambda: _read_weights(network, files), problems)
    if image is None and (network or files.sample):
        form = picture_form(network, checkpoint)
        image = _try(lambda: _read_sample(network, files, form), problems)
    raise_all(problems)
    assert network is not None
    assert checkpoint is not None
    assert image is not None
    return Source(network, checkpoint, image, input_path)


def _read_sample(network: NetworkSpec | None, files: Files, form: PictureForm) -> Tensor:
    """The sample; if nobody named one and there is none, the refusal lists where it could be."""
    path = sample_path(network, files)
    if files.sample is None and not path.exists():
        why = f"no such file, nor {_vendors_sample(network, files)}: {LOOKED_FOR}"
        raise InputError(why, where=str(path), fix="give --sample-input", rule=RULE)
    return read_sample_or_picture(path, form)


def picture_form(network: NetworkSpec | None, checkpoint: Checkpoint | None) -> PictureForm:
    """What description and weights say of the input, for samples that are pictures."""
    stored = checkpoint.trained.get("input") if checkpoint is not None else None
    trained = stored if isinstance(stored, dict) else {}
    if network is None:
        return PictureForm(None, trained)
    first = network.layers[0]
    channels = network.input_shape[0] if network.input_shape else None
    if channels is None and first.in_channels is not None and not first.flatten:
        channels = first.in_channels * (first.operands or 1)
    has_own = first.op in (Operator.CONV2D, None) and not first.flatten
    if channels is None and has_own and checkpoint is not None and checkpoint.layers:
        channels = checkpoint.layers[0].weight.shape[1] * (first.operands or 1)
    return PictureForm(channels, trained)


def read_description(path: Path) -> NetworkSpec:
    """The description in a file.

    Raises:
        ToolError: it cannot be read, or everything that is wrong with it.
    """
    if path.suffix.lower() in _OF_MODELS and path.is_file():
        why = "is a model or its weights, no description"
        fix = "`ai8x describe MODEL --out NETWORK.yaml` writes one"
        raise InputError(why, where=str(path), fix=fix, rule="G1")
    return read_network(read_text(path), str(path))


def _read_weights(network: NetworkSpec | None, files: Files) -> Checkpoint:
    """A checkpoint; for `arch: test` without one, arrays in the vendor's places."""
    if network is not None and network.arch == TEST_ARCH and not files.checkpoint.exists():
        folder = Path("tests")
        name = network.weights or f"weights_{network.dataset.lower()}"
        bias = folder / f"bias_{network.bias}.npy" if network.bias else None
        return read_test_weights(files.weights or folder / f"{name}.npy", files.bias or bias)
    if files.checkpoint.suffix.lower() == ".onnx":
        return read_onnx(files.checkpoint)
    if files.checkpoint == default_checkpoint(files.network) and not files.checkpoint.exists():
        why, fix = f"no such file: {LOOKED_FOR}", "give --checkpoint-file"
        raise InputError(why, where=str(files.checkpoint), fix=fix)
    return read_checkpoint(files.checkpoint)


def _unread_arrays(network: NetworkSpec | None, files: Files) -> Iterator[InputError]:
    """Refuse test weights that were named and would not be read."""
    if network is None or (network.arch == TEST_ARCH and not files.checkpoint.exists()):
        return
    why = f"is for `arch: {TEST_ARCH}`, and {network.source} says `arch: {network.arch}`"
    if network.arch == TEST_ARCH:
        why = f"is not read, as the weights of {files.checkpoint} are"
    for option, path in (("--weight-input", files.weights), ("--bias-input", files.bias)):
        if path is not None:
            yield InputError(why, where=f"{option} {path}", fix="leave it out")


def read_text(path: Path) -> str:
    """A UTF-8 file.

    Raises:
        InputError: it is missing, a folder, or not text.
    """
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        fix = or_shipped("check the path", path, NETWORKS)
        raise InputError("no such file", where=str(path), fix=fix, rule="G1") from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"cannot be read: {error}", where=str(path), fix="give a description in YAML", rule="G1"
        ) from None


def digest(path: Path) -> str:
    """First 16 hexadecimal digits of a file's SHA-256."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]


def _existing(path: Path) -> Path | None:
    return path if os.path.exists(path) else None  # noqa: PTH110 - of Path it may raise


def _try(read: Callable[[], Read], problems: list[ToolError]) -> Read | None:
    try:
        return read()
    except ToolError as error:
        problems.append(error)
        return None
