"""What `MODEL` means on the command line: a name of ours, a class in a Python file, an ONNX file.

A Python file that is named is executed, like any program its user runs.
"""

from collections import defaultdict
from collections.abc import Set as AbstractSet
from copy import deepcopy
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import nn

from ai8x_models.checkpoint import State, load_checkpoint
from ai8x_models.describe.onnx_reader import read_onnx_model
from ai8x_models.describe.reference import (
    EXAMPLE,
    bare_name,
    check_word,
    is_onnx,
    split_reference,
)
from ai8x_models.describe.user_file import Needed, call_in_file
from ai8x_models.layers.policy import QatPolicy
from ai8x_models.layers.qat import QatModule, set_mode
from ai8x_models.zoo.registry import EIGHT_BITS, Shape, find_model
from max78000.errors import InputError

_SEED = 0  # of weights that nobody has trained: one command writes one network
NEEDED = Needed(
    "class or function",
    EXAMPLE,
    "name a function that needs no arguments and returns the model",
)


@dataclass(frozen=True, slots=True)
class Subject:
    """A model to describe.

    Args:
        model: untrained, or with the weights of its file.
        shape: of its input.
        arch: name for its checkpoints and its description.
        dataset: what it is for.
        policy: weight widths that it was made for.
    """

    model: nn.Module
    shape: Shape
    arch: str
    dataset: str
    policy: QatPolicy = EIGHT_BITS


def find_subject(word: str, shape: Shape | None = None, checkpoint: Path | None = None) -> Subject:
    """Find a model, with the weights of a checkpoint if one is given, else always the same.

    Args:
        word: name in the registry, `path/file.py:Name`, or `path/file.onnx`.
        shape: of the input; left out, the one that the model is known to have.
        checkpoint: weights to take, in the mode in which they were stored.

    Raises:
        InputError: no such model or file, one that fails, an input of unknown shape, or a
            checkpoint of another network.
        ProblemList: operators of an ONNX file that cannot be read.
    """
    with torch.random.fork_rng([]):
        torch.manual_seed(_SEED)
        subject = _named(word, shape)
    return subject if checkpoint is None else _with_weights(subject, checkpoint)


def _named(word: str, shape: Shape | None) -> Subject:
    check_word(word)
    if is_onnx(word):
        model = read_onnx_model(Path(word))
        return Subject(model, _known(shape or model.shape, word), model.arch, model.arch.lower())
    reference = split_reference(word)
    if reference is not None:
        path, name = reference
        arch = bare_name(name)
        return Subject(_built(path, name), _known(shape, word), arch, arch.lower())
    info = find_model(word)
    shape = shape or info.input_shape
    return Subject(info.build(), shape, info.name, info.dataset, info.policy)


def _with_weights(subject: Subject, path: Path) -> Subject:
    """The model with the weights of a checkpoint, in the mode in which they were stored."""
    checkpoint = load_checkpoint(path)
    model = deepcopy(subject.model)
    try:
        model.load_state_dict(_named_as_in(model, checkpoint.state_dict))
    except RuntimeError as error:
        holds = f"holds {checkpoint.arch or 'a network without name'}"
        why = f"{holds}, not {subject.arch}: {str(error).splitlines()[-1].strip()}"
        raise InputError(why, where=str(path), fix="give a checkpoint of this model") from error
    modes = {layer.mode for layer in model.modules() if isinstance(layer, QatModule)}
    if len(modes) == 1:
        set_mode(model, *modes)  # also of layers that no checkpoint mentions
    return replace(subject, model=model)


def _named_as_in(model: nn.Module, state: State) -> State:
    """Tensors under the model's names: `load_checkpoint` calls some operators `op`, as ours are."""
    names = model.state_dict().keys()
    found = _without_holder(state, names)
    for name in names - found.keys():
        *path, _operator, parameter = ("", *name.rsplit(".", 2))
        as_ours = ".".join((*path[1:], "op", parameter))
        if as_ours in found and as_ours not in names:
            found[name] = found.pop(as_ours)
    return found


def _without_holder(state: State, names: AbstractSet[str]) -> State:
    """Names without that of an object which held the whole model while it was trained.

    What else that object held, as a loss with weights or a score that counts, is left out.
    """
    if state.keys() & names:
        return dict(state)
    held: dict[str, State] = defaultdict(dict)
    for name, tensor in state.items():
        holder, _, bare = name.partition(".")
        held[holder][bare] = tensor
    own = {name.partition(".")[0] for name in names}
    found = [part for holder, part in held.items() if holder not in own and part.keys() & names]
    return found[0] if len(found) == 1 else dict(state)


def _known(shape: Shape | None, word: str) -> Shape:
    if shape is None:
        raise InputError(
            "the shape of its input is not known", where=word, fix="give --input 3x64x64"
        )
    return shape


def _built(path: Path, name: str) -> nn.Module:
    """Call a class or function of a Python file."""
    model = call_in_file(path, name, NEEDED)
    if not isinstance(model, nn.Module):
        why = f"{bare_name(name)}() gives a {type(model).__name__}, not a torch.nn.Module"
        raise InputError(
            why, where=str(path), fix="name a class of a model, or a function that returns one"
        )
    return model
